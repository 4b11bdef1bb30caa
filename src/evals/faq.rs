//! `frontdesk eval faq`: the questions of one file as FAQs, those of another asked; and `eval pairs`: whether two
//! questions are the same. In memory, by the tokens and the matching that the product uses.

use std::{collections::HashMap, path::Path};

use chrono::DateTime;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    jsonl, metrics,
    report::{self, Better, Case, Sheet, Unit},
};
use crate::{
    app::{FaqId, KnowledgeBaseId, OrgId},
    knowledge::{Evidence, Faq, evidence, rank},
    platform::{Error, Result, lexical},
    turn::confidence,
};

/// How many FAQs are looked at closely, as in a search.
const CANDIDATES: usize = 50;
/// What the column of the questions may be called, and that of their labels.
const TEXT: [&str; 6] = ["text", "sentence", "question", "query", "utterance", "questions"];
const LABEL: [&str; 5] = ["label", "category", "intent", "answer", "class"];

/// A question and what it is about; the answer of an FAQ.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    text: String,
    label: String,
}

/// What was made of a question: a line of `--rows`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    pub text: String,
    pub label: String,
    /// The label of the best FAQ; empty if there is none.
    pub found: String,
    pub confidence: f64,
}

/// How well FAQs were matched. Shares are of 1.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub faqs: usize,
    pub questions: usize,
    /// Questions whose label no FAQ has.
    pub out_of_scope: usize,
    /// Of the questions in scope, the share whose best FAQ has their label.
    pub accuracy: Option<f64>,
    /// How well confidence tells questions in scope from others.
    pub auroc_in_scope: Option<f64>,
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let percent = |share: Option<f64>| share.map_or_else(|| "–".to_owned(), |s| format!("{:.1} %", s * 100.0));
        writeln!(f, "{} FAQs, {} questions, {} of them out of scope", self.faqs, self.questions, self.out_of_scope)?;
        writeln!(f, "{:<36} {:>8}", "in scope: label of the best FAQ", percent(self.accuracy))?;
        write!(f, "{:<36} {:>8}", "AUROC in scope", percent(self.auroc_in_scope))
    }
}

/// Questions and how often their terms occur.
struct Collection {
    faqs: Vec<Faq>,
    postings: HashMap<u32, Vec<(usize, f32)>>,
    /// What their answers teach.
    classifier: Option<rank::Classifier>,
}

impl Collection {
    fn new(questions: &[Asked]) -> Self {
        let lengths: u64 =
            questions.iter().map(|q| u64::from(lexical::document_vector(&[(&q.text, 1.0)], 1.0).1)).sum();
        let average = lengths as f32 / questions.len().max(1) as f32;
        let mut postings: HashMap<u32, Vec<(usize, f32)>> = HashMap::new();
        let faqs = questions.iter().enumerate().map(|(at, q)| {
            let (vector, _) = lexical::document_vector(&[(&q.text, 1.0)], average);
            for (term, weight) in vector.indices.iter().zip(&vector.values) {
                postings.entry(*term).or_default().push((at, *weight));
            }
            faq(at, q)
        });
        let faqs: Vec<Faq> = faqs.collect();
        let listed: Vec<(String, String)> = questions.iter().map(|q| (q.text.clone(), q.label.clone())).collect();
        Self { faqs, postings, classifier: rank::Classifier::learn(&listed) }
    }

    fn idf(&self, term: u32) -> f32 {
        lexical::idf(self.postings.get(&term).map_or(0, |p| p.len() as u64), self.faqs.len() as u64)
    }

    fn find(&self, text: &str) -> Evidence {
        let mut asked = rank::Asked::read(text);
        asked.weigh(self.faqs.len() as u64, |term| self.postings.get(&term).map_or(0, |p| p.len() as u64));
        let query = asked.query();
        let mut scores: HashMap<usize, f32> = HashMap::new();
        for (term, weight) in query.indices.iter().zip(&query.values) {
            for (at, value) in self.postings.get(term).map(Vec::as_slice).unwrap_or_default() {
                *scores.entry(*at).or_default() += weight * value;
            }
        }
        let mut hits: Vec<(usize, f32)> = scores.into_iter().collect();
        hits.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let rows = hits.iter().take(CANDIDATES).filter_map(|(at, _)| self.faqs.get(*at)).cloned().collect();
        let probable = self.classifier.as_ref().map(|classifier| classifier.probabilities(text));
        let faqs = evidence::faqs(&asked, rows, &|term| self.idf(term), probable.as_ref());
        Evidence { faqs, ..Evidence::default() }
    }
}

fn faq(at: usize, asked: &Asked) -> Faq {
    Faq {
        id: FaqId(Uuid::from_u128(at as u128)),
        org_id: OrgId(Uuid::nil()),
        kb_id: KnowledgeBaseId(Uuid::nil()),
        question: asked.text.clone(),
        answer: asked.label.clone(),
        category: None,
        language: None,
        use_count: 0,
        helpful_count: 0,
        is_active: true,
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
    }
}

