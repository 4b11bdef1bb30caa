//! SQL of two customers that become one, and are taken apart again.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    app::{ContactId, CustomerId, IdentityId, OrgId, TagId},
    both,
    platform::{
        Result,
        db::{Conn, rehome},
    },
};

/// Gives the accounts of `from` to `into`, and notes whose they were first.
pub async fn take_identities(c: Conn<'_>, org: OrgId, from: CustomerId, into: CustomerId) -> Result<Vec<IdentityId>> {
    const TAKE: &str = "
        UPDATE customer_identities SET customer_id = $3, first_customer_id = COALESCE(first_customer_id, $2)
        WHERE org_id = $1 AND customer_id = $2 RETURNING id";
    Ok(both!(c, c => sqlx::query_scalar(TAKE).bind(org).bind(from).bind(into).fetch_all(c).await)?)
}

/// The accounts of `into` that were one of these customers' before.
pub async fn identities_first_of(
    mut c: Conn<'_>,
    org: OrgId,
    into: CustomerId,
    first: &[CustomerId],
) -> Result<Vec<IdentityId>> {
    const LIST: &str = "
        SELECT id FROM customer_identities WHERE org_id = $1 AND customer_id = $2 AND first_customer_id = $3";
    let mut all = Vec::new();
    for first in first {
        let found: Vec<IdentityId> =
            both!(c.again(), c => sqlx::query_scalar(LIST).bind(org).bind(into).bind(*first).fetch_all(c).await)?;
        all.extend(found);
    }
    Ok(all)
}

/// Gives accounts back.
pub async fn return_identities(
    c: Conn<'_>,
    org: OrgId,
    into: CustomerId,
    from: CustomerId,
    ids: &[IdentityId],
) -> Result<()> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    rehome(c, "UPDATE customer_identities SET customer_id = ", org.0, (into.0, from.0), &ids).await?;
    Ok(())
}

/// Gives the contacts of `from` to `into`.
pub async fn take_contacts(c: Conn<'_>, org: OrgId, from: CustomerId, into: CustomerId) -> Result<Vec<ContactId>> {
    const TAKE: &str = "
        UPDATE customer_contacts SET customer_id = $3 WHERE org_id = $1 AND customer_id = $2 RETURNING id";
    Ok(both!(c, c => sqlx::query_scalar(TAKE).bind(org).bind(from).bind(into).fetch_all(c).await)?)
}

/// Gives contacts back.
pub async fn return_contacts(
    c: Conn<'_>,
    org: OrgId,
    into: CustomerId,
    from: CustomerId,
    ids: &[ContactId],
) -> Result<()> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    rehome(c, "UPDATE customer_contacts SET customer_id = ", org.0, (into.0, from.0), &ids).await?;
    Ok(())
}

/// The primary contact of a customer.
pub async fn primary_contact(c: Conn<'_>, org: OrgId, customer: CustomerId) -> Result<Option<ContactId>> {
    const FIND: &str = "
        SELECT id FROM customer_contacts WHERE org_id = $1 AND customer_id = $2 AND is_primary ORDER BY id LIMIT 1";
    Ok(both!(c, c => sqlx::query_scalar(FIND).bind(org).bind(customer).fetch_optional(c).await)?)
}

/// Makes a contact of this customer the primary one, or not.
pub async fn set_primary(c: Conn<'_>, org: OrgId, customer: CustomerId, id: ContactId, is_primary: bool) -> Result<()> {
    const SET: &str = "UPDATE customer_contacts SET is_primary = $4 WHERE org_id = $1 AND customer_id = $2 AND id = $3";
    both!(c, c => sqlx::query(SET).bind(org).bind(customer).bind(id).bind(is_primary).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Gives the timeline of `from` to `into`.
pub async fn take_activities(c: Conn<'_>, org: OrgId, from: CustomerId, into: CustomerId) -> Result<Vec<Uuid>> {
    const TAKE: &str = "
        UPDATE customer_activities SET customer_id = $3 WHERE org_id = $1 AND customer_id = $2 RETURNING id";
    Ok(both!(c, c => sqlx::query_scalar(TAKE).bind(org).bind(from).bind(into).fetch_all(c).await)?)
}

/// Gives entries of the timeline back.
pub async fn return_activities(
    c: Conn<'_>,
    org: OrgId,
    into: CustomerId,
    from: CustomerId,
    ids: &[Uuid],
) -> Result<()> {
    rehome(c, "UPDATE customer_activities SET customer_id = ", org.0, (into.0, from.0), ids).await?;
    Ok(())
}

/// Puts the tags of `from` on `into` too, those that it lacks; returns them.
pub async fn copy_tags(c: Conn<'_>, org: OrgId, from: CustomerId, into: CustomerId) -> Result<Vec<TagId>> {
    const COPY: &str = "
        INSERT INTO customer_tags (org_id, customer_id, tag_id, set_by, expires_at, created_at)
        SELECT org_id, $3, tag_id, set_by, expires_at, created_at FROM customer_tags
        WHERE org_id = $1 AND customer_id = $2
        ON CONFLICT (customer_id, tag_id) DO NOTHING RETURNING tag_id";
    Ok(both!(c, c => sqlx::query_scalar(COPY).bind(org).bind(from).bind(into).fetch_all(c).await)?)
}

/// Points `from` to `into`, and whoever pointed to it; returns those.
pub async fn point(
    mut c: Conn<'_>,
    org: OrgId,
    from: CustomerId,
    into: CustomerId,
    now: DateTime<Utc>,
) -> Result<Vec<CustomerId>> {
    const EARLIER: &str = "
        UPDATE customers SET merged_into = $3 WHERE org_id = $1 AND merged_into = $2 RETURNING id";
    const POINT: &str = "UPDATE customers SET merged_into = $3, updated_at = $4 WHERE org_id = $1 AND id = $2";
    let earlier =
        both!(c.again(), c => sqlx::query_scalar(EARLIER).bind(org).bind(from).bind(into).fetch_all(c).await)?;
    both!(c, c => sqlx::query(POINT).bind(org).bind(from).bind(into).bind(now).execute(c).await.map(|_| ()))?;
    Ok(earlier)
}

/// Lets `from` stand for itself again, and `earlier` point to it.
pub async fn unpoint(
    mut c: Conn<'_>,
    org: OrgId,
    from: CustomerId,
    earlier: &[CustomerId],
    now: DateTime<Utc>,
) -> Result<()> {
    const FREE: &str = "UPDATE customers SET merged_into = NULL, updated_at = $3 WHERE org_id = $1 AND id = $2";
    const BACK: &str = "UPDATE customers SET merged_into = $3 WHERE org_id = $1 AND id = $2";
    both!(c.again(), c => sqlx::query(FREE).bind(org).bind(from).bind(now).execute(c).await.map(|_| ()))?;
    for id in earlier {
        both!(c.again(), c => sqlx::query(BACK).bind(org).bind(*id).bind(from).execute(c).await.map(|_| ()))?;
    }
    Ok(())
}

/// Who was merged into this customer, whichever way.
pub async fn list_merged(c: Conn<'_>, org: OrgId, into: CustomerId) -> Result<Vec<CustomerId>> {
    const LIST: &str = "SELECT id FROM customers WHERE org_id = $1 AND merged_into = $2 ORDER BY id";
    Ok(both!(c, c => sqlx::query_scalar(LIST).bind(org).bind(into).fetch_all(c).await)?)
}
