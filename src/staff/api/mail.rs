//! HTTP for the server that sends our mails.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};

use crate::{
    app::App,
    platform::{Result, http::Json},
    staff::{
        Can, SettingsManage,
        mail_server::{self, MailChange, MailSettings},
    },
};

/// Which server sends our mails?
#[utoipa::path(get, path = "/api/mail", tag = "staff", responses((status = 200, body = MailSettings)))]
pub async fn find_mail(State(app): State<Arc<App>>, by: Can<SettingsManage>) -> Result<Json<MailSettings>> {
    Ok(Json(mail_server::find(&app, &by).await?))
}

/// Say which server sends our mails.
#[utoipa::path(put, path = "/api/mail", tag = "staff", request_body = MailChange, responses((status = 200, body = MailSettings)))]
pub async fn save_mail(
    State(app): State<Arc<App>>,
    by: Can<SettingsManage>,
    Json(change): Json<MailChange>,
) -> Result<Json<MailSettings>> {
    Ok(Json(mail_server::save(&app, &by, change).await?))
}

/// Send oneself a mail, to see whether the mail server works.
#[utoipa::path(post, path = "/api/mail/test", tag = "staff", responses((status = 204)))]
pub async fn test_mail(State(app): State<Arc<App>>, by: Can<SettingsManage>) -> Result<StatusCode> {
    mail_server::test(&app, &by).await?;
    Ok(StatusCode::NO_CONTENT)
}
