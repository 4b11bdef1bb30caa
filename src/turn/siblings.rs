//! What stands beside the thing that was answered about last: "the other one" is its only sibling, or one of several.
//! Pure.

use std::ops::Range;

use super::{
    Citation, Question, extract,
    rewrite::{codes, series, topics},
};
use crate::{
    knowledge::{Evidence, Found, SourceId, rank::synonyms_of},
    platform::{
        lexical,
        sentences::{self, Shape},
    },
};

/// The most names that are asked back with.
const MOST: usize = 3;

/// What may be meant by "the other one".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Siblings {
    pub names: Vec<String>,
    /// Where the thing they stand beside is named in the question before.
    pub place: Option<Range<usize>>,
}

impl Siblings {
    /// The siblings of what `evidence` says to `before`: the other models of a series, or the other rows of the table that
    /// is quoted. `noun`: what they are said to be.
    pub fn of(before: &Question, evidence: &Evidence, noun: Option<&str>) -> Self {
        let named = codes(&before.text);
        let mut written: Vec<&str> = named.iter().filter_map(|at| before.text.get(at.clone())).collect();
        written.dedup();
        let mut siblings = match written.as_slice() {
            [] => of_rows(before, evidence, noun),
            [code] => {
                let others = of_series(code, evidence, noun);
                let rows = || of_rows(before, evidence, noun).names;
                let names = if others.is_empty() { rows() } else { others };
                Self { names, place: named.first().cloned() }
            }
            several => Self { names: several.iter().map(|code| (*code).to_owned()).collect(), place: None },
        };
        siblings.names.truncate(MOST);
        siblings
    }
}

/// The other models of the series that `code` is of, in the order in which they were found.
fn of_series(code: &str, evidence: &Evidence, noun: Option<&str>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for found in &evidence.passages {
        let content = &found.passage.content;
        for at in codes(content) {
            let other = content.get(at.clone()).unwrap_or_default();
            let is_new = !other.eq_ignore_ascii_case(code) && !names.iter().any(|known| known == other);
            if is_new && series(other) == series(code) && noun.is_none_or(|noun| is_called(found, at.start, noun)) {
                names.push(other.to_owned());
            }
        }
    }
    names
}

/// Whether the line at `place`, or the heading above it, calls what it is about a `noun`.
fn is_called(found: &Found, place: usize, noun: &str) -> bool {
    let (head, tail) = found.passage.content.split_at_checked(place).unwrap_or_default();
    let line = [head.rsplit('\n').next(), tail.split('\n').next()].map(Option::unwrap_or_default).concat();
    holds(&line, noun) || holds(heading(found), noun)
}

/// The heading that stands nearest above a passage.
fn heading(found: &Found) -> &str {
    found.passage.heading_path.last().unwrap_or(&found.passage.title)
}

/// Whether `text` has every word of `noun`, or what says the same.
fn holds(text: &str, noun: &str) -> bool {
    let held = lexical::term_ids(text);
    let is_held = |id: &u32| held.contains(id) || synonyms_of(*id).iter().any(|same| held.contains(same));
    lexical::term_ids(noun).iter().all(is_held)
}

