//! What is acknowledged before it is in the database gets there, whatever happens meanwhile.

use std::time::Duration;

use axum::http::StatusCode;
use frontdesk::{
    app::{App, ChannelId},
    backup, both, inbox,
    platform::Clock,
};
use serde_json::json;

use crate::support::{
    app::{KEY, On, TestApp, monday},
    shop::Shop,
};

async fn execute(app: &App, sql: &'static str) {
    let mut tx = app.begin().await.unwrap();
    both!(tx.conn(), c => sqlx::raw_sql(sql).execute(c).await.map(|_| ())).unwrap();
    tx.commit().await.unwrap();
}

async fn events(app: &App) -> Vec<String> {
    const ALL: &str = "SELECT external_event_id FROM channel_events ORDER BY external_event_id";
    let mut reader = app.read().await.unwrap();
    both!(reader.conn(), c => sqlx::query_scalar(ALL).fetch_all(c).await).unwrap()
}

/// On a full disk the database takes nothing more; here a trigger sees to that.
const REFUSE: &str =
    "CREATE TRIGGER refuse BEFORE INSERT ON channel_events BEGIN SELECT RAISE(ABORT, 'the disk is full'); END";
const TAKE: &str = "DROP TRIGGER refuse";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_is_acknowledged_while_another_writes_and_becomes_one_message() {
    let shop = Shop::around(TestApp::open(On::Sqlite).await).await;
    let writing = shop.app.begin().await.unwrap();
    for _ in 0..2 {
        let answered = shop.deliver("m1", "Ana", "Do you deliver to Penang?");
        let answered = tokio::time::timeout(Duration::from_secs(5), answered).await;
        assert_eq!(answered.expect("it waits for nobody"), StatusCode::OK);
    }
    drop(writing);
    shop.settle().await;
    assert_eq!(events(&shop.app).await, ["m1"]);
    assert_eq!(shop.transcript("Ana").await.matches("Penang").count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_database_does_not_take_waits_and_is_there_after_a_crash() {
    let shop = Shop::around(TestApp::open(On::Sqlite).await).await;
    execute(&shop.app, REFUSE).await;
    for n in 0..5 {
        assert_eq!(shop.deliver(&format!("m{n}"), "Ana", "Hello?").await, StatusCode::OK);
    }
    assert!(inbox::bring_in(&shop.app).await.is_err());
    assert!(backup::begin(&shop.app).await.is_err(), "a backup would lack what was acknowledged");
    // This process brings nothing more in.
    shop.app.stopping.cancel();
    shop.app.tasks.close();
    shop.app.tasks.wait().await;
    execute(&shop.app, TAKE).await;
    assert_eq!(events(&shop.app).await, Vec::<String>::new());

    let (config, dir) = (shop.app.config.clone(), shop.app.dir.0.clone());
    let next = App::open(config, dir, Some(KEY.into()), Clock::fixed(monday())).await.unwrap();
    inbox::bring_in(&next).await.unwrap();
    assert_eq!(events(&next).await, ["m0", "m1", "m2", "m3", "m4"]);
    next.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_of_a_channel_that_is_gone_holds_up_no_other() {
    let shop = Shop::around(TestApp::open(On::Sqlite).await).await;
    let by = frontdesk::staff::By::system(shop.org);
    let config = json!({"secret": frontdesk::platform::crypto::token(), "send_url": "https://example.com/"});
    let other = inbox::connect(&shop.app, &by, "webhook", "Other", &config, json!({})).await.unwrap();
    let mut writing = shop.app.begin().await.unwrap();
    let accepter = inbox::Accepter::start(shop.app.app.clone());
    let event = |id: &str| frontdesk::channels::RawEvent {
        external_id: id.into(),
        lane: "Ana".into(),
        payload: json!({"id": id, "from": {"id": "Ana"}, "text": "Hello?"}).to_string(),
    };
    let accept =
        async |channel: ChannelId, id: &str| accepter.accept(shop.org, channel, vec![event(id)]).await.unwrap();
    accept(shop.channel, "before").await;
    accept(other.id, "gone").await;
    accept(shop.channel, "after").await;
    both!(writing.conn(), c => sqlx::query("DELETE FROM channels WHERE id = $1").bind(other.id).execute(c).await
        .map(|_| ()))
    .unwrap();
    writing.commit().await.unwrap();
    shop.settle().await;
    assert_eq!(events(&shop.app).await, ["after", "before"]);
}
