//! `frontdesk eval all`: every set of a directory through the suite that it is for. What a file holds tells its suite.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{
    Files, MemoryFiles, TalkFiles, Tick, faq, memory, proof,
    report::{Report, Sheet},
    run, talks,
};
use crate::{
    app::Config,
    platform::{Clock, Error, Result},
};

/// One set and its suite.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Set {
    Answers { corpus: PathBuf, queries: PathBuf },
    Talks { corpus: PathBuf, talks: PathBuf, about: String },
    Faq { train: PathBuf, test: PathBuf },
    Pairs(PathBuf),
    Proof(PathBuf),
    Learning(PathBuf),
}

impl Set {
    /// What it is called while it runs.
    pub fn name(&self) -> String {
        match self {
            Self::Answers { queries, .. } => super::report::name_of(queries),
            Self::Talks { talks, about, .. } => format!("{} ({about})", super::report::name_of(talks)),
            Self::Faq { test: file, .. } | Self::Pairs(file) | Self::Proof(file) | Self::Learning(file) => {
                super::report::name_of(file)
            }
        }
    }

    /// Whether only its numbers may be seen: it, or what it lies in, is called *blind*.
    fn is_blind(&self) -> bool {
        let (Self::Answers { queries: file, .. }
        | Self::Talks { talks: file, .. }
        | Self::Faq { test: file, .. }
        | Self::Pairs(file)
        | Self::Proof(file)
        | Self::Learning(file)) = self;
        file.components().any(|part| part.as_os_str().to_string_lossy().contains("blind"))
    }

    /// Runs its suite.
    pub async fn run(&self, config: &Config, tick: Tick<'_>) -> Result<Sheet> {
        match self {
            Self::Answers { corpus, queries } => {
                let files = Files { corpus: corpus.clone(), queries: queries.clone(), rows: None };
                Ok(run(config.clone(), &files, tick).await?.1)
            }
            Self::Talks { corpus, talks: file, about } => {
                let files =
                    TalkFiles { corpus: corpus.clone(), talks: file.clone(), about: Some(about.clone()), rows: None };
                Ok(talks(config.clone(), &files, tick).await?.1)
            }
            Self::Faq { train, test } => Ok(faq::run(train, test, None)?.1),
            Self::Pairs(file) => Ok(faq::pairs(file)?.1),
            Self::Proof(file) => Ok(proof::run(file)?.1),
            Self::Learning(file) => {
                let files = MemoryFiles { learn: Some(file.clone()), ..MemoryFiles::default() };
                let (_, sheets) = memory(config.clone(), &files, tick).await?;
                sheets.into_iter().next().ok_or(Error::Invalid(format!("{}: nothing was measured", file.display())))
            }
        }
    }
}

/// Runs every set, in order. `begin` is told the name of each.
pub async fn all(config: Config, sets: &[Set], begin: &dyn Fn(&str), tick: Tick<'_>) -> Result<Report> {
    let mut sheets = Vec::with_capacity(sets.len());
    for set in sets {
        begin(&set.name());
        let mut sheet = set.run(&config, tick).await?;
        // Whoever writes rules reads the numbers of these, never their lines.
        if set.is_blind() {
            sheet.hide_cases();
        }
        sheets.push(sheet);
    }
    Ok(Report::new(sheets, Some(Clock::System.now())))
}

/// How deep below the directory sets are looked for.
const DEPTH: usize = 2;

