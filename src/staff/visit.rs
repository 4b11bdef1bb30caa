//! A visit to the identity provider: the browser goes there, comes back, and is signed in or told why not.
//!
//! What we must remember meanwhile the browser carries, sealed: nothing is stored for who only knocks. A visit ends
//! once. Who set up a second factor with us shows it here too, whatever the provider asked for.

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::json;
use sqlx::types::Json;

use super::{
    User, UserStatus, audit, difference,
    principal::By,
    provider::{self, Kept},
    second_factor,
    sign_in::{self, Opened, Origin},
    store, user,
};
use crate::{
    app::{App, OrgId, UserId},
    platform::{
        Error, Result, crypto,
        db::Conn,
        oidc::{Failure, Identity},
        throttle::Patience,
    },
};

/// How long a visit may take.
pub const LIFETIME: Duration = Duration::minutes(10);
/// Coming back in vain from one address: each time costs the provider a call.
const PATIENCE: Patience = Patience { free: 10, first: Duration::seconds(5), longest: Duration::minutes(15) };

/// Why somebody is not let in, as the sign-in page tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// The organisation has no provider.
    Off,
    /// The provider can't be reached.
    Unreachable,
    /// The visit was begun elsewhere, took too long, or has ended already.
    Stale,
    /// They said no at the provider.
    Cancelled,
    /// What the provider answered does not hold; the log says why.
    Provider,
    /// The provider does not say that the e-mail address is theirs.
    Unverified,
    /// The address belongs to none of the domains that are let in.
    Domain,
    /// Nobody added them.
    Uninvited,
    /// An administrator has shut them out.
    Suspended,
    /// At the provider, somebody else had this address before.
    OtherPerson,
    /// Too often in vain.
    Wait,
    /// Something went wrong on our side.
    Internal,
}

impl Problem {
    /// As it stands in the sign-in page's address.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Unreachable => "unreachable",
            Self::Stale => "stale",
            Self::Cancelled => "cancelled",
            Self::Provider => "provider",
            Self::Unverified => "unverified",
            Self::Domain => "domain",
            Self::Uninvited => "uninvited",
            Self::Suspended => "suspended",
            Self::OtherPerson => "other_person",
            Self::Wait => "wait",
            Self::Internal => "internal",
        }
    }

    /// Whether it slows down who comes from the same address.
    fn counts(self) -> bool {
        !matches!(self, Self::Off | Self::Unreachable | Self::Cancelled | Self::Wait | Self::Internal)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::TooMany { .. } => Self::Wait,
            error => {
                tracing::error!(error = %error.chain(), "signing in over the identity provider failed");
                Self::Internal
            }
        }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        tracing::warn!(%failure, "signing in over the identity provider failed");
        match failure {
            Failure::Unreachable(_) => Self::Unreachable,
            _ => Self::Provider,
        }
    }
}

/// What the browser carries while it is at the provider.
#[derive(Serialize, Deserialize)]
struct Visit {
    org: OrgId,
    issuer: String,
    state: String,
    nonce: String,
    verifier: String,
    /// Where they wanted to go.
    to: String,
    language: String,
    until: DateTime<Utc>,
}

/// What the browser carries when only the second factor is missing.
#[derive(Serialize, Deserialize)]
struct Owed {
    org: OrgId,
    user: UserId,
    issuer: String,
    subject: String,
    until: DateTime<Utc>,
}

/// Where the browser goes next, and what it carries.
#[derive(Debug)]
pub struct Sent {
    pub url: String,
    pub carried: String,
}

/// Who is back from the provider.
pub enum Back {
    /// Signed in.
    In(Box<Opened>, String),
    /// Known, but the code of the second factor is missing.
    OwesCode(Sent),
}

/// What the provider sent the browser back with.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Brought {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
}

