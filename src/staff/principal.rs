//! Who calls: a signed-in user, an API key or the command line; `Can<P>` is how a handler asks.

use std::{collections::HashMap, marker::PhantomData, ops::Deref, sync::Arc};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use chrono::Duration;
use serde::{Deserialize, Serialize};

use super::{
    permission::{self, Permission, Scope},
    presence, refresh,
    sign_in::{self, Origin},
    store,
};
use crate::{
    app::{ApiKeyId, App, OrgId, SessionId, UserId},
    platform::{Error, Result, crypto},
};

/// The cookie that holds a browser's session.
pub const COOKIE: &str = "frontdesk_session";
/// What an API key begins with.
pub const API_KEY_PREFIX: &str = "fd_";
/// The header by which the command line says which organisation it means.
pub const ORG_HEADER: &str = "x-frontdesk-org";
/// How often we write down at most that a key was used.
const NOTE_USE_EVERY: Duration = Duration::hours(1);

/// Who acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    User(UserId),
    ApiKey(ApiKeyId),
    CommandLine,
    Assistant,
    System,
}

impl Actor {
    /// As stored in `audit_logs.actor`.
    pub fn describe(&self) -> String {
        match self {
            Self::User(_) => "user".into(),
            Self::ApiKey(id) => format!("api_key:{id}"),
            Self::CommandLine => "command_line".into(),
            Self::Assistant => "assistant".into(),
            Self::System => "system".into(),
        }
    }
}

/// Permissions with their reach; the union of what all roles allow.
pub type Rights = HashMap<String, Scope>;

/// A principal in one organisation: what every changing function takes to say who did it.
#[derive(Debug, Clone)]
pub struct By {
    pub org: OrgId,
    /// The user, when a person acts.
    pub user: Option<UserId>,
    pub actor: Actor,
    /// How far the permission that was asked for reaches.
    pub scope: Scope,
    /// The session that was shown, when there is one.
    pub session: Option<SessionId>,
    /// The organisation wants a second factor, and the user has none yet: they may do nothing but set it up.
    pub owes_factor: bool,
    pub ip: Option<String>,
    pub user_agent: Option<String>,
    rights: Rights,
    rank: i32,
}

impl By {
    /// The process itself: jobs, start-up, the command line.
    pub fn system(org: OrgId) -> Self {
        Self::everything(org, Actor::System)
    }

    /// The assistant, for what it changes by itself.
    pub fn assistant(org: OrgId) -> Self {
        Self::everything(org, Actor::Assistant)
    }

    /// Who may do everything in `org`.
    pub fn everything(org: OrgId, actor: Actor) -> Self {
        Self {
            org,
            user: None,
            actor,
            scope: Scope::Org,
            session: None,
            owes_factor: false,
            ip: None,
            user_agent: None,
            rights: permission::ALL.iter().map(|key| ((*key).to_string(), Scope::Org)).collect(),
            rank: i32::MAX,
        }
    }

    /// A user with these rights. A reach without a meaning (a role of before it was refused) is no right at all.
    pub fn user(org: OrgId, user: UserId, mut rights: Rights, rank: i32) -> Self {
        rights.retain(|key, scope| permission::has_meaning(key, *scope));
        Self { user: Some(user), rights, rank, ..Self::everything(org, Actor::User(user)) }
    }

    /// Whether the principal may do this too.
    pub fn may<P: Permission>(&self) -> bool {
        self.reach(P::KEY).is_some()
    }

    /// How far the permission of this key reaches; `None`: not allowed.
    pub fn reach(&self, key: &str) -> Option<Scope> {
        if key.is_empty() { Some(Scope::Org) } else { self.rights.get(key).copied() }
    }

    /// The same principal acting under another permission, with its reach.
    pub fn under<P: Permission>(&self) -> Result<Self> {
        let scope = self.reach(P::KEY).ok_or(Error::Forbidden)?;
        Ok(Self { scope, ..self.clone() })
    }

    /// The user; programs are refused where only a person makes sense.
    pub fn person(&self) -> Result<UserId> {
        self.user.ok_or(Error::Forbidden)
    }

    /// The rank of the highest role.
    pub fn rank(&self) -> i32 {
        self.rank
    }

    /// Every permission, sorted.
    pub fn permissions(&self) -> Vec<String> {
        let mut keys: Vec<String> = self.rights.keys().cloned().collect();
        keys.sort();
        keys
    }

