//! The second factor, over HTTP.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    app::{App, UserId},
    platform::{
        Result,
        http::{Json, Path},
    },
    staff::{
        Can, SettingsManage, SignedIn, UserManage,
        second_factor::{self, Enrolment, RecoveryCodes, SecondFactor},
        store,
    },
};

/// How one's own second factor stands.
#[utoipa::path(get, path = "/api/me/second-factor", tag = "staff", responses((status = 200, body = SecondFactor)))]
pub async fn find_second_factor(State(app): State<Arc<App>>, by: Can<SignedIn>) -> Result<Json<SecondFactor>> {
    Ok(Json(second_factor::find(&app, &by).await?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CurrentPassword {
    #[schema(format = Password)]
    pub password: String,
}

/// Begin to set up a second factor: what an authenticator app needs. It counts when the first code was right.
#[utoipa::path(post, path = "/api/me/second-factor", tag = "staff", request_body = CurrentPassword, responses((status = 201, body = Enrolment)))]
pub async fn begin_second_factor(
    State(app): State<Arc<App>>,
    by: Can<SignedIn>,
    Json(body): Json<CurrentPassword>,
) -> Result<(StatusCode, Json<Enrolment>)> {
    Ok((StatusCode::CREATED, Json(second_factor::begin(&app, &by, &body.password).await?)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Code {
    /// Of the authenticator app, or a recovery code.
    pub code: String,
}

/// Confirm one's second factor with a first code. The recovery codes are shown only here.
#[utoipa::path(post, path = "/api/me/second-factor/confirm", tag = "staff", request_body = Code, responses((status = 200, body = RecoveryCodes)))]
pub async fn confirm_second_factor(
    State(app): State<Arc<App>>,
    by: Can<SignedIn>,
    Json(body): Json<Code>,
) -> Result<Json<RecoveryCodes>> {
    Ok(Json(second_factor::confirm(&app, &by, &body.code).await?))
}

/// Make other recovery codes; the earlier ones no longer work.
#[utoipa::path(post, path = "/api/me/second-factor/recovery-codes", tag = "staff", request_body = Code, responses((status = 200, body = RecoveryCodes)))]
pub async fn renew_recovery_codes(
    State(app): State<Arc<App>>,
    by: Can<SignedIn>,
    Json(body): Json<Code>,
) -> Result<Json<RecoveryCodes>> {
    Ok(Json(second_factor::renew_codes(&app, &by, &body.code).await?))
}

/// Do without one's second factor from now on.
#[utoipa::path(post, path = "/api/me/second-factor/remove", tag = "staff", request_body = Code, responses((status = 204)))]
pub async fn remove_second_factor(
    State(app): State<Arc<App>>,
    by: Can<SignedIn>,
    Json(body): Json<Code>,
) -> Result<StatusCode> {
    second_factor::remove(&app, &by, &body.code).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take the second factor of a user away who has lost it. Their sessions end.
#[utoipa::path(delete, path = "/api/users/{id}/second-factor", tag = "staff", responses((status = 204)))]
pub async fn reset_second_factor(
    State(app): State<Arc<App>>,
    by: Can<UserManage>,
    Path(id): Path<UserId>,
) -> Result<StatusCode> {
    second_factor::reset(&app, &by, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What an organisation wants of everybody who signs in.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Security {
    pub requires_second_factor: bool,
}

/// See what the organisation wants of everybody who signs in.
#[utoipa::path(get, path = "/api/security", tag = "staff", responses((status = 200, body = Security)))]
pub async fn find_security(State(app): State<Arc<App>>, by: Can<SettingsManage>) -> Result<Json<Security>> {
    let requires_second_factor = store::requires_factor(app.read().await?.conn(), by.org).await?;
    Ok(Json(Security { requires_second_factor }))
}

/// Say what the organisation wants of everybody who signs in.
#[utoipa::path(put, path = "/api/security", tag = "staff", request_body = Security, responses((status = 200, body = Security)))]
pub async fn save_security(
    State(app): State<Arc<App>>,
    by: Can<SettingsManage>,
    Json(new): Json<Security>,
) -> Result<Json<Security>> {
    second_factor::require(&app, &by, new.requires_second_factor).await?;
    Ok(Json(new))
}
