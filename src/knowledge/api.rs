//! Knowledge bases, documents, passages and FAQs, over HTTP.

mod faqs;
mod used;

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::StatusCode,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

pub use faqs::*;
pub use used::*;

use super::{
    Collection, Document, DocumentVersion, GenerationState, KnowledgeBase, Passage, Status,
    compare::{self, Comparison},
    crawl::{self, Every},
    ingest::{self, Added, Content, Upload},
    store::{bases, documents, generations, passages},
    valid::{self, Validity},
};
use crate::{
    app::{App, DocumentId, Job, KnowledgeBaseId, PassageId},
    platform::{
        Error, Result,
        http::{Cursor, Json, Page, Path, Query, limit},
        upload::Form,
    },
    staff::{By, Can, KnowledgeRead, KnowledgeWrite, audit, difference},
};

/// What a knowledge base is called.
#[derive(Debug, Deserialize, ToSchema)]
pub struct BaseBody {
    pub name: String,
    pub description: Option<String>,
}

impl BaseBody {
    fn checked(&self) -> Result<(&str, Option<&str>)> {
        let name = self.name.trim();
        if name.is_empty() || name.chars().count() > 200 {
            return Err(Error::Invalid("name: 1 to 200 characters".into()));
        }
        Ok((name, self.description.as_deref().map(str::trim).filter(|d| !d.is_empty())))
    }
}

fn taken() -> Error {
    Error::Conflict("there is a knowledge base of this name".into())
}

/// Knowledge bases, oldest first.
#[utoipa::path(get, path = "/api/knowledge-bases", tag = "knowledge", responses((status = 200, body = Vec<KnowledgeBase>)))]
pub async fn list_bases(State(app): State<Arc<App>>, by: Can<KnowledgeRead>) -> Result<Json<Vec<KnowledgeBase>>> {
    Ok(Json(bases::list(app.read().await?.conn(), by.org).await?))
}

/// Adds a knowledge base.
#[utoipa::path(post, path = "/api/knowledge-bases", tag = "knowledge", request_body = BaseBody, responses((status = 201, body = KnowledgeBase)))]
pub async fn add_base(
    State(app): State<Arc<App>>,
    by: Can<KnowledgeWrite>,
    Json(body): Json<BaseBody>,
) -> Result<(StatusCode, Json<KnowledgeBase>)> {
    let (name, description) = body.checked()?;
    let mut tx = app.begin().await?;
    let base = bases::insert(tx.conn(), app.now(), by.org, name, description).await?.ok_or_else(taken)?;
    let changes = json!({"name": [null, base.name], "description": [null, base.description]});
    audit(tx.conn(), app.now(), &by, "knowledge_base.add", ("knowledge_base", base.id.0), changes).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(base)))
}

/// Renames or describes a knowledge base.
#[utoipa::path(put, path = "/api/knowledge-bases/{id}", tag = "knowledge", request_body = BaseBody, responses((status = 200, body = KnowledgeBase)))]
pub async fn edit_base(
    State(app): State<Arc<App>>,
    by: Can<KnowledgeWrite>,
    Path(id): Path<KnowledgeBaseId>,
    Json(body): Json<BaseBody>,
) -> Result<Json<KnowledgeBase>> {
    let (name, description) = body.checked()?;
    let mut tx = app.begin().await?;
    let before = bases::find(tx.conn(), by.org, id).await?.ok_or(Error::NotFound("knowledge base"))?;
    let base = bases::save(tx.conn(), app.now(), by.org, id, name, description).await?.ok_or_else(taken)?;
    let changes = difference(Some(&before), Some(&base));
    audit(tx.conn(), app.now(), &by, "knowledge_base.edit", ("knowledge_base", id.0), changes).await?;
    tx.commit().await?;
    Ok(Json(base))
}

/// Deletes a knowledge base that holds no documents and no FAQs.
#[utoipa::path(delete, path = "/api/knowledge-bases/{id}", tag = "knowledge", responses((status = 204)))]
pub async fn delete_base(
    State(app): State<Arc<App>>,
    by: Can<KnowledgeWrite>,
    Path(id): Path<KnowledgeBaseId>,
) -> Result<StatusCode> {
    let mut tx = app.begin().await?;
    let before = bases::find(tx.conn(), by.org, id).await?.ok_or(Error::NotFound("knowledge base"))?;
    if !bases::delete(tx.conn(), by.org, id).await? {
        return Err(Error::Conflict("this knowledge base is not empty: delete its documents and FAQs first".into()));
    }
    let changes = json!({"name": [before.name, null], "description": [before.description, null]});
    audit(tx.conn(), app.now(), &by, "knowledge_base.delete", ("knowledge_base", id.0), changes).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize, IntoParams)]
