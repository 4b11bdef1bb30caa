//! What a browser holds of its session: an access token for some minutes, and a refresh token that works once.
//!
//! Both are sealed: they tell nothing, can't be made up, and the session they name is looked up at each request, so
//! that ending it ends them. A refresh token that was used already and comes again was copied: the session ends.

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::json;

use super::{
    SESSION_LIFETIME, audit,
    principal::{By, Rights},
    sign_in::Origin,
    store,
};
use crate::{
    app::{App, SessionId},
    platform::{Error, Result},
};

/// How long an access token works.
pub const ACCESS_LIFETIME: Duration = Duration::minutes(15);
/// For how long the refresh token before the current one is taken once more: of two tabs that refresh at the same
/// moment, or of an answer that was lost.
const GRACE: Duration = Duration::seconds(30);
/// What both begin with, so that they are recognised where they should not be.
const PREFIX: &str = "fs_";

/// What an access token says.
#[derive(Serialize, Deserialize)]
struct Access {
    session: SessionId,
    until: DateTime<Utc>,
}

/// What a refresh token says.
#[derive(Serialize, Deserialize)]
struct Refresh {
    session: SessionId,
    generation: i64,
}

/// What a browser is given.
#[derive(Debug, Clone)]
pub struct Tokens {
    pub access: String,
    pub refresh: String,
}

impl Tokens {
    /// Those of a session in its `generation`, made at `now`.
    pub(super) fn of(app: &App, session: SessionId, generation: i64, now: DateTime<Utc>) -> Result<Self> {
        Ok(Self {
            access: seal(app, "access", &Access { session, until: now + ACCESS_LIFETIME })?,
            refresh: seal(app, "refresh", &Refresh { session, generation })?,
        })
    }
}

/// The session that an access token stands for. `None`: it is none of ours, or ran out.
pub(super) fn session_of(app: &App, access: &str) -> Option<SessionId> {
    let access: Access = open(app, "access", access)?;
    (access.until > app.now()).then_some(access.session)
}

/// Gives new tokens for a refresh token, which is used up by that.
pub async fn refresh(app: &App, shown: Option<&str>, from: Origin) -> Result<Tokens> {
    let shown: Refresh = shown.and_then(|s| open(app, "refresh", s)).ok_or(Error::SignedOut)?;
    let now = app.now();
    let mut tx = app.begin().await?;
    let found = store::lock_session(tx.conn(), shown.session).await?.ok_or(Error::SignedOut)?;
    let session = store::session_by_id(tx.conn(), shown.session, now).await?.ok_or(Error::SignedOut)?;
    let is_grace = found.refreshed_at.is_some_and(|at| now - at <= GRACE);
    let generation = match found.generation - shown.generation {
        0 => {
            let next = found.generation + 1;
            store::rotate_session(tx.conn(), session.id, next, now, now + SESSION_LIFETIME).await?;
            next
        }
        1 if is_grace => found.generation,
        _ => {
            store::delete_session(tx.conn(), session.id).await?;
            let mut by = By::user(session.org_id, session.user_id, Rights::new(), 0);
            (by.ip, by.user_agent) = (from.ip, from.user_agent);
            audit(tx.conn(), now, &by, "session.token_reused", ("session", session.id.0), json!({})).await?;
            tx.commit().await?;
            tracing::warn!(session.id = %session.id, "a refresh token came a second time: the session was ended");
            return Err(Error::SignedOut);
        }
    };
    tx.commit().await?;
    Tokens::of(app, session.id, generation, now)
}

fn seal<T: Serialize>(app: &App, what: &str, value: &T) -> Result<String> {
    Ok(format!("{PREFIX}{}", app.key.seal(&format!("session:{what}"), &serde_json::to_vec(value)?)?))
}

fn open<T: DeserializeOwned>(app: &App, what: &str, sealed: &str) -> Option<T> {
    let opened = app.key.open(&format!("session:{what}"), sealed.strip_prefix(PREFIX)?).ok()?;
    serde_json::from_slice(&opened).ok()
}
