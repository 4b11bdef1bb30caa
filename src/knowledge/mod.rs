//! Documents → passages, and FAQs: ingest, split, index, search.

pub mod api;
mod compare;
mod crawl;
pub mod evidence;
pub mod faq;
pub mod fetch;
pub mod index;
pub mod ingest;
mod learn;
pub mod parse;
pub mod rank;
pub mod search;
pub mod split;
pub mod store;
mod used;
mod valid;
pub mod wants;

pub use crawl::{crawl, crawl_due};
pub use evidence::{Evidence, Found, FoundFaq, SourceId};
pub use search::{Query, known_terms, search, sources};
pub use store::passages::{Row as CurrentPassage, current as list_current};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, types::Json};
use utoipa::ToSchema;
use uuid::Uuid;

pub use crate::platform::words::Totals;
use crate::{
    app::{DocumentId, FaqId, KnowledgeBaseId, OrgId, PassageId, UserId},
    platform::language::Language,
};

/// A shelf of documents and FAQs.
#[derive(Debug, Clone, PartialEq, FromRow, Serialize, ToSchema)]
pub struct KnowledgeBase {
    pub id: KnowledgeBaseId,
    #[serde(skip)]
    pub org_id: OrgId,
    pub name: String,
    pub description: Option<String>,
    pub document_count: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// How far a document, or one version of it, has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = DocumentStatus)]
pub enum Status {
    Pending,
    Processing,
    Completed,
    Failed,
}

/// Something the company uploaded. While a newer version is processed, or when it failed, the current one is searched.
#[derive(Debug, Clone, PartialEq, FromRow, Serialize, ToSchema)]
pub struct Document {
    pub id: DocumentId,
    #[serde(skip)]
    pub org_id: OrgId,
    pub kb_id: KnowledgeBaseId,
    pub title: String,
    /// A file name or an address: the same source again is a new version.
    pub source: String,
    pub file_type: Option<String>,
    pub file_size: Option<i64>,
    pub content_hash: String,
    pub language: Option<Language>,
    pub category: Option<String>,
    #[schema(value_type = Vec<String>)]
    pub tags: Json<Vec<String>>,
    pub valid_from: Option<DateTime<Utc>>,
    pub valid_until: Option<DateTime<Utc>>,
    pub processing_status: Status,
    /// Why the newest version failed, for programs; or what its index lacks.
    pub error_code: Option<String>,
    /// The same for people.
    pub error_message: Option<String>,
    /// How many passages the current version has.
    pub chunk_count: i64,
    /// The newest version.
    pub version: i64,
    /// The version that is searched.
    pub current_version: Option<i64>,
    /// How often its address is fetched again by itself.
    pub crawl_every: Option<crawl::Every>,
    /// When that is next.
    pub crawl_at: Option<DateTime<Utc>>,
    /// Why it failed last, in words for people.
    pub crawl_error: Option<String>,
    pub created_by: Option<UserId>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// One state of a document's content, kept to compare and to roll back.
#[derive(Debug, Clone, PartialEq, FromRow, Serialize, ToSchema)]
pub struct DocumentVersion {
    pub id: Uuid,
    #[serde(skip)]
    pub org_id: OrgId,
    pub document_id: DocumentId,
    pub version: i64,
    pub title: String,
    pub content_hash: String,
    /// Where the source lies, below the data directory; `None`: in the row itself.
    #[serde(skip)]
    pub file_url: Option<String>,
    pub file_type: String,
    pub file_size: i64,
    pub processing_status: Status,
    pub error_code: Option<String>,
    pub error_message: Option<String>,
    pub created_by: Option<UserId>,
    pub created_at: DateTime<Utc>,
}

/// A piece of a document's current version, as search finds it and answers cite it.
#[derive(Debug, Clone, PartialEq, FromRow, Serialize, ToSchema)]
pub struct Passage {
    pub id: PassageId,
    pub document_id: DocumentId,
    pub kb_id: KnowledgeBaseId,
    /// The document's.
    pub title: String,
    /// The headings it stands under, outermost first.
    #[schema(value_type = Vec<String>)]
    pub heading_path: Json<Vec<String>>,
    /// Markdown.
    pub content: String,
    pub chunk_index: i64,
    pub token_count: i64,
    /// `kind` = text, table or faq (then with `question` and `answer`).
    #[schema(value_type = Object)]
    pub metadata: Json<serde_json::Value>,
}

#[cfg(test)]
impl Passage {
    /// A passage with an id of its own.
    pub(crate) fn sample(title: &str, content: &str) -> Self {
        Self {
            id: PassageId::new(),
            document_id: DocumentId::new(),
            kb_id: KnowledgeBaseId::new(),
            title: title.into(),
            heading_path: Json(Vec::new()),
            content: content.into(),
            chunk_index: 1,
            token_count: 0,
            metadata: Json(serde_json::Value::Null),
        }
    }
}

/// A question with the answer the company wants given.
#[derive(Debug, Clone, PartialEq, FromRow, Serialize, ToSchema)]
pub struct Faq {
    pub id: FaqId,
    #[serde(skip)]
    pub org_id: OrgId,
    pub kb_id: KnowledgeBaseId,
    pub question: String,
    pub answer: String,
    pub category: Option<String>,
    pub language: Option<Language>,
    pub use_count: i64,
    pub helpful_count: i64,
    pub is_active: bool,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// The two things that are searched; each has its own index and its own word statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Collection {
    Passages,
    Faqs,
}

impl Collection {
    /// As the statistics of its words are called.
    fn name(self) -> &'static str {
        match self {
            Self::Passages => "passages",
            Self::Faqs => "faqs",
        }
    }
}

/// Whether a generation of an index is being built, answers searches, or waits to be dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum GenerationState {
    Building,
    Live,
    Old,
}

/// One generation of an organisation's index.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct Generation {
    pub org_id: OrgId,
    pub collection: Collection,
    pub generation: i64,
    pub state: GenerationState,
    pub tokenizer: String,
    pub embedding_model: Option<String>,
    pub dimensions: Option<i64>,
    pub average_length: f64,
    pub created_at: DateTime<Utc>,
}

impl Generation {
    /// The name of its collection in the vector engine.
    pub fn name(&self) -> String {
        let kind = match self.collection {
            Collection::Passages => "document_chunks",
            Collection::Faqs => "faqs",
        };
        format!("{kind}_{}_{}", self.org_id.0.simple(), self.generation)
    }
}
