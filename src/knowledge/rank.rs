//! How well passages and their sentences answer a question, by words alone. Pure: no database, no index, no clock.
//!
//! The index ranks by BM25; here its first candidates are read once more for what BM25 cannot see: whether one
//! sentence holds most of the question, whether words that stand together in the question stand together in the text,
//! whether the title speaks of the same thing, and whether something of the kind that is asked for is there at all.

use std::ops::Range;

use crate::platform::{
    language::is_han,
    lexical::{self, Kind, Token},
    sentences::{self, Shape},
};

use super::wants::{self, Wants};

/// The most terms of a question that are looked at sentence by sentence; the rarest are kept.
const MOST_TERMS: usize = 64;

/// One distinct token of the question.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    pub id: u32,
    pub kind: Kind,
    /// As written, folded.
    pub text: String,
    /// How rare it is among the passages.
    pub idf: f32,
    /// How many passages hold it.
    pub document_frequency: u64,
    /// What its match is worth: its rarity, less for words that only ask.
    pub weight: f32,
    /// Written like a name: a capital inside an English sentence.
    pub is_name: bool,
    /// Its place among the tokens of the question.
    position: usize,
}

/// A question, read for searching.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    pub terms: Vec<Term>,
    pub wants: Wants,
    /// Whether it says "not".
    pub is_negated: bool,
    /// The score that a passage with every term would come near to.
    pub best_weight: f32,
}

impl Asked {
    /// Reads a question; every term counts the same until [`Asked::weigh`] is called.
    pub fn read(text: &str) -> Self {
        let asking = wants::asking_words(text);
        let mut terms: Vec<Term> = Vec::new();
        for (position, token) in lexical::tokens(text).into_iter().enumerate() {
            if token.kind == Kind::Stop || terms.iter().any(|t| t.id == token.id) {
                continue;
            }
            let written = text.get(token.start..token.end).unwrap_or_default();
            let only_asks = asking.iter().any(|r| overlaps(r, &token));
            terms.push(Term {
                id: token.id,
                kind: token.kind,
                text: lexical::fold_text(written),
                idf: 1.0,
                document_frequency: 1,
                weight: if only_asks { ASKING } else { 1.0 },
                is_name: is_name(text, &token),
                position,
            });
        }
        let mut asked = Self { terms, wants: Wants::read(text), is_negated: is_negated(text), best_weight: 0.0 };
        asked.sum();
        asked
    }

    /// Gives every term its rarity: how many of `entries` passages hold it.
    pub fn weigh(&mut self, entries: u64, mut document_frequency: impl FnMut(u32) -> u64) {
        for term in &mut self.terms {
            term.document_frequency = document_frequency(term.id);
            term.idf = lexical::idf(term.document_frequency, entries);
            term.weight *= term.idf;
        }
        self.sum();
    }

    fn sum(&mut self) {
        self.best_weight = self.terms.iter().map(|t| t.weight).sum();
    }

    /// The rarity of the term in the middle: what an unknown one is taken for.
    pub fn typical_idf(&self) -> f32 {
        let mut idfs: Vec<f32> = self.terms.iter().map(|t| t.idf).collect();
        idfs.sort_by(f32::total_cmp);
        idfs.get(idfs.len() / 2).copied().unwrap_or(1.0)
    }

    /// The terms and weights to search with.
    pub fn query(&self) -> lexical::SparseVector {
        lexical::query_vector(&self.terms.iter().map(|t| (t.id, t.weight)).collect::<Vec<_>>())
    }
}

/// What a word that only asks ("多少", "怎么") counts for beside the others.
const ASKING: f32 = 0.15;

fn overlaps(range: &Range<usize>, token: &Token) -> bool {
    token.start < range.end && range.start < token.end
}