pub struct DocumentsQuery {
    pub kb_id: Option<KnowledgeBaseId>,
    pub status: Option<Status>,
    pub cursor: Option<String>,
    pub limit: Option<u32>,
}

/// Documents, newest first.
#[utoipa::path(get, path = "/api/documents", tag = "knowledge", params(DocumentsQuery), responses((status = 200, body = Page<Document>)))]
pub async fn list_documents(
    State(app): State<Arc<App>>,
    by: Can<KnowledgeRead>,
    Query(query): Query<DocumentsQuery>,
) -> Result<Json<Page<Document>>> {
    let limit = limit(query.limit);
    let cursor = Cursor::parse(query.cursor.as_deref())?;
    let filter = documents::Filter {
        kb: query.kb_id,
        status: query.status,
        after: query.cursor.is_some().then_some(DocumentId(cursor.id)),
        limit: limit + 1,
    };
    let rows = documents::list(app.read().await?.conn(), by.org, &filter).await?;
    Ok(Json(Page::of(rows, limit, |d| place(d.created_at, d.id.0))))
}

fn place(at: DateTime<Utc>, id: Uuid) -> Cursor {
    Cursor { at, id }
}

/// One document, with how far it has come. Poll it, or listen to changes.
#[utoipa::path(get, path = "/api/documents/{id}", tag = "knowledge", responses((status = 200, body = Document)))]
pub async fn find_document(
    State(app): State<Arc<App>>,
    by: Can<KnowledgeRead>,
    Path(id): Path<DocumentId>,
) -> Result<Json<Document>> {
    documents::find(app.read().await?.conn(), by.org, id).await?.map(Json).ok_or(Error::NotFound("document"))
}

/// The form of an upload.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes the form")]
pub struct UploadForm {
    /// The file. Its name is the document's source: the same name again is a new version.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// Instead of what the document calls itself.
    title: Option<String>,
    /// Where it comes from, like `handbook/returns.md`; by default the file's name. The same source again is a new
    /// version.
    source: Option<String>,
    /// By default the first knowledge base.
    kb_id: Option<KnowledgeBaseId>,
}

/// Uploads a document. It answers as soon as the file is safe; reading and indexing follow.
#[utoipa::path(post, path = "/api/documents", tag = "knowledge", request_body(content = UploadForm, content_type = "multipart/form-data"), responses((status = 202, body = Added), (status = 200, body = Added, description = "unchanged")))]
pub async fn upload(
    State(app): State<Arc<App>>,
    by: Can<KnowledgeWrite>,
    request: Request,
) -> Result<(StatusCode, Json<Added>)> {
    let limit_bytes = app.config.server.upload_limit_mb.saturating_mul(1 << 20);
    let mut form = Form::read(request, &app.files, limit_bytes).await?;
    let kb = match form.take("kb_id") {
        Some(text) => Some(text.parse().map_err(|_| Error::NotFound("knowledge base"))?),
        None => None,
    };
    let named = form.take("source").or_else(|| Some(form.upload.name.clone()).filter(|n| !n.is_empty()));
    let source = named.ok_or_else(|| Error::Invalid("the file has no name".into()))?;
    let title = form.take("title");
    let upload = Upload { source, title, content: Content::Taken(form.upload.into_path()), extension: None };
    let added = ingest::add(&app, by.org, kb, upload, by.user).await?;
    answer(&app, &by, added).await
}

async fn answer(app: &App, by: &By, added: Added) -> Result<(StatusCode, Json<Added>)> {
    if added.outcome == ingest::Outcome::Unchanged {
        return Ok((StatusCode::OK, Json(added)));
    }
    let mut tx = app.begin().await?;
    let changes = json!({"title": added.document.title, "source": added.document.source,
                         "version": added.document.version});
    audit(tx.conn(), app.now(), by, "document.add", ("document", added.document.id.0), changes).await?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(added)))
}

/// A web page or a file on the web.
#[derive(Debug, Deserialize, ToSchema)]
pub struct UrlBody {
    pub url: String,
    pub title: Option<String>,
    pub kb_id: Option<KnowledgeBaseId>,
}

/// Adds a web page, or a file on the web. Adding the address again takes what it says now.
#[utoipa::path(post, path = "/api/documents/url", tag = "knowledge", request_body = UrlBody, responses((status = 202, body = Added), (status = 200, body = Added, description = "unchanged")))]
pub async fn add_url(
    State(app): State<Arc<App>>,
    by: Can<KnowledgeWrite>,
    Json(body): Json<UrlBody>,
) -> Result<(StatusCode, Json<Added>)> {
    let added = ingest::add_url(&app, by.org, body.kb_id, &body.url, body.title, by.user).await?;
    answer(&app, &by, added).await
}