/// Asks the questions of `test` of the FAQs in `train`. A label that `train` lacks is out of scope.
pub fn run(train: &Path, test: &Path, rows: Option<&Path>) -> Result<(Report, Sheet)> {
    let set = report::name_of(test);
    let (train, test) = (read(train)?, read(test)?);
    let collection = Collection::new(&train);
    let answered: Vec<Row> = test
        .into_iter()
        .map(|asked| {
            let found = collection.find(&asked.text);
            let label = found.faqs.first().map(|f| f.answer.clone()).unwrap_or_default();
            Row { text: asked.text, label: asked.label, found: label, confidence: confidence::of_faq(&found) }
        })
        .collect();
    if let Some(path) = rows {
        jsonl::write(path, &answered)?;
    }
    let known: std::collections::HashSet<&str> = train.iter().map(|q| q.label.as_str()).collect();
    let in_scope = |row: &&Row| known.contains(row.label.as_str());
    let scored: Vec<(f64, bool)> = answered.iter().map(|row| (row.confidence, in_scope(&row))).collect();
    let right = answered.iter().filter(in_scope).filter(|row| row.found == row.label).count();
    let within = answered.iter().filter(in_scope).count();
    let report = Report {
        faqs: train.len(),
        questions: answered.len(),
        out_of_scope: answered.len() - within,
        accuracy: (within > 0).then(|| right as f64 / within as f64),
        auroc_in_scope: metrics::auroc(&scored),
    };
    let sheet = sheet(set, &report, &answered, &in_scope);
    Ok((report, sheet))
}

fn sheet(set: String, report: &Report, answered: &[Row], in_scope: &dyn Fn(&&Row) -> bool) -> Sheet {
    let about = format!(
        "{} FAQs, {} questions, {} of them out of scope; by words alone.",
        report.faqs, report.questions, report.out_of_scope
    );
    let mut sheet = Sheet::new("faq", set, about);
    let numbers = [
        ("accuracy", "in scope: label of the best FAQ", report.accuracy, Better::More),
        ("auroc_in_scope", "AUROC in scope", report.auroc_in_scope, Better::More),
    ];
    sheet.group("FAQs", Unit::Share, &numbers);
    let scored: Vec<(f64, bool)> =
        answered.iter().map(|row| (row.confidence, in_scope(&row) && row.found == row.label)).collect();
    let of = |wanted: bool| answered.iter().filter(|row| in_scope(row) == wanted).map(|row| row.confidence).collect();
    sheet.pictures = vec![
        report::reliability(&scored),
        report::risk_coverage(&scored, None),
        report::histogram(
            "Confidence in scope and out of it",
            Unit::Share,
            &[("in scope", of(true)), ("out of scope", of(false))],
            (0.0, 1.0),
            Vec::new(),
        ),
    ];
    let case = |(at, row): (usize, &Row)| {
        let (outcome, is_right) = match (in_scope(&row), row.found == row.label) {
            (true, true) => ("right", Some(true)),
            (true, false) => ("another FAQ", Some(false)),
            (false, _) => ("out of scope", None),
        };
        Case {
            id: at.to_string(),
            text: row.text.clone(),
            outcome: outcome.into(),
            is_right,
            said: row.found.clone(),
            expected: row.label.clone(),
            confidence: Some(row.confidence),
            badness: if is_right == Some(true) { 0.0 } else { row.confidence },
            trace: None,
        }
    };
    sheet.cases(answered.iter().enumerate().map(case).collect());
    sheet
}

fn read(path: &Path) -> Result<Vec<Asked>> {
    let name = path.display();
    let wrong = |e: csv::Error| Error::Invalid(format!("{name}: {e}"));
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(path).map_err(wrong)?;
    let header = reader.headers().map_err(wrong)?.clone();
    let column = |names: &[&str]| {
        header.iter().position(|h| names.contains(&h.trim_start_matches('\u{feff}').trim().to_lowercase().as_str()))
    };
    let (Some(text), Some(label)) = (column(&TEXT), column(&LABEL)) else {
        return Err(Error::Invalid(format!("{name}: needs a column “text” and a column “label”")));
    };
    reader
        .records()
        .map(|record| {
            let record = record.map_err(wrong)?;
            let cell = |at: usize| record.get(at).unwrap_or_default().trim().to_owned();
            Ok(Asked { text: cell(text), label: cell(label) })
        })
        .collect()
}

/// How well likeness tells pairs of the same question from others.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Pairs {
    pub pairs: usize,
    pub same: usize,
    pub auroc: Option<f64>,
}

