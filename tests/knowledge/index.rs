//! The index is built anew while the old one answers.

use frontdesk::{
    app::OrgId,
    both,
    knowledge::{
        Collection, GenerationState, Status, Totals,
        index::{self, Text, add_texts},
        ingest,
        store::{generations, words},
    },
    platform::{Error, lexical},
};

use super::room::{find, found, ingested, points, rows, shop, upload, work};
use crate::{on_each_database, support::app::TestApp};

/// From now on the database refuses passages that say "spoilt".
async fn refuse_spoilt(app: &TestApp) {
    const SQLITE: &str = "
        CREATE TRIGGER refuse BEFORE INSERT ON document_chunks WHEN NEW.content LIKE '%spoilt%'
        BEGIN SELECT RAISE(ABORT, 'spoilt'); END";
    const PG: &str = "
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'spoilt'; END $$;
        CREATE TRIGGER refuse BEFORE INSERT ON document_chunks FOR EACH ROW
        WHEN (NEW.content LIKE '%spoilt%') EXECUTE FUNCTION refuse()";
    let mut tx = app.begin().await.unwrap();
    let sql = if tx.conn().is_pg() { PG } else { SQLITE };
    both!(tx.conn(), c => sqlx::raw_sql(sql).execute(c).await.map(|_| ())).unwrap();
    tx.commit().await.unwrap();
}

async fn states(app: &TestApp, org: OrgId) -> Vec<(i64, GenerationState)> {
    let all = generations::list(app.read().await.unwrap().conn(), org, Collection::Passages).await.unwrap();
    all.into_iter().map(|g| (g.generation, g.state)).collect()
}

fn texts(from: usize, to: usize) -> Vec<Text> {
    (from..to)
        .map(|n| Text {
            source: format!("t{n}"),
            title: "Articles".into(),
            text: format!("Article number {n} is made of wood and weighs {} grams.", n * 7),
        })
        .collect()
}

