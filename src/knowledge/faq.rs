//! FAQs: add, edit, delete. The row and its statistics change in one transaction; the index follows by job.

use serde::Deserialize;
use utoipa::ToSchema;

use super::{Faq, index, ingest, store::faqs};
use crate::{
    app::{App, FaqId, Job, KnowledgeBaseId},
    platform::{Error, Result, language::Language},
    staff::{By, audit, difference},
};

const MOST_CHARS: usize = 8000;

/// What an FAQ says.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub struct NewFaq {
    /// By default the organisation's first base.
    pub kb_id: Option<KnowledgeBaseId>,
    pub question: String,
    pub answer: String,
    pub category: Option<String>,
}

/// What to change of an FAQ; what is absent stays.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
pub struct FaqChange {
    pub question: Option<String>,
    pub answer: Option<String>,
    pub category: Option<String>,
    /// An inactive FAQ is kept but never found.
    pub is_active: Option<bool>,
}

fn check(text: &str, what: &str) -> Result<String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > MOST_CHARS {
        return Err(Error::Invalid(format!("{what}: 1 to {MOST_CHARS} characters")));
    }
    Ok(text.to_string())
}

/// Adds an FAQ; it is found as soon as its job is done.
pub async fn add(app: &App, by: &By, new: NewFaq) -> Result<Faq> {
    let org = by.org;
    let kb_id = ingest::base(app, org, new.kb_id).await?.id;
    let now = app.now();
    let question = check(&new.question, "question")?;
    let faq = Faq {
        id: FaqId::new(),
        org_id: org,
        kb_id,
        language: Language::detect(&question),
        question,
        answer: check(&new.answer, "answer")?,
        category: new.category.map(|c| c.trim().to_string()).filter(|c| !c.is_empty()),
        use_count: 0,
        helpful_count: 0,
        is_active: true,
        created_at: now,
        updated_at: now,
    };
    let mut tx = app.begin().await?;
    faqs::insert(tx.conn(), &faq).await?;
    index::count_in(tx.conn(), &faq).await?;
    audit(tx.conn(), now, by, "faq.add", ("faq", faq.id.0), difference(None, Some(&faq))).await?;
    Job::IndexFaq { org, faq: faq.id }.push(tx.conn(), org, now).await?;
    tx.commit().await?;
    app.wake(org).await;
    Ok(faq)
}

/// Changes an FAQ.
pub async fn edit(app: &App, by: &By, id: FaqId, change: FaqChange) -> Result<Faq> {
    let (org, now) = (by.org, app.now());
    let mut tx = app.begin().await?;
    let before = faqs::find_locked(tx.conn(), org, id).await?.ok_or(Error::NotFound("FAQ"))?;
    let mut faq = before.clone();
    if let Some(question) = change.question {
        faq.question = check(&question, "question")?;
        faq.language = Language::detect(&faq.question);
    }
    if let Some(answer) = change.answer {
        faq.answer = check(&answer, "answer")?;
    }
    if let Some(category) = change.category {
        faq.category = Some(category.trim().to_string()).filter(|c| !c.is_empty());
    }
    if let Some(is_active) = change.is_active {
        faq.is_active = is_active;
    }
    faq.updated_at = now;
    faqs::save(tx.conn(), &faq).await?;
    index::count_out(tx.conn(), &before).await?;
    index::count_in(tx.conn(), &faq).await?;
    audit(tx.conn(), now, by, "faq.edit", ("faq", id.0), difference(Some(&before), Some(&faq))).await?;
    Job::IndexFaq { org, faq: id }.push(tx.conn(), org, now).await?;
    tx.commit().await?;
    app.wake(org).await;
    Ok(faq)
}

/// Deletes an FAQ; it can't be found from the moment this returns.
pub async fn remove(app: &App, by: &By, id: FaqId) -> Result<()> {
    let (org, now) = (by.org, app.now());
    let mut tx = app.begin().await?;
    let faq = faqs::delete(tx.conn(), org, id).await?.ok_or(Error::NotFound("FAQ"))?;
    index::count_out(tx.conn(), &faq).await?;
    audit(tx.conn(), now, by, "faq.delete", ("faq", id.0), difference(Some(&faq), None)).await?;
    Job::IndexFaq { org, faq: id }.push(tx.conn(), org, now).await?;
    tx.commit().await?;
    app.wake(org).await;
    Ok(())
}
