//! A passage, read for a question: what it holds of it, sentence by sentence.

use std::ops::Range;

use super::{
    MOST_TERMS,
    alike::{SAME_ROOT, is_another_part_of_speech, same_root},
    asked::{Asked, Term, is_specific, is_topic, pairs_up},
    negation::is_negated,
    opposites::is_opposed,
    rows,
    synonyms::are_kin,
    titles::{named_by, of_other_parts},
};
use crate::platform::{
    lexical::{self, Kind, Token},
    sentences::{self, Shape},
};

/// What a passage brings to be read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Text<'a> {
    pub title: &'a str,
    /// Whether it is the beginning of its document.
    pub is_first: bool,
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
    /// For the beginning of a document that is titled with the question: the share of the title that it names; else 0.
    pub lead: f32,
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
    /// Whether it says the opposite of a word of the question ("the smallest" where the largest is asked for).
    pub is_opposed: bool,
    /// Whether it is the row of a table that the question names.
    pub is_named: bool,
    pub score: f32,
}

/// What a term counts for a sentence when only the title, the sentence before or after, or the rest of the passage has it.
const FROM_TITLE: f32 = 0.9;
const FROM_BEFORE: f32 = 0.5;
const FROM_AFTER: f32 = 0.1;
const FROM_REST: f32 = 0.25;
/// What a term counts that stands above a table, for each of its rows.
const FOR_ROW: f32 = 0.8;
/// What it counts for a sentence to hold something of the kind that is asked for, and where that is told by a unit.
const FITS: f32 = 0.07;
const FITS_UNIT: f32 = 0.15;
/// The same for its passage.
const FITS_BEST: f32 = 0.15;
const FITS_BEST_UNIT: f32 = 0.4;
/// From which share of the question in the title on the whole text is about it: "How long is the warranty?" is answered
/// where the title says "Warranty", at its beginning, rather than where the word comes up.
const WHOLE: f32 = 0.7;
const LEAD: f32 = 0.5;
/// How many sentences of a passage are looked at closely.
const CLOSELY: usize = 6;

/// What a synonym counts for beside the word itself.
const SYNONYM: f32 = 0.6;
/// The same for another form of the word: "payment" where "pay" is asked for.
const KIN: f32 = 0.9;
/// The same for a word that is only related.
const RELATED: f32 = 0.45;

/// What a verb counts for where the question has a noun of the same stem, or the other way round.
const OTHER_PART: f32 = 0.5;
/// What a word counts for that only says more about what a row of a table is of.
const COMPLEMENT: f32 = 0.5;
/// What a code counts for in a row of another code.
const OF_ANOTHER: f32 = 0.2;

/// What it counts for a row to be named by the question, when it lacks nothing of it: who asks what the PS-1000 costs
/// means the row of the PS-1000.
const NAMED_ROW: f32 = 0.15;
/// The same for its passage.
const NAMED_BEST: f32 = 0.6;

/// Whether the Chinese word at `token` is said not to have been done: an order "未发货" is not one of dispatch.
fn is_undone(text: &str, token: &Token) -> bool {
    matches!(token.kind, Kind::Pair | Kind::Char)
        && text.get(..token.start).is_some_and(|before| before.ends_with('未'))
}

/// By a token's id, the term of the question that it holds, and how much of it: all, or less by a synonym. Sorted.
fn index(terms: &[&Term]) -> Vec<(u32, usize, f32)> {
    let mut by_id: Vec<(u32, usize, f32)> = terms.iter().enumerate().map(|(i, t)| (t.id, i, 1.0)).collect();
    for (i, term) in terms.iter().enumerate() {
        let others = term.synonyms.iter().filter(|id| !terms.iter().any(|t| t.id == **id));
        by_id.extend(others.map(|id| (*id, i, if are_kin(term.id, *id) { KIN } else { SYNONYM })));
    }
    by_id.sort_by_key(|(id, i, _)| (*id, *i));
    by_id.dedup_by_key(|(id, _, _)| *id);
    by_id
}

/// By the id of a related word, the terms it stands for, and how much of each. Sorted.
fn related_index(terms: &[&Term]) -> Vec<(u32, usize, f32)> {
    let is_asked = |id: u32| terms.iter().any(|t| t.id == id);
    let of = |(i, term): (usize, &&Term)| {
        let words = term.related.iter().filter(|word| !is_asked(word.id));
        words.map(|word| (word.id, i, RELATED * word.share)).collect::<Vec<_>>()
    };
    let mut by_id: Vec<(u32, usize, f32)> = terms.iter().enumerate().flat_map(of).collect();
    by_id.sort_by_key(|(id, i, _)| (*id, *i));
    by_id
}