/// Deletes a document with all its versions. It is not found from this moment on.
#[utoipa::path(delete, path = "/api/documents/{id}", tag = "knowledge", responses((status = 204)))]
pub async fn delete_document(
    State(app): State<Arc<App>>,
    by: Can<KnowledgeWrite>,
    Path(id): Path<DocumentId>,
) -> Result<StatusCode> {
    let found = documents::find(app.read().await?.conn(), by.org, id).await?.ok_or(Error::NotFound("document"))?;
    ingest::remove(&app, by.org, id).await?;
    let mut tx = app.begin().await?;
    let changes = json!({"title": [found.title, null], "source": [found.source, null]});
    audit(tx.conn(), app.now(), &by, "document.delete", ("document", id.0), changes).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Reads a document again, as a new version.
#[utoipa::path(post, path = "/api/documents/{id}/ingest", tag = "knowledge", responses((status = 202, body = Document)))]
pub async fn ingest_again(
    State(app): State<Arc<App>>,
    by: Can<KnowledgeWrite>,
    Path(id): Path<DocumentId>,
) -> Result<(StatusCode, Json<Document>)> {
    let document = ingest::again(&app, by.org, id, None, by.user).await?;
    let mut tx = app.begin().await?;
    let changes = json!({"version": document.version});
    audit(tx.conn(), app.now(), &by, "document.ingest", ("document", id.0), changes).await?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(document)))
}

/// Say from when and until when a document holds: outside of that no answer rests on it.
#[utoipa::path(patch, path = "/api/documents/{id}", tag = "knowledge", request_body = Validity, responses((status = 200, body = Document)))]
pub async fn edit_document(
    State(app): State<Arc<App>>,
    by: Can<KnowledgeWrite>,
    Path(id): Path<DocumentId>,
    Json(change): Json<Validity>,
) -> Result<Json<Document>> {
    Ok(Json(valid::limit(&app, &by, id, change).await?))
}

/// How often a document's address is fetched again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Absent: not by itself.
    pub every: Option<Every>,
}

/// Say how often a document's address is fetched again.
#[utoipa::path(put, path = "/api/documents/{id}/schedule", tag = "knowledge", request_body = Schedule, responses((status = 200, body = Document)))]
pub async fn schedule_document(
    State(app): State<Arc<App>>,
    by: Can<KnowledgeWrite>,
    Path(id): Path<DocumentId>,
    Json(body): Json<Schedule>,
) -> Result<Json<Document>> {
    Ok(Json(crawl::schedule(&app, &by, id, body.every).await?))
}

/// The versions of a document, newest first.
#[utoipa::path(get, path = "/api/documents/{id}/versions", tag = "knowledge", responses((status = 200, body = Vec<DocumentVersion>)))]
pub async fn versions(
    State(app): State<Arc<App>>,
    by: Can<KnowledgeRead>,
    Path(id): Path<DocumentId>,
) -> Result<Json<Vec<DocumentVersion>>> {
    let mut reader = app.read().await?;
    documents::find(reader.conn(), by.org, id).await?.ok_or(Error::NotFound("document"))?;
    Ok(Json(documents::versions(reader.conn(), by.org, id).await?))
}

/// Goes back to an earlier version: its source is read again, as a new version.
#[utoipa::path(post, path = "/api/documents/{id}/versions/{version}/restore", tag = "knowledge", responses((status = 202, body = Document)))]
pub async fn restore_version(
    State(app): State<Arc<App>>,
    by: Can<KnowledgeWrite>,
    Path((id, version)): Path<(DocumentId, i64)>,
) -> Result<(StatusCode, Json<Document>)> {
    let restored = ingest::again(&app, by.org, id, Some(version), by.user).await?;
    let mut tx = app.begin().await?;
    audit(tx.conn(), app.now(), &by, "document.restore", ("document", id.0), json!({"version": [null, version]}))
        .await?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(restored)))
}

#[derive(Debug, Deserialize, IntoParams)]
pub struct ComparisonQuery {
    /// The earlier version; by default the one before.
    pub from: Option<i64>,
}

/// What differs between a version of a document and an earlier one, line by line as they are read.
#[utoipa::path(get, path = "/api/documents/{id}/versions/{version}/changes", tag = "knowledge", params(ComparisonQuery), responses((status = 200, body = Comparison)))]
pub async fn compare_versions(
    State(app): State<Arc<App>>,
    by: Can<KnowledgeRead>,
    Path((id, version)): Path<(DocumentId, i64)>,
    Query(query): Query<ComparisonQuery>,
) -> Result<Json<Comparison>> {
    let from = query.from.unwrap_or(version - 1);
    Ok(Json(compare::compare(&app, by.org, id, from, version).await?))
}

#[derive(Debug, Deserialize, IntoParams)]
pub struct PassagesQuery {
    /// Only passages after this `chunk_index`.
    pub after: Option<i64>,
    pub limit: Option<u32>,
}

