//! Whether a sentence turns its evidence around ("not", antonyms).
//!
//! Both are cut into clauses; a clause that speaks of the same as one of the evidence must deny as often as it does.
//! Words that deny by themselves ("closed", "免费") are first written out as a denial of their opposite.

mod words;

use self::words::{
    CONDITIONS_EN, CONDITIONS_ZH, DENIAL_EN, DENIES_ANEW_EN, DESCRIBES_EN, NEUTRAL_ZH, OPPOSED, WRITTEN_OUT_EN,
    WRITTEN_OUT_ZH,
};
use crate::platform::lexical::{self, Kind, fold_text};

/// How much of a clause must stand in a clause of the evidence for the two to speak of the same.
const ALIGNED: f32 = 0.45;
/// What else counts as speaking of the same, beside the nearest.
const NEAR: f32 = 0.88;
/// What a word of the clause before counts for one that leans on it.
const CONTEXT: f32 = 0.7;

/// A clause of a text, folded.
pub(super) struct Clause {
    pub text: String,
    /// The terms of topic, without the words that deny, sorted.
    terms: Vec<u32>,
    /// Those of the clause before, where this one leans on it ("the other one does not").
    context: Vec<u32>,
    /// Whether it denies, after antonyms were written out.
    pub negated: bool,
    /// Whether it is a condition ("if …", "… 时"): it claims nothing.
    pub is_condition: bool,
    /// What it denies: the words after "not".
    denied: Vec<String>,
}

/// The clauses of a text, cut at commas, semicolons, "but" and "if".
pub(super) fn clauses(text: &str) -> Vec<Clause> {
    let mut folded = format!(" {} ", fold_text(text).replace('’', "'"));
    for word in [" but ", " however ", " yet "] {
        folded = folded.replace(word, "; ");
    }
    // "valid for three years and cannot be exchanged" are two claims.
    for denial in DENIES_ANEW_EN {
        folded = folded.replace(&format!(" and {denial} "), &format!("; {denial} "));
        folded = folded.replace(&format!(" or {denial} "), &format!("; {denial} "));
    }
    for description in DESCRIBES_EN {
        folded = folded.replace(&format!(" {description} "), &format!("; {description} "));
    }
    folded = folded.replace('但', "；").replace("的话", "的话，");
    for word in CONDITIONS_EN {
        folded = folded.replace(&format!(" {word} "), &format!("; {word} "));
    }
    let mut parts: Vec<(String, bool)> = Vec::new();
    let mut starts = true;
    for part in folded.split_inclusive(['.', '!', '?', ';', '；', '。', '！', '？', '\n', '，', ',', '|']) {
        let ends = part.ends_with(['.', '!', '?', '。', '！', '？', '\n', '|']);
        let part = part.trim_end_matches(['.', '!', '?', ';', '；', '。', '！', '？', '\n', '，', ',', '|']).trim();
        // "1,200" and "4.5" are no clauses.
        let glued = part.starts_with(|c: char| c.is_ascii_digit())
            && parts.last().is_some_and(|(p, _)| p.ends_with(|c: char| c.is_ascii_digit()));
        match parts.last_mut() {
            _ if part.is_empty() => {}
            Some((last, _)) if glued => {
                last.push('.');
                last.push_str(part);
            }
            _ => parts.push((part.to_owned(), starts)),
        }
        starts = ends || (starts && part.is_empty());
    }
    let mut clauses: Vec<Clause> = Vec::new();
    for (text, starts_sentence) in parts {
        let mut clause = Clause::read(text);
        let leans = !starts_sentence
            || ["it ", "they ", "this ", "these ", "those "].iter().any(|w| clause.text.starts_with(w));
        if let Some(before) = clauses.last().filter(|_| leans) {
            let inherited = before.terms.iter().chain(&before.context);
            clause.context = inherited.filter(|id| !clause.terms.contains(id)).copied().collect();
            clause.context.sort_unstable();
            clause.context.dedup();
        }
        if !clause.terms.is_empty() || clause.negated {
            clauses.push(clause);
        }
    }
    clauses
}

impl Clause {
    fn read(text: String) -> Self {
        let is_condition = CONDITIONS_EN.iter().any(|w| text.strip_prefix(w).is_some_and(|rest| rest.starts_with(' ')))
            || DESCRIBES_EN.iter().any(|w| text.strip_prefix(w).is_some_and(|rest| rest.starts_with(' ')))
            || CONDITIONS_ZH.iter().any(|w| text.starts_with(w))
            || ["的话", "时", "的时候"].iter().any(|w| text.ends_with(w))
            // "没有来的" says of whom it is spoken.
            || text.ends_with('的') && !text.contains('是') && text.contains(['不', '没', '未', '无']);
        let written_out = write_out(&text);
        let denied = denied(&written_out);
        Self {
            terms: topic(&written_out),
            context: Vec::new(),
            negated: denials(&written_out) % 2 == 1,
            is_condition,
            denied,
            text,
        }
    }

