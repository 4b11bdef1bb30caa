//! Entry by HTTP: the one route table, webhooks, live changes, the chat page.

mod assets;
mod console;
mod describe;
mod health;
mod live;
mod routes;
mod webhooks;
mod widget;

use std::sync::Arc;

use axum::{
    Json, Router,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use utoipa::OpenApi;

use crate::{app::App, inbox::Accepter, platform::Error};

#[derive(OpenApi)]
#[openapi(info(
    title = "Frontdesk",
    description = "AI-first customer service with a CRM. Sign in with `Authorization: Bearer …` (a session or an API key)."
))]
struct Api;

/// Everything the process answers.
pub fn router(app: Arc<App>) -> Router {
    let (router, api) = split();
    router
        .merge(webhooks::routes(Accepter::start(app.clone())))
        .merge(assets::routes())
        .merge(health::routes())
        .route("/openapi.json", axum::routing::get(move || async move { Json(api) }))
        .fallback(console::answer)
        .method_not_allowed_fallback(|method: axum::http::Method| async move {
            Error::Method { method: method.to_string() }
        })
        .with_state(app)
}

/// The description of the API, as checked in at `openapi.json`.
pub fn openapi() -> utoipa::openapi::OpenApi {
    split().1
}

fn split() -> (Router<Arc<App>>, utoipa::openapi::OpenApi) {
    let table = utoipa_axum::router::OpenApiRouter::with_openapi(Api::openapi()).merge(routes::table());
    let (router, api) = table.split_for_parts();
    (router, describe::complete(api))
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::SignedOut | Self::SecondFactor => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::Foreign => StatusCode::FORBIDDEN,
            Self::Method { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unavailable { .. } | Self::Later { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        if status.is_server_error() {
            tracing::error!(error = %self.chain(), "request failed");
        }
        let body = serde_json::json!({"error": {"code": self.code(), "message": self.to_string()}});
        let mut response = (status, Json(body)).into_response();
        if let Self::TooMany { retry_after_s } = self {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after_s));
        }
        response
    }
}
