//! The one route table, grouped by audience. Who may call each stands in its handler's signature.

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

/// Every documented route.
pub fn table() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().merge(visitors()).merge(users())
}

/// For visitors of the website.
fn visitors() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
}

/// For people who sign in, and API keys.
#[rustfmt::skip]
fn users() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        // staff
        // customers
        // sales
        // inbox
        // knowledge
}
