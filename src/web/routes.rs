//! The one route table, grouped by audience. Who may call each stands in its handler's signature.

use std::sync::Arc;

use utoipa_axum::{router::OpenApiRouter, routes};

use super::{live, widget};
use crate::{app::App, inbox};

/// Every documented route.
pub fn table() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().merge(visitors()).merge(users())
}

/// For visitors of the website.
fn visitors() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(widget::session))
        .routes(routes!(widget::messages, widget::write))
        .routes(routes!(widget::person))
        .routes(routes!(widget::events))
}

/// For people who sign in, and API keys.
#[rustfmt::skip]
fn users() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        // staff
        // customers
        // sales
        // inbox
        .routes(routes!(live::events))
        .routes(routes!(inbox::api::list))
        .routes(routes!(inbox::api::find))
        .routes(routes!(inbox::api::messages, inbox::api::reply))
        .routes(routes!(inbox::api::note))
        .routes(routes!(inbox::api::turns))
        .routes(routes!(inbox::api::take_over))
        .routes(routes!(inbox::api::give_back))
        .routes(routes!(inbox::api::resolve))
        .routes(routes!(inbox::api::channels, inbox::api::add_channel))
        // knowledge
}
