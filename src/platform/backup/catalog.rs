//! What tables there are, read from the database's own catalogue: a new table or column needs no line here.

use std::collections::BTreeMap;

use sqlx::FromRow;

use crate::{
    both,
    platform::{Error, Result, db::Conn},
};

/// What a column holds; the types that `migrations/` uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Uuid,
    Text,
    Json,
    Time,
    Date,
    Boolean,
    Integer,
    BigInteger,
    Float,
    Bytes,
}

impl Kind {
    fn parse(declared: &str) -> Option<Self> {
        Some(match declared.to_lowercase().as_str() {
            "uuid" => Self::Uuid,
            "text" => Self::Text,
            "jsonb" => Self::Json,
            "timestamptz" | "timestamp with time zone" => Self::Time,
            "date" => Self::Date,
            "boolean" => Self::Boolean,
            "integer" => Self::Integer,
            "bigint" => Self::BigInteger,
            "double precision" => Self::Float,
            "bytea" => Self::Bytes,
            _ => return None,
        })
    }
}

#[derive(Debug, Clone)]
pub struct Column {
    pub name: String,
    pub kind: Kind,
    /// Never NULL.
    pub required: bool,
}

/// A column that holds the key of a row elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Reference {
    pub column: String,
    pub table: String,
    pub target: String,
    /// The constraint's name; empty on SQLite, whose constraints have none.
    pub name: String,
}

#[derive(Debug, Clone)]
pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
    pub references: Vec<Reference>,
}

/// Where the migrations that ran are written down; no table of ours.
pub const MIGRATIONS_TABLE: &str = "_sqlx_migrations";

/// Every table of ours, each after those it refers to.
pub async fn tables(mut c: Conn<'_>) -> Result<Vec<Table>> {
    const SQLITE: &str = "
        SELECT t.name, c.name, c.type, c.\"notnull\" = 1 OR c.pk > 0
        FROM sqlite_master t, pragma_table_info(t.name) c
        WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND t.name <> $1 ORDER BY t.name, c.cid";
    const PG: &str = "
        SELECT table_name::text, column_name::text, data_type::text, is_nullable = 'NO'
        FROM information_schema.columns NATURAL JOIN information_schema.tables
        WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' AND table_name <> $1
        ORDER BY table_name, ordinal_position";
    let sql = if c.is_pg() { PG } else { SQLITE };
    let rows: Vec<(String, String, String, bool)> =
        both!(c.again(), c => sqlx::query_as(sql).bind(MIGRATIONS_TABLE).fetch_all(c).await)?;
    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    for (table, column, declared, required) in rows {
        let Some(kind) = Kind::parse(&declared) else {
            return Err(Error::Internal(anyhow::anyhow!("{table}.{column}: no backup knows the type {declared}")));
        };
        let entry = tables.entry(table);
        let name = entry.key().clone();
        let table = entry.or_insert_with(|| Table { name, columns: Vec::new(), references: Vec::new() });
        table.columns.push(Column { name: column, kind, required });
    }
    for (table, reference) in references(c).await? {
        if let Some(table) = tables.get_mut(&table) {
            table.references.push(reference);
        }
    }
    Ok(in_order(tables.into_values().collect()))
}

async fn references(c: Conn<'_>) -> Result<Vec<(String, Reference)>> {
    const SQLITE: &str = "
        SELECT t.name AS owner, f.\"from\" AS \"column\", f.\"table\", COALESCE(f.\"to\", 'id') AS target, '' AS name
        FROM sqlite_master t, pragma_foreign_key_list(t.name) f WHERE t.type = 'table'";
    const PG: &str = "
        SELECT t.relname::text AS owner, a.attname::text AS \"column\", r.relname::text AS \"table\",
               b.attname::text AS target, k.conname::text AS name
        FROM pg_constraint k
        JOIN pg_class t ON t.oid = k.conrelid
        JOIN pg_class r ON r.oid = k.confrelid
        JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
        JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = k.confkey[1]
        WHERE k.contype = 'f' AND t.relnamespace = current_schema()::regnamespace";
    #[derive(FromRow)]
    struct Row {
        owner: String,
        #[sqlx(flatten)]
        reference: Reference,
    }
    let sql = if c.is_pg() { PG } else { SQLITE };
    let rows: Vec<Row> = both!(c, c => sqlx::query_as(sql).fetch_all(c).await)?;
    Ok(rows.into_iter().map(|r| (r.owner, r.reference)).collect())
}

/// Each table after those it refers to; tables that refer to each other in a circle come last, by name.
fn in_order(mut left: Vec<Table>) -> Vec<Table> {
    let mut ordered: Vec<Table> = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let waits =
            |t: &Table| t.references.iter().any(|r| r.table != t.name && left.iter().any(|l| l.name == r.table));
        let next = left.iter().position(|t| !waits(t)).unwrap_or(0);
        ordered.push(left.remove(next));
    }
    ordered
}

/// The references that point to a row that may come later: to the table itself, or around a circle. `tables` as
/// [`tables`] orders them.
pub fn forward(tables: &[Table]) -> Vec<(&Table, &Reference)> {
    let is_before = |name: &str, at: usize| tables.iter().take(at).any(|t| t.name == name);
    let of = |(at, table)| {
        let table: &Table = table;
        table.references.iter().filter(move |r| !is_before(&r.table, at)).map(move |r| (table, r))
    };
    tables.iter().enumerate().flat_map(of).collect()
}

/// The newest migration that ran; `None` if none ever did.
pub async fn schema_version(c: Conn<'_>) -> Result<Option<i64>> {
    const VERSION: &str = "SELECT MAX(version) FROM _sqlx_migrations";
    Ok(both!(c, c => sqlx::query_scalar(VERSION).fetch_one(c).await)?)
}

/// Whether the database has no table, not even an empty one.
pub async fn is_empty(c: Conn<'_>) -> Result<bool> {
    const SQLITE: &str = "SELECT NOT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table')";
    const PG: &str = "
        SELECT NOT EXISTS (SELECT 1 FROM pg_class
                           WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p'))";
    let sql = if c.is_pg() { PG } else { SQLITE };
    Ok(both!(c, c => sqlx::query_scalar(sql).fetch_one(c).await)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, refers_to: &[&str]) -> Table {
        let reference = |table: &&str| Reference {
            column: format!("{table}_id"),
            table: (*table).into(),
            target: "id".into(),
            name: String::new(),
        };
        Table { name: name.into(), columns: Vec::new(), references: refers_to.iter().map(reference).collect() }
    }

    #[test]
    fn a_table_stands_after_those_it_refers_to() {
        let tables = in_order(vec![
            table("a", &["c", "a"]),
            table("b", &["a"]),
            table("c", &[]),
            table("x", &["y"]),
            table("y", &["x"]),
        ]);
        assert_eq!(tables.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(), ["c", "a", "b", "x", "y"]);
        let forward: Vec<_> = forward(&tables).into_iter().map(|(t, r)| (t.name.as_str(), r.table.as_str())).collect();
        assert_eq!(forward, [("a", "a"), ("x", "y")]);
    }
}