fn is_name(text: &str, token: &Token) -> bool {
    let written = text.get(token.start..token.end).unwrap_or_default();
    let before = text.get(..token.start).unwrap_or_default().trim_end();
    matches!(token.kind, Kind::Word | Kind::Whole)
        && written.starts_with(char::is_uppercase)
        && !before.is_empty()
        && !before.ends_with(['.', '?', '!', ':', '。', '？', '！'])
}

/// What stands above a passage: its document's title and the headings it is under, each once.
pub fn headline(title: &str, headings: &[String]) -> String {
    let mut line = title.trim().to_owned();
    for heading in headings.iter().map(|h| h.trim()).filter(|h| !h.is_empty()) {
        if !line.contains(heading) {
            line.push_str(if line.is_empty() { "" } else { " › " });
            line.push_str(heading);
        }
    }
    line
}

/// What a passage brings to be read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Text<'a> {
    pub title: &'a str,
    pub content: &'a str,
    /// The BM25 score the index gave.
    pub lexical: f32,
}

/// A passage that was read for a question.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Read {
    /// BM25 ÷ the weight of the question: how much of the question is there, counting repetition and length.
    pub normalised: f32,
    /// The share of the question's weight that title and text hold.
    pub coverage: f32,
    /// The share that stands in the text itself, word for word.
    pub exact: f32,
    /// Of the pairs of words that stand together in the question, the share that stands together here.
    pub pairs: f32,
    /// The share of the question's weight in the title.
    pub title: f32,
    /// The rarity of the rarest term that is missing, as a share of the rarest term's.
    pub rarest_missing: f32,
    /// The weight of names and numbers in the question that are missing, as a share of theirs. 0 if it has none.
    pub names_missing: f32,
    /// The sentences, best first.
    pub sentences: Vec<Scored>,
    /// What the rescored ranking goes by.
    pub score: f32,
}

/// A sentence and how well it answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// Its place in the content.
    pub range: Range<usize>,
    /// Which sentence of the passage it is.
    pub index: usize,
    pub shape: Shape,
    /// The share of the question's weight that it holds itself.
    pub own: f32,
    /// The same with what title and neighbours say about it.
    pub within: f32,
    /// Pairs of the question that stand together in it.
    pub pairs: f32,
    /// Whether it holds something of the kind that is asked for, beyond what the question says itself.
    pub fits: f32,
    /// The rarity of the rarest term that it and the title lack, as a share of the rarest term's.
    pub missing: f32,
    /// Whether it says "not".
    pub is_negated: bool,
    pub score: f32,
}

/// How much of a term is found: 1 word for word, less by a word of the same root.
const SAME_ROOT: f32 = 0.6;
/// What a term counts for a sentence when only the title, the sentence before or after, or the rest of the passage has it.
const FROM_TITLE: f32 = 0.9;
const FROM_BEFORE: f32 = 0.5;
const FROM_AFTER: f32 = 0.1;
const FROM_REST: f32 = 0.25;
/// How many sentences of a passage are looked at closely.
const CLOSELY: usize = 6;

