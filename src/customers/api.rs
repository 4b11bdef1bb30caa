//! HTTP for customers, their contacts, tags, notes and timeline.

mod fields;
mod imports;

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub use fields::*;
pub use imports::*;

use super::{
    Activity, Contact, Customer, Identity, Stage, Tag,
    contact::{self, ContactChange},
    edit::{self, CustomerChange},
    list::{self, Sought},
    tag::{self, TagChange},
    timeline,
};
use crate::{
    app::{App, ContactId, CustomerId, TagId, UserId},
    platform::{
        Result,
        http::{Cursor, Json, Page, Path, Query, limit},
    },
    staff::{By, Can, CustomerRead, CustomerWrite, TagManage},
};

/// A customer with their tags.
#[derive(Debug, Serialize, ToSchema)]
pub struct CustomerShown {
    #[serde(flatten)]
    pub customer: Customer,
    pub tags: Vec<Tag>,
}

impl CustomerShown {
    fn to(by: &By, (customer, tags): (Customer, Vec<Tag>)) -> Self {
        Self { customer: customer.shown_to(by), tags }
    }
}

/// Which customers.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct CustomerQuery {
    /// Part of a name, company, e-mail address or (with `customer:see_phone`) phone number, of the customer or a
    /// contact.
    pub search: Option<String>,
    pub stage: Option<Stage>,
    /// The id of a tag they carry.
    pub tag: Option<TagId>,
    /// The user who looks after them.
    pub owner: Option<UserId>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200; 50 when absent.
    pub limit: Option<u32>,
}

/// List customers, the newest first.
#[utoipa::path(get, path = "/api/customers", tag = "customers", params(CustomerQuery),
    responses((status = 200, body = Page<CustomerShown>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    by: Can<CustomerRead>,
    Query(query): Query<CustomerQuery>,
) -> Result<Json<Page<CustomerShown>>> {
    let sought = Sought { search: query.search, stage: query.stage, tag: query.tag, owner: query.owner };
    let after = Cursor::parse(query.cursor.as_deref())?;
    let page = list::list(&app, &by, sought, after, limit(query.limit)).await?;
    Ok(Json(page.map(|found| CustomerShown::to(&by, found))))
}

/// Add a customer.
#[utoipa::path(post, path = "/api/customers", tag = "customers", responses((status = 201, body = Customer)))]
pub async fn add(
    State(app): State<Arc<App>>,
    by: Can<CustomerWrite>,
    Json(new): Json<CustomerChange>,
) -> Result<(StatusCode, Json<Customer>)> {
    Ok((StatusCode::CREATED, Json(edit::add(&app, &by, new).await?.shown_to(&by))))
}

/// See a customer.
#[utoipa::path(get, path = "/api/customers/{id}", tag = "customers", responses((status = 200, body = CustomerShown)))]
pub async fn find(
    State(app): State<Arc<App>>,
    by: Can<CustomerRead>,
    Path(id): Path<CustomerId>,
) -> Result<Json<CustomerShown>> {
    Ok(Json(CustomerShown::to(&by, list::find(&app, &by, id).await?)))
}

/// Change a customer. A new stage, owner or score is told on the timeline.
#[utoipa::path(patch, path = "/api/customers/{id}", tag = "customers", responses((status = 200, body = Customer)))]
pub async fn edit(
    State(app): State<Arc<App>>,
    by: Can<CustomerWrite>,
    Path(id): Path<CustomerId>,
    Json(change): Json<CustomerChange>,
) -> Result<Json<Customer>> {
    Ok(Json(edit::edit(&app, &by, id, change).await?.shown_to(&by)))
}

/// List the accounts by which a customer reaches us.
#[utoipa::path(get, path = "/api/customers/{id}/identities", tag = "customers",
    responses((status = 200, body = Vec<Identity>)))]
pub async fn identities(
    State(app): State<Arc<App>>,
    by: Can<CustomerRead>,
    Path(id): Path<CustomerId>,
) -> Result<Json<Vec<Identity>>> {
    let identities = list::identities(&app, &by, id).await?;
    Ok(Json(identities.into_iter().map(|i| i.shown_to(&by)).collect()))
}

/// List the people at a customer, the primary one first.
#[utoipa::path(get, path = "/api/customers/{id}/contacts", tag = "customers",
    responses((status = 200, body = Vec<Contact>)))]
pub async fn list_contacts(
    State(app): State<Arc<App>>,
    by: Can<CustomerRead>,
    Path(id): Path<CustomerId>,
) -> Result<Json<Vec<Contact>>> {
    Ok(Json(contact::list(&app, &by, id).await?.into_iter().map(|c| c.shown_to(&by)).collect()))
}

/// Add a person at a customer.
#[utoipa::path(post, path = "/api/customers/{id}/contacts", tag = "customers",
    responses((status = 201, body = Contact)))]
