//! Who is given what waits: by team and language, when somebody has room again, and when colleagues pass it on.

use axum::http::StatusCode;
use chrono::Duration;
use frontdesk::{app::ConversationId, both, platform::db::Tx};
use serde_json::{Value, json};

use super::{UNKNOWN, WARRANTY, each, id, logged, me, meanwhile, rules, team, titles};
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_leaves_a_customer_to_the_assistant_may_be_given_them_again() {
    each(|shop| async move {
        shop.learns("en.md", WARRANTY).await;
        let mei = shop.user("mei", "agent").await;
        rules(&shop, json!({"assignment": "least_busy"})).await;
        shop.says("Ana", UNKNOWN).await;
        shop.settle().await;
        let path = format!("/api/conversations/{}", id(&shop, "Ana").await);
        shop.call_as(&mei, "POST", &format!("{path}/messages"), Some(json!({"text": "We do not."}))).await;
        shop.call_as(&mei, "POST", &format!("{path}/give-back"), Some(json!({"scope": "now"}))).await;
        shop.settle().await;
        assert_eq!(whose(&shop, "Ana").await, None);
        shop.says("Ana", "Do you sell rockets to the moon?").await;
        shop.settle().await;
        assert_eq!(whose(&shop, "Ana").await, Some(me(&shop, &mei).await), "she is the only one");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_answers_customers_is_assigned_any() {
    each(|shop| async move {
        shop.learns("en.md", WARRANTY).await;
        let (mei, rea) = (shop.user("mei", "agent").await, shop.user("rea", "readonly").await);
        let invited = json!({"email": "ida@example.com", "name": "ida", "roles": ["agent"]});
        let invited = shop.call("POST", "/api/users", Some(invited)).await.body["id"].clone();
        assert!(invited.is_string());
        shop.says("Ana", UNKNOWN).await;
        shop.settle().await;
        let path = format!("/api/conversations/{}", id(&shop, "Ana").await);
        for nobody in [json!(me(&shop, &rea).await), invited] {
            let to = json!({"agent_id": nobody});
            let refused = shop.call("POST", &format!("{path}/assign"), Some(to.clone())).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{refused:?}");
            let refused = shop.call_as(&mei, "POST", &format!("{path}/pass"), Some(to)).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{refused:?}");
        }
        assert_eq!(whose(&shop, "Ana").await, None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_may_be_given_keeps_nothing_else_waiting() {
    each(|shop| async move {
        shop.learns("en.md", WARRANTY).await;
        let (mei, tom) = (shop.user("mei", "agent").await, shop.user("tom", "agent").await);
        let night = team(&shop, "Night", &[&tom]).await;
        rules(&shop, json!({"assignment": "least_busy", "capacity": 2})).await;
        shop.app.clock.advance(Duration::minutes(30));
        for customer in ["Tilo", "Ana", "Bo", "Cy"] {
            shop.says(customer, UNKNOWN).await;
            shop.settle().await;
            assert_eq!(whose(&shop, customer).await, None, "nobody is there");
        }
        // More than are looked at at a time wait for people who are away.
        const COPY: &str = "
            INSERT INTO conversations (id, org_id, customer_id, identity_id, channel_id, channel_type, status, holder,
                                       team_id, last_message_at, created_at, updated_at)
            SELECT $1, org_id, customer_id, identity_id, channel_id, channel_type, status, holder, $2, $4, $4, $4
            FROM conversations WHERE id = $3";
        let like: ConversationId = id(&shop, "Tilo").await.parse().unwrap();
        let (night, earlier) = (night.parse::<uuid::Uuid>().unwrap(), shop.app.now() - Duration::hours(1));
        let mut tx = shop.app.begin().await.unwrap();
        for _ in 0..201 {
            both!(tx.conn(), c => sqlx::query(COPY).bind(ConversationId::new()).bind(night).bind(like).bind(earlier)
                .execute(c).await.map(|_| ()))
            .unwrap();
        }
        let done = "UPDATE conversations SET status = 'closed' WHERE id = $1";
        both!(tx.conn(), c => sqlx::query(done).bind(like).execute(c).await.map(|_| ())).unwrap();
        tx.commit().await.unwrap();

        let mei_id = Some(me(&shop, &mei).await);
        shop.settle().await;
        let mut given = Vec::new();
        for customer in ["Ana", "Bo", "Cy"] {
            given.push(whose(&shop, customer).await);
        }
        assert_eq!(given, [mei_id.clone(), mei_id, None], "the longest wait first, and two at most");
    })
    .await;
}

/// `user` has taken a conversation over; not committed yet.
async fn taken_over(shop: &Shop, customer: &str, user: &str) -> Tx {
    const TAKE: &str = "
        UPDATE conversations SET status = 'active', holder = 'agent', agent_id = $2, version = version + 1 WHERE id = $1";
    let (id, user) = (id(shop, customer).await.parse::<uuid::Uuid>(), me(shop, user).await.parse::<uuid::Uuid>());
    let mut tx = shop.app.begin().await.unwrap();
    both!(tx.conn(), c => sqlx::query(TAKE).bind(id.unwrap()).bind(user.unwrap()).execute(c).await.map(|_| ()))
        .unwrap();
    tx
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_it_at_the_same_moment_keeps_it() {
    each(|shop| async move {
        shop.learns("en.md", WARRANTY).await;
        let (mei, tom) = (shop.user("mei", "agent").await, shop.user("tom", "agent").await);
        rules(&shop, json!({"assignment": "least_busy"})).await;
        shop.app.clock.advance(Duration::minutes(30));
        for customer in ["Ana", "Bo"] {
            shop.says(customer, UNKNOWN).await;
            shop.settle().await;
        }
        let (mei_id, tom_id) = (me(&shop, &mei).await, Some(me(&shop, &tom).await));
        shop.call_as(&tom, "PUT", "/api/me/settings", Some(json!({"settings": {"away": true}}))).await;
        // By a rule: what was taken is left alone, and the next is given.
        let take = taken_over(&shop, "Ana", &tom).await;
        meanwhile(take, frontdesk::inbox::give_out(&shop.app, shop.org)).await.unwrap();
        let ana = shop.conversation("Ana").await;
        assert_eq!((&ana["holder"], ana["agent_id"].as_str()), (&json!("agent"), tom_id.as_deref()), "{ana}");
        assert_eq!(whose(&shop, "Bo").await.as_ref(), Some(&mei_id));
        shop.settle().await;

        // By a colleague.
        let pass = format!("/api/conversations/{}/pass", id(&shop, "Bo").await);
        let lin = me(&shop, &shop.user("lin", "agent").await).await;
        // From here on the database has no room for another writer.
        let take = taken_over(&shop, "Bo", &tom).await;
        let pass = shop.call_as(&mei, "POST", &pass, Some(json!({"agent_id": lin})));
        let passed = meanwhile(take, pass).await;
        assert_eq!(passed.status, StatusCode::CONFLICT, "{passed:?}");
        let bo = shop.conversation("Bo").await;
        assert_eq!((&bo["holder"], bo["agent_id"].as_str()), (&json!("agent"), tom_id.as_deref()), "{bo}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nobody_would_hear_of_it_everybody_who_answers_does() {
    each(|shop| async move {
        shop.learns("en.md", WARRANTY).await;
        let (mei, lin) = (shop.user("mei", "agent").await, shop.user("lin", "agent").await);
        let rea = shop.user("rea", "readonly").await;
        let empty = team(&shop, "Empty", &[&rea]).await;
        for customer in ["Ana", "Bo"] {
            shop.says(customer, "How long is the warranty of a grinder?").await;
            shop.settle().await;
        }
        let path =
            async |customer: &str, verb: &str| format!("/api/conversations/{}/{verb}", id(&shop, customer).await);
        shop.call_as(&mei, "POST", &path("Ana", "take-over").await, None).await;
        shop.call_as(&mei, "POST", &path("Ana", "pass").await, Some(json!({"team_id": empty}))).await;
        assert_eq!(titles(&shop, &lin).await, ["Ana waits for a person"]);
        assert_eq!(titles(&shop, &mei).await, [""; 0], "she knows");
        shop.call("POST", &path("Bo", "assign").await, Some(json!({}))).await;
        for user in [&mei, &lin] {
            assert_eq!(titles(&shop, user).await[0], "Bo waits for a person");
        }
        assert_eq!(titles(&shop, &rea).await, [""; 0]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_team_that_is_removed_takes_its_routes_along_and_no_change_of_the_rules_fails_for_it() {
    each(|shop| async move {
        let (day, night) = (team(&shop, "Day", &[]).await, team(&shop, "Night", &[]).await);
        let removed = async |team: &str| {
            assert!(shop.call("DELETE", &format!("/api/teams/{team}"), None).await.status.is_success());
        };
        let route = |team: &str| json!({"language": null, "channel": null, "team": team});
        let both = json!({"routes": [route(&night), route(&day)]});
        rules(&shop, both.clone()).await;
        removed(&night).await;
        // The page was opened before; nothing was tidied up yet.
        frontdesk::inbox::allow_links(&shop.app, shop.org, &["example.com"]).await.unwrap();
        let saved = shop.call("PUT", "/api/inbox-rules", Some(both)).await;
        assert_eq!((saved.status, &saved.body["routes"]), (StatusCode::OK, &json!([route(&day)])), "{saved:?}");
        removed(&day).await;
        shop.settle().await;
        assert_eq!(shop.call("GET", "/api/inbox-rules", None).await.body["routes"], json!([]));
        let log = logged(&shop, "inbox_rules.edit").await;
        assert_eq!(log[0]["changes"]["routes"], json!([[route(&day)], []]), "{log:?}");
        // One that never was among them is refused as before.
        let strange = shop.call("PUT", "/api/inbox-rules", Some(json!({"routes": [route(&night)]}))).await;
        assert_eq!(strange.status, StatusCode::NOT_FOUND, "{strange:?}");
    })
    .await;
}
