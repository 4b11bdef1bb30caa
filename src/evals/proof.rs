//! Runs lies and truths (`evals/proof`) through the proof: a lie must be cut, a truth must be sent.

use std::{collections::BTreeMap, path::Path};

use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::types::Json;
use uuid::Uuid;

use super::{
    explain, jsonl,
    report::{self, Bar, Better, Picture, Sheet, Shown, ShownEvidence, ShownSentence, Unit},
};
use crate::{
    app::{DocumentId, KnowledgeBaseId, PassageId},
    knowledge::{Evidence, Found, Passage, rank},
    platform::{Result, language::Language},
    turn::{Citation, Sentence, SourceId, Unproven, proof},
};

/// A sentence that an answer might say, and what it rests on.
#[derive(Debug, Clone, Deserialize)]
pub struct Case {
    pub id: String,
    /// What kind of lie or truth it is ("number-price", "truth-reorder").
    pub family: String,
    pub language: Language,
    #[serde(default)]
    pub title: String,
    pub evidence: String,
    /// A second passage that was found and is not cited.
    #[serde(default)]
    pub uncited: Option<String>,
    /// The quotes of its citations; `None` cites the whole evidence, an empty list nothing.
    #[serde(default)]
    pub cites: Option<Vec<String>>,
    pub sentence: String,
    /// Whether the evidence proves the sentence.
    pub truth: bool,
}

impl Case {
    /// What the proof finds unproven; empty if the sentence would be sent.
    pub fn unproven(&self) -> Vec<Unproven> {
        let passages: Vec<Found> = [Some(&self.evidence), self.uncited.as_ref()]
            .into_iter()
            .flatten()
            .map(|content| found(&self.title, content))
            .collect();
        let source = passages.first().map(|f| SourceId::Passage(f.passage.id));
        let whole = [String::new()];
        let quotes = self.cites.as_deref().unwrap_or(&whole);
        let citations = quotes.iter().zip(source.into_iter().cycle());
        let sentence = Sentence {
            text: self.sentence.clone(),
            citations: citations.map(|(quote, source)| Citation { source, quote: quote.clone() }).collect(),
        };
        proof::unproven(&sentence, &Evidence { passages, ..Evidence::default() })
    }
}

fn found(title: &str, content: &str) -> Found {
    Found {
        passage: Passage {
            id: PassageId::new(),
            document_id: DocumentId(Uuid::nil()),
            kb_id: KnowledgeBaseId(Uuid::nil()),
            title: title.to_owned(),
            heading_path: Json(Vec::new()),
            content: content.to_owned(),
            chunk_index: 0,
            token_count: 0,
            metadata: Json(json!({})),
        },
        score: 1.0,
        lexical: 0.0,
        dense: 0.0,
        read: rank::Read::default(),
        is_duplicate: false,
    }
}

/// How many of how many were treated rightly.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Share {
    pub right: usize,
    pub of: usize,
}

impl Share {
    /// 0 to 1; 1 if there was nothing to treat.
    pub fn value(self) -> f64 {
        if self.of == 0 { 1.0 } else { self.right as f64 / self.of as f64 }
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:>5.1} % ({} of {})", self.value() * 100.0, self.right, self.of)
    }
}

/// A case that was treated wrongly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Miss {
    pub id: String,
    pub evidence: String,
    pub sentence: String,
    /// Why a truth was cut; empty for a lie that was kept.
    pub unproven: Vec<Unproven>,
}

/// What came of a file of cases.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Lies of numbers, units, dates, links, phone numbers, codes and citations that were cut.
    pub exact_lies: Share,
    /// Lies of negation, names and promises that were cut.
    pub worded_lies: Share,
    /// Truths that were sent.
    pub truths: Share,
    pub families: BTreeMap<String, Share>,
    pub misses: Vec<Miss>,
}

/// Whether lies of a family can be told by comparing values, without understanding words.
fn is_exact(family: &str) -> bool {
    !["negation", "entity", "promise"].iter().any(|worded| family.starts_with(worded))
}