/// Reads a passage for a question.
pub fn read(asked: &Asked, passage: Text<'_>) -> Read {
    let tokens = lexical::tokens(passage.content);
    let parts = sentences::split(passage.content);
    let mut order: Vec<usize> = (0..asked.terms.len()).collect();
    if order.len() > MOST_TERMS {
        let weight = |i: &usize| asked.terms.get(*i).map_or(0.0, |t| t.weight);
        order.sort_by(|a, b| weight(b).total_cmp(&weight(a)).then(a.cmp(b)));
        order.truncate(MOST_TERMS);
        order.sort_unstable();
    }
    let terms: Vec<&Term> = order.iter().filter_map(|i| asked.terms.get(*i)).collect();
    let total: f32 = terms.iter().map(|t| t.weight).sum::<f32>().max(f32::EPSILON);

    let mut by_id: Vec<(u32, usize)> = terms.iter().enumerate().map(|(i, t)| (t.id, i)).collect();
    by_id.sort_unstable();
    let term_of =
        |id: u32| by_id.binary_search_by_key(&id, |(id, _)| *id).ok().and_then(|at| by_id.get(at)).map(|(_, i)| *i);
    let words: Vec<(usize, &str)> = terms
        .iter()
        .enumerate()
        .filter(|(_, t)| t.kind == Kind::Word && t.text.len() >= 4)
        .map(|(i, t)| (i, t.text.as_str()))
        .collect();

    let mut in_title = vec![0.0f32; terms.len()];
    lexical::each_term(passage.title, |id| {
        if let Some(found) = term_of(id).and_then(|i| in_title.get_mut(i)) {
            *found = 1.0;
        }
    });
    // found[s][t]: how much of term t sentence s holds.
    let mut found = vec![vec![0.0f32; terms.len()]; parts.len()];
    let mut places: Vec<Vec<usize>> = vec![Vec::new(); terms.len()];
    let mut sentence = 0;
    for (place, token) in tokens.iter().enumerate() {
        while parts.get(sentence).is_some_and(|s| s.range.end <= token.start) {
            sentence += 1;
        }
        if token.kind == Kind::Stop {
            continue;
        }
        let Some(row) = found.get_mut(sentence) else { continue };
        if let Some(i) = term_of(token.id) {
            if let (Some(cell), Some(places)) = (row.get_mut(i), places.get_mut(i)) {
                *cell = 1.0;
                places.push(place);
            }
        } else if token.kind == Kind::Word {
            for (i, word) in &words {
                if same_root(word, passage.content, token)
                    && let Some(cell) = row.get_mut(*i)
                {
                    *cell = cell.max(SAME_ROOT);
                }
            }
        }
    }
    let anywhere: Vec<f32> =
        (0..terms.len()).map(|i| found.iter().filter_map(|row| row.get(i)).fold(0.0f32, |a, b| a.max(*b))).collect();
    let share =
        |of: &dyn Fn(usize) -> f32| terms.iter().enumerate().map(|(i, t)| t.weight * of(i)).sum::<f32>() / total;
    let at = |list: &[f32], i: usize| list.get(i).copied().unwrap_or(0.0);

    // Pairs of neighbouring words.
    let neighbours: Vec<(usize, usize, f32)> = terms
        .windows(2)
        .enumerate()
        .filter_map(|(i, pair)| match pair {
            [a, b] if b.position - a.position <= 2 && pairs_up(a) && pairs_up(b) => {
                Some((i, i + 1, a.weight.min(b.weight)))
            }
            _ => None,
        })
        .collect();
    let together = |(a, b): (usize, usize), within: Option<&Range<usize>>| {
        let (Some(first), Some(second)) = (places.get(a), places.get(b)) else { return false };
        first.iter().any(|p| {
            second.iter().any(|q| {
                q > p
                    && q - p <= 2
                    && within.is_none_or(|r| {
                        tokens.get(*p).is_some_and(|t| r.contains(&t.start))
                            && tokens.get(*q).is_some_and(|t| r.contains(&t.start))
                    })
            })
        })
    };
    let pair_share = |within: Option<&Range<usize>>| {
        let sum: f32 = neighbours.iter().map(|(_, _, w)| w).sum();
        if sum <= 0.0 {
            return 0.0;
        }
        neighbours.iter().filter(|(a, b, _)| together((*a, *b), within)).map(|(_, _, w)| w).sum::<f32>() / sum
    };

    let rarest = terms.iter().map(|t| t.weight).fold(f32::EPSILON, f32::max);
    let missing = |i: usize| 1.0 - at(&anywhere, i).max(at(&in_title, i));
    let rarest_missing = terms
        .iter()
        .enumerate()
        .map(|(i, t)| if missing(i) > 0.9 { t.weight / rarest } else { 0.0 })
        .fold(0.0, f32::max);
    let named: f32 = terms.iter().filter(|t| is_specific(t)).map(|t| t.weight).sum();
    let names_missing = if named > 0.0 {
        terms.iter().enumerate().filter(|(_, t)| is_specific(t)).map(|(i, t)| t.weight * missing(i)).sum::<f32>()
            / named
    } else {
        0.0
    };

    let mut sentences: Vec<Scored> = parts
        .iter()
        .enumerate()
        .filter(|(_, part)| !matches!(part.shape, Shape::Heading | Shape::HeaderRow))
        .map(|(s, part)| {
            let row_of = |at: Option<usize>| at.and_then(|at| found.get(at)).map(Vec::as_slice).unwrap_or_default();
            let row = row_of(Some(s));
            let before = row_of(s.checked_sub(1));
            let after = row_of(Some(s + 1));
            let under = part.under;
            let above = under.and_then(|at| parts.get(at)).and_then(|p| p.under);
            let own = share(&|i| at(row, i));
            let named = |i: usize| at(&in_title, i).max(at(row_of(under), i)).max(at(row_of(above), i));
            let within = share(&|i| {
                at(row, i)
                    .max(FROM_TITLE * named(i))
                    .max(FROM_BEFORE * at(before, i))
                    .max(FROM_AFTER * at(after, i))
                    .max(FROM_REST * at(&anywhere, i))
            });
            let missing = terms
                .iter()
                .enumerate()
                .map(|(i, t)| if at(row, i).max(named(i)) > 0.1 { 0.0 } else { t.weight / rarest })
                .fold(0.0, f32::max);
            Scored {
                range: part.range.clone(),
                index: s,
                shape: part.shape,
                own,
                within,
                pairs: 0.0,
                fits: 0.0,
                missing,
                is_negated: false,
                score: within,
            }
        })
        .collect();
    // What costs more is looked at for the first few only.
    sentences.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.index.cmp(&b.index)));
    for scored in sentences.iter_mut().take(CLOSELY) {
        let content = passage.content.get(scored.range.clone()).unwrap_or_default();
        scored.pairs = pair_share(Some(&scored.range));
        scored.fits = asked.wants.fits(content, &|id| term_of(id).is_some());
        scored.is_negated = is_negated(content);
        scored.score += 0.03 * scored.pairs + 0.07 * scored.fits;
    }
    sentences.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.index.cmp(&b.index)));

    let normalised = passage.lexical / asked.best_weight.max(f32::EPSILON);
    let pairs = pair_share(None);
    let title = share(&|i| at(&in_title, i));
    let coverage = share(&|i| at(&anywhere, i).max(at(&in_title, i)));
    let best = sentences.first().map_or(0.0, |s| 0.9 * s.own + 0.9 * s.within + 0.15 * s.fits);
    // A long brief asks for many things at once: no sentence holds most of it, and looking for one misleads.
    let score = if asked.terms.len() > MOST_TERMS {
        normalised
    } else {
        normalised + 0.3 * coverage + 0.7 * pairs + 0.8 * title - 0.3 * names_missing + best
    };
    Read {
        normalised,
        coverage,
        exact: share(&|i| if at(&anywhere, i) >= 1.0 { 1.0 } else { 0.0 }),
        pairs,
        title,
        rarest_missing,
        names_missing,
        sentences,
        score,
    }
}

