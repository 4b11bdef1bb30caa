//! Which version answers: published, and rolled back.

use serde_json::{Value, json};

use super::{Gate, Status, Version, store};
use crate::{
    app::{App, AssistantId},
    platform::{Error, Result},
    staff::{By, audit},
};

/// Makes a version the one that answers, from the next turn on. `checked` says for the audit log what the gate found.
/// Safe to repeat.
pub async fn publish(app: &App, by: &By, id: AssistantId, number: i64, checked: Value) -> Result<Version> {
    let now = app.now();
    let mut tx = app.begin().await?;
    if !store::hold(tx.conn(), by.org, id, now).await? {
        return Err(Error::NotFound("assistant"));
    }
    let found = store::find_version(tx.conn(), by.org, id, number).await?;
    let version = found.ok_or(Error::NotFound("version of the assistant"))?;
    let before = store::find_published(tx.conn(), by.org).await?;
    if version.status == Status::Published {
        tx.commit().await?;
        return Ok(version);
    }
    if let Some(before) = &before {
        store::set_status(tx.conn(), by.org, before.id, Status::Retired).await?;
    }
    store::set_published(tx.conn(), by.org, version.id, by.user, now).await?;
    let told = json!({"version": [before.map(|b| b.version), number], "gate": checked});
    audit(tx.conn(), now, by, "assistant.publish", ("assistant", id.0), told).await?;
    let published = store::find_version(tx.conn(), by.org, id, number).await?;
    tx.commit().await?;
    published.ok_or(Error::NotFound("version of the assistant"))
}

/// Takes the published version back: the one before it answers again, or the installation's settings (`None`).
pub async fn roll_back(app: &App, by: &By, id: AssistantId) -> Result<Option<Version>> {
    let now = app.now();
    let mut tx = app.begin().await?;
    if !store::hold(tx.conn(), by.org, id, now).await? {
        return Err(Error::NotFound("assistant"));
    }
    let published = store::find_published(tx.conn(), by.org).await?.filter(|v| v.assistant_id == id);
    let Some(published) = published else {
        return Err(Error::Conflict("no version is published: there is nothing to take back".into()));
    };
    store::set_status(tx.conn(), by.org, published.id, Status::RolledBack).await?;
    let mut before = store::find_before(tx.conn(), by.org, id).await?;
    if let Some(before) = &mut before {
        store::set_status(tx.conn(), by.org, before.id, Status::Published).await?;
        before.status = Status::Published;
    }
    let told = json!({"version": [published.version, before.as_ref().map(|b| b.version)]});
    audit(tx.conn(), now, by, "assistant.roll_back", ("assistant", id.0), told).await?;
    tx.commit().await?;
    Ok(before)
}

/// Says what must hold before a version is published; `None`: nothing.
pub async fn save_gate(app: &App, by: &By, id: AssistantId, gate: Option<Gate>) -> Result<()> {
    if let Some(fault) = gate.as_ref().and_then(Gate::fault) {
        return Err(Error::Invalid(format!("gate: {fault}")));
    }
    let now = app.now();
    let mut tx = app.begin().await?;
    let Some(before) = store::find(tx.conn(), by.org, id).await? else {
        return Err(Error::NotFound("assistant"));
    };
    store::save_gate(tx.conn(), by.org, id, gate.as_ref(), now).await?;
    let told = json!({"gate": [before.gate, gate]});
    audit(tx.conn(), now, by, "assistant.gate", ("assistant", id.0), told).await?;
    tx.commit().await
}