    /// Refuses who sees only a part: for what can't be told of a part, like sums over everybody's conversations.
    pub fn whole(&self) -> Result<()> {
        if self.scope == Scope::Org { Ok(()) } else { Err(Error::Forbidden) }
    }

    /// Who sees what, for a query: `($n = 'org' OR …)`.
    pub fn visible(&self) -> Visible {
        Visible { scope: self.scope, user: self.user }
    }
}

/// The part of the rows that a principal may see.
#[derive(Debug, Clone, Copy)]
pub struct Visible {
    pub scope: Scope,
    pub user: Option<UserId>,
}

impl Visible {
    /// Everything of the organisation.
    pub const ALL: Self = Self { scope: Scope::Org, user: None };
}

/// The SQL condition that a row's owner column lies within a [`Visible`]'s reach, whose scope and user are bound as the
/// named parameters.
#[macro_export]
macro_rules! visible {
    ($owner:literal, $scope:literal, $user:literal) => {
        concat!(
            "(",
            $scope,
            " = 'org' OR ",
            $owner,
            " = ",
            $user,
            " OR (",
            $scope,
            " = 'team' AND ",
            $owner,
            " IN (SELECT mate.user_id FROM user_teams me JOIN user_teams mate ON mate.team_id = me.team_id
                  WHERE me.user_id = ",
            $user,
            ")))"
        )
    };
}

/// A principal that may do `P`. Data of an organisation is reached through [`By::org`], and there is no other way for
/// a handler to learn of one: a route without this has nothing to look up.
#[derive(Debug, Clone)]
pub struct Can<P> {
    by: By,
    permission: PhantomData<P>,
}

impl<P> Deref for Can<P> {
    type Target = By;
    fn deref(&self) -> &By {
        &self.by
    }
}

impl<P: Permission> FromRequestParts<Arc<App>> for Can<P> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self> {
        let by = identify(app, parts).await?;
        Ok(Self { by: by.under::<P>()?, permission: PhantomData })
    }
}

/// What a request shows to say who sends it.
enum Shown<'a> {
    Bearer(&'a str),
    Cookie(&'a str),
}

async fn identify(app: &App, parts: &Parts) -> Result<By> {
    let from = Origin::of(parts, app);
    let by = match shown(&parts.headers).ok_or(Error::SignedOut)? {
        Shown::Bearer(token) if crypto::same(token, &app.local_token) => local(app, &parts.headers).await?,
        Shown::Bearer(key) if key.starts_with(API_KEY_PREFIX) => api_key(app, key).await?,
        Shown::Bearer(token) => match refresh::session_of(app, token) {
            Some(id) => session(app, Of::Browser(id)).await?,
            None => session(app, Of::Program(token)).await?,
        },
        Shown::Cookie(token) => {
            if !parts.method.is_safe() && !is_same_origin(&parts.headers, app.config.server.public_url.as_deref()) {
                return Err(Error::Foreign);
            }
            let id = refresh::session_of(app, token).ok_or(Error::SignedOut)?;
            session(app, Of::Browser(id)).await?
        }
    };
    Ok(By { ip: from.ip, user_agent: from.user_agent, ..by })
}

fn shown(headers: &HeaderMap) -> Option<Shown<'_>> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        return scheme.eq_ignore_ascii_case("bearer").then(|| Shown::Bearer(token.trim()));
    }
    cookie(headers).map(Shown::Cookie)
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    cookie_named(headers, COOKIE)
}

/// What a cookie of this name holds.
pub(super) fn cookie_named<'h>(headers: &'h HeaderMap, wanted: &str) -> Option<&'h str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == wanted && !value.is_empty()).then_some(value))
}

/// Whether a page of ours sent this. A browser sends the cookie along from anywhere within the same site; it says
/// itself, in headers no page can forge, where the request comes from. Who says nothing is refused.
pub(super) fn is_same_origin(headers: &HeaderMap, public_url: Option<&str>) -> bool {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    let Some(origin) = text("origin").and_then(|o| url::Url::parse(o).ok()) else {
        return false;
    };
    let public = public_url.and_then(|u| url::Url::parse(u).ok());
    if public.is_some_and(|p| p.origin() == origin.origin()) {
        return true;
    }
    let authority = match (origin.host_str(), origin.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_string(),
        (None, _) => return false,
    };
    text("host").is_some_and(|host| host.eq_ignore_ascii_case(&authority))
}