/// What the first passages and their sentences say about whether the question is answered at all.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Features {
    /// The best score of a passage.
    pub score: f32,
    /// Of the best passage: see [`Read`].
    pub normalised: f32,
    pub coverage: f32,
    pub exact: f32,
    pub pairs: f32,
    pub title: f32,
    pub rarest_missing: f32,
    pub names_missing: f32,
    /// Of the best sentence: see [`Scored`].
    pub own: f32,
    pub within: f32,
    pub sentence_pairs: f32,
    pub fits: f32,
    /// The rarity of the rarest term that the sentence and its title lack, as a share of the rarest term's.
    pub sentence_missing: f32,
    /// How far the best passage stands before the next of another text.
    pub margin: f32,
    /// How far the best sentence stands before the next.
    pub sentence_margin: f32,
    /// The share of the question's weight that no passage knows.
    pub unknown: f32,
    /// How many words of topic the question has.
    pub words: f32,
    /// The question says "not" and the sentence does not. The other way round is an answer ("We do not take cheques").
    pub negated: f32,
}

/// A sentence of one of the passages that were read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pick {
    /// Which passage, in the order given.
    pub passage: usize,
    /// Which of its [`Read::sentences`].
    pub sentence: usize,
    pub score: f32,
}

/// The sentences of the first passages, best first.
pub fn picks(reads: &[&Read]) -> Vec<Pick> {
    let mut picks: Vec<Pick> = reads
        .iter()
        .take(3)
        .enumerate()
        .flat_map(|(passage, read)| {
            read.sentences.iter().take(6).enumerate().map(move |(sentence, scored)| Pick {
                passage,
                sentence,
                score: scored.score + 0.1 * read.score,
            })
        })
        .collect();
    picks.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.passage.cmp(&b.passage)).then(a.sentence.cmp(&b.sentence)));
    picks
}