/// The sets in a directory and up to two below it, in a fixed order. Files of no suite are left alone.
///
/// # Errors
/// `Invalid` when there is no such directory, or nothing in it is a set.
pub fn find(dir: &Path) -> Result<Vec<Set>> {
    let mut sets = Vec::new();
    let mut dirs = vec![(dir.to_path_buf(), 0)];
    while let Some((inside, depth)) = dirs.pop() {
        for path in entries(&inside)? {
            match path.is_dir() {
                true if depth < DEPTH => dirs.push((path, depth + 1)),
                true => {}
                false => sets.extend(of_file(dir, &inside, &path)?),
            }
        }
    }
    sets.sort();
    if sets.is_empty() {
        return Err(Error::Invalid(format!(
            "{}: no sets here; a set is a directory with corpus.jsonl and queries.jsonl, see evals/README.md",
            dir.display()
        )));
    }
    Ok(sets)
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>> {
    let wrong = |e: std::io::Error| Error::Invalid(format!("{}: {e}", dir.display()));
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(wrong)? {
        paths.push(entry.map_err(wrong)?.path());
    }
    paths.sort();
    Ok(paths)
}

/// The sets that a file is: conversations about several corpora are one for each.
fn of_file(root: &Path, dir: &Path, file: &Path) -> Result<Vec<Set>> {
    let name = file.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    let path = file.to_path_buf();
    if name == "test.csv" && dir.join("train.csv").is_file() {
        return Ok(vec![Set::Faq { train: dir.join("train.csv"), test: path }]);
    }
    if matches!(name, "pairs.csv" | "pairs.tsv") {
        return Ok(vec![Set::Pairs(path)]);
    }
    if !name.ends_with(".jsonl") || name == "corpus.jsonl" {
        return Ok(Vec::new());
    }
    let lines: Vec<Value> = super::jsonl::read(file)?;
    let Some(first) = lines.first() else { return Ok(Vec::new()) };
    let has = |keys: &[&str]| keys.iter().all(|key| first.get(key).is_some());
    if has(&["turns"]) {
        let mut about: Vec<&str> = lines.iter().filter_map(|line| line.get("corpus")?.as_str()).collect();
        about.sort_unstable();
        about.dedup();
        let of = |about: &str| {
            let corpus = root.join(about).join("corpus.jsonl");
            corpus.is_file().then(|| Set::Talks { corpus, talks: path.clone(), about: about.into() })
        };
        return Ok(about.into_iter().filter_map(of).collect());
    }
    if has(&["evidence", "sentence", "truth"]) {
        return Ok(vec![Set::Proof(path)]);
    }
    if has(&["text", "facts", "by"]) {
        return Ok(vec![Set::Learning(path)]);
    }
    let corpus = dir.join("corpus.jsonl");
    if has(&["id", "text"]) && corpus.is_file() {
        return Ok(vec![Set::Answers { corpus, queries: path }]);
    }
    Ok(Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_sets_are_found_each_for_its_suite() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("evals");
        let sets = find(&dir).unwrap();
        let of = |is: fn(&Set) -> bool| sets.iter().filter(|s| is(s)).map(Set::name).collect::<Vec<_>>();
        let answers = of(|s| matches!(s, Set::Answers { .. }));
        assert!(
            ["demo/heldout", "demo", "muli"].iter().all(|name| answers.contains(&(*name).to_owned())),
            "{answers:?}"
        );
        let blind: Vec<String> = sets.iter().filter(|s| s.is_blind()).map(Set::name).collect();
        assert!(["muli", "talks/blind (demo)"].iter().all(|name| blind.contains(&(*name).to_owned())), "{blind:?}");
        assert!(!blind.contains(&"demo/heldout".to_owned()));
        let talks = of(|s| matches!(s, Set::Talks { .. }));
        assert!(talks.contains(&"talks/blind (demo)".to_owned()) && talks.contains(&"talks/talks (shops)".to_owned()));
        assert!(of(|s| matches!(s, Set::Proof(_))).contains(&"proof/cases".into()));
        assert!(of(|s| matches!(s, Set::Learning(_))).len() >= 7);
        let error = find(&dir.join("shops-that-are-not-there")).unwrap_err().to_string();
        assert!(error.contains("shops-that-are-not-there"), "{error}");
        let error = find(&dir.join("../docs/adr")).unwrap_err().to_string();
        assert!(error.contains("no sets here"), "{error}");
    }
}
