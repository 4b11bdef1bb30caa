//! HTTP for staff: signing in, users and roles, the audit log and notifications; teams and API keys beside it.

mod mail;
mod provider;
mod roles;
mod second_factor;
mod session;
mod teams;

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{AppendHeaders, Html, IntoResponse},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

pub use mail::*;
pub use provider::*;
pub use roles::*;
pub use second_factor::*;
pub use session::*;
pub use teams::*;

use super::{
    AuditRead, Audited, By, Can, Notification, OpenSession, Organisation, SettingsManage, SignedIn, User, UserChange,
    UserManage, UserRead,
    audit::{self, Sought},
    chain::{self, Verified},
    forgotten,
    link::{self, Chosen, Purpose},
    notify, organisation,
    sign_in::{self, Credentials, Opened, Origin},
    store,
    user::{self, Added, NewUser},
};
use crate::{
    app::{App, Job, NotificationId, SessionId, UserId},
    platform::{
        Error, Result, crypto,
        http::{Cursor, Json, Page, Path, Query, limit},
    },
};

/// Who is signed in, and what they may do.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    /// Absent for API keys and the command line.
    pub user: Option<User>,
    pub organization: Organisation,
    /// `user`, `api_key:…` or `command_line`.
    pub actor: String,
    /// Like `customer:read`.
    pub permissions: Vec<String>,
    pub unread_notifications: i64,
    /// The organisation wants a second factor of everybody, and you have none: set it up, nothing else is allowed.
    pub owes_second_factor: bool,
}

/// A session that was opened.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionOpened {
    /// For programs, to send it as `Authorization: Bearer …`. Who sends `Sec-Fetch-Site` or `Origin`, as browsers do,
    /// gets cookies alone, which no page can read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    pub expires_at: DateTime<Utc>,
    pub me: Me,
}

/// Sign in with e-mail and password.
#[utoipa::path(post, path = "/api/sign-in", tag = "staff", security(()),
    responses((status = 200, body = SessionOpened)))]
pub async fn sign_in(
    State(app): State<Arc<App>>,
    from: Origin,
    headers: HeaderMap,
    Json(credentials): Json<Credentials>,
) -> Result<impl IntoResponse> {
    opened(&app, sign_in::sign_in(&app, credentials, from).await?, &headers).await
}

/// Choose a password by a set-up, invitation or reset link, and sign in with it.
#[utoipa::path(post, path = "/api/setup", tag = "staff", security(()), responses((status = 200, body = SessionOpened)))]
pub async fn set_up(
    State(app): State<Arc<App>>,
    from: Origin,
    headers: HeaderMap,
    Json(chosen): Json<Chosen>,
) -> Result<impl IntoResponse> {
    opened(&app, link::set_up(&app, chosen, from).await?, &headers).await
}

/// Who forgot their password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Forgotten {
    pub email: String,
}

