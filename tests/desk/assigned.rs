//! Who is given what waits: by team and language, when somebody has room again, and when colleagues pass it on.

use axum::http::StatusCode;
use chrono::Duration;
use serde_json::{Value, json};

use super::{UNKNOWN, WARRANTY, each, id, logged, me, rules, team, titles};
use crate::support::shop::Shop;

/// Whose a customer's conversation is.
async fn whose(shop: &Shop, customer: &str) -> Option<String> {
    shop.conversation(customer).await["agent_id"].as_str().map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_goes_to_the_team_and_to_who_speaks_the_language() {
    each(|shop| async move {
        shop.learns("en.md", WARRANTY).await;
        let (mei, tom, lin) =
            (shop.user("mei", "agent").await, shop.user("tom", "agent").await, shop.user("lin", "agent").await);
        let chinese = team(&shop, "中文组", &[&mei, &lin]).await;
        let (mei_id, tom_id) = (me(&shop, &mei).await, me(&shop, &tom).await);
        let spoken = json!({"languages": ["zh", "en", "zh"]});
        let edited = shop.call("PATCH", &format!("/api/users/{mei_id}"), Some(spoken)).await;
        assert_eq!(edited.body["languages"], json!(["en", "zh"]), "{edited:?}");
        shop.call("PATCH", &format!("/api/users/{tom_id}"), Some(json!({"languages": ["en"]}))).await;
        let routes = json!([{"language": "zh", "channel": null, "team": chinese}]);
        rules(&shop, json!({"assignment": "least_busy", "routes": routes})).await;
        for customer in ["小李", "小王"] {
            shop.says(customer, "你们卖核潜艇吗？").await;
            shop.settle().await;
            assert_eq!(whose(&shop, customer).await.as_ref(), Some(&mei_id), "she speaks it and is in the team");
        }
        shop.says("Ana", UNKNOWN).await;
        shop.settle().await;
        assert_eq!(whose(&shop, "Ana").await.as_ref(), Some(&tom_id), "who has fewer of those who speak it");

        // A team that is not there is refused, and so is a channel.
        for odd in [json!({"team": uuid::Uuid::now_v7()}), json!({"team": chinese, "channel": uuid::Uuid::now_v7()})] {
            let saved = shop.call("PUT", "/api/inbox-rules", Some(json!({"routes": [odd]}))).await;
            assert_eq!(saved.status, StatusCode::NOT_FOUND, "{saved:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_had_room_for_is_given_as_soon_as_somebody_has() {
    each(|shop| async move {
        shop.learns("en.md", WARRANTY).await;
        let mei = shop.user("mei", "agent").await;
        let mei_id = Some(me(&shop, &mei).await);
        rules(&shop, json!({"assignment": "round_robin", "capacity": 1})).await;
        for customer in ["Ana", "Bo", "Cy"] {
            shop.says(customer, UNKNOWN).await;
            shop.settle().await;
        }
        assert_eq!((whose(&shop, "Ana").await, whose(&shop, "Bo").await), (mei_id.clone(), None));
        let urgent = format!("/api/conversations/{}", id(&shop, "Cy").await);
        shop.call_as(&mei, "PATCH", &urgent, Some(json!({"priority": "urgent"}))).await;
        let ana = format!("/api/conversations/{}", id(&shop, "Ana").await);
        shop.call_as(&mei, "POST", &format!("{ana}/take-over"), None).await;
        shop.call_as(&mei, "POST", &format!("{ana}/resolve"), None).await;
        shop.settle().await;
        assert_eq!(
            (whose(&shop, "Cy").await, whose(&shop, "Bo").await),
            (mei_id.clone(), None),
            "the urgent one first"
        );
        assert_eq!(titles(&shop, &mei).await[0], "Cy is yours now");
        let log = logged(&shop, "conversation.assign").await;
        assert_eq!(log[0]["changes"]["agent_id"][1].as_str(), mei_id.as_deref(), "{log:?}");

        // Given back to colleagues, it does not return to who gave it back.
        let cy = format!("/api/conversations/{}", id(&shop, "Cy").await);
        shop.call_as(&mei, "POST", &format!("{cy}/take-over"), None).await;
        shop.call_as(&mei, "POST", &format!("{cy}/give-back"), Some(json!({"scope": "until_resolved"}))).await;
        shop.settle().await;
        assert_eq!((whose(&shop, "Cy").await, whose(&shop, "Bo").await), (None, mei_id.clone()));

        // Who comes to the console is given what is still nobody's.
        let tom = shop.user("tom", "agent").await;
        shop.settle().await;
        assert_eq!(whose(&shop, "Cy").await, Some(me(&shop, &tom).await));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_is_at_the_console_is_given_something() {
    each(|shop| async move {
        shop.learns("en.md", WARRANTY).await;
        let mei = shop.user("mei", "agent").await;
        rules(&shop, json!({"assignment": "least_busy"})).await;
        shop.app.clock.advance(Duration::minutes(30));
        shop.says("Ana", UNKNOWN).await;
        shop.settle().await;
        assert_eq!(whose(&shop, "Ana").await, None, "she has gone");
        let mei_id = me(&shop, &mei).await;
        shop.settle().await;
        assert_eq!(whose(&shop, "Ana").await.as_ref(), Some(&mei_id), "she is back");

        shop.call_as(&mei, "PUT", "/api/me/settings", Some(json!({"settings": {"away": true}}))).await;
        shop.says("Bo", UNKNOWN).await;
        shop.settle().await;
        assert_eq!(whose(&shop, "Bo").await, None, "she said that she is away");
        shop.call_as(&mei, "PUT", "/api/me/settings", Some(json!({"settings": {"away": false}}))).await;
        shop.settle().await;
        assert_eq!(whose(&shop, "Bo").await, Some(mei_id));

        // Reopened where the assistant never takes part: somebody gets it at once.
        let bo = format!("/api/conversations/{}", id(&shop, "Bo").await);
        shop.call_as(&mei, "POST", &format!("{bo}/give-back"), Some(json!({"scope": "never"}))).await;
        shop.call_as(&mei, "POST", &format!("{bo}/resolve"), None).await;
        shop.says("Bo", "Hello again").await;
        shop.settle().await;
        let again = shop.conversation("Bo").await;
        assert_eq!((&again["holder"], again["agent_id"].is_string()), (&json!("queue"), true), "{again}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_passes_what_they_hold_to_a_colleague_or_a_team() {
    each(|shop| async move {
        shop.learns("en.md", WARRANTY).await;
        let (mei, tom, lin) =
            (shop.user("mei", "agent").await, shop.user("tom", "agent").await, shop.user("lin", "agent").await);
        let billing = team(&shop, "Billing", &[&tom, &lin, &mei]).await;
        shop.says("Ana", UNKNOWN).await;
        shop.settle().await;
        let path = format!("/api/conversations/{}", id(&shop, "Ana").await);
        let pass = format!("{path}/pass");
        shop.call_as(&mei, "POST", &format!("{path}/take-over"), None).await;
        let to_tom = json!({"agent_id": me(&shop, &tom).await});
        let refused = shop.call_as(&lin, "POST", &pass, Some(to_tom.clone())).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "it is not hers: {refused:?}");
        assert_eq!(shop.call_as(&mei, "POST", &pass, Some(json!({}))).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        let passed = shop.call_as(&mei, "POST", &pass, Some(to_tom)).await;
        assert_eq!(
            (&passed.body["holder"], &passed.body["agent_id"]),
            (&json!("queue"), &json!(me(&shop, &tom).await))
        );
        assert_eq!(titles(&shop, &tom).await[0], "Ana is yours now");

        // To a team: everybody else in it hears of it where nobody is chosen.
        let passed = shop.call_as(&tom, "POST", &pass, Some(json!({"team_id": billing}))).await;
        assert_eq!((&passed.body["team_id"], &passed.body["agent_id"]), (&json!(billing), &Value::Null), "{passed:?}");
        assert_eq!(titles(&shop, &lin).await[0], "Ana is for your team now");
        assert_eq!(titles(&shop, &mei).await[0], "Ana is for your team now");
        assert_eq!(titles(&shop, &tom).await.len(), 2, "not who passed it");
        // By a rule one of them gets it.
        rules(&shop, json!({"assignment": "least_busy"})).await;
        shop.settle().await;
        let given = shop.conversation("Ana").await;
        assert!(given["agent_id"].is_string() && given["agent_id"] != json!(me(&shop, &tom).await), "{given}");
        let strange =
            shop.call("POST", &format!("{path}/assign"), Some(json!({"team_id": uuid::Uuid::now_v7()}))).await;
        assert_eq!(strange.status, StatusCode::NOT_FOUND);
    })
    .await;
}
