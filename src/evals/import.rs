//! `frontdesk eval import`: question sets as others keep them, SQuAD-style JSON and CSV, become a corpus and questions.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::{Path, PathBuf},
};

use serde::Serialize;
use serde_json::Value;

use super::{Entry, Labelled, jsonl};
use crate::platform::{Error, Result};

/// What to read, and the directory that gets `corpus.jsonl` and `queries.jsonl`.
#[derive(Debug, Clone, Default)]
pub struct Imports {
    /// `{"data": [{"title", "paragraphs": [{"context", "qas": [{"id", "question", "answers"}]}]}]}`.
    pub squad: Vec<PathBuf>,
    /// With a header line: documents, questions, or both in each line.
    pub csv: Vec<PathBuf>,
    pub out: PathBuf,
}

/// What was imported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Imported {
    pub entries: usize,
    pub questions: usize,
    pub answerable: usize,
}

impl std::fmt::Display for Imported {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} texts, {} questions, {} of them answerable", self.entries, self.questions, self.answerable)
    }
}

/// What a column may be called.
const ID: [&str; 4] = ["id", "qid", "question_id", "document_id"];
const TITLE: [&str; 3] = ["title", "heading", "name"];
const TEXT: [&str; 5] = ["text", "context", "passage", "content", "paragraph"];
const QUESTION: [&str; 3] = ["question", "query", "questions"];
const ANSWERS: [&str; 3] = ["answers", "answer", "gold"];
const RELEVANT: [&str; 4] = ["relevant", "documents", "document", "source"];
const ANSWERABLE: [&str; 2] = ["answerable", "is_answerable"];
const IMPOSSIBLE: [&str; 2] = ["is_impossible", "unanswerable"];

/// The texts and questions read so far. The same text twice is one.
#[derive(Default)]
struct Set {
    corpus: Vec<Entry>,
    ids: HashSet<String>,
    by_text: HashMap<String, String>,
    questions: Vec<Labelled>,
    asked: HashSet<String>,
}

impl Set {
    /// Adds a text, and says what it is called.
    fn text(&mut self, id: &str, title: &str, text: &str) -> String {
        let key = format!("{title}\n{text}");
        if let Some(known) = self.by_text.get(&key) {
            return known.clone();
        }
        let id = free(&self.ids, if id.is_empty() { "text" } else { id });
        self.ids.insert(id.clone());
        self.by_text.insert(key, id.clone());
        self.corpus.push(Entry { id: id.clone(), title: title.into(), text: text.into() });
        id
    }

    fn question(&mut self, mut question: Labelled) {
        question.id = free(&self.asked, if question.id.is_empty() { "question" } else { &question.id });
        self.asked.insert(question.id.clone());
        self.questions.push(question);
    }
}

/// `name`, with a number if it is taken.
fn free(taken: &HashSet<String>, name: &str) -> String {
    if !taken.contains(name) {
        return name.to_owned();
    }
    (2..).map(|n| format!("{name}-{n}")).find(|name| !taken.contains(name)).unwrap_or_default()
}

/// Reads everything and writes both files; nothing is written if something can't be read.
///
/// # Errors
/// `Invalid`, naming the file and the place, in words for who made the file.
pub fn run(imports: &Imports) -> Result<Imported> {
    let mut set = Set::default();
    for path in &imports.squad {
        squad(path, &mut set)?;
    }
    for path in &imports.csv {
        csv(path, &mut set)?;
    }
    if set.corpus.is_empty() {
        return Err(Error::Invalid("no texts: a set needs what the answers are looked for in".into()));
    }
    if set.questions.is_empty() {
        return Err(Error::Invalid("no questions: a set needs something to ask".into()));
    }
    for question in &set.questions {
        if let Some(missing) = question.relevant.iter().find(|id| !set.ids.contains(*id)) {
            return Err(Error::Invalid(format!("question {}: there is no text with the id “{missing}”", question.id)));
        }
    }
    let dir = &imports.out;
    std::fs::create_dir_all(dir).map_err(|e| Error::Invalid(format!("{}: {e}", dir.display())))?;
    jsonl::write(&dir.join("corpus.jsonl"), &set.corpus)?;
    jsonl::write(&dir.join("queries.jsonl"), &set.questions)?;
    Ok(Imported {
        entries: set.corpus.len(),
        questions: set.questions.len(),
        answerable: set.questions.iter().filter(|q| q.answerable).count(),
    })
}

