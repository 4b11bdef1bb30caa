//! The SQL of customers and what belongs to them.

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use uuid::Uuid;

use super::{Customer, Identity, NewActivity, find::Reached};
use crate::{
    app::{CustomerId, IdentityId, OrgId},
    both,
    platform::{Result, db::Conn},
};

/// A customer of the organisation.
pub async fn find(c: Conn<'_>, org: OrgId, id: CustomerId) -> Result<Option<Customer>> {
    const FIND: &str = "SELECT * FROM customers WHERE org_id = $1 AND id = $2";
    Ok(both!(c, c => sqlx::query_as(FIND).bind(org).bind(id).fetch_optional(c).await)?)
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

/// The customer with this number, if exactly one has it: families share one.
pub async fn only_customer_with_phone(c: Conn<'_>, org: OrgId, phone: &str) -> Result<Option<Customer>> {
    const LIST: &str = "SELECT * FROM customers WHERE org_id = $1 AND phone = $2 LIMIT 2";
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

/// Holds an identity until the caller's transaction ends: messages of one sender take their places one by one.
pub async fn lock_identity(c: Conn<'_>, id: IdentityId) -> Result<()> {
    const LOCK: &str = "UPDATE customer_identities SET display_name = display_name WHERE id = $1";
    both!(c, c => sqlx::query(LOCK).bind(id).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Adds an identity; false if the account is known already.
pub async fn insert_identity(c: Conn<'_>, identity: &Identity) -> Result<bool> {
    const INSERT: &str = "
        INSERT INTO customer_identities (id, org_id, channel_id, kind, external_id, customer_id, contact_id,
                                         display_name, verified_at, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ON CONFLICT (org_id, channel_id, kind, external_id) DO NOTHING";
    let it = identity;
    let added = both!(c, c => sqlx::query(INSERT)
        .bind(it.id).bind(it.org_id).bind(it.channel_id).bind(&it.kind).bind(&it.external_id).bind(it.customer_id)
        .bind(it.contact_id).bind(&it.display_name).bind(it.verified_at).bind(it.created_at)
        .execute(c).await.map(|r| r.rows_affected()))?;
    Ok(added == 1)
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
