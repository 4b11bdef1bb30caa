//! The SQL of customers that came from a file.

use uuid::Uuid;

use super::super::import::{Import, Known, Since};
use crate::{
    app::{CustomerId, ImportId, OrgId},
    both,
    customers::Customer,
    locking,
    platform::{Result, db::Conn, http::Cursor},
    staff::Visible,
    visible,
};

/// Adds an import; false if its key was used already.
pub async fn insert(c: Conn<'_>, import: &Import) -> Result<bool> {
    const INSERT: &str = "
        INSERT INTO customer_imports (id, org_id, file_name, content_hash, idempotency_key, added, duplicates, invalid,
                                      created_by, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ON CONFLICT (org_id, idempotency_key) DO NOTHING";
    let it = import;
    let added = both!(c, c => sqlx::query(INSERT)
        .bind(it.id).bind(it.org_id).bind(&it.file_name).bind(&it.content_hash).bind(&it.idempotency_key)
        .bind(it.added).bind(it.duplicates).bind(it.invalid).bind(it.created_by).bind(it.created_at)
        .execute(c).await.map(|r| r.rows_affected()))?;
    Ok(added == 1)
}

/// Saves what was counted, and the undoing.
pub async fn save(c: Conn<'_>, import: &Import) -> Result<()> {
    const SAVE: &str = "
        UPDATE customer_imports SET added = $3, duplicates = $4, invalid = $5, removed = $6, undone_by = $7,
            undone_at = $8
        WHERE org_id = $1 AND id = $2";
    let it = import;
    both!(c, c => sqlx::query(SAVE)
        .bind(it.org_id).bind(it.id).bind(it.added).bind(it.duplicates).bind(it.invalid).bind(it.removed)
        .bind(it.undone_by).bind(it.undone_at).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// An import, held until the transaction ends.
pub async fn lock(c: Conn<'_>, org: OrgId, id: ImportId) -> Result<Option<Import>> {
    let find = locking!(c, "SELECT * FROM customer_imports WHERE org_id = $1 AND id = $2");
    Ok(both!(c, c => sqlx::query_as(find).bind(org).bind(id).fetch_optional(c).await)?)
}

/// The import that was asked for with this key.
pub async fn find_by_key(c: Conn<'_>, org: OrgId, key: &str) -> Result<Option<Import>> {
    const FIND: &str = "SELECT * FROM customer_imports WHERE org_id = $1 AND idempotency_key = $2";
    Ok(both!(c, c => sqlx::query_as(FIND).bind(org).bind(key).fetch_optional(c).await)?)
}

/// The latest import of the same file that stands, `own` left out.
pub async fn find_same(c: Conn<'_>, org: OrgId, hash: &str, own: Option<ImportId>) -> Result<Option<Import>> {
    const FIND: &str = "
        SELECT * FROM customer_imports
        WHERE org_id = $1 AND content_hash = $2 AND undone_at IS NULL AND ($3 IS NULL OR id <> $3)
        ORDER BY created_at DESC, id DESC LIMIT 1";
    Ok(both!(c, c => sqlx::query_as(FIND).bind(org).bind(hash).bind(own).fetch_optional(c).await)?)
}

/// Imports after `after`, the latest first.
pub async fn list(c: Conn<'_>, org: OrgId, after: Cursor, limit: i64) -> Result<Vec<Import>> {
    const LIST: &str = "
        SELECT * FROM customer_imports WHERE org_id = $1 AND (created_at, id) < ($2, $3)
        ORDER BY created_at DESC, id DESC LIMIT $4";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).bind(after.at).bind(after.id).bind(limit).fetch_all(c).await)?)
}

/// Who has this customer's address, number or account already; who was merged is the survivor. Who was made by `own`
/// does not count.
pub async fn known(c: Conn<'_>, of: &Customer, visible: Visible, own: Option<ImportId>) -> Result<Option<Known>> {
    const FIND: &str = concat!(
        "SELECT k.id, k.name, ",
        visible!("k.owner_id", "$5", "$6"),
        " AS is_visible, NOT (COALESCE(f.email = $2, FALSE) OR COALESCE(f.wechat_id = $4, FALSE)) AS by_phone
         FROM customers f JOIN customers k ON k.id = COALESCE(f.merged_into, f.id)
         WHERE f.org_id = $1 AND (f.email = $2 OR f.phone = $3 OR f.wechat_id = $4)
           AND ($7 IS NULL OR f.import_id IS NULL OR f.import_id <> $7)
         ORDER BY f.created_at, f.id LIMIT 1"
    );
    if of.email.is_none() && of.phone.is_none() && of.wechat_id.is_none() {
        return Ok(None);
    }
    Ok(both!(c, c => sqlx::query_as(FIND)
        .bind(of.org_id).bind(&of.email).bind(&of.phone).bind(&of.wechat_id).bind(visible.scope).bind(visible.user)
        .bind(own).fetch_optional(c).await)?)
}

/// Notes by which import these customers came.
pub async fn mark(c: Conn<'_>, org: OrgId, import: ImportId, customers: &[CustomerId]) -> Result<()> {
    const MARK: &str = "UPDATE customers SET import_id = $3 WHERE org_id = $1 AND id = $2";
    let mut c = c;
    for id in customers {
        both!(c.again(), c => sqlx::query(MARK).bind(org).bind(*id).bind(import).execute(c).await.map(|_| ()))?;
    }
    Ok(())
}

/// Holds everybody who came by an import until the transaction ends: nobody writes to them meanwhile.
pub async fn hold_made_by(c: Conn<'_>, org: OrgId, import: ImportId) -> Result<()> {
    let lock = locking!(c, "SELECT id FROM customers WHERE org_id = $1 AND import_id = $2 ORDER BY id");
    let _: Vec<Uuid> = both!(c, c => sqlx::query_scalar(lock).bind(org).bind(import).fetch_all(c).await)?;
    Ok(())
}

/// Everybody who came by an import, and what became of them since.
pub async fn list_since(c: Conn<'_>, org: OrgId, import: ImportId, visible: Visible) -> Result<Vec<Since>> {
    const LIST: &str = concat!(
        "SELECT c.id, c.name, c.updated_at <> c.created_at AS is_changed,
                EXISTS (SELECT 1 FROM customer_identities i WHERE i.customer_id = c.id)
                    OR EXISTS (SELECT 1 FROM conversations v WHERE v.customer_id = c.id) AS has_talked,
                EXISTS (SELECT 1 FROM deals d WHERE d.customer_id = c.id) AS has_deals,
                EXISTS (SELECT 1 FROM customer_contacts k WHERE k.customer_id = c.id) AS has_contacts,
                EXISTS (SELECT 1 FROM customer_tags t WHERE t.customer_id = c.id) AS has_tags,
                EXISTS (SELECT 1 FROM customer_activities a WHERE a.customer_id = c.id AND a.type <> 'created')
                    AS has_timeline,
                EXISTS (SELECT 1 FROM memories m WHERE m.customer_id = c.id) AS has_memories,
                c.merged_into IS NOT NULL OR EXISTS (SELECT 1 FROM customers o WHERE o.merged_into = c.id)
                    AS is_merged, ",
        visible!("c.owner_id", "$3", "$4"),
        " AS is_within_reach
         FROM customers c WHERE c.org_id = $1 AND c.import_id = $2 ORDER BY c.id"
    );
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).bind(import).bind(visible.scope).bind(visible.user)
        .fetch_all(c).await)?)
}

/// Removes customers and all that belongs to them. Many at a time: SQLite keeps a journal of each statement that
/// cascades, and going through those of thousands takes seconds.
pub async fn delete(c: Conn<'_>, org: OrgId, customers: &[CustomerId]) -> Result<()> {
    let mut c = c;
    for some in customers.chunks(500) {
        both!(c.again(), c => {
            let mut query = sqlx::QueryBuilder::<DB>::new("DELETE FROM customers WHERE org_id = ");
            query.push_bind(org).push(" AND id IN (");
            let mut ids = query.separated(", ");
            for id in some {
                ids.push_bind(*id);
            }
            query.push(")");
            query.build().execute(c).await.map(|_| ())
        })?;
    }
    Ok(())
}
