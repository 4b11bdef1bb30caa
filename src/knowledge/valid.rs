//! From when and until when a document holds: before and after, no search finds it.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{Document, store::documents};
use crate::{
    app::{App, Changed, DocumentId, Job},
    platform::{Error, Result, http::given},
    staff::{By, audit},
};

/// When a document holds; what is absent stays, `null` takes the limit away.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Validity {
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<DateTime<Utc>>)]
    pub valid_from: Option<Option<DateTime<Utc>>>,
    /// It holds no more from this instant on.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<DateTime<Utc>>)]
    pub valid_until: Option<Option<DateTime<Utc>>>,
}

/// Says when a document holds. What has ended is not found from this moment on; the index follows by job.
pub async fn limit(app: &App, by: &By, id: DocumentId, change: Validity) -> Result<Document> {
    let now = app.now();
    let mut tx = app.begin().await?;
    let before = documents::find(tx.conn(), by.org, id).await?.ok_or(Error::NotFound("document"))?;
    let from = change.valid_from.unwrap_or(before.valid_from);
    let until = change.valid_until.unwrap_or(before.valid_until);
    if from.zip(until).is_some_and(|(from, until)| from >= until) {
        return Err(Error::Invalid("valid_until: must be later than valid_from".into()));
    }
    documents::set_validity(tx.conn(), by.org, id, from, until, now).await?;
    Job::Refile { document: id }.push(tx.conn(), by.org, now).await?;
    let changes = json!({"valid_from": [before.valid_from, from], "valid_until": [before.valid_until, until]});
    audit(tx.conn(), now, by, "document.edit", ("document", id.0), changes).await?;
    let after = documents::find(tx.conn(), by.org, id).await?.ok_or(Error::NotFound("document"))?;
    tx.commit().await?;
    app.wake(by.org).await;
    app.changed(by.org, Changed::Document { id }).await;
    Ok(after)
}