impl std::fmt::Display for Pairs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let auroc = self.auroc.map_or_else(|| "–".to_owned(), |a| format!("{:.1} %", a * 100.0));
        write!(f, "{} pairs, {} of them the same question: AUROC {auroc}", self.pairs, self.same)
    }
}

/// Measures a file of pairs: two questions and 0 or 1 a line, with tabs or commas between. Term frequencies are those
/// of the file itself.
pub fn pairs(path: &Path) -> Result<(Pairs, Sheet)> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::Invalid(format!("{}: {e}", path.display())))?;
    let delimiter = if text.lines().next().is_some_and(|line| line.contains('\t')) { b'\t' } else { b',' };
    let quoting = delimiter == b',';
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .quoting(quoting)
        .from_reader(text.as_bytes());
    let mut read: Vec<(String, String, bool)> = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| Error::Invalid(format!("{}: {e}", path.display())))?;
        let cell = |at: usize| record.get(at).unwrap_or_default().trim();
        if matches!(cell(2), "0" | "1") {
            read.push((cell(0).to_owned(), cell(1).to_owned(), cell(2) == "1"));
        }
    }
    let questions: Vec<Asked> = read
        .iter()
        .flat_map(|(a, b, _)| [a, b])
        .map(|text| Asked { text: text.clone(), label: String::new() })
        .collect();
    let collection = Collection::new(&questions);
    let scored: Vec<(f64, bool)> = read
        .iter()
        .map(|(a, b, same)| {
            let mut asked = rank::Asked::read(a);
            asked.weigh(collection.faqs.len() as u64, |t| collection.postings.get(&t).map_or(0, |p| p.len() as u64));
            (f64::from(rank::same_question(&asked, b, &|term| collection.idf(term))), *same)
        })
        .collect();
    let same = read.iter().filter(|p| p.2).count();
    let report = Pairs { pairs: read.len(), same, auroc: metrics::auroc(&scored) };
    let about = format!("{} pairs of questions, {} of them the same question; by words alone.", report.pairs, same);
    let mut sheet = Sheet::new("pairs", report::name_of(path), about);
    sheet.group("Pairs", Unit::Share, &[("auroc", "AUROC the same question", report.auroc, Better::More)]);
    let of = |wanted: bool| scored.iter().filter(|(_, same)| *same == wanted).map(|(alike, _)| *alike).collect();
    sheet.pictures = vec![report::histogram(
        "Likeness",
        Unit::Share,
        &[("the same question", of(true)), ("another one", of(false))],
        (0.0, 1.0),
        Vec::new(),
    )];
    let pairs = read.iter().zip(&scored).enumerate();
    let cases = pairs.map(|(at, ((a, b, same), (alike, _)))| Case {
        id: at.to_string(),
        text: format!("{a} | {b}"),
        outcome: if *same { "the same question" } else { "another one" }.into(),
        confidence: Some(*alike),
        // Furthest from what it should be.
        badness: if *same { 1.0 - alike } else { *alike },
        ..Case::default()
    });
    sheet.cases(cases.collect());
    Ok((report, sheet))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, text: &str) -> std::path::PathBuf {
        let path = std::env::temp_dir().join(format!("frontdesk-{}-{name}", Uuid::now_v7()));
        std::fs::write(&path, text).unwrap();
        path
    }

    #[test]
    fn the_label_of_the_best_faq_is_found_and_a_strange_question_is_told() {
        let train = file(
            "train.csv",
            "text,label\nhow do I reset my password,password\nI forgot my password,password\nwhere is my parcel,parcel\nmy parcel is late,parcel\n",
        );
        let test = file(
            "test.csv",
            "sentence,label\nforgot the password,password\nwhere is the parcel now,parcel\nis it going to rain,weather\n",
        );
        let rows = file("rows.jsonl", "");
        let (report, sheet) = run(&train, &test, Some(&rows)).unwrap();
        assert_eq!(sheet.cases[2].outcome, "out of scope");
        assert_eq!((report.faqs, report.questions, report.out_of_scope), (4, 3, 1));
        assert_eq!((report.accuracy, report.auroc_in_scope), (Some(1.0), Some(1.0)));
        let rows: Vec<Row> = jsonl::read(&rows).unwrap();
        assert_eq!(rows[0].found, "password");
        assert!(run(&file("bad.csv", "a,b\n1,2\n"), &test, None).unwrap_err().to_string().contains("text"));
    }

    #[test]
    fn pairs_are_read_with_tabs_or_commas() {
        for text in [
            "怎么退款\t如何退款\t1\n怎么退款\t今天天气\t0\n",
            "sentence1,sentence2,label\n怎么退款,如何退款,1\n怎么退款,今天天气,0\n",
        ] {
            let (report, _) = pairs(&file("pairs", text)).unwrap();
            assert_eq!((report.pairs, report.same, report.auroc), (2, 1, Some(1.0)));
        }
    }
}