impl Features {
    /// From what was read, best passage first, and the [`picks`] among it.
    pub fn of(asked: &Asked, reads: &[&Read], picks: &[Pick]) -> Self {
        let known = |pick: &Pick| {
            let read = reads.get(pick.passage)?;
            Some((read, read.sentences.get(pick.sentence)?))
        };
        let Some((read, sentence)) = picks.first().and_then(known) else {
            return Self { unknown: 1.0, ..Self::default() };
        };
        let best = picks.first().map_or(0.0, |p| p.score);
        let next = picks.get(1).map_or(0.0, |p| p.score);
        let next_read =
            reads.iter().map(|r| r.score).filter(|s| *s < reads.first().map_or(0.0, |r| r.score)).fold(0.0, f32::max);
        let top = reads.first().map_or(0.0, |r| r.score);
        let total = asked.best_weight.max(f32::EPSILON);
        let unknown: f32 = asked.terms.iter().filter(|t| t.document_frequency == 0).map(|t| t.weight).sum();
        Self {
            score: top,
            normalised: reads.iter().map(|r| r.normalised).fold(0.0, f32::max),
            coverage: read.coverage,
            exact: read.exact,
            pairs: read.pairs,
            title: read.title,
            rarest_missing: read.rarest_missing,
            names_missing: read.names_missing,
            own: sentence.own,
            within: sentence.within,
            sentence_pairs: sentence.pairs,
            fits: sentence.fits,
            sentence_missing: sentence.missing,
            margin: if top > 0.0 { (top - next_read) / top } else { 0.0 },
            sentence_margin: best - next,
            unknown: unknown / total,
            words: asked.terms.iter().filter(|t| matches!(t.kind, Kind::Word | Kind::Number | Kind::Pair)).count()
                as f32,
            negated: f32::from(asked.is_negated && !sentence.is_negated),
        }
    }

    /// In the order of [`FEATURE_NAMES`].
    pub fn values(&self) -> [f32; 18] {
        [
            self.score,
            self.normalised,
            self.coverage,
            self.exact,
            self.pairs,
            self.title,
            self.rarest_missing,
            self.names_missing,
            self.own,
            self.within,
            self.sentence_pairs,
            self.fits,
            self.sentence_missing,
            self.margin,
            self.sentence_margin,
            self.unknown,
            self.words,
            self.negated,
        ]
    }
}

/// The names of [`Features::values`].
pub const FEATURE_NAMES: [&str; 18] = [
    "score",
    "normalised",
    "coverage",
    "exact",
    "pairs",
    "title",
    "rarest_missing",
    "names_missing",
    "own",
    "within",
    "sentence_pairs",
    "fits",
    "sentence_missing",
    "margin",
    "sentence_margin",
    "unknown",
    "words",
    "negated",
];