fn squad(path: &Path, set: &mut Set) -> Result<()> {
    let wrong = |place: &str, what: &str| Error::Invalid(format!("{}{place}: {what}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|e| wrong("", &e.to_string()))?;
    let file: Value =
        serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|e| wrong("", &format!("not JSON: {e}")))?;
    let articles = file
        .get("data")
        .or(Some(&file))
        .and_then(Value::as_array)
        .ok_or_else(|| wrong("", "a list “data” of articles is expected, as SQuAD has it"))?;
    for (a, article) in articles.iter().enumerate() {
        let title = string(article, &["title"]).unwrap_or_default();
        // Some sets have no articles: then each entry is a paragraph.
        let own = std::slice::from_ref(article);
        let paragraphs = article.get("paragraphs").and_then(Value::as_array).map_or(own, Vec::as_slice);
        for (p, paragraph) in paragraphs.iter().enumerate() {
            let place = format!(", article {}, paragraph {}", a + 1, p + 1);
            let context =
                string(paragraph, &["context", "context_text"]).ok_or_else(|| wrong(&place, "“context” is missing"))?;
            let entry = set.text(&format!("{a}-{p}"), title, context);
            let questions = paragraph
                .get("qas")
                .and_then(Value::as_array)
                .ok_or_else(|| wrong(&place, "a list “qas” of questions is missing"))?;
            for (q, asked) in questions.iter().enumerate() {
                let place = format!("{place}, question {}", q + 1);
                let text =
                    string(asked, &["question", "query_text"]).ok_or_else(|| wrong(&place, "“question” is missing"))?;
                let impossible = asked.get("is_impossible").and_then(Value::as_bool).unwrap_or(false);
                let answers = squad_answers(asked);
                set.question(Labelled {
                    id: string(asked, &["id", "query_id"]).map_or_else(|| format!("{a}-{p}-{q}"), ToOwned::to_owned),
                    text: text.to_owned(),
                    answerable: !impossible && !answers.is_empty(),
                    relevant: if impossible || answers.is_empty() { Vec::new() } else { vec![entry.clone()] },
                    answers: if impossible { Vec::new() } else { answers },
                });
            }
        }
    }
    Ok(())
}

fn string<'a>(value: &'a Value, keys: &[&str]) -> Option<&'a str> {
    keys.iter().find_map(|key| value.get(key)?.as_str()).map(str::trim).filter(|text| !text.is_empty())
}

/// `[{"text": …}]`, a list of texts, or `{"text": […]}`; each answer once.
fn squad_answers(asked: &Value) -> Vec<String> {
    let answers = asked.get("answers").unwrap_or(&Value::Null);
    let listed = answers.get("text").and_then(Value::as_array).or(answers.as_array());
    let texts = listed.into_iter().flatten().filter_map(|a| a.as_str().or_else(|| a.get("text")?.as_str()));
    once(texts)
}

/// Each text once, in order, without empty ones.
fn once<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for text in texts.map(str::trim).filter(|text| !text.is_empty()) {
        if !all.iter().any(|known| known == text) {
            all.push(text.to_owned());
        }
    }
    all
}