/// Have a link mailed by which one chooses another password. The answer is the same for an unknown address.
#[utoipa::path(post, path = "/api/forgot-password", tag = "staff", security(()), responses((status = 204)))]
pub async fn forgot_password(State(app): State<Arc<App>>, Json(who): Json<Forgotten>) -> Result<StatusCode> {
    forgotten::forgotten(&app, &who.email).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn opened(app: &App, opened: Opened, headers: &HeaderMap) -> Result<impl IntoResponse + use<>> {
    let cookies = session::cookies(app, Some(&opened.tokens(app)?)).map(|c| (header::SET_COOKIE, c));
    let me = whoami(app, &opened.by).await?;
    // Browsers say where a request comes from, and no page can keep them from it: over plain http, to another machine,
    // only by its origin.
    let is_browser = headers.contains_key("sec-fetch-site") || headers.contains_key(header::ORIGIN);
    let body = SessionOpened { token: (!is_browser).then_some(opened.token), expires_at: opened.expires_at, me };
    Ok((AppendHeaders(cookies), Json(body)))
}

async fn whoami(app: &App, by: &By) -> Result<Me> {
    let user = match by.user {
        Some(id) => Some(user::find(app, by, id).await?),
        None => None,
    };
    let mut reader = app.read().await?;
    Ok(Me {
        user,
        organization: store::find_org_by_id(reader.conn(), by.org).await?.ok_or(Error::NotFound("organisation"))?,
        actor: by.actor.describe(),
        permissions: by.permissions(),
        unread_notifications: match by.user {
            Some(id) => store::unread_notifications(reader.conn(), by.org, id).await?,
            None => 0,
        },
        owes_second_factor: by.owes_factor,
    })
}

/// Sign out: the session ends and the cookies are taken back.
#[utoipa::path(post, path = "/api/sign-out", tag = "staff", responses((status = 204)))]
pub async fn sign_out(State(app): State<Arc<App>>, by: Can<SignedIn>) -> Result<impl IntoResponse> {
    sign_in::sign_out(&app, &by).await?;
    let taken_back = session::cookies(&app, None).map(|c| (header::SET_COOKIE, c));
    Ok((StatusCode::NO_CONTENT, AppendHeaders(taken_back)))
}

/// The organisation one works for.
#[utoipa::path(get, path = "/api/organization", tag = "staff", responses((status = 200, body = Organisation)))]
pub async fn find_organization(State(app): State<Arc<App>>, by: Can<SignedIn>) -> Result<Json<Organisation>> {
    Ok(Json(organisation::find(&app, &by).await?))
}

/// Rename the organisation.
#[utoipa::path(put, path = "/api/organization", tag = "staff", request_body = organisation::Change, responses((status = 200, body = Organisation)))]
pub async fn edit_organization(
    State(app): State<Arc<App>>,
    by: Can<SettingsManage>,
    Json(change): Json<organisation::Change>,
) -> Result<Json<Organisation>> {
    Ok(Json(organisation::edit(&app, &by, change).await?))
}

/// Who am I, and what may I do?
#[utoipa::path(get, path = "/api/me", tag = "staff", responses((status = 200, body = Me)))]
pub async fn me(State(app): State<Arc<App>>, by: Can<SignedIn>) -> Result<Json<Me>> {
    Ok(Json(whoami(&app, &by).await?))
}

/// List one's own sessions, the last used first.
#[utoipa::path(get, path = "/api/me/sessions", tag = "staff", responses((status = 200, body = Vec<OpenSession>)))]
pub async fn list_sessions(State(app): State<Arc<App>>, by: Can<SignedIn>) -> Result<Json<Vec<OpenSession>>> {
    let user = by.person()?;
    let mut all = store::list_sessions(app.read().await?.conn(), by.org, user, app.now()).await?;
    for session in &mut all {
        session.is_this = by.session == Some(session.id);
    }
    Ok(Json(all))
}

/// End one of one's own sessions.
#[utoipa::path(delete, path = "/api/me/sessions/{id}", tag = "staff", responses((status = 204)))]
pub async fn end_session(
    State(app): State<Arc<App>>,
    by: Can<SignedIn>,
    Path(id): Path<SessionId>,
) -> Result<StatusCode> {
    let user = by.person()?;
    let mut tx = app.begin().await?;
    if !store::delete_own_session(tx.conn(), by.org, user, id).await? {
        return Err(Error::NotFound("session"));
    }
    audit::audit(tx.conn(), app.now(), &by, "session.end", ("session", id.0), json!({})).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a user set for themselves: an object of the console's making, like `{"sound": true}`.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct OwnSettings {
    #[schema(value_type = Object)]
    pub settings: Map<String, Value>,
}

/// The most that a user's settings may measure, in bytes.
const SETTINGS_LIMIT: usize = 16 * 1024;

/// See one's own settings.
#[utoipa::path(get, path = "/api/me/settings", tag = "staff", responses((status = 200, body = OwnSettings)))]
pub async fn own_settings(State(app): State<Arc<App>>, by: Can<SignedIn>) -> Result<Json<OwnSettings>> {
    let user = by.person()?;
    let found = store::find_settings(app.read().await?.conn(), by.org, user).await?.ok_or(Error::NotFound("user"))?;
    Ok(Json(OwnSettings { settings: found.0.as_object().cloned().unwrap_or_default() }))
}

/// Save one's own settings.
#[utoipa::path(put, path = "/api/me/settings", tag = "staff", responses((status = 200, body = OwnSettings)))]
pub async fn save_own_settings(
    State(app): State<Arc<App>>,
    by: Can<SignedIn>,
    Json(new): Json<OwnSettings>,
) -> Result<Json<OwnSettings>> {
    let user = by.person()?;
    let settings = Value::Object(new.settings.clone());
    if settings.to_string().len() > SETTINGS_LIMIT {
        return Err(Error::Invalid(format!("settings: at most {SETTINGS_LIMIT} bytes")));
    }
    let mut tx = app.begin().await?;
    store::save_settings(tx.conn(), by.org, user, &settings, app.now()).await?;
    // They may have said that they are back.
    Job::GiveOut { org: by.org }.push(tx.conn(), by.org, app.now()).await?;
    tx.commit().await?;
    app.wake(by.org).await;
    Ok(Json(new))
}

/// A password to change.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    #[schema(format = Password)]
    pub current: String,
    #[schema(format = Password)]
    pub new: String,
}

