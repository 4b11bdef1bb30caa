//! HTTP for what a browser holds of its session.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{AppendHeaders, IntoResponse},
};

use crate::{
    app::App,
    platform::{Error, Result},
    staff::{
        COOKIE, SESSION_LIFETIME,
        principal::{cookie_named, is_same_origin},
        refresh::{self, ACCESS_LIFETIME, Tokens},
        sign_in::Origin,
    },
};

/// The cookie that holds a browser's refresh token.
const REFRESH_COOKIE: &str = "frontdesk_refresh";
/// The only path it is sent to.
const REFRESH_PATH: &str = "/api/session/refresh";

/// Get another access token by the refresh token: for browsers, which hold both as cookies. A refresh token works once;
/// one that comes a second time ends the session.
#[utoipa::path(post, path = "/api/session/refresh", tag = "staff", security(()), responses((status = 204)))]
pub async fn refresh_session(
    State(app): State<Arc<App>>,
    from: Origin,
    headers: HeaderMap,
) -> Result<impl IntoResponse> {
    let shown = cookie_named(&headers, REFRESH_COOKIE);
    if shown.is_some() && !is_same_origin(&headers, app.config.server.public_url.as_deref()) {
        return Err(Error::Foreign);
    }
    let tokens = refresh::refresh(&app, shown, from).await?;
    Ok((StatusCode::NO_CONTENT, AppendHeaders(cookies(&app, Some(&tokens)).map(|c| (header::SET_COOKIE, c)))))
}

/// What a cookie ends with: where we are reached over TLS, it travels over nothing else.
pub(super) fn secure(app: &App) -> &'static str {
    let is_tls = app.config.server.public_url.as_deref().is_some_and(|u| u.starts_with("https://"));
    if is_tls { "; Secure" } else { "" }
}

/// The cookies of a session; of none, those that take them back.
pub(super) fn cookies(app: &App, tokens: Option<&Tokens>) -> [String; 2] {
    let secure = secure(app);
    let lasts = |of: chrono::Duration| if tokens.is_some() { of.num_seconds() } else { 0 };
    let (access, refresh) = tokens.map_or(("", ""), |t| (t.access.as_str(), t.refresh.as_str()));
    [
        format!("{COOKIE}={access}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{secure}", lasts(ACCESS_LIFETIME)),
        format!(
            "{REFRESH_COOKIE}={refresh}; Path={REFRESH_PATH}; Max-Age={}; HttpOnly; SameSite=Strict{secure}",
            lasts(SESSION_LIFETIME)
        ),
    ]
}
