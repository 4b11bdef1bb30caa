//! What an organisation's FAQs teach about which answer a question wants, learnt when a search first needs it and kept
//! in this process until the FAQs change. Every process learns the same from the same rows.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::OnceCell;

use super::{rank::Classifier, store};
use crate::{
    app::{App, OrgId},
    platform::{db::Reader, error::Result, error::blocking},
};

/// How many rows are read at once.
const PAGE: i64 = 1000;

/// By organisation, the revision of its FAQs' statistics, and what they taught.
#[derive(Default)]
struct Learnt(Mutex<HashMap<OrgId, (i64, Lesson)>>);

/// Learnt once, however many searches wait for it; `None` where there is nothing to learn.
type Lesson = Arc<OnceCell<Option<Arc<Classifier>>>>;

/// What the FAQs of `revision` teach, or later ones.
pub(super) async fn classifier(
    app: &App,
    reader: &mut Reader,
    org: OrgId,
    revision: i64,
) -> Result<Option<Arc<Classifier>>> {
    let learnt = app.kept.of::<Learnt>();
    let lesson = {
        let mut learnt = learnt.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = learnt.entry(org).or_default();
        if kept.0 < revision {
            *kept = (revision, Lesson::default());
        }
        Arc::clone(&kept.1)
    };
    let taught = lesson.get_or_try_init(|| learn(reader, org)).await?;
    Ok(taught.clone())
}

async fn learn(reader: &mut Reader, org: OrgId) -> Result<Option<Arc<Classifier>>> {
    let mut listed: Vec<(String, String)> = Vec::new();
    let mut after = None;
    loop {
        let rows = store::faqs::page(reader.conn(), org, after, PAGE).await?;
        let Some(last) = rows.last() else { break };
        after = Some(last.id);
        listed.extend(rows.into_iter().map(|faq| (faq.question, faq.answer)));
    }
    blocking(move || Ok(Classifier::learn(&listed).map(Arc::new))).await
}