/// Change one's own password; every other session ends.
#[utoipa::path(post, path = "/api/me/password", tag = "staff", responses((status = 204)))]
pub async fn change_password(
    State(app): State<Arc<App>>,
    by: Can<SignedIn>,
    Json(change): Json<PasswordChange>,
) -> Result<StatusCode> {
    user::change_password(&app, &by, &change.current, &change.new).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which part of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200; 50 when absent.
    pub limit: Option<u32>,
}

/// List the users.
#[utoipa::path(get, path = "/api/users", tag = "staff", params(Paging), responses((status = 200, body = Page<User>)))]
pub async fn list_users(
    State(app): State<Arc<App>>,
    by: Can<UserRead>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<User>>> {
    Ok(Json(user::list(&app, &by, Cursor::parse(paging.cursor.as_deref())?, limit(paging.limit)).await?))
}

/// Add a user, with a password or with an invitation link to hand them.
#[utoipa::path(post, path = "/api/users", tag = "staff", responses((status = 201, body = Added)))]
pub async fn add_user(
    State(app): State<Arc<App>>,
    by: Can<UserManage>,
    Json(new): Json<NewUser>,
) -> Result<(StatusCode, Json<Added>)> {
    Ok((StatusCode::CREATED, Json(user::add(&app, &by, new).await?)))
}

/// See a user.
#[utoipa::path(get, path = "/api/users/{id}", tag = "staff", responses((status = 200, body = User)))]
pub async fn find_user(State(app): State<Arc<App>>, by: Can<UserRead>, Path(id): Path<UserId>) -> Result<Json<User>> {
    Ok(Json(user::find(&app, &by, id).await?))
}

/// Change a user, suspend them or let them in again, or give them other roles.
#[utoipa::path(patch, path = "/api/users/{id}", tag = "staff", responses((status = 200, body = User)))]
pub async fn edit_user(
    State(app): State<Arc<App>>,
    by: Can<UserManage>,
    Path(id): Path<UserId>,
    Json(change): Json<UserChange>,
) -> Result<Json<User>> {
    Ok(Json(user::edit(&app, &by, id, change).await?))
}

/// A link to hand to a user.
#[derive(Debug, Serialize, ToSchema)]
pub struct HandedLink {
    /// Works once, for 24 hours.
    pub link: String,
}

/// Make a link by which a user chooses a new password.
#[utoipa::path(post, path = "/api/users/{id}/reset-link", tag = "staff", responses((status = 201, body = HandedLink)))]
pub async fn make_reset_link(
    State(app): State<Arc<App>>,
    by: Can<UserManage>,
    Path(id): Path<UserId>,
) -> Result<(StatusCode, Json<HandedLink>)> {
    Ok((StatusCode::CREATED, Json(HandedLink { link: user::reset_link(&app, &by, id).await? })))
}

/// Which lines of the audit log.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// Only what this user did.
    pub user_id: Option<UserId>,
    /// Only what was done to this.
    pub resource_id: Option<Uuid>,
    /// How the action begins: `customer` finds all that was done to customers.
    pub action: Option<String>,
    /// Only what was done from this moment on.
    pub from: Option<DateTime<Utc>>,
    /// Only what was done before this moment.
    pub to: Option<DateTime<Utc>>,
    /// Part of the action, of what changed, of the address or the program it came from.
    pub search: Option<String>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200; 50 when absent.
    pub limit: Option<u32>,
}

