//! The answerer that needs no model: it quotes the FAQ or the sentences that answer, so that they read well.

use super::{Citation, Draft, DraftFrom, DraftKind, Question, Sentence, SourceId};
use crate::{
    knowledge::{
        Evidence, Found,
        rank::{Asked, Pick, Scored, synonyms_of, term_of},
        wants::Wants,
    },
    platform::{
        language::{Language, is_han},
        lexical,
        sentences::{self, Shape},
    },
};

/// From how alike on two questions are taken for the same.
pub const SAME_QUESTION: f32 = 0.72;
/// The most sentences of an answer, list entries not counted.
const MOST_SENTENCES: usize = 2;
/// The most entries of a list.
const MOST_ITEMS: usize = 10;
/// How far behind the best a further sentence of the same passage may stand.
const CLOSE: f32 = 0.12;

/// Quotes what answers `question`, or says that nothing does. The same evidence gives the same answer.
pub fn answer(question: &Question, evidence: &Evidence) -> Draft {
    let sentences = from_faq(evidence).or_else(|| from_passage(&question.text, evidence)).unwrap_or_default();
    Draft {
        kind: if sentences.is_empty() { DraftKind::CannotAnswer } else { DraftKind::Answer },
        sentences,
        language: question.language,
        from: DraftFrom::Extractive { because: None },
        answerable: None,
    }
}

fn from_faq(evidence: &Evidence) -> Option<Vec<Sentence>> {
    let faq = evidence.faqs.first().filter(|f| f.similarity >= SAME_QUESTION)?;
    let sentences: Vec<Sentence> = sentences::split(&faq.answer)
        .into_iter()
        .filter_map(|s| {
            let quote = faq.answer.get(s.range.clone())?;
            let mark = if matches!(s.shape, Shape::Item) { "\n- " } else { "" };
            Some(sentence(faq.source, format!("{mark}{}", plain(quote)), quote))
        })
        .collect();
    (!sentences.is_empty()).then_some(sentences)
}

fn from_passage(question: &str, evidence: &Evidence) -> Option<Vec<Sentence>> {
    let first = evidence.picks.first()?;
    let found = evidence.passages.get(first.passage)?;
    let best = found.read.sentences.get(first.sentence)?;
    let mut chosen = vec![best];
    // A second sentence where the first alone may be half an answer.
    let more = evidence
        .picks
        .get(1..)
        .unwrap_or_default()
        .iter()
        .filter(|p| p.passage == first.passage && first.score - p.score <= CLOSE);
    for pick in more {
        if chosen.len() >= MOST_SENTENCES {
            break;
        }
        if let Some(scored) = found.read.sentences.get(pick.sentence) {
            chosen.push(scored);
        }
    }
    chosen.sort_by_key(|s| s.index);
    if let Some(rows) = whole_table(found, best, question) {
        return Some(rows);
    }
    let wants = Wants::read(question);
    let mut sentences = Vec::new();
    for (i, scored) in chosen.iter().enumerate() {
        sentences.extend(quote(found, scored, wants, question, i > 0));
    }
    sentences.dedup();
    (!sentences.is_empty()).then_some(sentences)
}

/// All rows of a table of which the question names none: "How long is the warranty?" has an answer for each product.
fn whole_table(found: &Found, best: &Scored, question: &str) -> Option<Vec<Sentence>> {
    let content = &found.passage.content;
    let parts = sentences::split(content);
    let part = parts.get(best.index).filter(|p| p.shape == Shape::Row)?;
    let rows = || parts.iter().filter(|p| p.shape == Shape::Row && p.under == part.under);
    let own = |p: &sentences::Sentence| content.get(p.range.clone()).unwrap_or_default();
    let header = part.under.and_then(|at| parts.get(at)).map(own).unwrap_or_default();
    // A row that holds a word of the question is the one that is asked for; what title and header say is said of each.
    let above = lexical::term_ids(&format!("{} {header}", found.headline()));
    let asked = Asked::read(question).terms.into_iter().filter(|t| !t.only_asks || t.is_implied).map(|t| t.id);
    let asked: Vec<u32> = asked.filter(|id| !above.contains(id)).collect();
    let held: Vec<Vec<u32>> = rows().map(|p| lexical::term_ids(own(p))).collect();
    let is_named = asked.iter().any(|id| {
        let holds = held.iter().filter(|row| row.contains(id) || synonyms_of(*id).iter().any(|s| row.contains(s)));
        (1..held.len()).contains(&holds.count())
    });
    if is_named || held.len() < 2 || held.len() > MOST_ITEMS + 2 {
        return None;
    }
    let entries = rows().map(|p| {
        let own = own(p);
        sentence(SourceId::Passage(found.passage.id), format!("\n- {}", entry(header, own, question)), own)
    });
    Some(entries.collect())
}

