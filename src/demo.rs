//! The demo company: an organisation of its own, taught from the documents that come with the program.

use include_dir::{Dir, File, include_dir};
use serde_json::json;

use crate::{
    app::{App, OrgId},
    inbox,
    knowledge::ingest::{self, Content, Upload},
    platform::{Result, files},
    staff,
};

static DOCUMENTS: Dir = include_dir!("$CARGO_MANIFEST_DIR/knowledge");

/// What the demo company is called.
const NAME: &str = "Juniper Harbour";

/// Where the links in its documents lead.
const DOMAINS: [&str; 1] = ["juniperharbour.example"];

/// Opens the demo company; documents it has already are passed over, changed ones replaced.
pub async fn open(app: &App) -> Result<OrgId> {
    let org = staff::ensure_org(app, staff::DEMO_ORG, NAME).await?;
    let suggestions = json!({
        "suggestions": {
            "en": ["How long is the warranty?", "How do I descale the kettle?", "Can I return something I have used?"],
            "zh": ["保修多久？", "怎么联系你们？", "用过的商品可以退吗？"],
        }
    });
    inbox::ensure_web_channel_with(app, org, suggestions).await?;
    inbox::allow_links(app, org, &DOMAINS).await?;
    for file in all(&DOCUMENTS) {
        let upload = Upload {
            source: file.path().to_string_lossy().into_owned(),
            title: None,
            content: Content::Bytes(file.contents().to_vec()),
            extension: None,
        };
        ingest::add(app, org, None, upload, None).await?;
    }
    app.wake(org).await;
    Ok(org)
}

/// Every file below `dir`.
fn all<'a>(dir: &'a Dir<'a>) -> Vec<&'a File<'a>> {
    dir.files().chain(dir.dirs().flat_map(all)).collect()
}

/// Removes the demo company with everything in it. False: there is none.
pub async fn remove(app: &App) -> Result<bool> {
    let Some(org) = staff::find_org(app, staff::DEMO_ORG).await? else {
        return Ok(false);
    };
    crate::knowledge::index::drop_all(app, org.id).await?;
    staff::remove_org(app, org.id).await?;
    if let Err(e) = app.files.remove_below(&format!("{}/{}", files::DIR, org.id)).await {
        tracing::warn!(error = %e.chain(), "the demo company's files could not be removed");
    }
    Ok(true)
}
