//! A database that is not empty migrates, keeps its rows, and is refused when it is newer than the program.

use frontdesk::{
    both,
    platform::{
        Error,
        db::{Db, MIGRATIONS},
    },
};

use crate::support::{
    app::{On, Scratch, databases, fresh_postgres},
    rows,
};

async fn open(on: On, dir: &Scratch) -> Db {
    match on {
        On::Sqlite => Db::open_sqlite(&dir.0.join("t.db")).await.unwrap(),
        On::Postgres => Db::open_pg(&fresh_postgres().await, 2).await.unwrap(),
    }
}

#[tokio::test]
async fn a_database_with_rows_in_every_table_migrates_from_each_earlier_state() {
    let versions: Vec<i64> = MIGRATIONS.iter().map(|m| m.version).collect();
    for on in databases() {
        for earlier in &versions {
            let dir = Scratch::new();
            let db = open(on, &dir).await;
            db.migrate_to(&MIGRATIONS, Some(*earlier)).await.unwrap();
            rows::fill(&db, 3).await;
            let before = rows::everything(&db).await;
            assert!(before.len() > 30 && before.values().all(|rows| rows.len() == 3));
            db.migrate().await.unwrap_or_else(|e| panic!("{on:?} from {earlier}: {}", e.chain()));
            let after = rows::everything(&db).await;
            for (table, rows) in &before {
                // A migration may take a table away or put rows in; it does not lose what was there.
                if let Some(now) = after.get(table) {
                    assert!(now.len() >= rows.len(), "{on:?} from {earlier}: rows of {table} are gone");
                }
            }
            // At the newest state, migrating once more changes nothing.
            db.migrate().await.unwrap();
            assert_eq!(rows::everything(&db).await, after);
            db.close().await;
        }
    }
}

#[tokio::test]
async fn a_database_newer_than_the_program_is_refused() {
    for on in databases() {
        let dir = Scratch::new();
        let db = open(on, &dir).await;
        db.migrate().await.unwrap();
        let mut tx = db.begin().await.unwrap();
        both!(tx.conn(), c => sqlx::query(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             SELECT 9000, 'from the future', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1")
            .execute(c).await.map(|_| ()))
        .unwrap();
        tx.commit().await.unwrap();
        let Err(Error::Invalid(why)) = db.migrate().await else { panic!("{on:?}: not refused") };
        assert_eq!(why, "the database is newer than this program (it has migration 9000): install the newer version");
        db.close().await;
    }
}