/// A row as an entry of a list: "TD-4: 5.6 kg", or with the names of its columns when there are several.
fn entry(header: &str, own: &str, question: &str) -> String {
    match cells(own).as_slice() {
        [name, value] => format!("{name}{}{value}", colon(own)),
        _ => row(header, own, question),
    }
}

/// A sentence as the customer should read it, with what it needs to make sense.
fn quote(found: &Found, scored: &Scored, wants: Wants, question: &str, follows: bool) -> Vec<Sentence> {
    let source = SourceId::Passage(found.passage.id);
    let content = &found.passage.content;
    let parts = sentences::split(content);
    let Some(part) = parts.get(scored.index) else { return Vec::new() };
    let words = |s: &sentences::Sentence| content.get(s.range.clone()).unwrap_or_default().to_owned();
    let own = words(part);
    match part.shape {
        Shape::Row => {
            let header = part.under.and_then(|at| parts.get(at)).map(words).unwrap_or_default();
            vec![sentence(source, row(&header, &own, question), &own)]
        }
        Shape::LeadIn => list_after(source, content, &parts, scored.index),
        Shape::Item => {
            // A step alone is no instruction: who asks how gets the list.
            let lead_in = part.under.filter(|at| parts.get(*at).is_some_and(|p| p.shape == Shape::LeadIn));
            if let (Wants::Manner, Some(lead_in)) = (wants, lead_in) {
                return list_after(source, content, &parts, lead_in);
            }
            if let (Wants::Manner, true) = (wants, starts_numbered(&own)) {
                return items_around(source, content, &parts, scored.index);
            }
            let text = plain(&own);
            let above = part.under.and_then(|at| parts.get(at)).map(words).unwrap_or_default();
            let above = plain(&above);
            let above = above.trim_end_matches([':', '：']).trim();
            let text =
                if !above.is_empty() && needs_context(&text) { format!("{above}{}{text}", colon(&text)) } else { text };
            vec![sentence(source, if follows { format!("\n{text}") } else { text }, &own)]
        }
        Shape::Prose | Shape::Heading | Shape::HeaderRow => vec![sentence(source, plain(&own), &own)],
    }
}

fn sentence(source: SourceId, text: String, quote: &str) -> Sentence {
    Sentence { text, citations: vec![Citation { source, quote: quote.trim().to_owned() }] }
}

fn list_after(source: SourceId, content: &str, parts: &[sentences::Sentence], lead_in: usize) -> Vec<Sentence> {
    let own = parts.get(lead_in).and_then(|p| content.get(p.range.clone())).unwrap_or_default();
    let mut sentences = vec![sentence(source, plain(own), own)];
    let items =
        parts.get(lead_in + 1..).unwrap_or_default().iter().take_while(|p| p.under == Some(lead_in)).take(MOST_ITEMS);
    sentences.extend(items.filter_map(|p| item(source, content, p)));
    if sentences.len() == 1
        && let Some(next) = parts.get(lead_in + 1).filter(|p| p.shape == Shape::Prose)
        && let Some(words) = content.get(next.range.clone())
    {
        sentences.push(sentence(source, plain(words), words));
    }
    sentences
}

fn items_around(source: SourceId, content: &str, parts: &[sentences::Sentence], index: usize) -> Vec<Sentence> {
    let is_item = |p: &sentences::Sentence| p.shape == Shape::Item;
    let mut from = index;
    while from > 0 && parts.get(from - 1).is_some_and(is_item) {
        from -= 1;
    }
    parts
        .get(from..)
        .unwrap_or_default()
        .iter()
        .take_while(|p| is_item(p))
        .take(MOST_ITEMS)
        .filter_map(|p| item(source, content, p))
        .collect()
}

