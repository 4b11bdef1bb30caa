//! The ledger beside the database: a backup is older than the erasures after it, so restoring one must hear of them.

use std::{
    collections::HashSet,
    fs::OpenOptions,
    io::{ErrorKind, Write},
    path::Path,
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Erasure, erase, store};
use crate::{
    app::{App, CustomerId, OrgId},
    platform::{Error, Result},
};

/// Its name in the data directory. Ids only; copy it along when a backup is restored elsewhere.
pub const FILE: &str = "erasures.jsonl";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Line {
    id: Uuid,
    org: OrgId,
    customer: CustomerId,
    requested_by: String,
    requested_at: DateTime<Utc>,
    erased_at: DateTime<Utc>,
}

/// Notes erasures that were done, those that are not there yet. Safe to repeat.
pub(super) fn note(app: &App, erasures: &[Erasure]) -> Result<()> {
    let path = app.data_dir.join(FILE);
    let known: HashSet<Uuid> = read(&path)?.iter().map(|line| line.id).collect();
    let mut text = String::new();
    for erasure in erasures.iter().filter(|e| !known.contains(&e.id)) {
        let Some(erased_at) = erasure.erased_at else { continue };
        let line = Line {
            id: erasure.id,
            org: erasure.org_id,
            customer: erasure.customer_id,
            requested_by: erasure.requested_by.clone(),
            requested_at: erasure.requested_at,
            erased_at,
        };
        text += &serde_json::to_string(&line)?;
        text.push('\n');
    }
    if text.is_empty() {
        return Ok(());
    }
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(text.as_bytes())?;
    Ok(file.sync_all()?)
}

fn read(path: &Path) -> Result<Vec<Line>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(Error::Invalid(format!("{}: {e}", path.display()))),
    };
    let mut lines = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        lines.push(serde_json::from_str(line).map_err(|e| {
            Error::Invalid(format!(
                "{}, line {}: {e}; without it erased customers could return",
                path.display(),
                number + 1
            ))
        })?);
    }
    Ok(lines)
}

/// Erases again who was erased before: before anything is served, since an older backup brings them back. Notes in this
/// directory's file what other processes of the installation erased, too. Returns how many returned. Safe to repeat.
pub async fn apply(app: &App) -> Result<usize> {
    for line in read(&app.data_dir.join(FILE))? {
        let erasure = Erasure {
            id: line.id,
            org_id: line.org,
            customer_id: line.customer,
            requested_by: line.requested_by,
            requested_at: line.requested_at,
            erased_at: Some(line.erased_at),
            receipt: None,
            signature: None,
        };
        let mut tx = app.begin().await?;
        if store::insert(tx.conn(), &erasure).await? {
            tx.commit().await?;
        }
    }
    note(app, &store::list_done(app.read().await?.conn()).await?)?;
    let returned = store::returned(app.read().await?.conn()).await?;
    for (org, customer) in &returned {
        erase::erase(app, *org, *customer).await?;
    }
    if !returned.is_empty() {
        tracing::warn!(customers = returned.len(), "erased again what a restored backup had brought back");
    }
    Ok(returned.len())
}
