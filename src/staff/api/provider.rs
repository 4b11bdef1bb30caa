//! HTTP for signing in at an identity provider, and for choosing it.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::{App, UserId},
    platform::{
        Result,
        http::{Json, Path, Query},
    },
    staff::{
        Can, DEFAULT_ORG, SettingsManage, UserManage,
        api::session,
        provider::{self, IdentityProvider, ProviderChange, ProviderTest},
        sign_in::Origin,
        visit::{self, Back, Brought, Problem},
    },
};

/// What the browser carries while it is at the provider.
const COOKIE: &str = "frontdesk_provider";
/// The only place it is sent to.
const PATH: &str = "/api/sign-in/provider";

/// Whose sign-in page.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct SignInPage {
    /// The organisation's slug; `default` when absent.
    pub organization: Option<String>,
}

/// Ways to sign in beside e-mail and password.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignInOptions {
    pub provider: Option<ProviderButton>,
}

/// The button that leads to the identity provider.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProviderButton {
    /// What stands after "Sign in with".
    pub label: String,
}

/// See which ways to sign in there are beside e-mail and password.
#[utoipa::path(get, path = "/api/sign-in/options", tag = "staff", params(SignInPage), security(()),
    responses((status = 200, body = SignInOptions)))]
pub async fn sign_in_options(
    State(app): State<Arc<App>>,
    Query(page): Query<SignInPage>,
) -> Result<Json<SignInOptions>> {
    let label = provider::button(&app, page.organization.as_deref().unwrap_or(DEFAULT_ORG)).await?;
    Ok(Json(SignInOptions { provider: label.map(|label| ProviderButton { label }) }))
}

/// Where to go afterwards.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct Leaving {
    /// The organisation's slug; `default` when absent.
    pub organization: Option<String>,
    /// A page of the console.
    pub to: Option<String>,
    /// `en` or `zh`, for who is new.
    pub language: Option<String>,
}

/// Go to the identity provider to sign in there: for browsers.
#[utoipa::path(get, path = "/api/sign-in/provider", tag = "staff", params(Leaving), security(()),
    responses((status = 303, description = "To the provider, or back to the sign-in page with what is wrong.")))]
pub async fn visit_provider(State(app): State<Arc<App>>, Query(leaving): Query<Leaving>) -> Response {
    let slug = leaving.organization.as_deref().unwrap_or(DEFAULT_ORG);
    match visit::begin(&app, slug, leaving.to.as_deref(), leaving.language.as_deref()).await {
        Ok(sent) => to(&sent.url, &[carried(&app, &sent.carried, visit::LIFETIME.num_seconds())]),
        Err(problem) => told(&app, problem),
    }
}

/// Come back from the identity provider: for browsers.
#[utoipa::path(get, path = "/api/sign-in/provider/back", tag = "staff", security(()),
    responses((status = 303, description = "To the console, or back to the sign-in page with what is wrong.")))]
pub async fn return_from_provider(
    State(app): State<Arc<App>>,
    from: Origin,
    headers: HeaderMap,
    Query(brought): Query<Brought>,
) -> Response {
    match visit::finish(&app, cookie(&headers), brought, from).await {
        Ok(Back::In(opened, page)) => {
            let tokens = match opened.tokens(&app) {
                Ok(tokens) => tokens,
                Err(e) => return told(&app, e.into()),
            };
            let [access, refresh] = session::cookies(&app, Some(&tokens));
            to(&page, &[access, refresh, carried(&app, "", 0)])
        }
        Ok(Back::OwesCode(sent)) => {
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("to", &sent.url)
                .append_pair("owes", "code")
                .finish();
            to(&format!("/sign-in?{query}"), &[carried(&app, &sent.carried, visit::LIFETIME.num_seconds())])
        }
        Err(problem) => told(&app, problem),
    }
}

/// A code of the second factor, after the identity provider.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProviderCode {
    pub code: String,
}

/// Show the second factor after having been at the identity provider.
#[utoipa::path(post, path = "/api/sign-in/provider/code", tag = "staff", security(()), request_body = ProviderCode,
    responses((status = 200, body = super::SessionOpened)))]
pub async fn show_code_after_provider(
    State(app): State<Arc<App>>,
    from: Origin,
    headers: HeaderMap,
    Json(body): Json<ProviderCode>,
) -> Result<impl IntoResponse> {
    let opened = visit::show_code(&app, cookie(&headers), &body.code, from).await?;
    super::opened(&app, opened, &headers).await
}

/// See how people sign in at an identity provider.
#[utoipa::path(get, path = "/api/identity-provider", tag = "staff", responses((status = 200, body = IdentityProvider)))]
pub async fn find_provider(State(app): State<Arc<App>>, by: Can<SettingsManage>) -> Result<Json<IdentityProvider>> {
    Ok(Json(provider::find(&app, &by).await?))
}

/// Say how people sign in at an identity provider. Only for who is outranked by nobody.
#[utoipa::path(put, path = "/api/identity-provider", tag = "staff", request_body = ProviderChange,
    responses((status = 200, body = IdentityProvider)))]
pub async fn save_provider(
    State(app): State<Arc<App>>,
    by: Can<SettingsManage>,
    Json(change): Json<ProviderChange>,
) -> Result<Json<IdentityProvider>> {
    Ok(Json(provider::save(&app, &by, change).await?))
}

/// Try settings of an identity provider without saving them: is it there, and does it know us?
#[utoipa::path(post, path = "/api/identity-provider/test", tag = "staff", request_body = ProviderChange,
    responses((status = 200, body = ProviderTest)))]
pub async fn test_provider(
    State(app): State<Arc<App>>,
    by: Can<SettingsManage>,
    Json(change): Json<ProviderChange>,
) -> Result<Json<ProviderTest>> {
    Ok(Json(provider::test(&app, &by, change).await?))
}

/// Forget who a user is at the identity provider: their next visit decides anew, by the e-mail address.
#[utoipa::path(delete, path = "/api/users/{id}/identity", tag = "staff", responses((status = 204)))]
pub async fn forget_identity(
    State(app): State<Arc<App>>,
    by: Can<UserManage>,
    Path(id): Path<UserId>,
) -> Result<StatusCode> {
    provider::forget(&app, &by, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn to(page: &str, cookies: &[String]) -> Response {
    let set = cookies.iter().map(|c| (header::SET_COOKIE, c.clone())).collect::<Vec<_>>();
    // What the browser comes with and goes with is nobody else's.
    let private = [(header::CACHE_CONTROL, "no-store"), (header::REFERRER_POLICY, "no-referrer")];
    let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, page.to_string())], private).into_response();
    for (name, value) in set {
        if let Ok(value) = value.parse() {
            response.headers_mut().append(name, value);
        }
    }
    response
}

/// Back to the sign-in page, which says it in the reader's language.
fn told(app: &App, problem: Problem) -> Response {
    to(&format!("/sign-in?problem={}", problem.as_str()), &[carried(app, "", 0)])
}

fn carried(app: &App, value: &str, seconds: i64) -> String {
    format!("{COOKIE}={value}; Path={PATH}; Max-Age={seconds}; HttpOnly; SameSite=Lax{}", session::secure(app))
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    crate::staff::principal::cookie_named(headers, COOKIE)
}