fn item(source: SourceId, content: &str, part: &sentences::Sentence) -> Option<Sentence> {
    let words = content.get(part.range.clone())?;
    let text = plain(words);
    let mark = if starts_numbered(words) {
        words.split_whitespace().next().map_or_else(String::new, |n| format!("{n} "))
    } else if words.starts_with(['-', '*', '•', '+']) {
        "- ".to_owned()
    } else {
        // A further sentence of the entry before.
        return Some(sentence(source, text, words));
    };
    Some(sentence(source, format!("\n{mark}{text}"), words))
}

fn starts_numbered(text: &str) -> bool {
    text.trim_start().starts_with(|c: char| c.is_ascii_digit())
        && text.split_whitespace().next().is_some_and(|n| n.len() <= 3 && n.ends_with(['.', ')']))
}

/// Whether an entry says too little to stand alone ("5 working days").
fn needs_context(text: &str) -> bool {
    if text.contains([':', '：']) {
        return false;
    }
    let han = text.chars().filter(|c| is_han(*c)).count();
    if han > 0 { han < 10 } else { text.split_whitespace().count() < 6 }
}

fn colon(text: &str) -> &'static str {
    if text.chars().any(is_han) { "：" } else { ": " }
}

/// A row of a table as words: "Destination: Thailand; Express: THB 390".
fn row(header: &str, row: &str, question: &str) -> String {
    let names = cells(header);
    let values = cells(row);
    let separator = if row.chars().chain(header.chars()).any(is_han) { "；" } else { "; " };
    let wants = Wants::read(question);
    let mut asked: Vec<u32> = lexical::term_ids(question);
    if wants == Wants::Money {
        // "How much is it?" asks for a fee, a price, a cost, whatever it is called.
        for word in ["price", "价格"] {
            asked.push(term_of(word));
            asked.extend(synonyms_of(term_of(word)));
        }
    }
    let matches = |text: &str| lexical::term_ids(text).iter().any(|id| asked.contains(id));
    let is_named = |i: usize| names.get(i).is_some_and(|n| matches(n));
    let is_of_kind = |i: usize| wants.has_unit() && values.get(i).is_some_and(|v| wants.fits(v, &|_| false) > 0.0);
    let columns = 1..values.len();
    let of_kind = columns.clone().any(is_of_kind);
    // A wide row is cut to the columns that the question names and that hold what it asks for; to those that do either
    // where none does both.
    let is_both = |i: usize| is_named(i) && (!of_kind || is_of_kind(i));
    let by_name = columns.clone().any(is_both);
    let cut = values.len() > 4 && (of_kind || columns.clone().any(is_named));
    // "A" names nothing: what stands beside it does.
    let is_code = values.first().is_some_and(|v| is_short_code(v));
    let is_name = |i: usize| {
        let has_digit = || values.get(i).is_some_and(|v| v.contains(|c: char| c.is_ascii_digit()));
        i == 0 || i == 1 && (!by_name || is_code) && !has_digit()
    };
    let is_wanted = |i: usize| {
        let either = || is_named(i) || is_of_kind(i);
        is_name(i) || is_both(i) || !by_name && either() || values.get(i).is_some_and(|v| matches(v))
    };
    let parts: Vec<String> = values
        .iter()
        .enumerate()
        .filter(|(i, v)| !v.is_empty() && (!cut || is_wanted(*i)))
        .map(|(i, value)| match names.get(i).filter(|n| !n.is_empty()) {
            Some(name) if i > 0 || values.len() <= 2 => format!("{name}{}{value}", colon(value)),
            // "A" alone says nothing.
            Some(name) if is_short_code(value) => format!("{name} {value}"),
            _ => value.clone(),
        })
        .collect();
    parts.join(separator)
}

/// What a row of a table is about: its first cell, or the next where that is a letter that names nothing.
pub fn row_name(row: &str) -> String {
    let mut cells = cells(row).into_iter();
    let first = cells.next().unwrap_or_default();
    if is_short_code(&first) { cells.next().unwrap_or(first) } else { first }
}

/// Whether a cell is a letter or a number that says nothing alone.
fn is_short_code(cell: &str) -> bool {
    cell.is_ascii() && cell.len() <= 2
}

fn cells(row: &str) -> Vec<String> {
    row.trim().trim_start_matches('|').trim_end_matches('|').split('|').map(plain).collect()
}

