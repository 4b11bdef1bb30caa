//! FAQs in the index. Their statistics are counted in the transaction that changes the row; the point follows by job.

use super::{
    generation,
    vectors::{self, Entry},
};
use crate::{
    app::{App, FaqId, OrgId},
    knowledge::{
        Collection, Faq,
        store::{faqs, words},
    },
    platform::{Result, db::Conn},
};

/// Brings the index in line with the row: its point is replaced, or taken out when it is gone or inactive.
pub async fn faq(app: &App, org: OrgId, id: FaqId) -> Result<()> {
    let found = faqs::find(app.read().await?.conn(), org, id).await?.filter(|f| f.is_active);
    let Some(found) = found else {
        let generations = generation::written(app.read().await?.conn(), org, Collection::Faqs).await?;
        for generation in generations {
            app.vectors.delete(&generation.name(), &[id.0]).await?;
            app.vectors.flush(&generation.name()).await?;
        }
        return Ok(());
    };
    let entries = [Entry::from(found)];
    let targets = generation::ensured(app, org, Collection::Faqs, &entries).await?;
    let written = vectors::write(app, &targets, &entries).await?;
    if written.lacks_meaning {
        let mut tx = app.begin().await?;
        let again = app.now() + generation::EMBED_AGAIN;
        crate::app::Job::IndexFaq { org, faq: id }.push_at(tx.conn(), org, app.now(), again).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Counts an active FAQ into the statistics, in the transaction that adds its row.
pub(in crate::knowledge) async fn count_in(c: Conn<'_>, faq: &Faq) -> Result<()> {
    count(c, faq, 1).await
}

/// Counts an active FAQ out of the statistics, as it was.
pub(in crate::knowledge) async fn count_out(c: Conn<'_>, faq: &Faq) -> Result<()> {
    count(c, faq, -1).await
}

async fn count(mut c: Conn<'_>, faq: &Faq, sign: i64) -> Result<()> {
    if !faq.is_active {
        return Ok(());
    }
    let mut delta = words::Delta::default();
    Entry::from(faq.clone()).count(&mut delta, sign);
    words::lock(c.again(), faq.org_id, Collection::Faqs).await?;
    words::apply(c, faq.org_id, Collection::Faqs, &delta).await
}