/// Sends the browser to the provider of the organisation with this slug.
pub async fn begin(app: &App, slug: &str, to: Option<&str>, language: Option<&str>) -> Result<Sent, Problem> {
    let org = store::org_by_slug(app.read().await?.conn(), slug).await?.ok_or(Problem::Off)?.id;
    let kept = provider::load(app, org).await?;
    if !kept.is_on {
        return Err(Problem::Off);
    }
    let now = app.now();
    let begun = provider::providers(app)?.begin(&kept.relying(app, org)?, now).await?;
    let visit = Visit {
        org,
        issuer: kept.issuer,
        state: begun.state,
        nonce: begun.nonce,
        verifier: begun.verifier,
        to: inside(to).to_string(),
        language: user::language(language.unwrap_or("en")).unwrap_or_else(|_| "en".into()),
        until: now + LIFETIME,
    };
    Ok(Sent { url: begun.url.into(), carried: seal(app, "visit", &visit)? })
}

/// Takes who comes back.
pub async fn finish(app: &App, carried: Option<&str>, brought: Brought, from: Origin) -> Result<Back, Problem> {
    let key = format!("provider|{}", from.ip.as_deref().unwrap_or("-"));
    let attempt = app.sign_ins.attempt(&app.db, &[(&key, PATIENCE)], app.now()).await?;
    let back = arrive(app, carried, brought, from).await;
    match &back {
        Ok(_) => attempt.succeeded(&app.db).await?,
        Err(problem) if problem.counts() => attempt.failed(&app.db).await?,
        Err(_) => {}
    }
    back
}

async fn arrive(app: &App, carried: Option<&str>, brought: Brought, from: Origin) -> Result<Back, Problem> {
    let now = app.now();
    let visit: Visit = carried.and_then(|c| open(app, "visit", c)).ok_or(Problem::Stale)?;
    let is_ours = brought.state.as_deref().is_some_and(|state| crypto::same(state, &visit.state));
    if !is_ours || visit.until <= now {
        return Err(Problem::Stale);
    }
    let kept = provider::load(app, visit.org).await?;
    if !kept.is_on || kept.issuer != visit.issuer {
        return Err(Problem::Off);
    }
    if let Some(error) = brought.error {
        return Err(if error == "access_denied" { Problem::Cancelled } else { Problem::Provider });
    }
    let code = brought.code.ok_or(Problem::Stale)?;
    let who = kept.relying(app, visit.org)?;
    let asked = (visit.nonce.as_str(), visit.verifier.as_str());
    let identity = provider::providers(app)?.finish(&who, &code, asked, now).await?;

    let known = known(app, &visit, &kept, &identity).await?;
    let mut tx = app.begin().await?;
    if !store::end_visit(tx.conn(), visit.org, &crypto::sha256_hex(visit.state.as_bytes()), visit.until).await? {
        return Err(Problem::Stale);
    }
    let user = match known {
        Known::User(user) if second_factor::counts(tx.conn(), visit.org, user).await? => {
            tx.commit().await?;
            let until = now + LIFETIME;
            let owed = Owed { org: visit.org, user, issuer: visit.issuer, subject: identity.subject, until };
            return Ok(Back::OwesCode(Sent { url: visit.to, carried: seal(app, "owed", &owed)? }));
        }
        Known::User(user) => user,
        Known::New { email, role } => admit(tx.conn(), &visit, &email, &identity, &role, now).await?,
    };
    let opened = let_in(tx.conn(), (visit.org, user), &visit.issuer, &identity.subject, from, now).await?;
    tx.commit().await?;
    Ok(Back::In(Box::new(opened), visit.to))
}

/// The code of the second factor, from who came back from the provider without one.
pub async fn show_code(app: &App, carried: Option<&str>, code: &str, from: Origin) -> Result<Opened> {
    let now = app.now();
    let stale = || Error::Conflict("this took too long: sign in again".into());
    let owed: Owed = carried.and_then(|c| open(app, "owed", c)).filter(|o: &Owed| o.until > now).ok_or_else(stale)?;
    second_factor::pass(app, owed.org, owed.user, Some(code)).await?;
    let mut tx = app.begin().await?;
    let opened = let_in(tx.conn(), (owed.org, owed.user), &owed.issuer, &owed.subject, from, now).await;
    let opened = opened.map_err(|_| Error::Conflict("you were shut out meanwhile".into()))?;
    tx.commit().await?;
    Ok(opened)
}

/// Whom the provider's word leads to.
enum Known {
    User(UserId),
    New { email: String, role: String },
}