/// A file of texts (a column `text`), of questions (a column `question`), or of both in each line.
fn csv(path: &Path, set: &mut Set) -> Result<()> {
    let name = path.display();
    let wrong = |e: csv::Error| Error::Invalid(format!("{name}: {e}"));
    let delimiter = if path.extension().is_some_and(|e| e == "tsv") { b'\t' } else { b',' };
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_path(path).map_err(wrong)?;
    let header: BTreeMap<String, usize> = reader
        .headers()
        .map_err(wrong)?
        .iter()
        .enumerate()
        .map(|(at, column)| (column.trim_start_matches('\u{feff}').trim().to_lowercase(), at))
        .collect();
    let column = |names: &[&str]| names.iter().find_map(|name| header.get(*name)).copied();
    let (text, question) = (column(&TEXT), column(&QUESTION));
    if text.is_none() && question.is_none() {
        let known = header.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        return Err(Error::Invalid(format!(
            "{name}: needs a column “text” (documents), “question”, or both; there are: {known}"
        )));
    }
    let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    for record in reader.records() {
        let record = record.map_err(wrong)?;
        let line = record.position().map_or(0, csv::Position::line);
        let cell = |at: Option<usize>| at.and_then(|at| record.get(at)).unwrap_or_default().trim();
        let id = cell(column(&ID));
        let own = (!cell(text).is_empty()).then(|| {
            // Where questions stand beside texts, the id is the question's.
            let id = if question.is_none() && !id.is_empty() { id.to_owned() } else { format!("{stem}-{line}") };
            set.text(&id, cell(column(&TITLE)), cell(text))
        });
        if question.is_none() {
            if own.is_none() {
                return Err(Error::Invalid(format!("{name}, line {line}: the text is empty")));
            }
            continue;
        }
        if cell(question).is_empty() {
            return Err(Error::Invalid(format!("{name}, line {line}: the question is empty")));
        }
        let answers = listed(cell(column(&ANSWERS)));
        let mut relevant = listed(cell(column(&RELEVANT)));
        let flag = |names: &[&str]| {
            let said = cell(column(names));
            if said.is_empty() {
                return Ok(None);
            }
            yes_or_no(said).map(Some).ok_or_else(|| {
                Error::Invalid(format!("{name}, line {line}: “{said}” is neither yes nor no (true, false, 1, 0)"))
            })
        };
        let said = flag(&ANSWERABLE)?.or(flag(&IMPOSSIBLE)?.map(|impossible| !impossible));
        let answerable = said.unwrap_or(!answers.is_empty() || !relevant.is_empty());
        if answerable && relevant.is_empty() {
            relevant.extend(own);
        }
        let id = if id.is_empty() { format!("{stem}-{line}") } else { id.to_owned() };
        set.question(Labelled { id, text: cell(question).to_owned(), relevant, answers, answerable });
    }
    Ok(())
}

/// Several in one cell: a JSON list, or with `|` or line breaks between.
fn listed(cell: &str) -> Vec<String> {
    if let Ok(list) = serde_json::from_str::<Vec<String>>(cell) {
        return once(list.iter().map(String::as_str));
    }
    once(cell.split(['|', '\n']))
}

