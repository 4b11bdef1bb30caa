//! Stories through the front door, each on SQLite and on PostgreSQL.

mod support;

use support::app::TestApp;

on_each_database! {
    async fn a_new_installation_opens_twice(app: TestApp) {
        app.db.migrate().await.unwrap();
        assert!(app.read().await.is_ok());
    }
}