async fn known(app: &App, visit: &Visit, kept: &Kept, identity: &Identity) -> Result<Known, Problem> {
    let email = identity.email.as_deref().and_then(|e| user::email(e).ok()).ok_or(Problem::Unverified)?;
    if !identity.is_verified {
        return Err(Problem::Unverified);
    }
    if !kept.lets_in(&email) {
        return Err(Problem::Domain);
    }
    let mut reader = app.read().await?;
    let found = match store::user_by_identity(reader.conn(), visit.org, &visit.issuer, &identity.subject).await? {
        Some(found) => Some(found),
        None => store::user_by_email(reader.conn(), visit.org, &email).await?,
    };
    match (found, &kept.role) {
        (Some((_, UserStatus::Suspended)), _) => Err(Problem::Suspended),
        (Some((user, _)), _) => Ok(Known::User(user)),
        (None, Some(role)) => Ok(Known::New { email, role: role.clone() }),
        (None, None) => Err(Problem::Uninvited),
    }
}

/// Adds who is new.
async fn admit(
    mut c: Conn<'_>,
    visit: &Visit,
    email: &str,
    identity: &Identity,
    role: &str,
    now: DateTime<Utc>,
) -> Result<UserId, Problem> {
    let named = identity.name.as_deref().and_then(|n| user::name(n).ok());
    let user = User {
        id: UserId::new(),
        org_id: visit.org,
        email: email.into(),
        phone: None,
        name: named.unwrap_or_else(|| email.split('@').next().unwrap_or(email).chars().take(100).collect()),
        avatar_url: None,
        status: UserStatus::Active,
        language: visit.language.clone(),
        languages: Json(Vec::new()),
        role: None,
        roles: vec![role.into()],
        teams: Vec::new(),
        has_second_factor: false,
        has_identity: false,
        last_login_at: None,
        created_at: now,
        updated_at: now,
    };
    // The role may be gone since it was chosen.
    let role = store::role_by_key(c.again(), visit.org, role).await?.ok_or(Problem::Uninvited)?;
    if !store::insert_user(c.again(), &user, None).await? {
        return Err(Problem::Stale); // somebody added them at this moment
    }
    store::insert_user_role(c.again(), visit.org, user.id, role.id).await?;
    let by = By::system(visit.org);
    audit(c, now, &by, "user.create", ("user", user.id.0), difference(None, Some(&user))).await?;
    Ok(user.id)
}

/// Notes who they are at the provider, accepts their invitation if they have one, and opens a session.
async fn let_in(
    mut c: Conn<'_>,
    (org, user): (OrgId, UserId),
    issuer: &str,
    subject: &str,
    from: Origin,
    now: DateTime<Utc>,
) -> Result<Opened, Problem> {
    if !store::insert_identity(c.again(), (org, user), issuer, subject, now).await? {
        return Err(Problem::OtherPerson);
    }
    store::activate_user(c.again(), org, user, now).await?;
    let opened = match sign_in::open(c.again(), org, user, from, now).await {
        Err(Error::SignedOut) => return Err(Problem::Suspended),
        other => other?,
    };
    let told = json!({"identity_provider": issuer});
    audit(c.again(), now, &opened.by, "session.sign_in", ("user", user.0), told).await?;
    store::note_sign_in(c, user, now).await?;
    Ok(opened)
}

/// Only addresses of our own: never somebody else's site.
fn inside(to: Option<&str>) -> &str {
    let is_path =
        |to: &&str| to.starts_with('/') && !to.starts_with("//") && !to.contains(['\\', '\r', '\n']) && to.len() <= 500;
    to.filter(is_path).unwrap_or("/")
}

fn seal<T: Serialize>(app: &App, what: &str, value: &T) -> Result<String> {
    app.key.seal(&format!("provider:{what}"), &serde_json::to_vec(value)?)
}

fn open<T: DeserializeOwned>(app: &App, what: &str, sealed: &str) -> Option<T> {
    serde_json::from_slice(&app.key.open(&format!("provider:{what}"), sealed).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_to_another_site() {
        assert_eq!(inside(Some("/deals?as=list")), "/deals?as=list");
        for other in ["https://evil.example", "//evil.example", "/\\evil.example", "deals", "/a\r\nSet-Cookie: x"] {
            assert_eq!(inside(Some(other)), "/", "{other}");
        }
    }
}