/// What a word of a document's title counts for under a heading that stands for another part of that title: under
/// "Kettles", the title "Kettles and rice cookers" says nothing of rice cookers.
const FROM_OTHER_PART: f32 = 0.2;

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

    let by_id = index(&terms);
    let held = |id: u32| by_id.binary_search_by_key(&id, |(id, _, _)| *id).ok().and_then(|at| by_id.get(at));
    let related = related_index(&terms);
    let stands_for = |id: u32| {
        let from = related.partition_point(|(of, _, _)| *of < id);
        related.get(from..).unwrap_or_default().iter().take_while(move |(of, _, _)| *of == id)
    };
    let term_of = |id: u32| held(id).filter(|(_, _, share)| *share >= 1.0).map(|(_, i, _)| *i);
    let words: Vec<(usize, &str)> = terms
        .iter()
        .enumerate()
        .filter(|(_, t)| t.kind == Kind::Word && t.text.len() >= 4)
        .map(|(i, t)| (i, t.text.as_str()))
        .collect();

    let mut in_title = vec![0.0f32; terms.len()];
    lexical::each_term(passage.title, |id| {
        if let Some((_, i, share)) = held(id)
            && let Some(found) = in_title.get_mut(*i)
        {
            *found = found.max(*share);
        }
        for (_, i, share) in stands_for(id) {
            if let Some(found) = in_title.get_mut(*i) {
                *found = found.max(*share);
            }
        }
    });
    // Where a heading stands for one thing of several that the title lists, the others are told elsewhere.
    let (document, above) = passage.title.split_once(super::PATH).unwrap_or((passage.title, ""));
    let from_title = |heading: &str| -> Vec<f32> {
        let others = of_other_parts(document, heading);
        let in_heading = lexical::term_ids(heading);
        let share = |(term, share): (&&Term, &f32)| {
            let is_other = others.contains(&term.id) && !in_heading.contains(&term.id);
            if is_other { share * FROM_OTHER_PART } else { *share }
        };
        terms.iter().zip(&in_title).map(share).collect()
    };
    // One list for what stands above the first heading of the passage, one for each heading; and which is whose.
    let mut in_titles = vec![from_title(above)];
    let mut title_of = Vec::with_capacity(parts.len());
    for part in &parts {
        if part.shape == Shape::Heading {
            in_titles.push(from_title(passage.content.get(part.range.clone()).unwrap_or_default()));
        }
        title_of.push(in_titles.len() - 1);
    }
    let in_title = in_titles.first().cloned().unwrap_or_default();
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
        for (_, i, share) in stands_for(token.id) {
            if let Some(cell) = row.get_mut(*i) {
                *cell = cell.max(*share);
            }
        }
        if let Some((_, i, share)) = held(token.id) {
            if let (Some(cell), Some(places)) = (row.get_mut(*i), places.get_mut(*i)) {
                let row_at = parts.get(sentence).filter(|part| part.shape == Shape::Row).map(|part| part.range.start);
                let is_aside = row_at.is_some_and(|at| {
                    rows::is_complement(passage.content, at, &tokens, place, &|id| held(id).is_some())
                });
                let is_of_another = row_at.is_some_and(|at| rows::is_of_another(passage.content, at, &tokens, place));
                let is_other =
                    terms.get(*i).is_some_and(|t| is_another_part_of_speech(&t.text, passage.content, token));
                let is_other = is_other || !asked.is_negated && is_undone(passage.content, token);
                let share = if is_other { &(share * OTHER_PART) } else { share };
                let part = if is_of_another {
                    OF_ANOTHER
                } else if is_aside {
                    COMPLEMENT
                } else {
                    1.0
                };
                *cell = cell.max(part * share);
                if *share >= 1.0 {
                    places.push(place);
                }
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
            [a, b] if pairs_up(a) && pairs_up(b) => {
                let is_near = b.position? - a.position? <= 2;
                is_near.then_some((i, i + 1, a.weight.min(b.weight)))
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

    let title = share(&|i| at(&in_title, i));
    // A question answers nothing, however much it says of the one that is asked.
    let is_question = |part: &sentences::Sentence| {
        passage.content.get(part.range.clone()).is_some_and(|text| text.trim_end().ends_with(['?', '？']))
    };
    let mut sentences: Vec<Scored> = parts
        .iter()
        .enumerate()
        .filter(|(_, part)| !matches!(part.shape, Shape::Heading | Shape::HeaderRow) && !is_question(part))
        .map(|(s, part)| {
            let row_of = |at: Option<usize>| at.and_then(|at| found.get(at)).map(Vec::as_slice).unwrap_or_default();
            let row = row_of(Some(s));
            let before = row_of(s.checked_sub(1));
            let after = row_of(Some(s + 1));
            let under = part.under;
            let above = under.and_then(|at| parts.get(at)).and_then(|p| p.under);
            let in_title = title_of.get(s).and_then(|at| in_titles.get(*at)).unwrap_or(&in_title);
            let named = |i: usize| at(in_title, i).max(at(row_of(under), i)).max(at(row_of(above), i));
            // A row says nothing by itself: what it is of stands in its header and in the title.
            let own =
                share(&|i| if part.shape == Shape::Row { at(row, i).max(FOR_ROW * named(i)) } else { at(row, i) });
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
                is_opposed: false,
                is_named: part.shape == Shape::Row
                    && terms.iter().enumerate().all(|(i, t)| !is_topic(t) || at(row, i).max(named(i)) > 0.1),
                score: within,
            }
        })
        .collect();
    let holds = |s: usize, i: usize| found.get(s).is_some_and(|row| at(row, i) > 0.1);
    let said =
        |id: u32| term_of(id).and_then(|i| terms.get(i)).is_some_and(|t| !t.only_asks) || asked.stops.contains(&id);
    let said_ids: Vec<u32> = terms.iter().map(|t| t.id).chain(asked.stops.iter().copied()).collect();
    let is_all = |ids: &[u32]| {
        let mut topic = terms.iter().enumerate().filter(|(_, t)| is_topic(t)).map(|(i, _)| i).peekable();
        let has = |i: usize| ids.iter().any(|id| held(*id).is_some_and(|(_, of, share)| *of == i && *share >= KIN));
        topic.peek().is_some() && topic.all(has)
    };
    let fits_weight = if asked.wants.has_unit() { FITS_UNIT } else { FITS };
    // What costs more is looked at for the first few only.
    sentences.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.index.cmp(&b.index)));
    for scored in sentences.iter_mut().take(CLOSELY) {
        let content = passage.content.get(scored.range.clone()).unwrap_or_default();
        scored.pairs = pair_share(Some(&scored.range));
        scored.fits = match (scored.shape, parts.get(scored.index).and_then(|p| p.under).and_then(|at| parts.get(at))) {
            // A row's header says what its cells are: a price, a time.
            (Shape::Row, Some(header)) => {
                let header = passage.content.get(header.range.clone()).unwrap_or_default();
                asked.wants.fits(&rows::in_full(header, content), &said)
            }
            _ => asked.wants.fits(content, &said),
        };
        scored.is_negated = is_negated(content);
        scored.is_opposed = is_opposed(&said_ids, &lexical::tokens(content).iter().map(|t| t.id).collect::<Vec<u32>>());
        let name_of = |id: u32| {
            let term = held(id).filter(|(_, _, share)| *share >= KIN).and_then(|(_, i, _)| terms.get(*i));
            term.map(|t| is_specific(t))
        };
        // "PS-1000 现在卖多少": the row tells a price and has the name; that it does not say "now" is no lack.
        scored.is_named |= scored.shape == Shape::Row
            && asked.wants.has_unit()
            && scored.fits > 0.0
            && terms
                .iter()
                .enumerate()
                .all(|(i, t)| t.kind == Kind::Bridge || !is_specific(t) || holds(scored.index, i));
        scored.is_named &= rows::is_named(passage.content, scored.range.start, &tokens, &name_of, &is_all);
        if scored.is_named {
            scored.score += NAMED_ROW;
        }
        scored.score += 0.03 * scored.pairs + fits_weight * scored.fits;
    }
    sentences.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.index.cmp(&b.index)));

    let normalised = passage.lexical / asked.best_weight.max(f32::EPSILON);
    let pairs = pair_share(None);
    let coverage = share(&|i| at(&anywhere, i).max(at(&in_title, i)));
    let fits_best = if asked.wants.has_unit() { FITS_BEST_UNIT } else { FITS_BEST };
    let best = sentences
        .first()
        .map_or(0.0, |s| 0.9 * s.own + 0.9 * s.within + fits_best * s.fits + if s.is_named { NAMED_BEST } else { 0.0 });
    let lead = if passage.is_first && title >= WHOLE { named_by(asked, passage.title) } else { 0.0 };
    // A long brief asks for many things at once: no sentence holds most of it, and looking for one misleads.
    let score = if asked.terms.len() > MOST_TERMS {
        normalised
    } else {
        normalised + 0.3 * coverage + 0.7 * pairs + 0.8 * title - 0.3 * names_missing + best + LEAD * lead
    };
    Read {
        normalised,
        coverage,
        exact: share(&|i| if at(&anywhere, i) >= 1.0 { 1.0 } else { 0.0 }),
        pairs,
        title,
        rarest_missing,
        names_missing,
        lead,
        sentences,
        score,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_of_what_it_names_not_of_what_only_tells_more() {
        let table = "| Method | Where | Limits |\n|---|---|---|\n\
            | Cash on delivery | Malaysia | up to RM 800, fee RM 6 |\n| Delivery to an island | Malaysia | RM 18 |\n";
        let own = |question: &str, row: &str| {
            let passage = Text { title: "", is_first: true, content: table, lexical: 1.0 };
            let read = read(&Asked::read(question), passage);
            read.sentences.iter().find(|s| table[s.range.clone()].contains(row)).unwrap().own
        };
        let of_delivery = |row| own("How much is delivery to Malaysia?", row);
        assert!(of_delivery("Cash") < of_delivery("island"), "{} {}", of_delivery("Cash"), of_delivery("island"));
        // Who asks for the whole of it gets the whole of it.
        let of_cash = |row| own("Is cash on delivery possible in Malaysia?", row);
        assert!(of_cash("Cash") > of_cash("island"));
    }

    #[test]
    fn a_row_that_the_question_names_is_meant() {
        let text = "| Model | SGD |\n|---|---|\n| PS-1000 | 1,099 |\n| PS-500 | 599 |\n\n\
            The DH-20 and the PS-1000 cost an extra S$15 per piece to send.\n";
        let first = |question: &str| {
            let passage = Text { title: "Price list", is_first: true, content: text, lexical: 1.0 };
            let read = read(&Asked::read(question), passage);
            text[read.sentences[0].range.clone()].to_owned()
        };
        assert!(first("What does the PS-1000 cost?").contains("1,099"));
        assert!(first("What does it cost extra to send the DH-20?").contains("S$15"));
    }

    #[test]
    fn a_table_under_the_heading_of_another_thing_says_nothing_of_this_one() {
        let text = "## Tents\n\n| Model | Weight |\n|---|---|\n| TD-2 | 2.1 kg |\n\n\
            ## Sleeping bags\n\n| Model | Weight |\n|---|---|\n| SB-5 | 1.3 kg |\n";
        let first = |question: &str, title: &str| {
            let read = read(&Asked::read(question), Text { title, is_first: true, content: text, lexical: 1.0 });
            text[read.sentences[0].range.clone()].to_owned()
        };
        let title = "Tents, sleeping bags and backpacks";
        assert!(first("How heavy is the sleeping bag?", title).contains("SB-5"));
        assert!(first("How heavy is the tent?", title).contains("TD-2"));
    }

    #[test]
    fn a_question_is_no_answer() {
        let text = "你们的营业时间是几点到几点？\n周一至周六 9:00–21:00。";
        let read = read(&Asked::read("营业时间"), Text { title: "", is_first: true, content: text, lexical: 1.0 });
        let said: Vec<&str> = read.sentences.iter().map(|s| &text[s.range.clone()]).collect();
        assert_eq!(said, ["周一至周六 9:00–21:00。"]);
    }

    #[test]
    fn a_part_that_fits_a_product_is_not_the_product() {
        let table = "| Part | Fits | In stock |\n|---|---|---|\n| KT-L170 | KT-170 | no |\n";
        let products = "| Product | Colour | In stock |\n|---|---|---|\n| KT-170 | white | yes |\n";
        let own = |content: &str| {
            let passage = Text { title: "", is_first: true, content, lexical: 1.0 };
            read(&Asked::read("Is the KT-170 in stock?"), passage).sentences[0].own
        };
        assert!(own(table) < own(products), "{} {}", own(table), own(products));
    }

    #[test]
    fn the_row_of_nothing_but_the_topic_is_meant() {
        let text = "| 事项 | 方式 |\n|---|---|\n| 微信 | 公众号“杜松港服务” |\n| 支付宝、微信支付 | 1–3 个工作日 |\n";
        let passage = Text { title: "", is_first: true, content: text, lexical: 1.0 };
        let read = read(&Asked::read("有微信吗"), passage);
        assert!(text[read.sentences[0].range.clone()].contains("公众号"));
        assert!(read.sentences[0].is_named && !read.sentences[1].is_named);
    }
}
