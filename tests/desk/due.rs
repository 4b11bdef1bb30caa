//! The clocks of what people are to answer: when they start, move and stop.

use chrono::{DateTime, Duration, Utc};
use frontdesk::both;
use serde_json::{Value, json};

use super::{UNKNOWN, WARRANTY, each, id, me, rules, titles};
use crate::support::shop::Shop;

/// When the first answer and the solution are due, in minutes from `since`.
async fn due(shop: &Shop, customer: &str, since: DateTime<Utc>) -> [Option<i64>; 2] {
    let now = shop.conversation(customer).await;
    ["sla_first_response_at", "sla_resolve_deadline"].map(|key| {
        let at = now[key].as_str()?.parse::<DateTime<Utc>>().unwrap();
        Some((at - since).num_minutes())
    })
}

fn sla() -> Value {
    json!({"sla": [
        {"priority": "medium", "first_response_minutes": 60, "resolution_minutes": 240},
        {"priority": "urgent", "first_response_minutes": 10, "resolution_minutes": 30},
    ]})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clocks_start_on_every_way_into_peoples_hands_and_stop_on_the_way_back() {
    each(|shop| async move {
        shop.learns("en.md", WARRANTY).await;
        let (mei, tom) = (shop.user("mei", "agent").await, shop.user("tom", "agent").await);
        rules(&shop, sla()).await;
        let start = shop.app.now();
        for customer in ["Ana", "Bo"] {
            shop.says(customer, "How long is the warranty of a grinder?").await;
        }
        shop.settle().await;
        assert_eq!(due(&shop, "Ana", start).await, [None, None], "the assistant answers");
        let path =
            async |customer: &str, verb: &str| format!("/api/conversations/{}/{verb}", id(&shop, customer).await);

        // Assigned, and taken over.
        let to = json!({"agent_id": me(&shop, &tom).await});
        shop.call("POST", &path("Ana", "assign").await, Some(to.clone())).await;
        assert_eq!(due(&shop, "Ana", start).await, [Some(60), Some(240)]);
        shop.call_as(&mei, "POST", &path("Bo", "take-over").await, None).await;
        assert_eq!(due(&shop, "Bo", start).await, [Some(60), Some(240)]);

        // Given back to colleagues: a first answer of theirs is due anew, the solution when it was.
        shop.app.clock.advance(Duration::minutes(30));
        let back = json!({"scope": "until_resolved"});
        shop.call_as(&mei, "POST", &path("Bo", "give-back").await, Some(back)).await;
        assert_eq!(due(&shop, "Bo", start).await, [Some(90), Some(240)]);
        // Given from one to another while it waits, nothing moves.
        shop.call("POST", &path("Bo", "assign").await, Some(to)).await;
        assert_eq!(due(&shop, "Bo", start).await, [Some(90), Some(240)]);
        // To the assistant: nobody waits for a person.
        shop.call_as(&tom, "POST", &path("Bo", "take-over").await, None).await;
        shop.call_as(&tom, "POST", &path("Bo", "give-back").await, Some(json!({"scope": "now"}))).await;
        assert_eq!(due(&shop, "Bo", start).await, [None, None]);

        // Reopened where the assistant never takes part.
        shop.call_as(&mei, "POST", &path("Bo", "take-over").await, None).await;
        shop.call_as(&mei, "POST", &path("Bo", "give-back").await, Some(json!({"scope": "never"}))).await;
        shop.call_as(&mei, "POST", &path("Bo", "resolve").await, None).await;
        shop.app.clock.advance(Duration::hours(10));
        let reopened = shop.app.now();
        shop.says("Bo", UNKNOWN).await;
        shop.run_due().await;
        assert_eq!(due(&shop, "Bo", reopened).await, [Some(60), Some(240)]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_priority_moves_the_clocks_from_when_they_started() {
    each(|shop| async move {
        shop.learns("en.md", WARRANTY).await;
        let mei = shop.user("mei", "agent").await;
        rules(&shop, sla()).await;
        shop.says("Ana", UNKNOWN).await;
        shop.says("Bo", UNKNOWN).await;
        shop.settle().await;
        let called = shop.conversation("Ana").await["handed_off_at"].as_str().unwrap().parse().unwrap();
        shop.app.clock.advance(Duration::minutes(5));
        let path = format!("/api/conversations/{}", id(&shop, "Ana").await);
        let edited = shop.call_as(&mei, "PATCH", &path, Some(json!({"priority": "urgent"}))).await;
        assert!(edited.body["sla_first_response_at"].is_string(), "{edited:?}");
        assert_eq!(due(&shop, "Ana", called).await, [Some(10), Some(30)]);
        let before = titles(&shop, &mei).await.len();
        shop.app.clock.advance(Duration::minutes(6));
        shop.settle().await;
        let told = titles(&shop, &mei).await;
        assert_eq!(told[..told.len() - before], ["Ana: the first answer is overdue"], "{told:?}");
        shop.call_as(&mei, "PATCH", &path, Some(json!({"priority": "low"}))).await;
        assert_eq!(due(&shop, "Ana", called).await, [None, None], "no policy for it");

        // What has been answered is not late, whoever gets it next.
        let bo = format!("/api/conversations/{}", id(&shop, "Bo").await);
        shop.call_as(&mei, "POST", &format!("{bo}/messages"), Some(json!({"text": "We do not."}))).await;
        shop.call_as(&mei, "POST", &format!("{bo}/give-back"), Some(json!({"scope": "until_resolved"}))).await;
        let before = titles(&shop, &mei).await.len();
        shop.app.clock.advance(Duration::minutes(70));
        shop.settle().await;
        let told = titles(&shop, &mei).await;
        assert!(!told[..told.len() - before].iter().any(|t| t.contains("first answer")), "{told:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_overdue_is_told_once_however_often_it_changes_hands() {
    each(|shop| async move {
        shop.learns("en.md", WARRANTY).await;
        let (mei, tom) = (shop.user("mei", "agent").await, shop.user("tom", "agent").await);
        let sla = json!([{"priority": "medium", "first_response_minutes": 30, "resolution_minutes": 60}]);
        rules(&shop, json!({"sla": sla})).await;
        shop.says("Ana", UNKNOWN).await;
        shop.settle().await;
        let path = format!("/api/conversations/{}", id(&shop, "Ana").await);
        let does = async |verb: &str, body: Value| {
            let done = shop.call_as(&mei, "POST", &format!("{path}/{verb}"), Some(body)).await;
            assert!(done.status.is_success(), "{done:?}");
        };
        let (answer, back) = (json!({"text": "We do not."}), json!({"scope": "until_resolved"}));
        let to_tom = json!({"agent_id": me(&shop, &tom).await});
        does("messages", answer.clone()).await;
        let watched = async || {
            const COUNT: &str = "SELECT COUNT(*) FROM jobs WHERE lane LIKE 'due:%'";
            let mut reader = shop.app.read().await.unwrap();
            let n: i64 = both!(reader.conn(), c => sqlx::query_scalar(COUNT).fetch_one(c).await).unwrap();
            n
        };
        let before = watched().await;
        shop.app.clock.advance(Duration::minutes(10));
        does("pass", to_tom.clone()).await;
        assert_eq!(watched().await - before, 2, "of the first answer, which is due later now");
        let overdue =
            async || titles(&shop, &mei).await.iter().filter(|t| *t == "Ana: the solution is overdue").count();
        shop.app.clock.advance(Duration::minutes(51));
        shop.settle().await;
        assert_eq!(overdue().await, 1);
        does("messages", answer.clone()).await;
        does("give-back", back.clone()).await;
        shop.settle().await;
        does("pass", to_tom).await;
        shop.settle().await;
        assert_eq!(overdue().await, 1, "people know");

        // Another deadline is another matter.
        let longer = json!([{"priority": "medium", "first_response_minutes": 30, "resolution_minutes": 120}]);
        rules(&shop, json!({"sla": longer})).await;
        does("messages", answer.clone()).await;
        does("give-back", back).await;
        shop.app.clock.advance(Duration::minutes(60));
        shop.settle().await;
        assert_eq!(overdue().await, 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_who_writes_into_what_had_ended_starts_the_clocks_anew() {
    each(|shop| async move {
        shop.learns("en.md", WARRANTY).await;
        let mei = shop.user("mei", "agent").await;
        rules(&shop, sla()).await;
        for customer in ["Ana", "Bo"] {
            shop.says(customer, UNKNOWN).await;
            shop.settle().await;
        }
        let path =
            async |customer: &str, verb: &str| format!("/api/conversations/{}/{verb}", id(&shop, customer).await);
        let (ana, bo) = (path("Ana", "messages").await, path("Bo", "take-over").await);
        shop.call_as(&mei, "POST", &ana, Some(json!({"text": "We do not."}))).await;
        for customer in ["Ana", "Bo"] {
            shop.call_as(&mei, "POST", &path(customer, "resolve").await, None).await;
        }
        shop.app.clock.advance(Duration::hours(20));
        let again = shop.app.now();
        shop.call_as(&mei, "POST", &ana, Some(json!({"text": "We do now!"}))).await;
        assert_eq!(due(&shop, "Ana", again).await, [Some(60), Some(240)], "written into");
        let taken = shop.call_as(&mei, "POST", &bo, None).await;
        assert_eq!(taken.body["status"], "active", "{taken:?}");
        assert_eq!(due(&shop, "Bo", again).await, [Some(60), Some(240)], "taken");
    })
    .await;
}