    fn has_positive(&self, head: &str) -> bool {
        !self.denied.iter().any(|d| same_head(d, head)) && holds_word(&write_out(&self.text), head)
    }
}

fn write_out(clause: &str) -> String {
    let mut text = format!(" {} ", clause.trim_start_matches("no, ").trim_start_matches("yes, "));
    for (word, opposite) in WRITTEN_OUT_EN {
        if text.contains(word) {
            text = text.replace(&format!(" {word} "), &format!(" {opposite} "));
        }
    }
    let mut text = text.replace(" non-", " not ");
    // What is free of anything else, or free to do something, is not meant: "free" ends what it says.
    for ending in ["free", "free for", "free until", "free on", "free from", "free if", "free up to", "free within"] {
        let whole = format!(" {ending} ");
        let stands = if ending == "free" { text.ends_with(&whole) } else { text.contains(&whole) };
        if stands && !text.contains(" feel free") {
            text = text.replace(&whole, &format!(" not charged{} ", ending.trim_start_matches("free")));
        }
    }
    // What a noun is described by denies nothing: "未穿过的鞋子", "除压缩机以外".
    let mut text = without_attributes(text.trim());
    for (word, opposite) in WRITTEN_OUT_ZH {
        // Once written out, a denial is not written out again.
        text = text.replace(word, &opposite.chars().map(|c| if c == '不' { '\u{1}' } else { c }).collect::<String>());
    }
    text.replace('\u{1}', "不")
}

fn without_attributes(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut kept = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(c) = characters.get(at) {
        let ahead = characters.get(at + 1..(at + 8).min(characters.len())).unwrap_or_default();
        let end = match c {
            '未' | '不' | '无' => ahead.iter().position(|a| *a == '的').filter(|end| {
                *end >= 1
                    && at + end + 2 < characters.len()
                    && !ahead.get(..*end).unwrap_or_default().iter().any(|a| matches!(a, '可' | '能' | '会' | '是'))
            }),
            '除' => ahead.iter().position(|a| *a == '外').filter(|end| *end >= 1),
            _ => None,
        };
        match end {
            Some(end) => at += end + 2,
            None => {
                kept.push(*c);
                at += 1;
            }
        }
    }
    kept
}

fn denials(text: &str) -> usize {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '\'');
    let english = words.filter(|w| DENIAL_EN.contains(w) || w.ends_with("n't")).count();
    let mut chinese = text.to_owned();
    for neutral in NEUTRAL_ZH {
        chinese = chinese.replace(neutral, "");
    }
    english
        + chinese
            .replace("没有", "没")
            .replace("不退不换", "不退")
            .matches(['不', '没', '未', '无', '非', '勿', '别'])
            .count()
}

/// Whether a clause denies in so many words ("free" does not, "not free" does).
pub(super) fn denies_outright(clause: &str) -> bool {
    denials(&without_attributes(clause)) % 2 == 1
}

/// Whether a text denies what it speaks of.
pub(super) fn says_no(text: &str) -> bool {
    clauses(text).iter().any(|c| c.negated)
}

/// What is denied: the word after "not", or the two characters after "不", helping verbs left out.
fn denied(text: &str) -> Vec<String> {
    const HELPING: &[&str] = &[
        "be", "been", "is", "are", "a", "an", "any", "the", "longer", "have", "to", "do", "does", "allowed",
        "possible", "needed", "required", "able", "yet", "always", "only", "of", "for", "it",
    ];
    let mut heads = Vec::new();
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|w| !w.is_empty()).collect();
    for (at, word) in words.iter().enumerate() {
        if (DENIAL_EN.contains(word) && !matches!(*word, "nothing" | "none")) || word.ends_with("n't") {
            let head = words.get(at + 1..).unwrap_or_default().iter().take(4).find(|w| !HELPING.contains(w));
            heads.extend(head.filter(|w| w.bytes().all(|b| b.is_ascii_alphabetic())).map(|w| lexical::stem(w)));
        }
    }
    let mut chinese = text.to_owned();
    for neutral in NEUTRAL_ZH {
        chinese = chinese.replace(neutral, "");
    }
    let characters: Vec<char> = chinese.chars().collect();
    for (at, c) in characters.iter().enumerate() {
        if !"不没未无勿".contains(*c) {
            continue;
        }
        let behind = characters.get(at + 1..).unwrap_or_default().iter();
        let mut rest = behind.skip_while(|c| "能可以会予得再是在被要需必有须".contains(**c)).take(2);
        if let Some(first) = rest.next().filter(|c| crate::platform::language::is_han(**c)) {
            let mut head = first.to_string();
            head.extend(rest.next().filter(|c| crate::platform::language::is_han(**c)));
            heads.push(head);
        }
    }
    heads
}