/// The passages of a document's current version, in order.
#[utoipa::path(get, path = "/api/documents/{id}/passages", tag = "knowledge", params(PassagesQuery), responses((status = 200, body = Vec<Passage>)))]
pub async fn document_passages(
    State(app): State<Arc<App>>,
    by: Can<KnowledgeRead>,
    Path(id): Path<DocumentId>,
    Query(query): Query<PassagesQuery>,
) -> Result<Json<Vec<Passage>>> {
    let mut reader = app.read().await?;
    documents::find(reader.conn(), by.org, id).await?.ok_or(Error::NotFound("document"))?;
    let after = query.after.unwrap_or(-1);
    Ok(Json(passages::of_document(reader.conn(), by.org, id, after, limit(query.limit)).await?))
}

/// One passage, as answers cite it.
#[utoipa::path(get, path = "/api/passages/{id}", tag = "knowledge", responses((status = 200, body = Passage)))]
pub async fn find_passage(
    State(app): State<Arc<App>>,
    by: Can<KnowledgeRead>,
    Path(id): Path<PassageId>,
) -> Result<Json<Passage>> {
    let found = passages::by_ids(app.read().await?.conn(), by.org, &[id]).await?;
    found.into_iter().next().map(Json).ok_or(Error::NotFound("passage"))
}

#[derive(Deserialize, IntoParams)]
pub struct SearchQuery {
    pub q: String,
    /// How many passages, at most 100.
    pub k: Option<usize>,
}

/// A passage that was found.
#[derive(Debug, Serialize, ToSchema)]
pub struct FoundPassage {
    pub document_id: DocumentId,
    pub title: String,
    pub passage_id: PassageId,
    pub text: String,
    pub score: f32,
}

/// Search the documents, the best passages first.
#[utoipa::path(get, path = "/api/search", tag = "knowledge", params(SearchQuery), responses((status = 200, body = Vec<FoundPassage>)))]
pub async fn search(
    State(app): State<Arc<App>>,
    by: Can<KnowledgeRead>,
    Query(query): Query<SearchQuery>,
) -> Result<Json<Vec<FoundPassage>>> {
    let text: String = query.q.trim().chars().take(4000).collect();
    if text.is_empty() {
        return Err(Error::Invalid("q: what should be searched for?".into()));
    }
    let wanted = super::Query::new(text, query.k.unwrap_or(5).clamp(1, 100));
    let found = super::search(&app, by.org, &wanted).await?;
    let shown = found.passages.into_iter().map(|f| FoundPassage {
        document_id: f.passage.document_id,
        title: f.passage.title,
        passage_id: f.passage.id,
        text: f.passage.content,
        score: f.score,
    });
    Ok(Json(shown.collect()))
}

/// How the search index stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct IndexState {
    /// `live`, `building` while a new generation is made beside the live one, or `failed` when making it was given up:
    /// the old one goes on answering.
    pub state: &'static str,
    /// Why it was given up.
    pub error: Option<String>,
    pub passages: i64,
    pub faqs: i64,
}

/// How the search index stands.
#[utoipa::path(get, path = "/api/reindex", tag = "knowledge", responses((status = 200, body = IndexState)))]
pub async fn index_state(State(app): State<Arc<App>>, by: Can<KnowledgeRead>) -> Result<Json<IndexState>> {
    let mut reader = app.read().await?;
    let (mut is_building, mut counts) = (generations::is_rebuild_queued(reader.conn(), by.org).await?, [0, 0]);
    for (count, collection) in counts.iter_mut().zip([Collection::Passages, Collection::Faqs]) {
        let all = generations::list(reader.conn(), by.org, collection).await?;
        is_building |= all.iter().any(|g| g.state == GenerationState::Building);
        *count = generations::count_entries(reader.conn(), by.org, collection).await?;
    }
    let [passages, faqs] = counts;
    let error = if is_building { None } else { generations::rebuild_failure(reader.conn(), by.org).await? };
    let state = match (is_building, &error) {
        (true, _) => "building",
        (false, Some(_)) => "failed",
        (false, None) => "live",
    };
    Ok(Json(IndexState { state, error, passages, faqs }))
}

/// Build the search index anew, in the background; the old one serves until the new one is whole.
#[utoipa::path(post, path = "/api/reindex", tag = "knowledge", responses((status = 202)))]
pub async fn reindex(State(app): State<Arc<App>>, by: Can<KnowledgeWrite>) -> Result<StatusCode> {
    let mut tx = app.begin().await?;
    generations::forget_rebuild_failures(tx.conn(), by.org).await?;
    Job::Reindex { org: by.org }.push(tx.conn(), by.org, app.now()).await?;
    audit(tx.conn(), app.now(), &by, "index.rebuild", ("organization", by.org.0), json!({})).await?;
    tx.commit().await?;
    app.wake(by.org).await;
    Ok(StatusCode::ACCEPTED)
}
