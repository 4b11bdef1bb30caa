//! The index is built anew while the old one answers.

use frontdesk::{
    app::OrgId,
    knowledge::{
        Collection, GenerationState, Totals,
        index::{self, Text, add_texts},
        ingest,
        store::{generations, words},
    },
    platform::lexical,
};

use super::room::{found, ingested, points, rows, shop, work};
use crate::{on_each_database, support::app::TestApp};

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
        let totals = words::totals(reader.conn(), org, Collection::Passages).await.unwrap();
        assert_eq!(totals, right);
        let frequencies = words::frequencies(reader.conn(), org, Collection::Passages, &[7, lexical::term_id("refund")]).await.unwrap();
        assert_eq!(frequencies, [(lexical::term_id("refund"), 1)].into());
        assert_eq!(right, Totals { entry_count: 1, ..right });
        drop(reader);
        assert_eq!(found(&app, org, "refunds").await.len(), 1);
    }
}