/// The rows beside the one that is quoted.
fn of_rows(before: &Question, evidence: &Evidence, noun: Option<&str>) -> Siblings {
    let cited: Vec<Citation> =
        extract::answer(before, evidence).sentences.into_iter().flat_map(|s| s.citations).collect();
    let Some(found) = cited
        .first()
        .and_then(|first| evidence.passages.iter().find(|found| SourceId::Passage(found.passage.id) == first.source))
    else {
        return Siblings::default();
    };
    let content = &found.passage.content;
    let parts = sentences::split(content);
    let own = |part: &sentences::Sentence| content.get(part.range.clone()).unwrap_or_default().trim();
    let is_cited = |part: &&sentences::Sentence| cited.iter().any(|citation| citation.quote == own(part));
    let rows = || parts.iter().filter(|part| part.shape == Shape::Row);
    let Some(table) = rows().find(is_cited).map(|row| row.under) else { return Siblings::default() };
    let (quoted, others): (Vec<_>, Vec<_>) = rows().filter(|row| row.under == table).partition(is_cited);
    let name = |row: &sentences::Sentence| extract::row_name(own(row));
    // Where several are quoted, the other one is among them.
    let candidates = if quoted.len() > 1 { &quoted } else { &others }.iter();
    let candidates =
        candidates.filter(|row| noun.is_none_or(|noun| holds(own(row), noun) || holds(heading(found), noun)));
    let names: Vec<String> = candidates.map(|row| name(row)).filter(|name| !name.is_empty()).collect();
    let quoted = quoted.iter().map(|row| name(row)).collect::<Vec<_>>().join(" ");
    let place = topics(&before.text).into_iter().find(|phrase| holds(&quoted, phrase)).and_then(|phrase| {
        let start = before.text.find(phrase)?;
        Some(start..start + phrase.len())
    });
    // What is not named in the question has nothing beside it that the question would mean.
    let names = if place.is_none() && names.len() == 1 { Vec::new() } else { names };
    Siblings { names, place }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::OrgId,
        knowledge::{Passage, rank::Asked},
        platform::vectors::Hit,
    };

    const PRICES: &str = "| Model | Product | Price |\n|---|---|---|\n| KT-120 | Kettle 1.2 L | S$45 |\n\
        | KT-170 | Kettle 1.7 L | S$69 |\n| SB-5 | Sleeping bag | S$79 |\n| SB-M10 | Down sleeping bag | S$149 |\n\
        | VC-9 | Vacuum | S$299 |\n";
    const DELIVERY: &str = "| Way | Time |\n|---|---|\n| Standard delivery | 5 days |\n| Express delivery | 2 days |\n";

    fn siblings(content: &str, before: &str, noun: Option<&str>) -> (Vec<String>, Option<String>) {
        let passage = Passage::sample("", content);
        let hits = [Hit { id: passage.id.0, lexical: 3.0, dense: 0.0 }];
        let evidence = Evidence::of(&Asked::read(before), &hits, vec![passage], Vec::new(), 1);
        let siblings = Siblings::of(&Question::alone(OrgId::new(), before), &evidence, noun);
        (siblings.names, siblings.place.map(|at| before[at].to_owned()))
    }

    #[test]
    fn the_sibling_is_the_other_model_of_a_series() {
        let (names, place) = siblings(PRICES, "How much is the KT-120?", None);
        assert_eq!((names, place.as_deref()), (vec!["KT-170".to_owned()], Some("KT-120")));
    }

    #[test]
    fn the_sibling_is_the_other_row_or_the_row_of_that_kind() {
        let (names, place) = siblings(DELIVERY, "How long does express take?", None);
        assert_eq!((names, place.as_deref()), (vec!["Standard delivery".to_owned()], Some("express")));
        let (names, _) = siblings(PRICES, "How much is the SB-5?", Some("sleeping bag"));
        assert_eq!(names, ["SB-M10"]);
    }

    #[test]
    fn what_may_be_several_is_named_and_not_guessed() {
        let (names, _) = siblings(PRICES, "How much is the vacuum?", None);
        assert_eq!(names, ["KT-120", "KT-170", "SB-5"]);
        let (names, _) = siblings(PRICES, "Is the KT-120 or the VC-9 cheaper?", None);
        assert_eq!(names, ["KT-120", "VC-9"]);
        let (names, _) = siblings("We sell kettles and more.", "Do you sell kettles?", None);
        assert!(names.is_empty(), "{names:?}");
        let (names, _) = siblings(PRICES, "How much is the KT-120?", Some("fan"));
        assert!(names.is_empty(), "{names:?}");
    }
}
