//! Which documents answers rest on, and which were never needed.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::store;
use crate::{
    app::{App, DocumentId, KnowledgeBaseId},
    inbox,
    platform::Result,
    staff::By,
};

/// Over how long it is counted, and over how many of the latest answers at most.
const SINCE: Duration = Duration::days(90);
const ANSWERS: i64 = 50_000;
const PAGE: i64 = 2000;
/// The most documents that are told of.
const DOCUMENTS: i64 = 5000;

/// What a message says that it rests on, as far as it is counted.
#[derive(Deserialize)]
struct Cited {
    document_id: Option<DocumentId>,
    passage_id: Option<Uuid>,
}

/// A document as far as its use is told.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Usable {
    pub id: DocumentId,
    pub kb_id: KnowledgeBaseId,
    pub title: String,
    pub chunk_count: i64,
    pub created_at: DateTime<Utc>,
    /// When its content came that is searched now.
    pub changed_at: DateTime<Utc>,
    pub valid_until: Option<DateTime<Utc>>,
}

/// How much a document is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DocumentUse {
    pub id: DocumentId,
    pub kb_id: KnowledgeBaseId,
    pub title: String,
    /// How many answers rest on it.
    pub answers: i64,
    /// How many of its passages were cited, and how many it has.
    pub passages_cited: i64,
    pub passages: i64,
    pub last_cited_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    /// When its content changed last.
    pub changed_at: DateTime<Utc>,
    pub valid_until: Option<DateTime<Utc>>,
}

/// What answers rest on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct KnowledgeUse {
    /// Counted since then.
    pub since: DateTime<Utc>,
    /// How many answers rested on something.
    pub answers: i64,
    /// The most used first.
    pub documents: Vec<DocumentUse>,
}

/// What the assistant's answers of the last ninety days rest on, document by document.
pub async fn used(app: &App, by: &By) -> Result<KnowledgeUse> {
    let since = app.now() - SINCE;
    let mut counted = Counted::default();
    let mut before = None;
    while counted.answers < ANSWERS {
        let page = inbox::list_cited(app.read().await?.conn(), by.org, since, before, PAGE).await?;
        let Some((at, id, _)) = page.last() else { break };
        before = Some((*at, *id));
        for (at, _, sources) in &page {
            counted.add(*at, &serde_json::from_value::<Vec<Cited>>(sources.0.clone()).unwrap_or_default());
        }
    }
    let documents = store::documents::usable(app.read().await?.conn(), by.org, DOCUMENTS).await?;
    let mut documents: Vec<DocumentUse> = documents.into_iter().map(|d| counted.of(d)).collect();
    documents.sort_by(|a, b| (b.answers, b.last_cited_at, &a.title).cmp(&(a.answers, a.last_cited_at, &b.title)));
    Ok(KnowledgeUse { since, answers: counted.answers, documents })
}

#[derive(Default)]
struct Counted {
    answers: i64,
    by_document: HashMap<DocumentId, (i64, HashSet<Uuid>, DateTime<Utc>)>,
}

impl Counted {
    fn add(&mut self, at: DateTime<Utc>, cited: &[Cited]) {
        self.answers += 1;
        let mut seen = HashSet::new();
        for c in cited {
            let Some(document) = c.document_id else { continue };
            let (answers, passages, last) = self.by_document.entry(document).or_insert((0, HashSet::new(), at));
            *answers += i64::from(seen.insert(document));
            passages.extend(c.passage_id);
            *last = at.max(*last);
        }
    }

    fn of(&self, d: Usable) -> DocumentUse {
        let (answers, cited, last) = match self.by_document.get(&d.id) {
            Some((answers, passages, last)) => (*answers, passages.len(), Some(*last)),
            None => (0, 0, None),
        };
        DocumentUse {
            id: d.id,
            kb_id: d.kb_id,
            title: d.title,
            answers,
            // Passages of earlier versions were cited too.
            passages_cited: i64::try_from(cited).unwrap_or(i64::MAX).min(d.chunk_count),
            passages: d.chunk_count,
            last_cited_at: last,
            created_at: d.created_at,
            changed_at: d.changed_at,
            valid_until: d.valid_until,
        }
    }
}