fn same_head(a: &str, b: &str) -> bool {
    if a.is_ascii() || b.is_ascii() {
        return a == b;
    }
    a == b || (a.chars().count().min(b.chars().count()) == 1 && a.chars().next() == b.chars().next())
}

fn holds_word(text: &str, head: &str) -> bool {
    if head.is_ascii() {
        text.split(|c: char| !c.is_alphanumeric()).any(|w| !w.is_empty() && lexical::stem(w) == head)
    } else {
        text.contains(head)
    }
}

/// The terms of topic, without the words that deny.
fn topic(text: &str) -> Vec<u32> {
    let mut terms: Vec<u32> = lexical::tokens(text)
        .into_iter()
        .filter(|t| matches!(t.kind, Kind::Word | Kind::Number | Kind::Whole | Kind::Char))
        .filter(|t| {
            let word = text.get(t.start..t.end).unwrap_or_default();
            !DENIAL_EN.contains(&word)
                && !word.ends_with("n't")
                && !"不没未无非勿别的了也可以能会将在是有为和与及或请您我们都还就".contains(word)
        })
        .map(|t| t.id)
        .collect();
    terms.sort_unstable();
    terms.dedup();
    terms
}

/// How much of `clause` an evidence clause holds. Terms that many clauses hold say little about which one is meant.
fn aligned(clause: &Clause, to: &Clause, all: &[Clause]) -> f32 {
    let mut total = 0.0;
    let mut shared = 0.0;
    for term in &clause.terms {
        let holders = all.iter().filter(|c| c.terms.binary_search(term).is_ok()).count();
        let weight = match holders {
            0 => 0.6,
            1 => 1.5,
            many => 1.0 / (many as f32).sqrt(),
        };
        total += weight;
        if to.terms.binary_search(term).is_ok() {
            shared += weight;
        } else if to.context.binary_search(term).is_ok() {
            shared += CONTEXT * weight;
        }
    }
    if total > 0.0 { shared / total } else { 0.0 }
}

/// The clauses of the evidence that speak of the same as `clause`.
pub(super) fn nearest<'a>(clause: &Clause, evidence: &'a [Clause]) -> Vec<&'a Clause> {
    let scored: Vec<(f32, &Clause)> = evidence.iter().map(|e| (aligned(clause, e, evidence), e)).collect();
    let best = scored.iter().map(|(s, _)| *s).fold(0.0, f32::max);
    if best < ALIGNED {
        return Vec::new();
    }
    scored.into_iter().filter(|(s, _)| *s >= best * NEAR).map(|(_, e)| e).collect()
}

/// The clause of `text` that says the opposite of what the evidence says of the same thing.
pub(super) fn contradiction(text: &str, range: &str) -> Option<String> {
    if let Some(word) = drops_attribute(text, range) {
        return Some(word);
    }
    let evidence = clauses(range);
    let said = clauses(text);
    let is_conditional = said.iter().any(|c| c.is_condition);
    for clause in said.iter().filter(|c| !c.is_condition) {
        // Under a condition of its own, what does not happen is no denial of what usually does.
        if is_turned_by_a_limit(&clause.text, range)
            || (is_conditional && clause.negated)
            || only_lifts_a_duty(clause, &evidence)
        {
            continue;
        }
        if denies_a_claim(clause, &evidence) || claims_a_denial(clause, &evidence) || is_turned(clause, &evidence) {
            return Some(clause.text.clone());
        }
    }
    None
}

/// "You need not bring towels" says no more than that towels are included, and "even without …" that none is needed.
fn only_lifts_a_duty(clause: &Clause, evidence: &[Clause]) -> bool {
    const LIFTS: &[&str] = &[
        "not have to",
        "need not",
        "needn't",
        "don't need",
        "do not need",
        "no need",
        "不用",
        "不必",
        "无需",
        "无须",
        "不需要",
    ];
    const GIVEN: &[&str] = &["included", "include", "free", "provided", "comes with", "含", "免费", "提供", "赠"];
    let concedes = ["也能", "也可以", "也行"].iter().any(|w| clause.text.contains(w));
    if concedes && ["没有", "零", "不"].iter().any(|w| clause.text.contains(w)) {
        return evidence.iter().any(|e| LIFTS.iter().any(|w| e.text.contains(w)));
    }
    LIFTS.iter().any(|w| clause.text.contains(w))
        && evidence.iter().any(|e| {
            !denies_outright(&e.text)
                && GIVEN.iter().any(|w| e.text.contains(w))
                && aligned(clause, e, evidence) >= 0.25
        })
}

