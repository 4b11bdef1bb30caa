//! The SQL of customers and what belongs to them.

pub mod import;
pub mod join;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::{FromRow, types::Json};
use uuid::Uuid;

use super::{
    Activity, Contact, Customer, Identity, NewActivity, Tag,
    find::Reached,
    list::{Patterns, Sought},
};
use crate::{
    app::{ContactId, CustomerId, IdentityId, OrgId, TagId},
    both, locking,
    platform::{Error, Result, db::Conn, http::Cursor},
    staff::Visible,
    visible,
};

/// A customer of the organisation.
pub async fn find(c: Conn<'_>, org: OrgId, id: CustomerId) -> Result<Option<Customer>> {
    const FIND: &str = "SELECT * FROM customers WHERE org_id = $1 AND id = $2";
    Ok(both!(c, c => sqlx::query_as(FIND).bind(org).bind(id).fetch_optional(c).await)?)
}

/// Gives a customer a picture.
pub async fn set_avatar(c: Conn<'_>, org: OrgId, id: CustomerId, url: &str, now: DateTime<Utc>) -> Result<()> {
    const SET: &str = "UPDATE customers SET avatar_url = $3, updated_at = $4 WHERE org_id = $1 AND id = $2";
    both!(c, c => sqlx::query(SET).bind(org).bind(id).bind(url).bind(now).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Whether a customer within the asker's reach has this picture.
pub async fn shows_avatar(mut c: Conn<'_>, org: OrgId, url: &str, visible: Visible) -> Result<bool> {
    const LIST: &str = "SELECT id FROM customers WHERE org_id = $1 AND avatar_url = $2 LIMIT 10";
    let all: Vec<CustomerId> = both!(c.again(), c => sqlx::query_scalar(LIST).bind(org).bind(url).fetch_all(c).await)?;
    for id in all {
        if find_visible(c.again(), org, id, visible).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A customer within the asker's reach.
pub async fn find_visible(c: Conn<'_>, org: OrgId, id: CustomerId, visible: Visible) -> Result<Option<Customer>> {
    const FIND: &str =
        concat!("SELECT * FROM customers WHERE org_id = $1 AND id = $2 AND ", visible!("owner_id", "$3", "$4"));
    Ok(both!(c, c => sqlx::query_as(FIND).bind(org).bind(id).bind(visible.scope).bind(visible.user)
        .fetch_optional(c).await)?)
}

/// The same, held until the transaction ends. Who was merged into another is changed there, not here.
pub async fn lock(c: Conn<'_>, org: OrgId, id: CustomerId, visible: Visible) -> Result<Option<Customer>> {
    let mut c = c;
    hold(c.again(), org, id).await?;
    match find_visible(c, org, id, visible).await? {
        Some(customer) if customer.merged_into.is_some() => {
            Err(Error::Conflict("this customer was merged into another one: change that one".into()))
        }
        found => Ok(found),
    }
}

/// Holds a customer until the transaction ends.
pub async fn hold(c: Conn<'_>, org: OrgId, id: CustomerId) -> Result<()> {
    let lock = locking!(c, "SELECT id FROM customers WHERE org_id = $1 AND id = $2");
    let _: Option<CustomerId> = both!(c, c => sqlx::query_scalar(lock).bind(org).bind(id).fetch_optional(c).await)?;
    Ok(())
}

/// Customers after `after`, the newest first.
pub async fn list(
    c: Conn<'_>,
    org: OrgId,
    visible: Visible,
    sought: &Sought,
    patterns: &Patterns,
    after: Cursor,
    limit: i64,
) -> Result<Vec<Customer>> {
    const LIST: &str = concat!(
        "SELECT * FROM customers c
         WHERE c.org_id = $1 AND c.merged_into IS NULL AND (c.created_at, c.id) < ($2, $3) AND ",
        visible!("c.owner_id", "$4", "$5"),
        " AND ($6 IS NULL OR c.stage = $6)
          AND ($7 IS NULL OR c.owner_id = $7)
          AND ($8 IS NULL OR EXISTS (SELECT 1 FROM customer_tags t WHERE t.customer_id = c.id AND t.tag_id = $8))
          AND ($9 IS NULL OR LOWER(c.name) LIKE $9 ESCAPE '!' OR LOWER(c.company_name) LIKE $9 ESCAPE '!'
               OR LOWER(c.email) LIKE $9 ESCAPE '!' OR ($10 IS NOT NULL AND c.phone LIKE $10)
               OR EXISTS (SELECT 1 FROM customer_contacts k WHERE k.customer_id = c.id
                          AND (LOWER(k.name) LIKE $9 ESCAPE '!' OR LOWER(k.email) LIKE $9 ESCAPE '!'
                               OR ($10 IS NOT NULL AND k.phone LIKE $10)))
               OR c.id IN (SELECT m.merged_into FROM customers m WHERE m.org_id = $1 AND m.merged_into IS NOT NULL
                           AND (LOWER(m.name) LIKE $9 ESCAPE '!' OR LOWER(m.email) LIKE $9 ESCAPE '!'
                                OR ($10 IS NOT NULL AND m.phone LIKE $10))))
          ORDER BY c.created_at DESC, c.id DESC LIMIT $11"
    );
    Ok(both!(c, c => sqlx::query_as(LIST)
        .bind(org).bind(after.at).bind(after.id).bind(visible.scope).bind(visible.user).bind(sought.stage)
        .bind(sought.owner).bind(sought.tag).bind(&patterns.text).bind(&patterns.number).bind(limit)
        .fetch_all(c).await)?)
}

/// Saves what can be changed of a customer.
pub async fn save(c: Conn<'_>, customer: &Customer) -> Result<()> {
    const SAVE: &str = "
        UPDATE customers SET type = $3, name = $4, avatar_url = $5, phone = $6, wechat_id = $7, dingtalk_id = $8,
            email = $9, language = $10, company_name = $11, company_credit_code = $12, company_industry = $13,
            company_size = $14, company_website = $15, company_address = $16, company_revenue = $17,
            company_revenue_currency = $18, gender = $19, age_range = $20, region_province = $21, region_city = $22,
            stage = $23, stage_changed_at = $24, score = $25, owner_id = $26, remark = $27, custom_fields = $28,
            updated_at = $29
        WHERE org_id = $1 AND id = $2";
    let it = customer;
    both!(c, c => sqlx::query(SAVE)
        .bind(it.org_id).bind(it.id).bind(it.kind).bind(&it.name).bind(&it.avatar_url).bind(&it.phone)
        .bind(&it.wechat_id).bind(&it.dingtalk_id).bind(&it.email).bind(&it.language).bind(&it.company_name)
        .bind(&it.company_credit_code).bind(&it.company_industry).bind(&it.company_size).bind(&it.company_website)
        .bind(&it.company_address).bind(it.company_revenue).bind(&it.company_revenue_currency).bind(&it.gender)
        .bind(&it.age_range).bind(&it.region_province).bind(&it.region_city).bind(it.stage).bind(it.stage_changed_at)
        .bind(it.score).bind(it.owner_id).bind(&it.remark).bind(&it.custom_fields).bind(it.updated_at)
        .execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Adds a customer.
pub async fn insert(c: Conn<'_>, customer: &Customer) -> Result<()> {
    const INSERT: &str = "
        INSERT INTO customers (id, org_id, type, name, avatar_url, phone, wechat_id, dingtalk_id, email, language,
            company_name, company_credit_code, company_industry, company_size, company_website, company_address,
            company_revenue, company_revenue_currency, gender, age_range, region_province, region_city, stage,
            stage_changed_at, score, owner_id, remark, custom_fields, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
            $23, $24, $25, $26, $27, $28, $29, $30)";
    let it = customer;
    both!(c, c => sqlx::query(INSERT)
        .bind(it.id).bind(it.org_id).bind(it.kind).bind(&it.name).bind(&it.avatar_url).bind(&it.phone)
        .bind(&it.wechat_id).bind(&it.dingtalk_id).bind(&it.email).bind(&it.language).bind(&it.company_name)
        .bind(&it.company_credit_code).bind(&it.company_industry).bind(&it.company_size).bind(&it.company_website)
        .bind(&it.company_address).bind(it.company_revenue).bind(&it.company_revenue_currency).bind(&it.gender)
        .bind(&it.age_range).bind(&it.region_province).bind(&it.region_city).bind(it.stage).bind(it.stage_changed_at)
        .bind(it.score).bind(it.owner_id).bind(&it.remark).bind(&it.custom_fields).bind(it.created_at)
        .bind(it.updated_at)
        .execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Removes a customer and all that belongs to them.
pub async fn delete(c: Conn<'_>, org: OrgId, id: CustomerId) -> Result<()> {
    const DELETE: &str = "DELETE FROM customers WHERE org_id = $1 AND id = $2";
    both!(c, c => sqlx::query(DELETE).bind(org).bind(id).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// What was erased of a customer, in rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Erased {
    pub customers: i64,
    pub identities: i64,
    pub contacts: i64,
    pub activities: i64,
    pub deals: i64,
    /// The ids that other rows may name: contacts, deals.
    pub ids: Vec<Uuid>,
}

/// Removes a customer with everything that hangs on them, and counts it.
pub async fn erase(mut c: Conn<'_>, org: OrgId, id: CustomerId) -> Result<Erased> {
    const COUNT: &str = "
        SELECT (SELECT COUNT(*) FROM customers WHERE org_id = $1 AND id = $2),
               (SELECT COUNT(*) FROM customer_identities WHERE org_id = $1 AND customer_id = $2),
               (SELECT COUNT(*) FROM customer_contacts WHERE org_id = $1 AND customer_id = $2),
               (SELECT COUNT(*) FROM customer_activities WHERE org_id = $1 AND customer_id = $2),
               (SELECT COUNT(*) FROM deals WHERE org_id = $1 AND customer_id = $2)";
    const IDS: &str = "
        SELECT id FROM customer_contacts WHERE org_id = $1 AND customer_id = $2
        UNION ALL SELECT id FROM deals WHERE org_id = $1 AND customer_id = $2
        UNION ALL SELECT id FROM customer_activities WHERE org_id = $1 AND customer_id = $2";
    let (customers, identities, contacts, activities, deals) =
        both!(c.again(), c => sqlx::query_as(COUNT).bind(org).bind(id).fetch_one(c).await)?;
    let ids = both!(c.again(), c => sqlx::query_scalar(IDS).bind(org).bind(id).fetch_all(c).await)?;
    delete(c, org, id).await?;
    Ok(Erased { customers, identities, contacts, activities, deals, ids })
}

/// The customer with this number, if exactly one has it: families share one. The number of who was merged is the
/// survivor's.
pub async fn only_customer_with_phone(c: Conn<'_>, org: OrgId, phone: &str) -> Result<Option<Customer>> {
    const LIST: &str = "
        SELECT * FROM customers WHERE (org_id = $1) IS TRUE AND id IN (
            SELECT COALESCE(merged_into, id) FROM customers WHERE org_id = $1 AND phone = $2) LIMIT 2";
    let mut found: Vec<Customer> = both!(c, c => sqlx::query_as(LIST).bind(org).bind(phone).fetch_all(c).await)?;
    Ok(if found.len() == 1 { found.pop() } else { None })
}

// Identities

/// The account somebody reached us from.
pub async fn identity(c: Conn<'_>, org: OrgId, reached: Reached<'_>) -> Result<Option<Identity>> {
    const FIND: &str = "
        SELECT * FROM customer_identities
        WHERE org_id = $1 AND channel_id = $2 AND kind = $3 AND external_id = $4";
    Ok(both!(c, c => sqlx::query_as(FIND).bind(org).bind(reached.channel).bind(reached.kind).bind(reached.external_id)
        .fetch_optional(c).await)?)
}

/// An identity by its id.
pub async fn find_identity(c: Conn<'_>, org: OrgId, id: IdentityId) -> Result<Option<Identity>> {
    const FIND: &str = "SELECT * FROM customer_identities WHERE org_id = $1 AND id = $2";
    Ok(both!(c, c => sqlx::query_as(FIND).bind(org).bind(id).fetch_optional(c).await)?)
}

/// Holds an identity until the caller's transaction ends: messages of one sender take their places one by one. Returns
/// whose it is by then.
pub async fn lock_identity(c: Conn<'_>, id: IdentityId) -> Result<Option<CustomerId>> {
    const LOCK: &str = "
        UPDATE customer_identities SET display_name = display_name WHERE id = $1 RETURNING customer_id";
    Ok(both!(c, c => sqlx::query_scalar(LOCK).bind(id).fetch_optional(c).await)?)
}

/// Adds an identity; false if the account is known already.
pub async fn insert_identity(c: Conn<'_>, identity: &Identity) -> Result<bool> {
    const INSERT: &str = "
        INSERT INTO customer_identities (id, org_id, channel_id, kind, external_id, customer_id, contact_id,
                                         display_name, verified_at, created_at, first_customer_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT (org_id, channel_id, kind, external_id) DO NOTHING";
    let it = identity;
    let added = both!(c, c => sqlx::query(INSERT)
        .bind(it.id).bind(it.org_id).bind(it.channel_id).bind(&it.kind).bind(&it.external_id).bind(it.customer_id)
        .bind(it.contact_id).bind(&it.display_name).bind(it.verified_at).bind(it.created_at)
        .bind(it.first_customer_id).execute(c).await.map(|r| r.rows_affected()))?;
    Ok(added == 1)
}

/// A customer's accounts, the oldest first.
pub async fn list_identities(c: Conn<'_>, org: OrgId, customer: CustomerId) -> Result<Vec<Identity>> {
    const LIST: &str = "
        SELECT * FROM customer_identities WHERE org_id = $1 AND customer_id = $2 ORDER BY created_at, id";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).bind(customer).fetch_all(c).await)?)
}

// The timeline

/// Writes an entry on a customer's timeline.
pub async fn activity(
    c: Conn<'_>,
    org: OrgId,
    customer: CustomerId,
    new: NewActivity,
    now: DateTime<Utc>,
) -> Result<Uuid> {
    const INSERT: &str = "
        INSERT INTO customer_activities (id, org_id, customer_id, user_id, type, title, description, metadata, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let id = Uuid::now_v7();
    both!(c, c => sqlx::query(INSERT)
        .bind(id).bind(org).bind(customer).bind(new.user).bind(new.kind).bind(new.title).bind(new.description)
        .bind(Json(new.metadata)).bind(now)
        .execute(c).await.map(|_| ()))?;
    Ok(id)
}

/// Writes the same entry on the timelines of many customers.
pub async fn activities(
    mut c: Conn<'_>,
    org: OrgId,
    customers: &[CustomerId],
    new: &NewActivity,
    now: DateTime<Utc>,
) -> Result<()> {
    const INTO: &str = "
        INSERT INTO customer_activities (id, org_id, customer_id, user_id, type, title, description, metadata,
                                         created_at) ";
    for some in customers.chunks(500) {
        both!(c.again(), c => {
            let mut query = sqlx::QueryBuilder::<DB>::new(INTO);
            query.push_values(some, |mut row, customer| {
                row.push_bind(Uuid::now_v7()).push_bind(org).push_bind(*customer).push_bind(new.user)
                    .push_bind(new.kind).push_bind(&new.title).push_bind(&new.description)
                    .push_bind(Json(&new.metadata)).push_bind(now);
            });
            query.build().persistent(false).execute(c).await.map(|_| ())
        })?;
    }
    Ok(())
}

/// An entry of the timeline.
pub async fn find_activity(c: Conn<'_>, org: OrgId, id: Uuid) -> Result<Option<Activity>> {
    const FIND: &str = "SELECT * FROM customer_activities WHERE org_id = $1 AND id = $2";
    Ok(both!(c, c => sqlx::query_as(FIND).bind(org).bind(id).fetch_optional(c).await)?)
}

/// A customer's timeline after `after`, the newest first.
pub async fn list_activities(
    c: Conn<'_>,
    org: OrgId,
    customer: CustomerId,
    after: Cursor,
    limit: i64,
) -> Result<Vec<Activity>> {
    const LIST: &str = "
        SELECT * FROM customer_activities WHERE org_id = $1 AND customer_id = $2 AND (created_at, id) < ($3, $4)
        ORDER BY created_at DESC, id DESC LIMIT $5";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).bind(customer).bind(after.at).bind(after.id).bind(limit)
        .fetch_all(c).await)?)
}

// Contacts

/// A customer's contacts, the primary one first.
pub async fn list_contacts(c: Conn<'_>, org: OrgId, customer: CustomerId) -> Result<Vec<Contact>> {
    const LIST: &str = "
        SELECT * FROM customer_contacts WHERE org_id = $1 AND customer_id = $2
        ORDER BY is_primary DESC, created_at, id";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).bind(customer).fetch_all(c).await)?)
}

/// A contact of this customer.
pub async fn contact(c: Conn<'_>, org: OrgId, customer: CustomerId, id: ContactId) -> Result<Option<Contact>> {
    const FIND: &str = "SELECT * FROM customer_contacts WHERE org_id = $1 AND customer_id = $2 AND id = $3";
    Ok(both!(c, c => sqlx::query_as(FIND).bind(org).bind(customer).bind(id).fetch_optional(c).await)?)
}

/// Adds a contact.
pub async fn insert_contact(c: Conn<'_>, org: OrgId, contact: &Contact) -> Result<()> {
    const INSERT: &str = "
        INSERT INTO customer_contacts (id, org_id, customer_id, name, title, role, phone, wechat_id, email, is_primary,
                                       created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    let it = contact;
    both!(c, c => sqlx::query(INSERT)
        .bind(it.id).bind(org).bind(it.customer_id).bind(&it.name).bind(&it.title).bind(&it.role).bind(&it.phone)
        .bind(&it.wechat_id).bind(&it.email).bind(it.is_primary).bind(it.created_at)
        .execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Saves a contact.
pub async fn save_contact(c: Conn<'_>, org: OrgId, contact: &Contact) -> Result<()> {
    const SAVE: &str = "
        UPDATE customer_contacts SET name = $4, title = $5, role = $6, phone = $7, wechat_id = $8, email = $9,
            is_primary = $10
        WHERE org_id = $1 AND customer_id = $2 AND id = $3";
    let it = contact;
    both!(c, c => sqlx::query(SAVE)
        .bind(org).bind(it.customer_id).bind(it.id).bind(&it.name).bind(&it.title).bind(&it.role).bind(&it.phone)
        .bind(&it.wechat_id).bind(&it.email).bind(it.is_primary)
        .execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Leaves a customer without a primary contact.
pub async fn clear_primary(c: Conn<'_>, org: OrgId, customer: CustomerId) -> Result<()> {
    const CLEAR: &str = "
        UPDATE customer_contacts SET is_primary = FALSE WHERE org_id = $1 AND customer_id = $2 AND is_primary";
    both!(c, c => sqlx::query(CLEAR).bind(org).bind(customer).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Removes a contact.
pub async fn delete_contact(c: Conn<'_>, org: OrgId, customer: CustomerId, id: ContactId) -> Result<()> {
    const DELETE: &str = "DELETE FROM customer_contacts WHERE org_id = $1 AND customer_id = $2 AND id = $3";
    both!(c, c => sqlx::query(DELETE).bind(org).bind(customer).bind(id).execute(c).await.map(|_| ()))?;
    Ok(())
}

// Tags

/// Every tag by name.
pub async fn list_tags(c: Conn<'_>, org: OrgId) -> Result<Vec<Tag>> {
    const LIST: &str = "SELECT * FROM tags WHERE org_id = $1 ORDER BY name";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).fetch_all(c).await)?)
}

/// A tag, held until the transaction ends.
pub async fn lock_tag(c: Conn<'_>, org: OrgId, id: TagId) -> Result<Option<Tag>> {
    let find = locking!(c, "SELECT * FROM tags WHERE org_id = $1 AND id = $2");
    Ok(both!(c, c => sqlx::query_as(find).bind(org).bind(id).fetch_optional(c).await)?)
}

/// The tag of this name.
pub async fn tag_by_name(c: Conn<'_>, org: OrgId, name: &str) -> Result<Option<TagId>> {
    const FIND: &str = "SELECT id FROM tags WHERE org_id = $1 AND name = $2";
    Ok(both!(c, c => sqlx::query_scalar(FIND).bind(org).bind(name).fetch_optional(c).await)?)
}

/// Adds a tag; false if the name is taken.
pub async fn insert_tag(c: Conn<'_>, org: OrgId, tag: &Tag) -> Result<bool> {
    const INSERT: &str = "
        INSERT INTO tags (id, org_id, name, color, category, created_at) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (org_id, name) DO NOTHING";
    let added = both!(c, c => sqlx::query(INSERT)
        .bind(tag.id).bind(org).bind(&tag.name).bind(&tag.color).bind(&tag.category).bind(tag.created_at)
        .execute(c).await.map(|r| r.rows_affected()))?;
    Ok(added == 1)
}

/// Saves a tag.
pub async fn save_tag(c: Conn<'_>, org: OrgId, tag: &Tag) -> Result<()> {
    const SAVE: &str = "UPDATE tags SET name = $3, color = $4, category = $5 WHERE org_id = $1 AND id = $2";
    both!(c, c => sqlx::query(SAVE).bind(org).bind(tag.id).bind(&tag.name).bind(&tag.color).bind(&tag.category)
        .execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Removes a tag, and from whom it is carried.
pub async fn delete_tag(c: Conn<'_>, org: OrgId, id: TagId) -> Result<()> {
    const DELETE: &str = "DELETE FROM tags WHERE org_id = $1 AND id = $2";
    both!(c, c => sqlx::query(DELETE).bind(org).bind(id).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Puts a tag on a customer; false if they carry it.
pub async fn put_tag(c: Conn<'_>, org: OrgId, customer: CustomerId, tag: TagId, now: DateTime<Utc>) -> Result<bool> {
    const PUT: &str = "
        INSERT INTO customer_tags (org_id, customer_id, tag_id, set_by, created_at) VALUES ($1, $2, $3, 'person', $4)
        ON CONFLICT (customer_id, tag_id) DO NOTHING";
    let put = both!(c, c => sqlx::query(PUT).bind(org).bind(customer).bind(tag).bind(now)
        .execute(c).await.map(|r| r.rows_affected()))?;
    Ok(put == 1)
}

/// Takes a tag off a customer; false if they don't carry it.
pub async fn take_tag(c: Conn<'_>, org: OrgId, customer: CustomerId, tag: TagId) -> Result<bool> {
    const TAKE: &str = "DELETE FROM customer_tags WHERE org_id = $1 AND customer_id = $2 AND tag_id = $3";
    let taken = both!(c, c => sqlx::query(TAKE).bind(org).bind(customer).bind(tag)
        .execute(c).await.map(|r| r.rows_affected()))?;
    Ok(taken == 1)
}

/// Which of these customers carries which tags, by name; tags whose time is over left out.
pub async fn tags_of(
    c: Conn<'_>,
    org: OrgId,
    customers: &[CustomerId],
    now: DateTime<Utc>,
) -> Result<HashMap<CustomerId, Vec<Tag>>> {
    #[derive(FromRow)]
    struct Carried {
        customer_id: CustomerId,
        #[sqlx(flatten)]
        tag: Tag,
    }
    if customers.is_empty() {
        return Ok(HashMap::new());
    }
    let carried: Vec<Carried> = both!(c, c => {
        let mut query = sqlx::QueryBuilder::<DB>::new(
            "SELECT j.customer_id, t.id, t.name, t.color, t.category, t.created_at
             FROM customer_tags j JOIN tags t ON t.id = j.tag_id WHERE j.org_id = ");
        query.push_bind(org).push(" AND (j.expires_at IS NULL OR j.expires_at > ").push_bind(now);
        query.push(") AND j.customer_id IN (");
        let mut ids = query.separated(", ");
        for id in customers {
            ids.push_bind(*id);
        }
        query.push(") ORDER BY t.name");
        query.build_query_as().fetch_all(c).await
    })?;
    let mut tags: HashMap<CustomerId, Vec<Tag>> = HashMap::new();
    for Carried { customer_id, tag } in carried {
        tags.entry(customer_id).or_default().push(tag);
    }
    Ok(tags)
}