fn yes_or_no(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "true" | "1" | "yes" | "y" | "是" => Some(true),
        "false" | "0" | "no" | "n" | "否" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Room(PathBuf);

    impl Room {
        fn new() -> Self {
            let dir = std::env::temp_dir().join(format!("frontdesk-import-{}", uuid::Uuid::now_v7()));
            std::fs::create_dir_all(&dir).unwrap();
            Self(dir)
        }

        fn file(&self, name: &str, text: &str) -> PathBuf {
            let path = self.0.join(name);
            std::fs::write(&path, text).unwrap();
            path
        }

        fn import(&self, squad: &[PathBuf], csv: &[PathBuf]) -> Result<(Vec<Entry>, Vec<Labelled>)> {
            let out = self.0.join("set");
            run(&Imports { squad: squad.to_vec(), csv: csv.to_vec(), out: out.clone() })?;
            Ok((jsonl::read(&out.join("corpus.jsonl"))?, jsonl::read(&out.join("queries.jsonl"))?))
        }
    }

    impl Drop for Room {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn squad_becomes_a_corpus_and_questions() {
        let room = Room::new();
        let file = room.file(
            "dev.json",
            r#"{"version":"v2.0","data":[{"title":"Normans","paragraphs":[
                {"context":"The Normans came from Normandy, in France.","qas":[
                    {"id":"a","question":"Where is Normandy?","answers":[{"text":"France","answer_start":36},{"text":"France","answer_start":36}],"is_impossible":false},
                    {"id":"b","question":"Who gave it away?","answers":[],"plausible_answers":[{"text":"nobody"}],"is_impossible":true}]},
                {"context":"The Normans came from Normandy, in France.","qas":[{"question":"Who came?","answers":["The Normans"]}]}]}]}"#,
        );
        let (corpus, questions) = room.import(&[file], &[]).unwrap();
        assert_eq!(corpus.len(), 1, "the same text is one");
        assert_eq!((corpus[0].title.as_str(), questions.len()), ("Normans", 3));
        assert_eq!(questions[0].answers, ["France"]);
        assert_eq!(questions[0].relevant, [corpus[0].id.clone()]);
        assert!(!questions[1].answerable && questions[1].relevant.is_empty() && questions[1].answers.is_empty());
        assert_eq!(questions[2].id, "0-1-0");
    }

    #[test]
    fn documents_and_questions_come_from_two_files_or_from_one() {
        let room = Room::new();
        let documents = room.file("docs.csv", "id,title,text\nrefunds,Refunds,\"Refunds take five days,\nor six.\"\n");
        let questions = room.file(
            "asked.csv",
            "\u{feff}Question,Answers,Relevant,Answerable\nHow long do refunds take?,\"[\"\"five days\"\",\"\"5 days\"\"]\",refunds,\n能退吗,五天|5 天,refunds,是\nWho won the cup?,,,no\n",
        );
        let (corpus, asked) = room.import(&[], &[documents, questions]).unwrap();
        assert_eq!(corpus[0].text, "Refunds take five days,\nor six.");
        assert_eq!(asked[0].answers, ["five days", "5 days"]);
        assert_eq!((asked[1].answers.len(), asked[1].answerable, asked[2].answerable), (2, true, false));
        let both = room.file("both.tsv", "id\tquestion\tcontext\tanswer\nq1\tHow long?\tFive days.\tFive days\n");
        let (corpus, asked) = room.import(&[], &[both]).unwrap();
        assert_eq!((asked[0].id.as_str(), &asked[0].relevant), ("q1", &vec![corpus[0].id.clone()]));
    }

    #[test]
    fn what_cannot_be_read_is_said_where_it_stands_and_nothing_is_written() {
        let room = Room::new();
        let documents = room.file("docs.csv", "id,text\na,Text\n");
        for (squad, csv, words) in [
            (Some("{\"data\": 3}"), None, "a list “data”"),
            (Some("{\"data\": [{\"paragraphs\": [{\"qas\": []}]}]}"), None, "article 1, paragraph 1: “context”"),
            (Some("{\"data\": [{\"paragraphs\": [{\"context\": \"x\", \"qas\": [{}]}]}]}"), None, "question 1"),
            (Some("nonsense"), None, "not JSON"),
            (None, Some("a,b\n1,2\n"), "there are: a, b"),
            (None, Some("question,relevant\nWhy?,nowhere\n"), "“nowhere”"),
            (None, Some("question,answerable\nWhy?,perhaps\n"), "line 2: “perhaps”"),
            (None, Some("question,answer\n,x\n"), "line 2: the question is empty"),
            (None, Some("question,answer\nWhy?\n"), "line: 2"),
        ] {
            let squad: Vec<PathBuf> = squad.map(|text| room.file("bad.json", text)).into_iter().collect();
            let mut files: Vec<PathBuf> = csv.map(|text| room.file("bad.csv", text)).into_iter().collect();
            files.push(documents.clone());
            let error = room.import(&squad, &files).unwrap_err().to_string();
            assert!(error.contains(words), "{words}: {error}");
            assert!(!room.0.join("set").exists(), "{words}");
        }
        let error = room.import(&[], std::slice::from_ref(&documents)).unwrap_err().to_string();
        assert!(error.contains("no questions"), "{error}");
    }
}