async fn local(app: &App, headers: &HeaderMap) -> Result<By> {
    let slug = headers.get(ORG_HEADER).and_then(|v| v.to_str().ok()).unwrap_or(super::DEFAULT_ORG);
    let org = store::org_by_slug(app.read().await?.conn(), slug).await?.ok_or(Error::NotFound("organisation"))?;
    Ok(By::everything(org.id, Actor::CommandLine))
}

/// Whose session it is: a browser's access token names it, a program shows its one token.
enum Of<'a> {
    Browser(SessionId),
    Program(&'a str),
}

async fn session(app: &App, of: Of<'_>) -> Result<By> {
    let now = app.now();
    let mut reader = app.read().await?;
    let found = match of {
        Of::Browser(id) => store::session_by_id(reader.conn(), id, now).await?,
        Of::Program(token) => store::session_by_hash(reader.conn(), &crypto::sha256_hex(token.as_bytes()), now).await?,
    };
    let session = found.ok_or(Error::SignedOut)?;
    let by = sign_in::signed_in(reader.conn(), &session).await?;
    drop(reader);
    presence::note(app, session.org_id, session.id, session.last_used_at).await?;
    Ok(by)
}

async fn api_key(app: &App, key: &str) -> Result<By> {
    let now = app.now();
    let hash = crypto::sha256_hex(key.as_bytes());
    let found = store::api_key_by_hash(app.read().await?.conn(), &hash, now).await?.ok_or(Error::SignedOut)?;
    // Counted before it is looked at what it asks for: what is refused costs us too.
    app.programs.take(&found.id.to_string(), u32::try_from(found.per_minute).unwrap_or(1), now)?;
    if found.last_used_at.is_none_or(|at| now - at > NOTE_USE_EVERY) {
        let mut tx = app.begin().await?;
        store::touch_api_key(tx.conn(), found.id, now).await?;
        tx.commit().await?;
    }
    let rights = found.scopes.0.into_iter().map(|key| (key, Scope::Org)).collect();
    Ok(By { rights, rank: 0, ..By::everything(found.org_id, Actor::ApiKey(found.id)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(k, v)| (k.parse().unwrap(), v.parse().unwrap())).collect()
    }

    #[test]
    fn a_cookie_from_another_site_changes_nothing() {
        let same = |pairs: &[(&'static str, &str)]| is_same_origin(&headers(pairs), Some("https://help.example.com"));
        assert!(same(&[("sec-fetch-site", "same-origin")]));
        assert!(!same(&[("sec-fetch-site", "same-site")]));
        assert!(!same(&[("sec-fetch-site", "cross-site"), ("origin", "https://help.example.com")]));
        assert!(same(&[("origin", "https://help.example.com")]));
        assert!(same(&[("origin", "http://127.0.0.1:8080"), ("host", "127.0.0.1:8080")]));
        assert!(!same(&[("origin", "https://evil.example"), ("host", "127.0.0.1:8080")]));
        assert!(!same(&[("origin", "null"), ("host", "127.0.0.1:8080")]));
        assert!(!same(&[("host", "127.0.0.1:8080")]));
    }

    #[test]
    fn the_session_is_found_among_other_cookies() {
        assert_eq!(cookie(&headers(&[("cookie", "a=b; frontdesk_session=tok; c=d")])), Some("tok"));
        assert_eq!(cookie(&headers(&[("cookie", "xfrontdesk_session=tok")])), None);
    }

    #[test]
    fn what_is_not_granted_is_forbidden() {
        let rights = Rights::from([("deal:read".to_string(), Scope::Own)]);
        let by = By::user(OrgId::new(), UserId::new(), rights, 20);
        assert_eq!(by.under::<permission::DealRead>().unwrap().scope, Scope::Own);
        assert!(matches!(by.under::<permission::DealWrite>(), Err(Error::Forbidden)));
        assert_eq!(by.under::<permission::SignedIn>().unwrap().org, by.org);
        assert!(!by.may::<permission::CustomerSeePhone>());
    }

    #[test]
    fn a_reach_without_a_meaning_is_no_right() {
        let rights = Rights::from([
            ("knowledge:read".to_string(), Scope::Own),
            ("tag:manage".to_string(), Scope::Org),
            ("conversation:read".to_string(), Scope::Team),
        ]);
        let by = By::user(OrgId::new(), UserId::new(), rights, 20);
        assert_eq!(by.permissions(), ["conversation:read", "tag:manage"]);
        assert!(by.under::<permission::ConversationRead>().unwrap().whole().is_err());
        assert!(by.under::<permission::TagManage>().unwrap().whole().is_ok());
    }
}
