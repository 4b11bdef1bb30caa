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

/// How many customers one statement is about: few enough for the databases' limit of bound values.
const ROWS: usize = 500;

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

/// Who has an address, a number or an account of these customers already, the oldest first; who was merged is the
/// survivor. Who was made by `own` does not count.
pub async fn known(
    mut c: Conn<'_>,
    org: OrgId,
    of: &[&Customer],
    visible: Visible,
    own: Option<ImportId>,
) -> Result<Vec<Known>> {
    const FIND: &str = concat!(
        ") SELECT k.id, k.name, ",
        visible!("k.owner_id", "asker.scope", "asker.id"),
        " AS is_visible, f.email, f.phone, f.wechat_id, f.created_at
         FROM customers f JOIN customers k ON k.id = COALESCE(f.merged_into, f.id) CROSS JOIN asker
         WHERE f.org_id = "
    );
    let mut all: Vec<Known> = Vec::new();
    for some in of.chunks(ROWS) {
        let keys: [(&str, Vec<&String>); 3] = [
            ("f.email", some.iter().filter_map(|c| c.email.as_ref()).collect()),
            ("f.phone", some.iter().filter_map(|c| c.phone.as_ref()).collect()),
            ("f.wechat_id", some.iter().filter_map(|c| c.wechat_id.as_ref()).collect()),
        ];
        if keys.iter().all(|(_, said)| said.is_empty()) {
            continue;
        }
        let found: Vec<Known> = both!(c.again(), c => {
            let mut query = sqlx::QueryBuilder::<DB>::new("WITH asker AS (SELECT ");
            query.push_bind(visible.scope).push(" AS scope, ").push_bind(visible.user).push(" AS id");
            query.push(FIND).push_bind(org);
            if let Some(own) = own {
                query.push(" AND (f.import_id IS NULL OR f.import_id <> ").push_bind(own).push(")");
            }
            for (n, (column, said)) in keys.iter().filter(|(_, said)| !said.is_empty()).enumerate() {
                query.push(if n == 0 { " AND (" } else { " OR " }).push(*column).push(" IN (");
                let mut list = query.separated(", ");
                for key in said {
                    list.push_bind(*key);
                }
                query.push(")");
            }
            query.push(") ORDER BY f.created_at, f.id");
            query.build_query_as().persistent(false).fetch_all(c).await
        })?;
        all.extend(found);
    }
    all.sort_by_key(|known| known.created_at);
    Ok(all)
}

/// Adds customers that came by an import.
pub async fn insert_all(mut c: Conn<'_>, import: ImportId, customers: &[Customer]) -> Result<()> {
    const INTO: &str = "
        INSERT INTO customers (id, org_id, type, name, avatar_url, phone, wechat_id, dingtalk_id, email, language,
            company_name, company_credit_code, company_industry, company_size, company_website, company_address,
            company_revenue, company_revenue_currency, gender, age_range, region_province, region_city, stage,
            stage_changed_at, score, owner_id, remark, custom_fields, created_at, updated_at, import_id) ";
    for some in customers.chunks(ROWS) {
        both!(c.again(), c => {
            let mut query = sqlx::QueryBuilder::<DB>::new(INTO);
            query.push_values(some, |mut row, it| {
                row.push_bind(it.id).push_bind(it.org_id).push_bind(it.kind).push_bind(&it.name)
                    .push_bind(&it.avatar_url).push_bind(&it.phone).push_bind(&it.wechat_id).push_bind(&it.dingtalk_id)
                    .push_bind(&it.email).push_bind(&it.language).push_bind(&it.company_name)
                    .push_bind(&it.company_credit_code).push_bind(&it.company_industry).push_bind(&it.company_size)
                    .push_bind(&it.company_website).push_bind(&it.company_address).push_bind(it.company_revenue)
                    .push_bind(&it.company_revenue_currency).push_bind(&it.gender).push_bind(&it.age_range)
                    .push_bind(&it.region_province).push_bind(&it.region_city).push_bind(it.stage)
                    .push_bind(it.stage_changed_at).push_bind(it.score).push_bind(it.owner_id).push_bind(&it.remark)
                    .push_bind(&it.custom_fields).push_bind(it.created_at).push_bind(it.updated_at).push_bind(import);
            });
            query.build().persistent(false).execute(c).await.map(|_| ())
        })?;
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
    for some in customers.chunks(ROWS) {
        both!(c.again(), c => {
            let mut query = sqlx::QueryBuilder::<DB>::new("DELETE FROM customers WHERE org_id = ");
            query.push_bind(org).push(" AND id IN (");
            let mut ids = query.separated(", ");
            for id in some {
                ids.push_bind(*id);
            }
            query.push(")");
            query.build().persistent(false).execute(c).await.map(|_| ())
        })?;
    }
    Ok(())
}
