//! Where the documents say two things of one subject: sentences that are alike but for their amounts, times or dates.
//!
//! A rule for people to look at, not a proof: it names pairs, the most alike first.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use serde::Serialize;
use utoipa::ToSchema;

use super::facts::{self, Fact, Unit, Value};
use crate::{
    app::{App, DocumentId, PassageId},
    knowledge::{self, CurrentPassage as Row},
    platform::{
        Result,
        error::blocking,
        lexical::{self, Kind},
        sentences::{self, Shape},
    },
    staff::By,
};

/// How many passages are read, at a time and at most.
const PAGE: i64 = 500;
const PASSAGES: usize = 20_000;
/// The most pairs that are told of.
const PAIRS: usize = 200;
/// A word that stands in more sentences than this finds no pairs: it is about everything.
const COMMON: usize = 60;
/// How much of both sentences' words must be the same: under one heading, and anywhere.
const ALIKE_BELOW_HEADING: f64 = 0.6;
const ALIKE: f64 = 0.75;
/// How many words two sentences must share at least.
const SHARED: usize = 3;

/// One of two sentences that say different things.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = ContradictionSide)]
pub struct Side {
    pub document_id: DocumentId,
    pub title: String,
    pub passage_id: PassageId,
    pub heading: Option<String>,
    pub sentence: String,
    /// What differs, as it is written there.
    pub says: String,
}

/// Two sentences of one subject that say different things.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Contradiction {
    pub one: Side,
    pub other: Side,
    /// How much alike they are otherwise, 0 to 1.
    pub alike: f64,
}

