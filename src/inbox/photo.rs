//! How customers show themselves: their picture at the platform is kept, and shown to whoever may see them.

use axum::{
    body::Body,
    http::{HeaderValue, header},
    response::Response,
};
use chrono::{DateTime, Duration, Utc};
use uuid::Uuid;

use super::{echo::reached, receive::Heard, store::ChannelRow};
use crate::{
    app::{App, Changed, CustomerId, OrgId},
    channels::{Address, Channel, Media},
    customers,
    platform::{
        Error, Result, files,
        upload::{Incoming, kind},
    },
    staff::By,
};

/// The largest picture that is kept.
const LIMIT: u64 = 2 << 20;
/// How long a picture waits for whom it shows, and how often they are looked for.
const PATIENCE: Duration = Duration::minutes(10);
const AGAIN: Duration = Duration::seconds(20);
/// Before whose picture it is, and its id, in `customers.avatar_url`.
const PATH: &str = "/api/avatars/";

/// Where the pictures lie that were taken of a customer.
fn dir(org: OrgId, customer: CustomerId) -> String {
    format!("{}/{org}/avatars/{customer}", files::DIR)
}

fn path(org: OrgId, customer: CustomerId, id: Uuid) -> String {
    format!("{}/{id}/content", dir(org, customer))
}

/// Of whom a picture of ours was taken, and its id; a customer may have it from one they were merged with.
fn taken_of(url: Option<&str>) -> Option<(CustomerId, Uuid)> {
    let (customer, id) = url?.strip_prefix(PATH)?.split_once('/')?;
    Some((customer.parse().ok()?, id.parse().ok()?))
}

/// Fetches the picture of a customer and keeps it in the place of the one before.
pub(super) async fn take(
    app: &App,
    row: &ChannelRow,
    channel: &Channel,
    (address, media): (&Address, &Media),
    received_at: DateTime<Utc>,
) -> Result<Heard> {
    let (org, now) = (row.org_id, app.now());
    let known = customers::identity(app.read().await?.conn(), org, reached(row, address)).await?;
    let Some(known) = known else {
        // What they wrote may be on its way: gateways send both at once.
        return if now - received_at < PATIENCE {
            Err(Error::Later { at: now + AGAIN })
        } else {
            Ok(Heard::Nothing("a picture of somebody who has not written"))
        };
    };
    let mut incoming = Incoming::begin(&app.files, LIMIT).await?;
    channel.download(&app.outside, media, &mut incoming, now).await?;
    let picture = incoming.finish(String::new(), None).await?;
    if !picture.kind().starts_with("image/") {
        return Err(Error::Invalid("the picture is none".into()));
    }
    let id = Uuid::now_v7();
    let mut tx = app.begin().await?;
    let before = customers::find(tx.conn(), org, known.customer_id).await?.and_then(|c| c.avatar_url);
    let old = taken_of(before.as_deref());
    // What a person has chosen stays.
    if before.is_none() || old.is_some() {
        let customer = known.customer_id;
        app.keep_file(tx.conn(), org, &path(org, customer, id), picture.path()).await?;
        customers::set_avatar(tx.conn(), org, customer, &format!("{PATH}{customer}/{id}"), now).await?;
    }
    tx.commit().await?;
    if let Some((_, old)) = old.filter(|(of, _)| *of == known.customer_id) {
        app.remove_files(org, &format!("{}/{old}", dir(org, known.customer_id))).await?;
    }
    app.changed(org, Changed::Customer { id: known.customer_id }).await;
    Ok(Heard::Done)
}

/// Removes the bytes of a customer's pictures. Safe to repeat.
pub(super) async fn remove(app: &App, org: OrgId, customer: CustomerId) -> Result<()> {
    let found = customers::find(app.read().await?.conn(), org, customer).await?;
    if let Some((of, id)) = taken_of(found.and_then(|c| c.avatar_url).as_deref()) {
        app.remove_files(org, &format!("{}/{id}", dir(org, of))).await?;
    }
    app.remove_files(org, &dir(org, customer)).await
}

/// Answers a request for the picture of a customer whom the asker may see.
pub(super) async fn serve(app: &App, by: &By, of: CustomerId, id: Uuid) -> Result<Response> {
    let none = || Error::NotFound("picture");
    let url = format!("{PATH}{of}/{id}");
    if !customers::shows_avatar(app.read().await?.conn(), by.org, &url, by.visible()).await? {
        return Err(none());
    }
    let file = app.files.read(&path(by.org, of, id)).await?.ok_or_else(none)?;
    let bytes = tokio::fs::read(file.path()).await?;
    let mut answer = Response::new(Body::empty());
    for (name, value) in [
        (header::CONTENT_TYPE, kind(&bytes, None, None)),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
        (header::CACHE_CONTROL, "private, max-age=3600"),
    ] {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    *answer.body_mut() = Body::from(bytes);
    Ok(answer)
}
