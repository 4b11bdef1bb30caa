//! Scripted customers: conversations of several moves through the real front door (the website's API), on a throw-away
//! store with a clock that stands still between two moves. What must hold is written beside each move.

mod play;
mod script;

use std::path::{Path, PathBuf};

use serde::Serialize;

use self::{
    play::Stage,
    script::{Run, Script},
};
use crate::{
    app::Config,
    platform::{Error, Result},
};

/// How a case went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    pub id: String,
    pub file: String,
    /// What did not hold, move by move; empty: everything did.
    pub failures: Vec<String>,
    pub transcript: Vec<String>,
}

/// How all of them went.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether a model wrote the answers.
    pub with_model: bool,
    pub held: usize,
    pub of: usize,
    pub cases: Vec<Told>,
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for case in self.cases.iter().filter(|c| !c.failures.is_empty()) {
            writeln!(f, "{} ({})", case.id, case.file)?;
            case.transcript.iter().try_for_each(|line| writeln!(f, "    {line}"))?;
            case.failures.iter().try_for_each(|failure| writeln!(f, "  ✗ {failure}"))?;
        }
        let with = if self.with_model { "with a model" } else { "without a model" };
        write!(f, "{} of {} simulated customers were served as written, {with}", self.held, self.of)
    }
}

/// Plays every script in `dir`. Settings count (a model), databases and servers do not.
pub async fn run(config: Config, dir: &Path) -> Result<Report> {
    let mut report = Report { with_model: config.model.base_url.is_some(), ..Report::default() };
    let mut files: Vec<PathBuf> = std::fs::read_dir(dir)?.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "yaml" || e == "yml"));
    files.sort();
    if files.is_empty() {
        return Err(Error::Invalid(format!("{}: no .yaml files", dir.display())));
    }
    for path in files {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let script: Script = serde_saphyr::from_str(&std::fs::read_to_string(&path)?)
            .map_err(|e| Error::Invalid(format!("{}: {e}", path.display())))?;
        let stage = Stage::open(config.clone(), &script.company).await?;
        for case in &script.cases {
            let is_run = match case.run {
                Run::Always => true,
                Run::WithModel => report.with_model,
                Run::WithoutModel => !report.with_model,
            };
            if is_run {
                report.cases.push(stage.play(case, &name).await?);
            }
        }
    }
    report.of = report.cases.len();
    report.held = report.cases.iter().filter(|c| c.failures.is_empty()).count();
    Ok(report)
}