/// How alike two questions are, from 0 to 1: the share of their weight that they have in common. `idf` knows how rare
/// a term is among the questions.
pub fn same_question(asked: &Asked, question: &str, idf: &dyn Fn(u32) -> f32) -> f32 {
    let other = Asked::read(question);
    let weight = |t: &Term| t.weight.min(1.0) * idf(t.id);
    let mut mine = 0.0;
    let mut common = 0.0;
    for term in &asked.terms {
        let share = if other.terms.iter().any(|t| t.id == term.id) {
            1.0
        } else if term.kind == Kind::Word
            && other.terms.iter().any(|t| t.kind == Kind::Word && shares_root(&term.text, &t.text))
        {
            SAME_ROOT
        } else {
            0.0
        };
        mine += term.idf;
        common += share * term.idf;
    }
    let theirs: f32 = other.terms.iter().map(weight).sum();
    if mine + theirs <= 0.0 {
        return 0.0;
    }
    let mut similarity = (2.0 * common / (mine + theirs)).min(1.0);
    if other.is_negated != asked.is_negated {
        similarity *= 0.8;
    }
    similarity
}

/// Whether a text says "not".
pub fn is_negated(text: &str) -> bool {
    const ZH: &[&str] = &["不", "没", "未", "无", "非", "勿", "别", "禁止"];
    const NEUTRAL_ZH: &[&str] = &[
        "是不是",
        "能不能",
        "有没有",
        "可不可以",
        "会不会",
        "要不要",
        "不同",
        "不仅",
        "不但",
        "不过",
        "无论",
        "不管",
        "非常",
        "别的",
        "特别",
        "分别",
        "区别",
        "级别",
        "无忧",
        "对不起",
        "不好意思",
        "没有关系",
        "差不多",
        "不锈钢",
        "未来",
        "无线",
        "无理由",
        "非洲",
    ];
    if text.is_ascii() {
        let mut found = false;
        for word in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '\'') {
            let lower = word.to_ascii_lowercase();
            found |= matches!(
                lower.as_str(),
                "not"
                    | "no"
                    | "never"
                    | "cannot"
                    | "without"
                    | "none"
                    | "neither"
                    | "nor"
                    | "nobody"
                    | "nothing"
                    | "except"
                    | "unable"
                    | "lack"
                    | "lacks"
                    | "fail"
                    | "failed"
            ) || lower.ends_with("n't");
        }
        return found;
    }
    let mut text = text.to_owned();
    for neutral in NEUTRAL_ZH {
        text = text.replace(neutral, "");
    }
    ZH.iter().any(|w| text.contains(w)) || [" not ", " no ", " never ", "n't ", "n’t "].iter().any(|w| text.contains(w))
}

fn pairs_up(term: &Term) -> bool {
    matches!(term.kind, Kind::Word | Kind::Number)
}

fn is_specific(term: &Term) -> bool {
    term.is_name || matches!(term.kind, Kind::Number | Kind::Whole | Kind::Bridge)
}

/// Whether a word of the text shares its root with `word` ("founder", "founded"; "Norman", "Normandy").
fn same_root(word: &str, text: &str, token: &Token) -> bool {
    text.get(token.start..token.end).is_some_and(|other| shares_root(word, other))
}

fn shares_root(word: &str, other: &str) -> bool {
    let (a, b) = (word.as_bytes(), other.as_bytes());
    let shorter = a.len().min(b.len());
    if shorter < 4 || a.first().map(u8::to_ascii_lowercase) != b.first().map(u8::to_ascii_lowercase) {
        return false;
    }
    let common = a.iter().zip(b).take_while(|(x, y)| x.eq_ignore_ascii_case(y)).count();
    common >= 5.max(a.len().max(b.len()) * 3 / 5)
        || (common >= 4 && common == shorter && a.len().max(b.len()) <= common + 3)
}

/// Whether a text is mostly Chinese.
pub fn is_chinese(text: &str) -> bool {
    text.chars().filter(|c| is_han(*c)).count() * 3 > text.chars().filter(|c| !c.is_whitespace()).count()
}