/// A thing that the evidence speaks of only where it is *not* so: "unused goods", "未打包的订单".
fn drops_attribute(text: &str, range: &str) -> Option<String> {
    let (text, range) = (fold_text(text), fold_text(range));
    let words =
        |of: &str| -> Vec<String> { of.split(|c: char| !c.is_ascii_alphanumeric()).map(str::to_owned).collect() };
    let there = words(&range);
    let bare = words(&text)
        .into_iter()
        .find(|word| word.len() >= 3 && there.contains(&format!("un{word}")) && !there.contains(word));
    if bare.is_some() && denials(&text) == 0 {
        return bare;
    }
    range.match_indices('未').find_map(|(at, mark)| {
        let rest = range.get(at + mark.len()..)?;
        let what: String = rest.chars().take_while(|c| crate::platform::language::is_han(*c)).take(2).collect();
        let is_described = rest.chars().take(8).any(|c| c == '的') && what.chars().count() == 2 && !what.contains('的');
        let is_claimed = text.contains(&what)
            && !["未", "没", "不"]
                .iter()
                .any(|no| text.contains(&format!("{no}{what}")) || text.contains(&format!("{no}有{what}")));
        let elsewhere = range.replace(&format!("未{what}"), "").contains(&what);
        // "订单还没打包" and "签收后" name the same without its attribute.
        (is_described && is_claimed && !elsewhere && denials(&text) == 0).then_some(what)
    })
}

/// Whether a clause of the evidence denies `head`, itself or by leaning on what stands before it ("… does not").
fn denies(evidence: &Clause, head: &str) -> bool {
    let leans = || head.is_ascii() && evidence.context.binary_search(&lexical::term_id(head)).is_ok();
    evidence.denied.iter().any(|d| same_head(d, head)) || evidence.negated && leans()
}

/// "Return postage is not deducted": the evidence has it deducted, and nowhere not.
fn denies_a_claim(clause: &Clause, evidence: &[Clause]) -> bool {
    let near = |e: &Clause| aligned(clause, e, evidence);
    let nearest_denial = evidence.iter().filter(|e| e.negated).map(near).fold(0.0, f32::max);
    clause.denied.iter().any(|head| {
        evidence.iter().any(|e| !e.negated && e.has_positive(head) && near(e) >= nearest_denial)
            && !evidence.iter().any(|e| denies(e, head))
    })
}

/// "Gift cards can be exchanged": the evidence says only that they can't.
fn claims_a_denial(clause: &Clause, evidence: &[Clause]) -> bool {
    let own = write_out(&clause.text);
    !clause.negated
        && evidence.iter().any(|e| {
            let is_only_denied =
                |head: &String| holds_word(&own, head) && !evidence.iter().any(|other| other.has_positive(head));
            e.negated && e.denied.iter().any(is_only_denied) && aligned(clause, e, evidence) >= 0.25
        })
}

/// Whether all that speaks of the same denies what the clause claims, or claims what it denies.
fn is_turned(clause: &Clause, evidence: &[Clause]) -> bool {
    let is_confirmed = clause.negated
        && evidence.iter().any(|e| {
            e.negated && clause.denied.iter().any(|h| denies(e, h)) && aligned(clause, e, evidence) >= ALIGNED
        });
    let near = nearest(clause, evidence);
    !near.is_empty()
        && !is_confirmed
        && (near.iter().all(|e| e.negated != clause.negated)
            || near.iter().all(|e| are_opposed(&write_out(&clause.text), &write_out(&e.text))))
}

/// "Not after 30 days" and "within 30 days" say the same; so do "only there" and "not elsewhere".
fn is_turned_by_a_limit(clause: &str, range: &str) -> bool {
    let has = |text: &str, words: &[&str]| words.iter().any(|w| text.contains(w));
    let beyond = [" after ", "later than", "more than ", "超过", "之后", "以后", "过了"];
    let within = ["within", "up to", "until", " before ", "最多", "以内", "内", "之前", "前"];
    let short = ["fewer than", "less than", " under ", "不到", "不足", "未满", "少于"];
    let least = ["at least", "minimum", "or more", "满", "至少", "以上"];
    (has(clause, &beyond) && has(range, &within))
        || (has(clause, &short) && has(range, &least))
        || (has(clause, &[" only ", "只有", "仅", "只能"]) && denials(&write_out(clause)) == 0)
}

fn are_opposed(a: &str, b: &str) -> bool {
    let has = |text: &str, words: &[&str]| {
        words.iter().any(|w| {
            if w.is_ascii() {
                let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '-').collect();
                format!(" {} ", words.join(" ")).contains(&format!(" {w} "))
            } else {
                text.contains(w)
            }
        })
    };
    OPPOSED.iter().any(|(left, right)| {
        let (a_left, a_right, b_left, b_right) = (has(a, left), has(a, right), has(b, left), has(b, right));
        (a_right && !b_right && b_left && !a_left) || (b_right && !a_right && a_left && !b_left)
    })
}