/// See who changed what, the newest first.
#[utoipa::path(get, path = "/api/audit-logs", tag = "staff", params(AuditQuery),
    responses((status = 200, body = Page<Audited>)))]
pub async fn list_audit(
    State(app): State<Arc<App>>,
    by: Can<AuditRead>,
    Query(query): Query<AuditQuery>,
) -> Result<Json<Page<Audited>>> {
    let sought = Sought {
        user: query.user_id,
        resource: query.resource_id,
        action: query.action,
        from: query.from,
        to: query.to,
        text: query.search,
    };
    let after = Cursor::parse(query.cursor.as_deref())?;
    Ok(Json(audit::list(&app, &by, sought, after, limit(query.limit)).await?))
}

/// Read the whole audit log and see whether every line is still as it was sealed.
#[utoipa::path(get, path = "/api/audit-logs/verify", tag = "staff", responses((status = 200, body = Verified)))]
pub async fn verify_audit(State(app): State<Arc<App>>, by: Can<AuditRead>) -> Result<Json<Verified>> {
    Ok(Json(chain::verify(&app, by.org).await?))
}

/// Which notifications.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct NotificationQuery {
    /// Only those not read yet.
    pub unread: bool,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200; 50 when absent.
    pub limit: Option<u32>,
}

/// List one's own notifications, the newest first.
#[utoipa::path(get, path = "/api/notifications", tag = "staff", params(NotificationQuery),
    responses((status = 200, body = Page<Notification>)))]
pub async fn list_notifications(
    State(app): State<Arc<App>>,
    by: Can<SignedIn>,
    Query(query): Query<NotificationQuery>,
) -> Result<Json<Page<Notification>>> {
    let after = Cursor::parse(query.cursor.as_deref())?;
    Ok(Json(notify::list(&app, &by, query.unread, after, limit(query.limit)).await?))
}

/// Mark one of one's own notifications as read.
#[utoipa::path(post, path = "/api/notifications/{id}/read", tag = "staff", responses((status = 204)))]
pub async fn read_notification(
    State(app): State<Arc<App>>,
    by: Can<SignedIn>,
    Path(id): Path<NotificationId>,
) -> Result<StatusCode> {
    notify::read(&app, &by, Some(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Mark all of one's own notifications as read.
#[utoipa::path(post, path = "/api/notifications/read", tag = "staff", responses((status = 204)))]
pub async fn read_notifications(State(app): State<Arc<App>>, by: Can<SignedIn>) -> Result<StatusCode> {
    notify::read(&app, &by, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What stands after `/setup?`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SetUpQuery {
    token: String,
    lang: Option<String>,
}

/// The page behind a set-up, invitation or reset link. Looking at it doesn't use the link up.
pub async fn set_up_page(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Query(query): Query<SetUpQuery>,
) -> Result<impl IntoResponse> {
    let link = link::find(&app, &query.token).await?;
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let lang = match query.lang.as_deref() {
        Some("zh") => "zh",
        Some(_) => "en",
        None if accepted.trim_start().starts_with("zh") => "zh",
        None => "en",
    };
    let token: String = query.token.chars().filter(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect();
    let nonce = crypto::token();
    let page = minijinja::Environment::new()
        .render_named_str(
            "setup.html",
            include_str!("setup.html"),
            minijinja::context! {
                lang, token, nonce => nonce.clone(),
                works => link.is_some(),
                purpose => link.as_ref().map(|l| match l.purpose {
                    Purpose::Setup => "setup",
                    Purpose::Invite => "invite",
                    Purpose::Reset => "reset",
                }),
                email => link.as_ref().and_then(|l| l.email.clone()),
                organization => link.as_ref().map(|l| l.org_name.clone()),
            },
        )
        .map_err(Error::internal)?;
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let headers = [
        (header::CONTENT_SECURITY_POLICY, policy),
        // The address holds the token: it must not travel on, nor stay in a cache.
        (header::REFERRER_POLICY, "no-referrer".into()),
        (header::CACHE_CONTROL, "no-store".into()),
    ];
    Ok((headers, Html(page)))
}