/// Which documents that hold now contradict one another, or themselves.
pub async fn contradictions(app: &App, by: &By) -> Result<Vec<Contradiction>> {
    let (now, mut after, mut claims, mut read) = (app.now(), None, Vec::new(), 0);
    while read < PASSAGES {
        let page = knowledge::list_current(app.read().await?.conn(), by.org, now, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some((last.document_id, last.chunk_index));
        read += page.len();
        // Reading them, as comparing them, takes long enough to keep others from their turn.
        claims.extend(blocking(move || Ok(page.iter().flat_map(claims_of).collect::<Vec<_>>())).await?);
    }
    blocking(move || Ok(pairs(&claims))).await
}

/// A sentence with something in it that can differ.
#[derive(Debug, Clone)]
struct Claim {
    side: Side,
    facts: Vec<Fact>,
    /// What it is about: its words and those of its heading, without what is counted.
    words: BTreeSet<u32>,
    /// The words of its heading alone.
    heading: Arc<BTreeSet<u32>>,
    /// Codes, dates, days, bare numbers: who names others speaks of something else.
    names: BTreeSet<String>,
    /// What the row of a table is about.
    row: Option<String>,
}

fn claims_of(row: &Row) -> Vec<Claim> {
    let heading = row.heading_path.0.last();
    let about = Arc::new(words(heading.unwrap_or(&row.title)));
    let all = sentences::split(&row.content);
    let claim = |s: &sentences::Sentence| {
        if matches!(s.shape, Shape::Heading | Shape::HeaderRow | Shape::LeadIn) {
            return None;
        }
        let text = row.content.get(s.range.clone())?;
        let (facts, named): (Vec<Fact>, Vec<Fact>) =
            facts::read(text).into_iter().partition(|f| kind(&f.value).is_some());
        let names = named.into_iter().map(|f| f.words.to_lowercase()).collect();
        if facts.is_empty() {
            return None;
        }
        // A row or an item says of what it is only together with what it stands under.
        let over = s.under.and_then(|at| all.get(at)).filter(|_| s.shape != Shape::Prose);
        let over = over.and_then(|o| row.content.get(o.range.clone())).unwrap_or_default();
        let words = words(text).into_iter().chain(words(over)).collect();
        let side = Side {
            document_id: row.document_id,
            title: row.title.clone(),
            passage_id: row.id,
            heading: heading.cloned(),
            sentence: text.chars().take(400).collect(),
            says: String::new(),
        };
        let cell = text.trim().trim_start_matches('|').split('|').next().map(|cell| cell.trim().to_lowercase());
        let heading = about.clone();
        Some(Claim { side, facts, words, heading, names, row: cell.filter(|_| s.shape == Shape::Row) })
    };
    all.iter().filter_map(claim).collect()
}

/// The words of a text that say what it is about. Of Chinese, the pairs: a single character says too little.
fn words(text: &str) -> BTreeSet<u32> {
    let counted: Vec<String> = facts::read(text).into_iter().map(|f| f.words.to_lowercase()).collect();
    let is_counted = |word: &str| counted.iter().any(|c| c.contains(&word.to_lowercase()));
    let tokens = lexical::tokens(text).into_iter();
    let says = tokens.filter(|t| matches!(t.kind, Kind::Word | Kind::Whole | Kind::Pair));
    says.filter(|t| !text.get(t.start..t.end).is_some_and(is_counted)).map(|t| t.id).collect()
}

/// What two facts must have in common to be compared.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Clone, Copy)]
enum Compared {
    Money,
    Duration,
    Share,
    Measure(&'static str),
    Clock,
}

fn kind(value: &Value) -> Option<Compared> {
    match value {
        Value::Number { unit: Some(unit), .. } => Some(match unit {
            Unit::Money(_) => Compared::Money,
            Unit::Percent | Unit::Discount => Compared::Share,
            Unit::Measure(symbol) => Compared::Measure(symbol),
            _ => Compared::Duration,
        }),
        Value::Time { .. } => Some(Compared::Clock),
        _ => None,
    }
}

/// What `one` says that `other` does not, where both say as much of that kind.
fn differs(one: &Claim, other: &Claim) -> Option<(String, String)> {
    let by_kind = |c: &Claim| {
        let mut all: BTreeMap<Compared, Vec<Fact>> = BTreeMap::new();
        for fact in &c.facts {
            if let Some(kind) = kind(&fact.value) {
                all.entry(kind).or_default().push(fact.clone());
            }
        }
        all
    };
    let theirs = by_kind(other);
    for (kind, ours) in by_kind(one) {
        let Some(theirs) = theirs.get(&kind).filter(|t| t.len() == ours.len()) else { continue };
        let said_by = |fact: &Fact, all: &[Fact]| {
            all.iter()
                .any(|f| fact.value.is_proven_by(&f.value, &|_| false) || f.value.is_proven_by(&fact.value, &|_| false))
        };
        let says = |all: &[Fact]| all.iter().map(|f| f.words.as_str()).collect::<Vec<_>>().join(", ");
        let ours_only: Vec<Fact> = ours.iter().filter(|f| !said_by(f, theirs)).cloned().collect();
        let theirs_only: Vec<Fact> = theirs.iter().filter(|f| !said_by(f, &ours)).cloned().collect();
        if !ours_only.is_empty() && !theirs_only.is_empty() {
            return Some((says(&ours_only), says(&theirs_only)));
        }
    }
    None
}

/// The pairs of claims that are about one subject and differ, the most alike first.
fn pairs(claims: &[Claim]) -> Vec<Contradiction> {
    let mut having: HashMap<u32, Vec<usize>> = HashMap::new();
    for (at, claim) in claims.iter().enumerate() {
        for word in &claim.words {
            having.entry(*word).or_default().push(at);
        }
    }
    let mut found: Vec<Contradiction> = Vec::new();
    for (at, one) in claims.iter().enumerate() {
        let mut beside: BTreeSet<usize> = BTreeSet::new();
        for word in &one.words {
            let Some(others) = having.get(word).filter(|o| o.len() <= COMMON) else { continue };
            beside.extend(others.iter().filter(|o| **o > at));
        }
        for other in beside {
            let Some(other) = claims.get(other) else { continue };
            let both = one.words.intersection(&other.words).count();
            let alike = both as f64 / one.words.union(&other.words).count().max(1) as f64;
            let needed = if one.heading == other.heading { ALIKE_BELOW_HEADING } else { ALIKE };
            // Two that each name something the other does not (two towns, two products) are about two things.
            let is_one_subject = one.names == other.names
                && one.row == other.row
                && (one.words.is_subset(&other.words) || other.words.is_subset(&one.words));
            if both < SHARED || alike < needed || !is_one_subject {
                continue;
            }
            if let Some((ours, theirs)) = differs(one, other) {
                let side = |claim: &Claim, says| Side { says, ..claim.side.clone() };
                found.push(Contradiction { one: side(one, ours), other: side(other, theirs), alike });
            }
        }
    }
    found.sort_by(|a, b| b.alike.total_cmp(&a.alike));
    found.truncate(PAIRS);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::KnowledgeBaseId;
    use sqlx::types::Json;

    fn row(title: &str, heading: &str, content: &str) -> Row {
        Row {
            id: PassageId::new(),
            document_id: DocumentId::new(),
            kb_id: KnowledgeBaseId::new(),
            version: 1,
            chunk_index: 0,
            title: title.into(),
            heading_path: Json(vec![heading.into()]),
            content: content.into(),
            language: None,
            category: None,
            valid_from: None,
            valid_until: None,
        }
    }

    fn found(texts: &[(&str, &str)]) -> Vec<(String, String)> {
        let claims: Vec<Claim> = texts.iter().flat_map(|(h, t)| claims_of(&row(t, h, t))).collect();
        pairs(&claims).into_iter().map(|c| (c.one.says, c.other.says)).collect()
    }

    fn pair(one: &str, other: &str) -> Vec<(String, String)> {
        vec![(one.into(), other.into())]
    }

    #[test]
    fn sentences_that_are_alike_but_for_an_amount_or_a_time_contradict() {
        let returns = ("Returns", "Unopened products can be returned within 30 days of delivery.");
        let other = ("Returns", "Unopened products can be returned within 14 days of delivery.");
        assert_eq!(found(&[returns, other]), pair("30 days", "14 days"));
        let fees = [("费用", "换新服务的上门费用为 80 元。"), ("费用", "换新服务的上门费用为 120 元。")];
        assert_eq!(found(&fees), pair("80 元", "120 元"));
        let hours = [("Hours", "The shop in Penang opens at 9:00."), ("Visit", "The shop in Penang opens at 10 am.")];
        assert_eq!(found(&hours).len(), 1);
    }

    #[test]
    fn the_same_thing_in_other_words_and_other_things_are_left_alone() {
        for texts in [
            [
                ("R", "Unopened products can be returned within 2 weeks."),
                ("R", "Unopened products can be returned within 14 days."),
            ],
            [
                ("Delivery", "Delivery to Penang takes 3 working days."),
                ("Delivery", "Delivery to Johor takes 5 working days."),
            ],
            [("Price", "The kettle KT-170 costs $89."), ("Price", "The kettle KT-120 costs $59.")],
            [
                ("Warranty", "The warranty of grinders is 24 months."),
                ("Warranty", "Ask us about grinders, we answer within 2 hours."),
            ],
        ] {
            assert_eq!(found(&texts), [], "{texts:?}");
        }
    }

    #[test]
    fn rows_of_a_table_are_compared_by_what_stands_first() {
        let table = |row: &str| format!("| Product | Warranty of the product | Weight |\n|---|---|---|\n{row}\n");
        let rows = |one: &str, other: &str| {
            let (one, other) = (table(one), table(other));
            found(&[("Warranty", &one), ("Warranty", &other)])
        };
        assert_eq!(
            rows("| Power station | 3 years | 5 kg |", "| Power station | 5 years | 5 kg |"),
            pair("3 years", "5 years")
        );
        assert_eq!(rows("| PS-500 | 3 years | 5 kg |", "| PS-1000 | 5 years | 9 kg |"), []);
        assert_eq!(rows("| 10–49 pieces | 5 % | 5 kg |", "| 50–199 pieces | 9 % | 5 kg |"), []);
    }
}
