//! Files of messages over HTTP.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    response::Response,
};
use utoipa::ToSchema;
use uuid::Uuid;

use super::super::{AgentMessage, Message, file, photo, send, store};
use crate::{
    app::{App, AttachmentId, ConversationId, CustomerId, MessageId},
    platform::{
        Error, Result,
        http::{Json, Path},
        upload::Form,
    },
    staff::{Can, ConversationRead, ConversationReply, CustomerRead},
};

/// The form of a message with a file.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes the form")]
pub struct FileForm {
    /// A picture, sound, a film, a PDF, an Office document, text or an archive; at most 100 MB.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// What is said about it.
    text: Option<String>,
    /// The conversation's `version` you saw.
    version: Option<i64>,
    /// The message of this conversation that it answers.
    reply_to: Option<MessageId>,
    /// Chosen by you: a repetition returns the first message instead of sending another.
    idempotency_key: Option<String>,
}

/// Send the customer a file. What their platform does not take goes as a link, or is refused with the reason.
#[utoipa::path(post, path = "/api/conversations/{id}/files", tag = "inbox", request_body(content = FileForm, content_type = "multipart/form-data"), responses((status = 200, body = Message)))]
pub async fn send_file(
    State(app): State<Arc<App>>,
    by: Can<ConversationReply>,
    Path(id): Path<ConversationId>,
    request: Request,
) -> Result<Json<Message>> {
    by.person()?;
    let mut form = Form::read(request, &app.files, file::LIMIT).await?;
    let version = form.take("version").map(|v| v.parse()).transpose();
    let reply_to = form.take("reply_to").map(|id| id.parse()).transpose();
    let new = AgentMessage {
        text: form.take("text").unwrap_or_default(),
        version: version.map_err(|_| Error::Invalid("version: a number".into()))?,
        choices: Vec::new(),
        reply_to: reply_to.map_err(|_| Error::Invalid("reply_to: the id of a message".into()))?,
        idempotency_key: form.take("idempotency_key"),
        file: Some(form.upload),
        body: None,
    };
    Ok(Json(send::send(&app, &by, id, new).await?))
}

/// A file that came with a message. What may run in a browser is only ever downloaded.
#[utoipa::path(get, path = "/api/attachments/{id}", tag = "inbox", responses((status = 200, content_type = "application/octet-stream", body = String)))]
pub async fn attachment(
    State(app): State<Arc<App>>,
    by: Can<ConversationRead>,
    Path(id): Path<AttachmentId>,
    request: Request,
) -> Result<Response> {
    let mut reader = app.read().await?;
    let found = store::find_attachment(reader.conn(), id).await?;
    let found = found.filter(|f| f.org_id == by.org && f.status == "stored").ok_or(Error::NotFound("file"))?;
    let message = store::find_message_of(reader.conn(), by.org, found.message_id).await?;
    let message = message.ok_or(Error::NotFound("file"))?;
    crate::inbox::found(reader.conn(), &by, message.conversation_id).await?;
    drop(reader);
    file::serve(&app, &found, request).await
}

/// The picture of a customer, by their `avatar_url`.
#[utoipa::path(get, path = "/api/avatars/{customer}/{id}", tag = "customers", responses((status = 200, content_type = "image/*", body = String)))]
pub async fn avatar(
    State(app): State<Arc<App>>,
    by: Can<CustomerRead>,
    Path((customer, id)): Path<(CustomerId, Uuid)>,
) -> Result<Response> {
    photo::serve(&app, &by, customer, id).await
}

/// A file by its link: whoever was given the link may fetch it while it is valid.
#[utoipa::path(get, path = "/api/files/{link}", tag = "widget", responses((status = 200, content_type = "application/octet-stream", body = String)))]
pub async fn linked_file(State(app): State<Arc<App>>, Path(link): Path<String>, request: Request) -> Result<Response> {
    let found = file::linked(&app, &link).await?;
    file::serve(&app, &found, request).await
}
