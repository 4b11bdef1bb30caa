//! Both databases have the same tables, columns, keys and indexes.

use std::collections::BTreeSet;

use frontdesk::{both, platform::db::Conn};

use crate::support::app::{On, TestApp, databases};

/// A fact about the schema, as a sentence that both databases must agree on.
type Facts = BTreeSet<String>;

#[tokio::test]
async fn both_databases_have_the_same_schema() {
    let mut schemas = Vec::new();
    for on in databases() {
        let app = TestApp::open(on).await;
        schemas.push((on, facts(app.read().await.unwrap().conn()).await));
    }
    let Some((_, sqlite)) = schemas.iter().find(|(on, _)| *on == On::Sqlite) else { panic!("SQLite is always there") };
    assert!(sqlite.len() > 300, "the schema was not read: {sqlite:?}");
    for (on, schema) in &schemas {
        let only_sqlite: Vec<_> = sqlite.difference(schema).collect();
        let only_there: Vec<_> = schema.difference(sqlite).collect();
        assert!(
            only_sqlite.is_empty() && only_there.is_empty(),
            "only on SQLite: {only_sqlite:#?}\nonly on {on:?}: {only_there:#?}"
        );
    }
}

async fn facts(mut c: Conn<'_>) -> Facts {
    let mut facts = columns(c.again()).await;
    facts.extend(indexes(c.again()).await);
    facts.extend(foreign_keys(c).await);
    facts
}

async fn columns(c: Conn<'_>) -> Facts {
    // A part of a primary key is never NULL, though SQLite does not say so.
    const SQLITE: &str = "
        SELECT t.name, c.name, c.type, c.\"notnull\" = 1 OR c.pk > 0, COALESCE(c.dflt_value, '')
        FROM sqlite_master t, pragma_table_info(t.name) c
        WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name <> '_sqlx_migrations'";
    const PG: &str = "
        SELECT table_name::text, column_name::text, data_type::text, is_nullable = 'NO', COALESCE(column_default, '')
        FROM information_schema.columns
        WHERE table_schema = current_schema() AND table_name <> '_sqlx_migrations'";
    let sql = if c.is_pg() { PG } else { SQLITE };
    let rows: Vec<(String, String, String, bool, String)> =
        both!(c, c => sqlx::query_as(sql).fetch_all(c).await).unwrap();
    rows.into_iter()
        .map(|(table, column, kind, required, default)| {
            let kind = match kind.to_lowercase().as_str() {
                "timestamp with time zone" => "timestamptz".to_string(),
                other => other.to_string(),
            };
            // PostgreSQL says what type a literal has.
            let default = default.split("::").next().unwrap_or_default().to_lowercase();
            let null = if required { "required" } else { "may be null" };
            format!("{table}.{column} is {kind}, {null}, default {default:?}")
        })
        .collect()
}

async fn indexes(c: Conn<'_>) -> Facts {
    // Those that a key or UNIQUE brings along have names of the database's own.
    const SQLITE: &str = "
        SELECT t.name, CASE WHEN i.origin = 'c' THEN i.name ELSE 'of a key' END, i.\"unique\" = 1, i.partial = 1,
               (SELECT group_concat(x.name || CASE WHEN x.\"desc\" = 1 THEN ' desc' ELSE '' END, ', ')
                FROM (SELECT * FROM pragma_index_xinfo(i.name) WHERE key = 1 ORDER BY seqno) x)
        FROM sqlite_master t, pragma_index_list(t.name) i
        WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name <> '_sqlx_migrations'";
    const PG: &str = "
        SELECT t.relname::text,
               CASE WHEN EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.oid AND k.contype IN ('p', 'u'))
                    THEN 'of a key' ELSE i.relname::text END,
               x.indisunique, x.indpred IS NOT NULL,
               (SELECT string_agg(pg_get_indexdef(i.oid, n, TRUE)
                                  || CASE WHEN (x.indoption::int2[])[n - 1] & 1 = 1 THEN ' desc' ELSE '' END,
                                  ', ' ORDER BY n)
                FROM generate_series(1, x.indnkeyatts::int) n)
        FROM pg_index x
        JOIN pg_class i ON i.oid = x.indexrelid
        JOIN pg_class t ON t.oid = x.indrelid
        WHERE t.relnamespace = current_schema()::regnamespace AND t.relname <> '_sqlx_migrations'";
    let sql = if c.is_pg() { PG } else { SQLITE };
    let rows: Vec<(String, String, bool, bool, String)> =
        both!(c, c => sqlx::query_as(sql).fetch_all(c).await).unwrap();
    rows.into_iter()
        .map(|(table, index, unique, partial, columns)| {
            let unique = if unique { "unique" } else { "plain" };
            let partial = if partial { ", of some rows" } else { "" };
            format!("{table} has the {unique} index {index} on ({columns}){partial}")
        })
        .collect()
}

async fn foreign_keys(c: Conn<'_>) -> Facts {
    const SQLITE: &str = "
        SELECT t.name, f.\"from\", f.\"table\", f.on_delete FROM sqlite_master t, pragma_foreign_key_list(t.name) f
        WHERE t.type = 'table'";
    const PG: &str = "
        SELECT t.relname::text, a.attname::text, r.relname::text,
               CASE k.confdeltype WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' WHEN 'r' THEN 'RESTRICT'
                                  WHEN 'd' THEN 'SET DEFAULT' ELSE 'NO ACTION' END
        FROM pg_constraint k
        JOIN pg_class t ON t.oid = k.conrelid
        JOIN pg_class r ON r.oid = k.confrelid
        JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)
        WHERE k.contype = 'f' AND t.relnamespace = current_schema()::regnamespace";
    let sql = if c.is_pg() { PG } else { SQLITE };
    let rows: Vec<(String, String, String, String)> = both!(c, c => sqlx::query_as(sql).fetch_all(c).await).unwrap();
    rows.into_iter()
        .map(|(table, column, of, then)| format!("{table}.{column} refers to {of}, when that is deleted: {then}"))
        .collect()
}
