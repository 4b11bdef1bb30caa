//! How far the audit log of each organisation is sealed, as this process knows it: in a file beside the database, out of
//! reach of who can write to its tables alone.

use std::{
    collections::BTreeMap,
    fs,
    io::{ErrorKind, Write},
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use crate::{
    app::{App, OrgId},
    platform::{Error, Result},
};

/// Its name in the data directory. Ids and seals only.
pub const FILE: &str = "audit-heads.json";

/// The last line of a chain. The default: none yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, FromRow, Serialize, Deserialize)]
pub struct Head {
    pub seq: i64,
    pub seal: String,
}

/// Who writes reads before.
#[derive(Default)]
struct Writing(Mutex<()>);

/// The furthest line of an organisation that was sealed here.
pub fn find(app: &App, org: OrgId) -> Result<Option<Head>> {
    Ok(read(app)?.remove(&org))
}

/// Keeps the last line that was sealed, after the commit: a crash in between leaves the one before.
pub fn note(app: &App, org: OrgId, head: Head) -> Result<()> {
    let writing = app.kept.of::<Writing>();
    let _alone = writing.0.lock().unwrap_or_else(PoisonError::into_inner);
    let mut all = read(app)?;
    if all.get(&org).is_some_and(|known| known.seq >= head.seq) {
        return Ok(());
    }
    all.insert(org, head);
    let (path, new) = (app.data_dir.join(FILE), app.data_dir.join(format!("{FILE}.new")));
    let mut file = fs::File::create(&new)?;
    file.write_all(&serde_json::to_vec(&all)?)?;
    file.sync_all()?;
    Ok(fs::rename(new, path)?)
}

fn read(app: &App) -> Result<BTreeMap<OrgId, Head>> {
    let path = app.data_dir.join(FILE);
    let odd = |e: anyhow::Error| Error::Internal(e.context(path.display().to_string()));
    match fs::read(&path) {
        Ok(text) => serde_json::from_slice(&text).map_err(|e| odd(e.into())),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(e) => Err(odd(e.into())),
    }
}