/// Checks every case.
pub fn measure(cases: &[Case]) -> Report {
    let mut report = Report::default();
    for case in cases {
        let unproven = case.unproven();
        let right = unproven.is_empty() == case.truth;
        let family = report.families.entry(case.family.clone()).or_default();
        let group = match (case.truth, is_exact(&case.family)) {
            (true, _) => &mut report.truths,
            (false, true) => &mut report.exact_lies,
            (false, false) => &mut report.worded_lies,
        };
        for share in [family, group] {
            share.of += 1;
            share.right += usize::from(right);
        }
        if !right {
            let (evidence, sentence) = (case.evidence.clone(), case.sentence.clone());
            report.misses.push(Miss { id: case.id.clone(), evidence, sentence, unproven });
        }
    }
    report
}

/// Checks the cases of a file.
pub fn run(path: &Path) -> Result<(Report, Sheet)> {
    let cases: Vec<Case> = jsonl::read(path)?;
    let report = measure(&cases);
    let sheet = sheet(path, &report, &cases);
    Ok((report, sheet))
}

fn sheet(path: &Path, report: &Report, cases: &[Case]) -> Sheet {
    let truths = cases.iter().filter(|c| c.truth).count();
    let about = format!("{} lies and {truths} truths; a lie must be cut, a truth sent.", cases.len() - truths);
    let mut sheet = Sheet::new("proof", report::name_of(path), about);
    let value = |share: Share| (share.of > 0).then(|| share.value());
    let numbers = [
        ("exact_lies", "lies of numbers, dates, links, codes cut", value(report.exact_lies), Better::More),
        ("worded_lies", "lies of negation, names, promises cut", value(report.worded_lies), Better::More),
        ("truths", "truths sent", value(report.truths), Better::More),
    ];
    sheet.group("Proof", Unit::Share, &numbers);
    let mut bars: Vec<Bar> =
        report.families.iter().map(|(name, share)| Bar { name: name.clone(), value: share.value() }).collect();
    bars.sort_by(|a, b| a.value.total_cmp(&b.value));
    sheet.pictures = vec![Picture::Bars { title: "Treated rightly, by family".into(), unit: Unit::Share, bars }];
    sheet.cases(cases.iter().map(|case| checked(case, report)).collect());
    sheet
}

fn checked(case: &Case, report: &Report) -> report::Case {
    let miss = report.misses.iter().find(|m| m.id == case.id);
    let outcome = match (case.truth, miss.is_some()) {
        (true, false) => "truth sent",
        (true, true) => "truth cut",
        (false, false) => "lie cut",
        (false, true) => "lie sent",
    };
    let unproven = miss.map(|m| m.unproven.iter().map(explain::unproven).collect()).unwrap_or_default();
    let trace = Shown {
        evidence: vec![ShownEvidence {
            title: case.title.clone(),
            text: case.evidence.clone(),
            score: 1.0,
            is_relevant: None,
        }],
        proof: vec![ShownSentence { text: case.sentence.clone(), cites: Vec::new(), unproven }],
        ..Shown::default()
    };
    report::Case {
        id: format!("{} ({})", case.id, case.family),
        text: case.sentence.clone(),
        outcome: outcome.into(),
        is_right: Some(miss.is_none()),
        // A lie that is sent does more harm than a truth that is not.
        badness: f64::from(u8::from(miss.is_some())) * if case.truth { 1.0 } else { 2.0 },
        trace: miss.map(|_| Box::new(trace)),
        ..report::Case::default()
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{:<44} {}", "lies of numbers, dates, links, codes cut", self.exact_lies)?;
        writeln!(f, "{:<44} {}", "lies of negation, names, promises cut", self.worded_lies)?;
        write!(f, "{:<44} {}", "truths sent", self.truths)?;
        for (family, share) in &self.families {
            write!(f, "\n  {family:<42} {share}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(file: &str) -> Report {
        run(&Path::new(env!("CARGO_MANIFEST_DIR")).join("evals/proof").join(file)).unwrap().0
    }

    /// The shares that the suite must reach; the families held out are reported apart, and may not fall.
    #[test]
    fn lies_are_cut_and_truths_are_sent() {
        for (file, exact, worded, truths) in [("cases.jsonl", 0.99, 0.95, 0.97), ("held-out.jsonl", 0.97, 0.85, 0.83)] {
            let report = report(file);
            assert!(report.exact_lies.value() >= exact, "{file}: {report}");
            assert!(report.worded_lies.value() >= worded, "{file}: {report}");
            assert!(report.truths.value() >= truths, "{file}: {report}");
        }
    }
}