/// A text without the marks of Markdown.
pub fn plain(text: &str) -> String {
    let text = text.trim();
    let text = text.trim_start_matches(['#', '>']).trim_start();
    let text = match text.split_once(char::is_whitespace) {
        Some(("-" | "*" | "+" | "•" | "·" | "●", rest)) => rest,
        Some((number, rest)) if starts_numbered(number) && number.len() <= 3 => rest,
        _ => text,
    };
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['*', '`', '[', '!', '\\', '\n']) {
        let (before, after) = rest.split_at(at);
        plain.push_str(before);
        rest = after;
        if let Some((label, link, tail)) = link(rest) {
            plain.push_str(label);
            if !link.is_empty() && link != label {
                plain.push_str(" (");
                plain.push_str(link);
                plain.push(')');
            }
            rest = tail;
            continue;
        }
        let mut characters = rest.chars();
        let marked = characters.next();
        rest = characters.as_str();
        match marked {
            Some('*') => rest = rest.trim_start_matches('*'),
            Some('`' | '\\') | None => {}
            Some('\n') => plain.push_str(if plain.ends_with(is_han) { "" } else { " " }),
            Some(other) => plain.push(other),
        }
    }
    plain.push_str(rest);
    plain.trim().to_owned()
}

/// `[label](link)` at the start of a text, with what follows.
fn link(text: &str) -> Option<(&str, &str, &str)> {
    let (label, rest) = text.strip_prefix('[')?.split_once("](")?;
    let (link, tail) = rest.split_once(')')?;
    (!label.contains(['[', '\n'])).then_some((label, link, tail))
}

/// The best sentence of the evidence, whatever the verdict.
pub fn best(evidence: &Evidence, question: &str) -> Option<String> {
    if let Some(faq) = evidence.faqs.first().filter(|f| f.similarity >= SAME_QUESTION) {
        return Some(plain(&faq.answer));
    }
    let pick: &Pick = evidence.picks.first()?;
    let (found, _) = evidence.sentence(pick)?;
    let scored = found.read.sentences.get(pick.sentence)?;
    let sentences = quote(found, scored, Wants::read(question), question, false);
    let joined: Vec<String> = sentences.into_iter().map(|s| s.text.trim().to_owned()).collect();
    Some(joined.join(if Language::detect(&found.passage.content) == Some(Language::Zh) { "" } else { " " }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_markdown_are_taken_out() {
        for (marked, expected) in [
            ("**Cancel:** in `Orders`", "Cancel: in Orders"),
            ("- See [returns](https://a.example/r).", "See returns (https://a.example/r)."),
            ("1. Open the *app*", "Open the app"),
            ("退款\n政策", "退款政策"),
            ("## Fees", "Fees"),
            ("2 * 3", "2  3"),
            ("10. 2026", "2026"),
        ] {
            assert_eq!(plain(marked), expected, "{marked}");
        }
    }

    #[test]
    fn a_row_reads_like_words() {
        let header = "| Destination | Standard | Time | Express | Time |";
        let thailand = "| Thailand | THB 190 | 4–6 days | **THB 390** | 2 days |";
        assert_eq!(row(header, thailand, "how much is express to thailand"), "Thailand; Express: THB 390");
        let header = "| Zone | Destination | Fee | Time | Express fee | Express time | Free delivery from |";
        let thailand = "| D | Thailand | THB 190 | 4–6 days | THB 390 | 2 days | THB 2,500 |";
        assert_eq!(
            row(header, thailand, "how long does delivery take"),
            "Zone D; Destination: Thailand; Time: 4–6 days; Express time: 2 days; Free delivery from: THB 2,500"
        );
        assert_eq!(
            row(
                "| 型号 | 容量 | 功率 | 重量 | 保修 |",
                "| RC-10 | 1.0 升 | 650 瓦 | 3 公斤 | 2 年 |",
                "RC-10的功率多大"
            ),
            "RC-10；容量：1.0 升；功率：650 瓦"
        );
        assert_eq!(
            row(header, thailand, "from when on is delivery free?"),
            "Zone D; Destination: Thailand; Free delivery from: THB 2,500"
        );
        assert_eq!(
            row("| 支付方式 | 到账时间 |", "| 支付宝 | 1–3 个工作日 |", "支付宝退款多久"),
            "支付方式：支付宝；到账时间：1–3 个工作日"
        );
    }
}
