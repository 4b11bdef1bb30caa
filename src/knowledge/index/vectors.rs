//! What goes into the vector engine for one passage or FAQ.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{
    app::App,
    knowledge::{
        Faq, Generation, GenerationState,
        store::{passages::Row, words::Delta},
    },
    platform::{
        Error, Result,
        error::blocking,
        language::Language,
        lexical::document_vector,
        model::Model,
        vectors::{Point, Shape},
    },
};

/// How much each field of an entry counts beside its text.
const TITLE: f32 = 1.0;
const HEADINGS: f32 = 1.0;
const ANSWER: f32 = 0.4;

/// One thing to index.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub id: Uuid,
    pub title: Arc<str>,
    pub headings: String,
    pub text: String,
    /// An FAQ's answer.
    pub answer: String,
    pub fields: Map<String, Value>,
}

impl Entry {
    fn fields(&self) -> [(&str, f32); 4] {
        [(&self.title, TITLE), (&self.headings, HEADINGS), (&self.text, 1.0), (&self.answer, ANSWER)]
    }

    /// Its length in tokens, as the statistics count it.
    pub fn length(&self) -> u32 {
        document_vector(&self.fields(), 1.0).1
    }

    /// Counts it in (1) or out (-1).
    pub fn count(&self, delta: &mut Delta, sign: i64) {
        let (vector, length) = document_vector(&self.fields(), 1.0);
        delta.count(vector.indices, i64::from(length), sign);
    }

    /// What an embedding model reads.
    fn meaning(&self) -> String {
        [&*self.title, &self.headings, &self.text, &self.answer]
            .into_iter()
            .filter(|t| !t.is_empty())
            .collect::<Vec<_>>()
            .join("\n")
    }
}

impl From<Row> for Entry {
    fn from(row: Row) -> Self {
        let about = About { language: row.language, valid_from: row.valid_from, valid_until: row.valid_until };
        Self {
            id: row.id.0,
            title: row.title.into(),
            headings: row.heading_path.0.join(" "),
            text: row.content,
            answer: String::new(),
            fields: fields(row.kb_id.0, Some(row.document_id.0), row.category.as_deref(), &about),
        }
    }
}

impl From<Faq> for Entry {
    fn from(faq: Faq) -> Self {
        let about = About { language: faq.language, valid_from: None, valid_until: None };
        Self {
            id: faq.id.0,
            title: "".into(),
            headings: String::new(),
            text: faq.question,
            answer: faq.answer,
            fields: fields(faq.kb_id.0, None, faq.category.as_deref(), &about),
        }
    }
}

/// What a search may filter by, beside where the entry is from.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct About {
    pub language: Option<Language>,
    pub valid_from: Option<DateTime<Utc>>,
    pub valid_until: Option<DateTime<Utc>>,
}

/// Filter fields.
pub(super) fn fields(kb: Uuid, document: Option<Uuid>, category: Option<&str>, about: &About) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("kb_id".into(), kb.to_string().into());
    if let Some(document) = document {
        fields.insert("document_id".into(), document.to_string().into());
    }
    if let Some(category) = category {
        fields.insert("category".into(), category.into());
    }
    if let Some(language) = about.language {
        fields.insert("language".into(), if language == Language::Zh { "zh" } else { "en" }.into());
    }
    if let Some(at) = about.valid_from {
        fields.insert("valid_from".into(), at.timestamp().into());
    }
    if let Some(at) = about.valid_until {
        fields.insert("valid_until".into(), at.timestamp().into());
    }
    fields
}

/// Entries turned into points, one list per generation, with what they add to the statistics.
pub(super) struct Prepared {
    pub points: Vec<Vec<Point>>,
    pub delta: Delta,
    /// The embedding model did not answer: they can be found by their words only, for now.
    pub lacks_meaning: bool,
}

/// Makes the points of `entries` for each of `targets`.
pub(super) async fn prepare(app: &App, targets: &[Generation], entries: &Arc<Vec<Entry>>) -> Result<Prepared> {
    let model = app.model.pinned();
    let wants_meaning = model.can_embed() && targets.iter().any(|g| is_of(&model, g));
    let meanings = if wants_meaning && !entries.is_empty() {
        let texts: Vec<String> = entries.iter().map(Entry::meaning).collect();
        match model.embed(&texts).await {
            Ok(vectors) => Some(vectors),
            Err(error) => {
                tracing::warn!(error = %error.chain(), "passages are indexed without embeddings for now");
                None
            }
        }
    } else {
        None
    };
    // Another process may build with a model that this one has yet to hear of.
    let is_behind =
        targets.iter().any(|g| g.state == GenerationState::Building && g.dimensions.is_some() && !is_of(&model, g));
    let lacks_meaning = (is_behind || (wants_meaning && meanings.is_none())) && !entries.is_empty();
    let of_today: Vec<(f64, bool)> = targets.iter().map(|g| (g.average_length, is_of(&model, g))).collect();
    let entries = entries.clone();
    blocking(move || {
        let mut delta = Delta::default();
        let mut points: Vec<Vec<Point>> = of_today.iter().map(|_| Vec::with_capacity(entries.len())).collect();
        for (at, entry) in entries.iter().enumerate() {
            let mut counted = false;
            for ((average, is_today), points) in of_today.iter().zip(&mut points) {
                let (lexical, length) = document_vector(&entry.fields(), *average as f32);
                if !counted {
                    delta.count(lexical.indices.iter().copied(), i64::from(length), 1);
                    counted = true;
                }
                let dense = meanings.as_ref().filter(|_| *is_today).and_then(|m| m.get(at)).cloned();
                points.push(Point { id: entry.id, lexical, dense, fields: entry.fields.clone() });
            }
        }
        Ok(Prepared { points, delta, lacks_meaning })
    })
    .await
}

/// Makes the points durable in their generations. A collection that was lost is made anew, to be filled by
/// `reconcile`.
pub(super) async fn put(app: &App, targets: &[Generation], points: Vec<Vec<Point>>) -> Result<()> {
    for (generation, points) in targets.iter().zip(points) {
        if points.is_empty() {
            continue;
        }
        let name = generation.name();
        match app.vectors.upsert(&name, points.clone()).await {
            Err(Error::NotFound(_)) => {
                create(app, generation).await?;
                app.vectors.upsert(&name, points).await?;
            }
            other => other?,
        }
        app.vectors.flush(&name).await?;
    }
    Ok(())
}

/// Makes a generation's collection. Safe to repeat.
pub(super) async fn create(app: &App, generation: &Generation) -> Result<()> {
    let dense_dimensions = generation.dimensions.and_then(|d| u64::try_from(d).ok());
    app.vectors.create(&generation.name(), Shape { dense_dimensions }).await
}

/// Indexes entries whose rows exist already.
pub(super) async fn write(app: &App, targets: &[Generation], entries: &[Entry]) -> Result<Prepared> {
    let mut prepared = prepare(app, targets, &Arc::new(entries.to_vec())).await?;
    put(app, targets, std::mem::take(&mut prepared.points)).await?;
    Ok(prepared)
}

/// Whether a generation's vectors are this model's.
fn is_of(model: &Model, generation: &Generation) -> bool {
    generation.dimensions.is_some() && generation.embedding_model == model.embedding_model()
}
