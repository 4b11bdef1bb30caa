//! A process that dies between any two steps: the next run of the job leaves exactly what one run would have.

use std::collections::HashMap;

use frontdesk::{
    app::{App, OrgId},
    knowledge::{
        Collection, Status, Totals, index, ingest,
        store::{documents, generations, passages, words},
    },
    platform::lexical,
};

use super::room::{find, found, ingested, points, rows, shop, upload, work};
use crate::{on_each_database, support::app::TestApp};

/// Everything that can be seen of an organisation's passages: rows, points, statistics of three words.
async fn state(app: &App, org: OrgId) -> (i64, usize, Totals, HashMap<u32, u64>) {
    let terms = ["refund", "day", "parcel"].map(lexical::term_id);
    let mut reader = app.read().await.unwrap();
    let (totals, frequencies) = words::frequencies(reader.conn(), org, Collection::Passages, &terms).await.unwrap();
    drop(reader);
    // How often they were counted depends on where it was cut off.
    (rows(app, org).await, points(app, org).await, Totals { revision: 0, ..totals }, frequencies)
}

const FIRST: &[u8] = b"# Refunds\n\nRefunds take five days.\n\n# Parcels\n\nParcels take two days.";

on_each_database! {
    async fn a_job_that_runs_twice_leaves_what_one_run_leaves(app: TestApp) {
        let org = shop(&app).await;
        let document = ingested(&app, org, "a.md", FIRST).await;
        let once = state(&app, org).await;
        assert_eq!((once.0, once.1, once.2.entry_count), (2, 2, 2));
        ingest::run(&app, document.id, 1).await.unwrap();
        assert_eq!(state(&app, org).await, once);
    }

    async fn a_run_cut_off_before_any_row_is_repeated(app: TestApp) {
        let org = shop(&app).await;
        let added = upload(&app, org, "a.md", FIRST).await;
        // Died after "processing" was written.
        let mut tx = app.begin().await.unwrap();
        documents::set_status(tx.conn(), app.now(), added.document.id, 1, Status::Processing, None).await.unwrap();
        tx.commit().await.unwrap();
        work(&app).await;
        let done = state(&app, org).await;
        assert_eq!((done.0, done.1), (2, 2));
        assert_eq!(find(&app, org, &added.document).await.processing_status, Status::Completed);
    }

    async fn a_run_cut_off_with_rows_and_points_in_is_repeated(app: TestApp) {
        let org = shop(&app).await;
        let document = ingested(&app, org, "a.md", FIRST).await;
        let whole = state(&app, org).await;
        // As if it had died after its rows and before the version became current.
        let mut tx = app.begin().await.unwrap();
        sqlx_current_none(&mut tx, document.id).await;
        documents::set_status(tx.conn(), app.now(), document.id, 1, Status::Processing, None).await.unwrap();
        tx.commit().await.unwrap();
        assert!(found(&app, org, "refunds").await.is_empty(), "not current, so not seen");
        index::reconcile(&app).await.unwrap(); // pushes its job again
        work(&app).await;
        assert_eq!(state(&app, org).await, whole);
        assert!(!found(&app, org, "refunds").await.is_empty());
    }

    async fn points_without_rows_are_cleaned_up_at_start(app: TestApp) {
        let org = shop(&app).await;
        let document = ingested(&app, org, "a.md", FIRST).await;
        let ids: Vec<_> = passages::of_document(app.read().await.unwrap().conn(), org, document.id, -1, 9)
            .await.unwrap().into_iter().map(|p| p.id).collect();
        // Died between upsert and rows: the rows are not there.
        let mut tx = app.begin().await.unwrap();
        passages::delete(tx.conn(), &ids).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(points(&app, org).await, 2);
        assert!(found(&app, org, "refunds").await.is_empty());
        index::reconcile(&app).await.unwrap();
        // Beside other processes only what is old enough may go.
        assert_eq!(points(&app, org).await, if app.db.is_pg() { 2 } else { 0 });
    }

    async fn a_deletion_cut_off_is_finished_at_start(app: TestApp) {
        let org = shop(&app).await;
        let document = ingested(&app, org, "a.md", FIRST).await;
        let mut tx = app.begin().await.unwrap();
        documents::hide(tx.conn(), app.now(), org, document.id).await.unwrap();
        tx.commit().await.unwrap();
        index::reconcile(&app).await.unwrap();
        work(&app).await;
        let done = state(&app, org).await;
        assert_eq!(done, (0, 0, Totals::default(), HashMap::new()));
    }

    async fn a_lost_index_is_rebuilt_from_the_database(app: TestApp) {
        let org = shop(&app).await;
        ingested(&app, org, "a.md", FIRST).await;
        let before = state(&app, org).await;
        let live = generations::live(app.read().await.unwrap().conn(), org, Collection::Passages).await.unwrap().unwrap();
        app.vectors.drop_collection(&live.name()).await.unwrap();
        assert!(found(&app, org, "refunds").await.is_empty());
        index::reconcile(&app).await.unwrap();
        assert_eq!(state(&app, org).await, before);
        assert!(!found(&app, org, "refunds").await.is_empty());
    }
}

async fn sqlx_current_none(tx: &mut frontdesk::platform::db::Tx, id: frontdesk::app::DocumentId) {
    const SET: &str = "UPDATE documents SET current_version = NULL WHERE id = $1";
    frontdesk::both!(tx.conn(), c => sqlx::query(SET).bind(id).execute(c).await.map(|_| ())).unwrap();
}
