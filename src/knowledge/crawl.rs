//! Addresses that are fetched again by themselves: what changed there is a new version.

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{Document, fetch, ingest, store::documents};
use crate::{
    app::{App, Changed, DocumentId, Job},
    platform::{Error, Result},
    staff::{By, audit},
};

/// How often an address is fetched again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = CrawlEvery)]
pub enum Every {
    Daily,
    Weekly,
}

impl Every {
    fn after(self, at: DateTime<Utc>) -> DateTime<Utc> {
        at + match self {
            Self::Daily => Duration::days(1),
            Self::Weekly => Duration::days(7),
        }
    }
}

/// Says how often a document's address is fetched again; `None`: not by itself.
pub async fn schedule(app: &App, by: &By, id: DocumentId, every: Option<Every>) -> Result<Document> {
    let now = app.now();
    let mut tx = app.begin().await?;
    let found = documents::find(tx.conn(), by.org, id).await?.ok_or(Error::NotFound("document"))?;
    if every.is_some() && !fetch::is_address(&found.source) {
        return Err(Error::Invalid("every: only documents that came from an address are fetched again".into()));
    }
    let at = every.map(|every| every.after(now));
    documents::set_schedule(tx.conn(), by.org, id, every, at, now).await?;
    let changes = json!({"crawl_every": [found.crawl_every, every]});
    audit(tx.conn(), now, by, "document.schedule", ("document", id.0), changes).await?;
    let found = documents::find(tx.conn(), by.org, id).await?.ok_or(Error::NotFound("document"))?;
    tx.commit().await?;
    app.changed(by.org, Changed::Document { id }).await;
    Ok(found)
}

/// Pushes the jobs of what is due; the next time is set in the same transaction, so each time comes once.
pub async fn crawl_due(app: &App) -> Result<()> {
    let now = app.now();
    let due = documents::list_due(app.read().await?.conn(), now).await?;
    for (org, id, every) in due {
        let mut tx = app.begin().await?;
        if documents::put_off_crawl(tx.conn(), id, every.after(now), now).await? {
            Job::Crawl { document: id }.push(tx.conn(), org, now).await?;
            tx.commit().await?;
            app.wake(org).await;
        }
    }
    Ok(())
}

/// Fetches a document's address (`Job::Crawl`). What is the same there changes nothing.
pub async fn crawl(app: &App, id: DocumentId) -> Result<()> {
    let Some((org, false, _)) = documents::owner(app.read().await?.conn(), id).await? else {
        return Ok(()); // deleted meanwhile
    };
    let Some(found) = documents::find(app.read().await?.conn(), org, id).await? else {
        return Ok(());
    };
    if found.crawl_every.is_none() {
        return Ok(());
    }
    let fetched = ingest::add_url(app, org, Some(found.kb_id), &found.source, Some(found.title), None).await;
    let error = fetched.as_ref().err().map(ToString::to_string);
    if error != found.crawl_error {
        let mut tx = app.begin().await?;
        documents::set_crawl_error(tx.conn(), id, error.as_deref()).await?;
        tx.commit().await?;
        app.changed(org, Changed::Document { id }).await;
    }
    match fetched {
        // Said at the document; the next time comes by itself.
        Err(error) if !error.is_transient() => Ok(()),
        fetched => fetched.map(|_| ()),
    }
}