pub async fn add_contact(
    State(app): State<Arc<App>>,
    by: Can<CustomerWrite>,
    Path(id): Path<CustomerId>,
    Json(new): Json<ContactChange>,
) -> Result<(StatusCode, Json<Contact>)> {
    Ok((StatusCode::CREATED, Json(contact::add(&app, &by, id, new).await?.shown_to(&by))))
}

/// Change a person at a customer.
#[utoipa::path(patch, path = "/api/customers/{id}/contacts/{contact}", tag = "customers",
    responses((status = 200, body = Contact)))]
pub async fn edit_contact(
    State(app): State<Arc<App>>,
    by: Can<CustomerWrite>,
    Path((id, contact)): Path<(CustomerId, ContactId)>,
    Json(change): Json<ContactChange>,
) -> Result<Json<Contact>> {
    Ok(Json(contact::edit(&app, &by, id, contact, change).await?.shown_to(&by)))
}

/// Remove a person at a customer.
#[utoipa::path(delete, path = "/api/customers/{id}/contacts/{contact}", tag = "customers", responses((status = 204)))]
pub async fn remove_contact(
    State(app): State<Arc<App>>,
    by: Can<CustomerWrite>,
    Path((id, contact)): Path<(CustomerId, ContactId)>,
) -> Result<StatusCode> {
    contact::remove(&app, &by, id, contact).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Put a tag on a customer.
#[utoipa::path(put, path = "/api/customers/{id}/tags/{tag}", tag = "customers", responses((status = 204)))]
pub async fn put_tag(
    State(app): State<Arc<App>>,
    by: Can<CustomerWrite>,
    Path((id, tag)): Path<(CustomerId, TagId)>,
) -> Result<StatusCode> {
    tag::set(&app, &by, id, tag, true).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take a tag off a customer.
#[utoipa::path(delete, path = "/api/customers/{id}/tags/{tag}", tag = "customers", responses((status = 204)))]
pub async fn take_tag(
    State(app): State<Arc<App>>,
    by: Can<CustomerWrite>,
    Path((id, tag)): Path<(CustomerId, TagId)>,
) -> Result<StatusCode> {
    tag::set(&app, &by, id, tag, false).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A note to add.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewCustomerNote)]
pub struct NewNote {
    pub text: String,
}

/// Add a note to a customer's timeline.
#[utoipa::path(post, path = "/api/customers/{id}/notes", tag = "customers", responses((status = 201, body = Activity)))]
pub async fn add_note(
    State(app): State<Arc<App>>,
    by: Can<CustomerWrite>,
    Path(id): Path<CustomerId>,
    Json(note): Json<NewNote>,
) -> Result<(StatusCode, Json<Activity>)> {
    Ok((StatusCode::CREATED, Json(timeline::note(&app, &by, id, note.text).await?)))
}

/// Which part of the timeline.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct TimelineQuery {
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200; 50 when absent.
    pub limit: Option<u32>,
}

/// See a customer's timeline, the newest first.
#[utoipa::path(get, path = "/api/customers/{id}/timeline", tag = "customers",
    params(TimelineQuery), responses((status = 200, body = Page<Activity>)))]
pub async fn timeline(
    State(app): State<Arc<App>>,
    by: Can<CustomerRead>,
    Path(id): Path<CustomerId>,
    Query(query): Query<TimelineQuery>,
) -> Result<Json<Page<Activity>>> {
    let after = Cursor::parse(query.cursor.as_deref())?;
    Ok(Json(timeline::list(&app, &by, id, after, limit(query.limit)).await?))
}

/// List the tags.
#[utoipa::path(get, path = "/api/tags", tag = "customers", responses((status = 200, body = Vec<Tag>)))]
pub async fn list_tags(State(app): State<Arc<App>>, by: Can<CustomerRead>) -> Result<Json<Vec<Tag>>> {
    Ok(Json(tag::list(&app, &by).await?))
}

/// Add a tag.
#[utoipa::path(post, path = "/api/tags", tag = "customers", responses((status = 201, body = Tag)))]
pub async fn add_tag(
    State(app): State<Arc<App>>,
    by: Can<TagManage>,
    Json(new): Json<TagChange>,
) -> Result<(StatusCode, Json<Tag>)> {
    Ok((StatusCode::CREATED, Json(tag::add(&app, &by, new).await?)))
}

/// Change a tag.
#[utoipa::path(patch, path = "/api/tags/{id}", tag = "customers", responses((status = 200, body = Tag)))]
pub async fn edit_tag(
    State(app): State<Arc<App>>,
    by: Can<TagManage>,
    Path(id): Path<TagId>,
    Json(change): Json<TagChange>,
) -> Result<Json<Tag>> {
    Ok(Json(tag::edit(&app, &by, id, change).await?))
}

/// Remove a tag from everyone who carries it.
#[utoipa::path(delete, path = "/api/tags/{id}", tag = "customers", responses((status = 204)))]
pub async fn remove_tag(State(app): State<Arc<App>>, by: Can<TagManage>, Path(id): Path<TagId>) -> Result<StatusCode> {
    tag::remove(&app, &by, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