on_each_database! {
    async fn a_document_that_cannot_be_written_holds_the_others_up_once_at_most(app: TestApp) {
        let org = shop(&app).await;
        refuse_spoilt(&app).await;
        let mut documents = Vec::new();
        for n in 0..24 {
            let text = if n == 12 { "This one is spoilt.".into() } else { format!("Parcel {n} takes two days.") };
            documents.push(upload(&app, org, &format!("{n}.md"), text.as_bytes()).await.document);
        }
        let spoilt = documents[12].id;
        // As workers do: all at the same time, and those that failed once more.
        let mut open = documents.clone();
        for _ in 0..2 {
            let runs = futures::future::join_all(open.iter().map(|d| ingest::run(&app, d.id, 1))).await;
            open = open.into_iter().zip(runs).filter(|(_, run)| run.is_err()).map(|(d, _)| d).collect();
        }
        assert_eq!(open.iter().map(|d| d.id).collect::<Vec<_>>(), [spoilt]);
        for document in &documents {
            let wanted = if document.id == spoilt { Status::Processing } else { Status::Completed };
            assert_eq!(find(&app, org, document).await.processing_status, wanted);
        }
        assert_eq!((rows(&app, org).await, found(&app, org, "parcel days").await.len()), (23, 20));
    }

    async fn a_rebuild_switches_and_loses_nothing(app: TestApp) {
        let org = shop(&app).await;
        ingested(&app, org, "a.md", b"Refunds take five days.").await;
        assert_eq!(states(&app, org).await, [(1, GenerationState::Live)]);
        index::rebuild(&app, org).await.unwrap();
        assert_eq!(states(&app, org).await, [(1, GenerationState::Old), (2, GenerationState::Live)]);
        assert_eq!(found(&app, org, "refunds").await.len(), 1);
        let old = app.vectors.collections().await.unwrap();
        index::drop_replaced(&app, org).await.unwrap();
        assert_eq!(app.vectors.collections().await.unwrap().len(), old.len() - 1);
        assert_eq!(states(&app, org).await, [(2, GenerationState::Live)]);
        assert_eq!(found(&app, org, "refunds").await.len(), 1);
    }

    async fn what_is_added_and_deleted_during_a_rebuild_is_right_after_it(app: TestApp) {
        let org = shop(&app).await;
        let kb = ingest::base(&app, org, None).await.unwrap().id;
        add_texts(&app, org, kb, texts(0, 1500)).await.unwrap();
        let document = ingested(&app, org, "a.md", b"Refunds take five days.").await;
        let (rebuilt, added, removed) = tokio::join!(
            index::rebuild(&app, org),
            async {
                for from in (1500..2700).step_by(100) {
                    add_texts(&app, org, kb, texts(from, from + 100)).await?;
                }
                Ok::<_, frontdesk::platform::Error>(())
            },
            async { ingest::remove(&app, org, document.id).await?; ingest::forget(&app, document.id).await },
        );
        rebuilt.unwrap();
        added.unwrap();
        removed.unwrap();
        work(&app).await;
        assert_eq!(rows(&app, org).await, 2700);
        index::reconcile(&app).await.unwrap();
        assert!((2700..=2701).contains(&points(&app, org).await), "at most the deleted one's point");
        for n in [0, 1499, 1500, 2000, 2699] {
            assert!(found(&app, org, &format!("article number {n}")).await[0].contains(&format!("number {n} ")), "{n}");
        }
        assert!(found(&app, org, "refunds").await.is_empty());
    }

    async fn other_lengths_are_weighed_anew_once_no_more_documents_come(app: TestApp) {
        let org = shop(&app).await;
        let kb = ingest::base(&app, org, None).await.unwrap().id;
        add_texts(&app, org, kb, texts(0, 300)).await.unwrap();
        let long: Vec<Text> = texts(300, 600).into_iter().map(|t| Text { text: t.text.repeat(9), ..t }).collect();
        add_texts(&app, org, kb, long).await.unwrap();
        const ORDERED: &str = "SELECT COUNT(*) FROM jobs WHERE payload->>'job' = 'reweigh'";
        let ordered: i64 = both!(app.read().await.unwrap().conn(), c => sqlx::query_scalar(ORDERED).fetch_one(c).await)
            .unwrap();
        assert_eq!(ordered, 1);
        upload(&app, org, "a.md", b"Refunds take five days.").await;
        assert!(matches!(index::reweigh(&app, org).await, Err(Error::Later { .. })), "another may come");
        work(&app).await;
        assert_eq!(states(&app, org).await, [(1, GenerationState::Live)], "not at once");
        index::reweigh(&app, org).await.unwrap();
        index::reweigh(&app, org).await.unwrap();
        assert_eq!(states(&app, org).await, [(1, GenerationState::Old), (2, GenerationState::Live)], "once");
    }

    async fn a_rebuild_that_was_cut_off_is_begun_anew(app: TestApp) {
        let org = shop(&app).await;
        ingested(&app, org, "a.md", b"Refunds take five days.").await;
        let live = generations::live(app.read().await.unwrap().conn(), org, Collection::Passages).await.unwrap().unwrap();
        let half = frontdesk::knowledge::Generation { generation: 2, state: GenerationState::Building, ..live };
        let mut tx = app.begin().await.unwrap();
        generations::insert(tx.conn(), &half).await.unwrap();
        tx.commit().await.unwrap();
        // What comes meanwhile goes to both, even if the collection was never made.
        ingested(&app, org, "b.md", b"Parcels take two days.").await;
        index::rebuild(&app, org).await.unwrap();
        assert_eq!(states(&app, org).await, [(1, GenerationState::Old), (3, GenerationState::Live)]);
        assert_eq!(points(&app, org).await, 2);
    }

    async fn another_tokenizer_orders_a_rebuild_that_counts_words_anew(app: TestApp) {
        let org = shop(&app).await;
        ingested(&app, org, "a.md", b"Refunds take five days.").await;
        let mut reader = app.read().await.unwrap();
        let right = words::totals(reader.conn(), org, Collection::Passages).await.unwrap();
        drop(reader);
        // As an older program left it.
        let mut tx = app.begin().await.unwrap();
        const OLD: &str = "UPDATE vector_generations SET tokenizer = 'older'";
        frontdesk::both!(tx.conn(), c => sqlx::query(OLD).execute(c).await.map(|_| ())).unwrap();
        words::clear(tx.conn(), org, Collection::Passages).await.unwrap();
        let mut wrong = words::Delta::default();
        wrong.count([7], 3, 1);
        words::apply(tx.conn(), org, Collection::Passages, &wrong).await.unwrap();
        tx.commit().await.unwrap();
        index::reconcile(&app).await.unwrap();
        work(&app).await;
        let mut reader = app.read().await.unwrap();
        let (totals, frequencies) = words::frequencies(reader.conn(), org, Collection::Passages, &[7, lexical::term_id("refund")]).await.unwrap();
        assert_eq!(totals, Totals { revision: totals.revision, ..right });
        assert_eq!(frequencies, [(lexical::term_id("refund"), 1)].into());
        assert_eq!(right, Totals { entry_count: 1, ..right });
        drop(reader);
        assert_eq!(found(&app, org, "refunds").await.len(), 1);
    }
}
