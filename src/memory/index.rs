//! The index of an organisation's memories: ids, vectors and filter fields. It follows the rows, and can be lost.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Memory, store};
use crate::{
    app::{App, CustomerId, Job, MemoryId, OrgId},
    platform::{
        Error, Result,
        lexical::{self, TOKENIZER},
        model::Model,
        vectors::{Filter, Point, Shape},
    },
};

/// What the length of a memory is taken for, in tokens: they are sentences.
pub(super) const TYPICAL_LENGTH: f32 = 20.0;
/// How many points are made at once.
const BATCH: i64 = 500;

/// The collection of an organisation's memories. Another tokenizer or model makes another collection, which is filled
/// from the rows; until it is whole, recall also looks at the rows that are not in it.
pub(super) fn collection(model: &Model, org: OrgId) -> String {
    let made_by = format!(
        "{TOKENIZER} {} {}",
        model.embedding_model().unwrap_or_default(),
        model.dimensions().unwrap_or_default()
    );
    format!("memories_{}_{:08x}", org.0.simple(), lexical::term_id(&made_by))
}

/// What is indexed of a memory: what it says, and the sentence around it.
fn text(memory: &Memory) -> String {
    match &memory.summary {
        Some(sentence) if !memory.content.contains(sentence.as_str()) => format!("{}\n{sentence}", memory.content),
        _ => memory.content.clone(),
    }
}

/// Brings the index in line with a customer's rows (`Job::IndexMemories`). Safe to repeat.
pub async fn bring(app: &App, org: OrgId, customer: CustomerId) -> Result<()> {
    loop {
        let waiting = store::unindexed(app.read().await?.conn(), org, customer, BATCH).await?;
        if waiting.is_empty() {
            break;
        }
        put(app, org, &waiting).await?;
    }
    // What holds no more would take the places of what does among the candidates.
    let dead = store::dead(app.read().await?.conn(), org, customer).await?;
    if dead.is_empty() {
        return Ok(());
    }
    remove(app, org, &dead).await?;
    let mut tx = app.begin().await?;
    store::join::set_unindexed(tx.conn(), org, customer, &dead).await?;
    tx.commit().await
}

async fn put(app: &App, org: OrgId, memories: &[Memory]) -> Result<()> {
    let texts: Vec<String> = memories.iter().map(text).collect();
    let model = app.model.pinned();
    let dense = if model.can_embed() {
        match model.embed(&texts).await {
            Ok(vectors) => vectors.into_iter().map(Some).collect(),
            Err(error) => {
                tracing::warn!(error = %error.chain(), "memories are indexed without embeddings");
                vec![None; texts.len()]
            }
        }
    } else {
        vec![None; texts.len()]
    };
    let points: Vec<Point> = memories
        .iter()
        .zip(&texts)
        .zip(dense)
        .filter_map(|((memory, text), dense)| {
            let mut fields = Map::new();
            fields.insert("customer_id".into(), Value::String(memory.customer_id?.to_string()));
            let (lexical, _) = lexical::document_vector(&[(text.as_str(), 1.0)], TYPICAL_LENGTH);
            Some(Point { id: memory.id.0, lexical, dense, fields })
        })
        .collect();
    let name = collection(&model, org);
    match app.vectors.upsert(&name, points.clone()).await {
        Err(Error::NotFound(_)) => {
            app.vectors.create(&name, shape(&model)).await?;
            app.vectors.upsert(&name, points).await?;
        }
        other => other?,
    }
    app.vectors.flush(&name).await?;
    let now = app.now();
    let put: HashMap<MemoryId, Option<CustomerId>> = memories.iter().map(|m| (m.id, m.customer_id)).collect();
    let ids: Vec<MemoryId> = memories.iter().map(|m| m.id).collect();
    let mut tx = app.begin().await?;
    let noted = store::set_indexed(tx.conn(), org, &ids, now).await?;
    // Two customers became one, or were taken apart, while the points were made: those say the wrong customer.
    let is_there: HashSet<MemoryId> = noted.iter().map(|(id, _)| *id).collect();
    let stale = noted.into_iter().filter_map(|(id, whose)| Some((id, whose?)).filter(|_| put.get(&id) != Some(&whose)));
    for (id, customer) in stale {
        store::join::set_unindexed(tx.conn(), org, customer, &[id]).await?;
        Job::IndexMemories { org, customer }.push(tx.conn(), org, now).await?;
    }
    tx.commit().await?;
    // Forgotten or erased while the points were made.
    let orphans: Vec<MemoryId> = ids.into_iter().filter(|id| !is_there.contains(id)).collect();
    if orphans.is_empty() { Ok(()) } else { remove(app, org, &orphans).await }
}

fn shape(model: &Model) -> Shape {
    Shape { dense_dimensions: model.dimensions() }
}

/// Takes deleted memories out. Points that stay do no harm: their ids yield no row.
pub(super) async fn remove(app: &App, org: OrgId, ids: &[MemoryId]) -> Result<()> {
    let name = collection(&app.model, org);
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    match app.vectors.delete(&name, &ids).await {
        Err(Error::NotFound(_)) => Ok(()),
        Ok(()) => app.vectors.flush(&name).await,
        Err(other) => Err(other),
    }
}

/// Takes every point of a customer out.
pub(super) async fn clear(app: &App, org: OrgId, customer: CustomerId) -> Result<()> {
    let name = collection(&app.model, org);
    match app.vectors.delete_where(&name, Filter::all().is("customer_id", customer.to_string())).await {
        Err(Error::NotFound(_)) => Ok(()),
        Ok(()) => app.vectors.flush(&name).await,
        Err(other) => Err(other),
    }
}

/// At start, and when another embedding model takes over: makes lost collections anew, adds missing points, deletes orphans and the collections of former models.
pub async fn reconcile(app: &App) -> Result<()> {
    let model = app.model.pinned();
    let organisations = store::organisations(app.read().await?.conn()).await?;
    let wanted: HashSet<String> = organisations.iter().map(|org| collection(&model, *org)).collect();
    for name in app.vectors.collections().await? {
        if name.starts_with("memories_") && !wanted.contains(&name) {
            app.vectors.drop_collection(&name).await?;
        }
    }
    for org in organisations {
        let name = collection(&model, org);
        app.vectors.create(&name, shape(&model)).await?;
        let mut points: HashSet<Uuid> = app.vectors.ids(&name, None).await?.into_iter().map(|(id, _)| id).collect();
        let mut after = MemoryId(Uuid::nil());
        loop {
            let page = store::page(app.read().await?.conn(), org, after, BATCH).await?;
            let Some(last) = page.last() else { break };
            after = last.id;
            let missing: Vec<Memory> = page.into_iter().filter(|m| !points.remove(&m.id.0)).collect();
            if !missing.is_empty() {
                put(app, org, &missing).await?;
            }
        }
        let orphans: Vec<MemoryId> = points.into_iter().map(MemoryId).collect();
        if !orphans.is_empty() {
            remove(app, org, &orphans).await?;
        }
    }
    Ok(())
}
