//! HTTP for what is measured on real conversations: a replay, and the publishing that may depend on one.

use std::sync::Arc;

use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::replay::{self, Replay};
use crate::{
    app::{App, AssistantId, OrgId},
    assistants::{self, Setup, Version},
    platform::{
        Error, Result,
        http::{Json, Path},
    },
    staff::{AssistantPublish, By, Can, ConversationRead, EvalRun, Scope},
};

/// How many turns are taken again when nobody says.
const LAST: i64 = 200;

/// What to take again, and under what.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewReplay {
    /// How many of the latest turns [default: 200].
    pub last: Option<i64>,
    /// The version [default: what answers now].
    pub version: Option<i64>,
    /// In the place of the version's own.
    pub max_error_rate: Option<f64>,
}

/// What publishing a version takes.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Publish {
    /// Publish it whatever the replay found; the audit log says so.
    pub despite_regression: bool,
}

/// Take the latest turns of real conversations again, and see which would come out otherwise now. Nothing is sent and no
/// model is called.
#[utoipa::path(post, path = "/api/replays", tag = "assistant", request_body = NewReplay, responses((status = 200, body = Object)))]
pub async fn replay(State(app): State<Arc<App>>, by: Can<EvalRun>, Json(new): Json<NewReplay>) -> Result<Json<Replay>> {
    may_read_conversations(&by)?;
    let mut setup = match new.version {
        Some(number) => {
            let assistant = assistants::of_org(&app, by.org).await?;
            let version = assistants::find_version(&app, by.org, assistant.id, number).await?;
            Setup::of_version(&app, &version)?
        }
        None => Setup::clone(&*assistants::in_force(&app, by.org).await?),
    };
    if let Some(rate) = new.max_error_rate {
        if !(0.001..=0.5).contains(&rate) {
            return Err(Error::Invalid("max_error_rate: a share between 0.001 and 0.5".into()));
        }
        setup.max_error_rate = rate;
    }
    Ok(Json(replay::run(&app, by.org, &Arc::new(setup), new.last.unwrap_or(LAST)).await?))
}

/// A replay shows what customers wrote.
fn may_read_conversations(by: &By) -> Result<()> {
    match by.under::<ConversationRead>()?.scope {
        Scope::Org => Ok(()),
        Scope::Own | Scope::Team => Err(Error::Forbidden),
    }
}

/// Publish a version of the assistant: it answers from the next turn on. Refused with 409 when the assistant's gate does
/// not hold, unless that is overruled.
#[utoipa::path(post, path = "/api/assistants/{id}/versions/{version}/publish", tag = "assistant", request_body = Publish, responses((status = 200, body = Version)))]
pub async fn publish(
    State(app): State<Arc<App>>,
    by: Can<AssistantPublish>,
    Path((id, version)): Path<(AssistantId, i64)>,
    Json(publish): Json<Publish>,
) -> Result<Json<Version>> {
    let checked = check(&app, by.org, id, version, publish.despite_regression).await?;
    Ok(Json(assistants::publish(&app, &by, id, version, checked).await?))
}

/// What the gate found, for the audit log.
async fn check(app: &Arc<App>, org: OrgId, id: AssistantId, version: i64, is_overruled: bool) -> Result<Value> {
    let Some(gate) = assistants::find(app, org, id).await?.gate else { return Ok(Value::Null) };
    let version = assistants::find_version(app, org, id, version).await?;
    let setup = Arc::new(Setup::of_version(app, &version)?);
    let summary = replay::run(app, org, &setup, gate.last).await?.summary;
    match summary.held_by(&gate.0) {
        Some(why) if !is_overruled => Err(Error::Conflict(format!(
            "version {} was not published: {why}; a replay shows which, and publishing it can be insisted on",
            version.version
        ))),
        why => Ok(json!({"summary": summary, "overruled": why})),
    }
}
