//! Putting a backup's rows into an empty database, whichever it is: all or nothing.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, QueryBuilder, migrate::Migrator};
use tokio::sync::mpsc;

use super::{
    Archive,
    archive::Batch,
    catalog::{self, Table},
    row::{self, bind},
};
use crate::{
    both,
    platform::{
        Error, Result,
        db::{Conn, Db, migration_failed},
        error::blocking,
        queue,
    },
};

/// How many values one statement binds at most; SQLite takes 32,766.
const MOST_BINDS: usize = 30_000;

/// Brings the empty database to the backup's schema, puts the rows in, writes the files below `files` and calls
/// `before_commit`; then brings the schema up to date. On PostgreSQL all of it is one transaction; on SQLite the rows
/// are, and a database that failed is to be thrown away.
pub async fn load(
    db: &Db,
    migrations: &Migrator,
    archive: Archive,
    files: PathBuf,
    now: DateTime<Utc>,
    before_commit: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let schema = archive.manifest.about.schema;
    match db {
        Db::Sqlite { .. } => {
            db.migrate_to(migrations, Some(schema)).await?;
            let mut tx = db.begin().await?;
            fill(tx.conn(), archive, files).await?;
            tx.commit().await?;
            db.migrate_to(migrations, None).await?;
            let mut tx = db.begin().await?;
            free_jobs(tx.conn(), now).await?;
            tx.commit().await?;
            before_commit()
        }
        Db::Pg(pool) => {
            let mut tx = pool.begin().await?;
            migrations.run_direct(Some(schema), &mut *tx, false).await.map_err(migration_failed)?;
            fill(Conn::Pg(&mut tx), archive, files).await?;
            migrations.run_direct(None, &mut *tx, false).await.map_err(migration_failed)?;
            free_jobs(Conn::Pg(&mut tx), now).await?;
            before_commit()?;
            Ok(tx.commit().await?)
        }
    }
}

/// Whoever ran the jobs that were running is not here.
async fn free_jobs(c: Conn<'_>, now: DateTime<Utc>) -> Result<()> {
    // No lease survives the process that held it.
    queue::reclaim(c, now + chrono::Duration::days(36_500), None).await.map(|_| ())
}

async fn fill(mut c: Conn<'_>, mut archive: Archive, files: PathBuf) -> Result<()> {
    let tables = catalog::tables(c.again()).await?;
    // A migration may have put rows in, which the backup has too, as they were.
    for table in tables.iter().rev() {
        execute(c.again(), format!("DELETE FROM \"{}\"", table.name)).await?;
    }
    put_checks_off(c.again(), &tables).await?;
    let (send, mut batches) = mpsc::channel::<Batch>(2);
    let unpacking = tokio::spawn(blocking(move || archive.unpack(&send, &files)));
    let inserted = insert_all(c.again(), &tables, &mut batches).await;
    drop(batches);
    let unpacked = unpacking.await.map_err(Error::internal)?;
    inserted.and(unpacked)?;
    check_now(c, &tables).await
}

async fn insert_all(mut c: Conn<'_>, tables: &[Table], batches: &mut mpsc::Receiver<Batch>) -> Result<()> {
    while let Some(batch) = batches.recv().await {
        let Some(table) = tables.iter().find(|t| t.name == batch.table) else {
            return Err(Error::Invalid(format!("the backup is damaged: this program knows no table {}", batch.table)));
        };
        for lines in batch.lines.chunks((MOST_BINDS / table.columns.len().max(1)).max(1)) {
            insert(c.again(), table, lines).await?;
        }
    }
    Ok(())
}

async fn insert(c: Conn<'_>, table: &Table, lines: &[String]) -> Result<()> {
    let rows = lines.iter().map(|line| row::parse(line, table, c.is_pg())).collect::<Result<Vec<Vec<row::Value>>>>()?;
    let names: Vec<String> = table.columns.iter().map(|c| format!("\"{}\"", c.name)).collect();
    let start = format!("INSERT INTO \"{}\" ({}) ", table.name, names.join(", "));
    let inserted = both!(c, c => {
        let mut query = QueryBuilder::<DB>::new(start);
        query.push_values(rows, |mut list, values| {
            for value in values {
                bind!(list, value);
            }
        });
        query.build().execute(c).await.map(|_| ())
    });
    inserted.map_err(|e| Error::Internal(anyhow::Error::new(e).context(format!("a row of {}", table.name))))
}

/// Lets a row come before the one that it refers to, where no order of the tables can prevent that.
async fn put_checks_off(mut c: Conn<'_>, tables: &[Table]) -> Result<()> {
    if !c.is_pg() {
        return execute(c, "PRAGMA defer_foreign_keys = ON".into()).await;
    }
    for (table, reference) in catalog::forward(tables) {
        execute(c.again(), alter(table, &reference.name, "DEFERRABLE INITIALLY DEFERRED")).await?;
    }
    Ok(())
}

/// The opposite of `put_checks_off`; SQLite checks by itself when it commits.
async fn check_now(mut c: Conn<'_>, tables: &[Table]) -> Result<()> {
    if !c.is_pg() {
        return Ok(());
    }
    execute(c.again(), "SET CONSTRAINTS ALL IMMEDIATE".into()).await?;
    for (table, reference) in catalog::forward(tables) {
        execute(c.again(), alter(table, &reference.name, "NOT DEFERRABLE")).await?;
    }
    Ok(())
}

fn alter(table: &Table, constraint: &str, how: &str) -> String {
    format!("ALTER TABLE \"{}\" ALTER CONSTRAINT \"{constraint}\" {how}", table.name)
}

async fn execute(c: Conn<'_>, statement: String) -> Result<()> {
    Ok(both!(c, c => sqlx::query(AssertSqlSafe(statement)).execute(c).await.map(|_| ()))?)
}
