//! WhatsApp Cloud API.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    desk::{Desk, WARRANTY},
    graph::{Does, Graph, VERIFY, envelope},
    support::app::{On, databases, is_on_disk},
};

const ANA: &str = "60123456789";
const QUESTION: &str = "How long is the warranty of a grinder?";

/// A company with a number at the fake.
pub struct Whatsapp {
    pub desk: Desk,
    pub graph: Graph,
}

impl std::ops::Deref for Whatsapp {
    type Target = Desk;
    fn deref(&self) -> &Desk {
        &self.desk
    }
}

impl Whatsapp {
    pub async fn open(on: On) -> Self {
        Self::with(on, json!({})).await
    }

    async fn with(on: On, more: Value) -> Self {
        let graph = Graph::start().await;
        let mut config = graph.config();
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let desk = Desk::open(on, "whatsapp_cloud", config).await;
        desk.shop.learns("en.md", WARRANTY).await;
        Self { desk, graph }
    }

    pub async fn deliver(&self, field: &str, value: Value) -> StatusCode {
        let (body, signature) = envelope(field, value);
        self.request(Method::POST, "", &[("x-hub-signature-256", signature)], body).await.0
    }

    /// A message of `from` with this content.
    pub async fn hears(&self, from: &str, id: &str, content: Value) {
        let mut message = json!({"from": from, "id": id, "timestamp": self.shop.app.now().timestamp().to_string()});
        message.as_object_mut().unwrap().extend(content.as_object().unwrap().clone());
        let contacts = json!([{"profile": {"name": name(from)}, "wa_id": from}]);
        let status = self.deliver("messages", json!({"contacts": contacts, "messages": [message]})).await;
        assert_eq!(status, StatusCode::OK);
    }

    pub async fn says(&self, from: &str, id: &str, text: &str) {
        self.hears(from, id, json!({"type": "text", "text": {"body": text}})).await;
    }

    async fn status(&self, id: &str, key: Option<&str>, status: &str, error: Option<i64>) {
        let mut of = json!({"id": id, "status": status, "timestamp": "1772442000", "recipient_id": ANA});
        if let Some(key) = key {
            of["biz_opaque_callback_data"] = json!(key);
        }
        if let Some(code) = error {
            of["errors"] = json!([{"code": code, "title": "x"}]);
        }
        assert_eq!(self.deliver("messages", json!({"statuses": [of]})).await, StatusCode::OK);
        self.shop.settle().await;
    }

    pub fn no_faults(&self) {
        assert_eq!(self.graph.kept().faults, Vec::<String>::new());
    }
}

fn name(from: &str) -> String {
    if from == ANA { "Ana".into() } else { format!("C{from}") }
}

async fn each<F: Future<Output = ()>>(story: impl Fn(Whatsapp) -> F) {
    for on in databases() {
        eprintln!("on {on:?}");
        story(Whatsapp::open(on).await).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_is_answered_and_its_receipts_are_followed_in_any_order() {
    each(|w| async move {
        let ask =
            format!("?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={}", VERIFY.replace(' ', "%20"));
        assert_eq!(w.request(Method::GET, &ask, &[], "").await, (StatusCode::OK, "1158201444".into()));
        let wrong = "?hub.mode=subscribe&hub.challenge=1&hub.verify_token=wrong";
        assert_eq!(w.request(Method::GET, wrong, &[], "").await.0, StatusCode::FORBIDDEN);

        w.says(ANA, "wamid.1", QUESTION).await;
        w.shop.settle().await;
        let sent = w.graph.last();
        assert!(sent.text().contains("24 months"), "{sent:?}");
        assert_eq!(sent.to(), ANA);
        assert_eq!(w.graph.kept().read, ["wamid.1"], "seen and typing");
        assert_eq!(w.last_status("Ana").await.0, "sent");
        // Read comes before delivered, and sent comes last.
        for (status, expected) in [("read", "read"), ("delivered", "read"), ("sent", "read"), ("failed", "read")] {
            w.status(&sent.id, None, status, None).await;
            assert_eq!(w.last_status("Ana").await.0, expected);
        }
        let shown = w.channel().await;
        assert!(shown["last_inbound_at"].is_string() && shown["error"].is_null(), "{shown}");
        let tested = w.shop.call("POST", &format!("/api/channels/{}/test", w.id), Some(json!({}))).await;
        assert_eq!(tested.body["ok"], true, "{tested:?}");
        w.no_faults();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_signed_is_refused() {
    let w = Whatsapp::open(On::Sqlite).await;
    let (body, signature) = envelope("messages", json!({"messages": []}));
    assert_eq!(w.request(Method::POST, "", &[], body.clone()).await.0, StatusCode::UNAUTHORIZED);
    let altered = body.replace("messages", "massages");
    let headers = [("x-hub-signature-256", signature)];
    assert_eq!(w.request(Method::POST, "", &headers, altered).await.0, StatusCode::FORBIDDEN);
    assert_eq!(w.request(Method::POST, "", &headers, body).await.0, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_copies_at_once_are_one_message_and_one_answer() {
    each(|w| async move {
        let message = json!({"from": ANA, "id": "wamid.1", "timestamp": "1772442000", "type": "text", "text": {"body": QUESTION}});
        let contacts = json!([{"profile": {"name": "Ana"}, "wa_id": ANA}]);
        let value = json!({"contacts": contacts, "messages": [message]});
        let copies = (0..64).map(|_| w.deliver("messages", value.clone()));
        let answers = futures::future::join_all(copies).await;
        assert!(answers.iter().all(|s| *s == StatusCode::OK), "{answers:?}");
        w.shop.settle().await;
        // Once more after it was answered.
        assert_eq!(w.deliver("messages", value.clone()).await, StatusCode::OK);
        w.shop.settle().await;
        assert_eq!(w.graph.reached(ANA).len(), 1);
        assert_eq!(w.messages("Ana").await.len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_message_of_a_batch_is_received() {
    let w = Whatsapp::open(On::Sqlite).await;
    let number = |n: usize| format!("6590000{n:04}");
    let now = w.shop.app.now().timestamp().to_string();
    let messages: Vec<Value> = (0..60)
        .map(|n| json!({"from": number(n / 2), "id": format!("wamid.B{n}"), "timestamp": now, "type": "text", "text": {"body": if n % 2 == 0 { "Hello" } else { QUESTION }}}))
        .collect();
    let contacts: Vec<Value> =
        (0..30).map(|n| json!({"profile": {"name": format!("C{n}")}, "wa_id": number(n)})).collect();
    assert_eq!(w.deliver("messages", json!({"contacts": contacts, "messages": messages})).await, StatusCode::OK);
    w.shop.settle().await;
    for n in 0..30 {
        let got = w.graph.reached(&number(n));
        assert!(got.len() == 1 && got[0].contains("24 months"), "{n}: {got:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_without_a_number_is_served_and_is_the_same_once_they_show_one() {
    each(|w| async move {
        let now = w.shop.app.now().timestamp().to_string();
        let contacts = json!([{"profile": {"name": "Ana", "username": "ana"}, "user_id": "MY.77"}]);
        let message = |id: &str| json!({"from_user_id": "MY.77", "id": id, "timestamp": now, "type": "text", "text": {"body": QUESTION}});
        w.deliver("messages", json!({"contacts": contacts, "messages": [message("wamid.1")]})).await;
        w.shop.settle().await;
        let sent = w.graph.last();
        assert_eq!(sent.body["recipient"], "MY.77");
        assert!(sent.body["to"].is_null() && sent.text().contains("24 months"));

        let mut known = message("wamid.2");
        known["from"] = json!(ANA);
        let contacts = json!([{"profile": {"name": "Ana"}, "user_id": "MY.77", "wa_id": ANA}]);
        w.deliver("messages", json!({"contacts": contacts, "messages": [known]})).await;
        w.shop.settle().await;
        assert_eq!(w.graph.last().to(), ANA);
        assert_eq!(w.messages("Ana").await.len(), 4, "one conversation");

        // The number changes, and the id with it.
        let system = json!({"from": ANA, "id": "wamid.S", "timestamp": now, "type": "system",
            "system": {"type": "user_changed_number", "wa_id": "6099", "user_id": "MY.78", "previous_user_id": "MY.77"}});
        w.deliver("messages", json!({"messages": [system]})).await;
        w.shop.settle().await;
        w.says("6099", "wamid.3", QUESTION).await;
        w.shop.settle().await;
        assert_eq!(w.graph.last().to(), "6099");
        assert_eq!(w.messages("Ana").await.len(), 6, "still one conversation");
        // And hides the number again.
        let contacts = json!([{"profile": {"name": "Ana"}, "user_id": "MY.78"}]);
        let hidden = json!({"from_user_id": "MY.78", "id": "wamid.4", "timestamp": now, "type": "text", "text": {"body": QUESTION}});
        w.deliver("messages", json!({"contacts": contacts, "messages": [hidden]})).await;
        w.shop.settle().await;
        assert_eq!(w.graph.last().body["recipient"], "MY.78");
        assert_eq!(w.messages("Ana").await.len(), 8, "and still");
        w.no_faults();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_have_been_sent_is_not_sent_again_and_a_later_status_settles_it() {
    each(|w| async move {
        let agent = w.shop.user("mei", "agent").await;
        for (n, does) in [Does::TakesAndBreaks, Does::TakesAndGarbles].into_iter().enumerate() {
            w.graph.then(does);
            w.says(ANA, &format!("wamid.{n}"), QUESTION).await;
            w.pass(3600).await;
            assert_eq!(w.last_status("Ana").await.0, "uncertain");
            assert_eq!(w.graph.reached(ANA).len(), n + 1, "never sent blindly");
            let told = w.shop.call_as(&agent, "GET", "/api/notifications", None).await.body;
            assert!(told["items"][0]["title"].as_str().unwrap().contains("could not be delivered"), "{told}");
            let taken = w.graph.last();
            let key = taken.body["biz_opaque_callback_data"].as_str().unwrap().to_string();
            w.status(&taken.id, Some(&key), "delivered", None).await;
            assert_eq!(w.last_status("Ana").await.0, "delivered");
            let id = w.shop.conversation("Ana").await["id"].as_str().unwrap().to_string();
            let back = w
                .shop
                .call_as(&agent, "POST", &format!("/api/conversations/{id}/give-back"), Some(json!({"scope": "now"})))
                .await;
            assert_eq!(back.status, StatusCode::OK, "{back:?}");
            w.shop.settle().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_status_that_comes_before_the_answer_to_our_call_is_not_lost() {
    each(|w| async move {
        // The platform is faster than its own answer: here it even precedes the call.
        w.status("wamid.OUT0", None, "delivered", None).await;
        w.says(ANA, "wamid.1", QUESTION).await;
        w.shop.settle().await;
        assert_eq!(w.last_status("Ana").await.0, "delivered");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_are_treated_by_their_class() {
    each(|w| async move {
        let admin = w.shop.user("boss", "admin").await;
        // Too fast: later, without a person.
        w.graph.then(Does::Refuses(131_056));
        w.graph.then(Does::Refuses(130_429));
        w.says(ANA, "wamid.1", QUESTION).await;
        w.pass(60).await;
        w.pass(60).await;
        assert_eq!(w.last_status("Ana").await.0, "sent");
        assert_eq!(w.graph.reached(ANA).len(), 1);

        // Never: a person sees why.
        w.graph.then(Does::Refuses(131_026));
        w.says("6511", "wamid.2", QUESTION).await;
        w.shop.settle().await;
        let (status, why) = w.last_status("C6511").await;
        assert!(status == "failed" && why.contains("131026"), "{status} {why}");
        assert_eq!(w.shop.conversation("C6511").await["holder"], "queue", "nobody is stranded");

        // The token is gone: the channel stops, whoever can mend it is told once, nothing is lost.
        for _ in 0..2 {
            w.graph.then(Does::Refuses(190));
        }
        w.says("6512", "wamid.3", QUESTION).await;
        w.says("6513", "wamid.4", QUESTION).await;
        w.shop.settle().await;
        assert!(w.channel().await["error"].as_str().unwrap().contains("token"));
        let alarms =
            |told: &Value| told["items"].as_array().unwrap().iter().filter(|n| n["type"] == "channel_alarm").count();
        let told = w.shop.call_as(&admin, "GET", "/api/notifications", None).await.body;
        assert_eq!(alarms(&told), 1, "{told}");
        for _ in 0..3 {
            w.pass(61).await;
        }
        assert_eq!((w.graph.reached("6512").len(), w.graph.reached("6513").len()), (1, 1));
        assert!(w.channel().await["error"].is_null());
        w.no_faults();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outside_the_window_only_the_template_goes_out() {
    for on in databases() {
        let w = Whatsapp::open(on).await;
        let agent = w.shop.user("mei", "agent").await;
        w.says(ANA, "wamid.1", "I want to talk to a human").await;
        w.pass(25 * 3600).await;
        let before = w.graph.kept().calls;
        w.reply(&agent, "Ana", "Sorry for the wait.\n\nYour parcel is here.").await;
        w.shop.settle().await;
        assert_eq!(w.graph.kept().calls, before, "the platform is not even asked");
        let (status, why) = w.last_status("Ana").await;
        assert!(status == "failed" && why.contains("template"), "{status} {why}");

        let w = Whatsapp::with(on, json!({"template": {"name": "we_answered", "language": "en_US"}})).await;
        let agent = w.shop.user("mei", "agent").await;
        w.says(ANA, "wamid.1", "I want to talk to a human").await;
        w.pass(25 * 3600).await;
        w.reply(&agent, "Ana", "Sorry for the wait.\n\nYour parcel is here.").await;
        w.shop.settle().await;
        assert_eq!(w.graph.last().text(), "Sorry for the wait. Your parcel is here.");
        assert_eq!(w.graph.last().body["type"], "template");

        // The platform's clock says no although ours says yes: told at once, or afterwards.
        w.says(ANA, "wamid.2", "Thanks, and?").await;
        w.shop.settle().await;
        w.graph.then(Does::Refuses(131_047));
        w.reply(&agent, "Ana", "Second.").await;
        w.pass(5).await;
        assert_eq!(w.graph.last().body["type"], "template");
        w.reply(&agent, "Ana", "Third.").await;
        w.shop.settle().await;
        let third = w.graph.last();
        assert_eq!(third.body["type"], "text");
        w.status(&third.id, None, "failed", Some(131_047)).await;
        w.pass(5).await;
        assert_eq!(
            (w.graph.last().body["type"].as_str(), w.graph.last().text().as_str()),
            (Some("template"), "Third.")
        );
        w.no_faults();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_sees_the_window_and_sends_an_approved_template_when_it_is_closed() {
    each(|w| async move {
        let agent = w.shop.user("mei", "agent").await;
        w.says(ANA, "wamid.1", "I want to talk to a human").await;
        w.shop.settle().await;
        let path = format!("/api/conversations/{}", w.shop.conversation("Ana").await["id"].as_str().unwrap());
        let reach = async || w.shop.call_as(&agent, "GET", &format!("{path}/reach"), None).await.body;
        let open = reach().await;
        assert_eq!((&open["way"], &open["left"]), (&json!("open"), &Value::Null), "{open}");
        assert!(open["closes_at"].as_str().unwrap().starts_with("2026-03-03T08:58:0"), "{open}");

        let new = |name: &str, body: &str| json!({"channel_id": w.id, "name": name, "language": "en_US", "body": body});
        let shipped = new("order_shipped", "Hello {{1}}, your order {{2}} is on its way.");
        let refused = w.shop.call_as(&agent, "POST", "/api/templates", Some(shipped.clone())).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        let made = w.shop.call("POST", "/api/templates", Some(shipped.clone())).await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
        assert_eq!(w.shop.call("POST", "/api/templates", Some(shipped)).await.status, StatusCode::CONFLICT);
        let odd = w.shop.call("POST", "/api/templates", Some(new("odd", "Hello {{2}}"))).await;
        assert_eq!(odd.status, StatusCode::UNPROCESSABLE_ENTITY);
        let elsewhere = json!({"channel_id": w.shop.channel, "name": "a", "language": "en", "body": "b"});
        let elsewhere = w.shop.call("POST", "/api/templates", Some(elsewhere)).await;
        assert_eq!(elsewhere.status, StatusCode::UNPROCESSABLE_ENTITY, "a webhook knows no templates");
        let plain = w.shop.call("POST", "/api/templates", Some(new("plain", "We are back."))).await;

        w.pass(25 * 3600).await;
        let closed = reach().await;
        assert_eq!((&closed["way"], &closed["wraps"]), (&json!("template"), &json!(false)), "{closed}");
        let id = made.body["id"].as_str().unwrap();
        let send = async |id: &str, values: Value, key: &str| {
            let body = json!({"template_id": id, "values": values, "idempotency_key": key});
            w.shop.call_as(&agent, "POST", &format!("{path}/templates"), Some(body)).await
        };
        assert_eq!(send(id, json!(["Ana"]), "a").await.status, StatusCode::UNPROCESSABLE_ENTITY);
        let sent = send(id, json!(["Ana", "A 17\n(two parcels)"]), "b").await;
        assert_eq!(sent.body["content"], "Hello Ana, your order A 17 (two parcels) is on its way.", "{sent:?}");
        assert_eq!(send(id, json!(["Ana", "A 17\n(two parcels)"]), "b").await.body["id"], sent.body["id"]);
        w.shop.settle().await;
        let wire = w.graph.last().body;
        assert_eq!(wire["template"]["name"], "order_shipped");
        assert_eq!(wire.pointer("/template/components/0/parameters/1/text").unwrap(), "A 17 (two parcels)");
        assert_eq!(w.last_status("Ana").await.0, "sent");
        assert_eq!(w.graph.kept().taken.iter().filter(|t| t.body["type"] == "template").count(), 1, "once");
        send(plain.body["id"].as_str().unwrap(), json!([]), "c").await;
        w.shop.settle().await;
        assert_eq!(w.graph.last().body["template"]["components"], json!([]));

        // The customer writes: the window is open again, and a template that is gone stays what was said.
        w.says(ANA, "wamid.2", "Thank you").await;
        w.shop.settle().await;
        assert_eq!(reach().await["way"], "open");
        let gone = w.shop.call("DELETE", &format!("/api/templates/{id}"), None).await;
        assert_eq!(gone.status, StatusCode::NO_CONTENT);
        assert_eq!(send(id, json!(["Ana", "A 17"]), "d").await.status, StatusCode::NOT_FOUND);
        w.shop.call("POST", &format!("/api/channels/{}/pause", w.id), None).await;
        assert_eq!(reach().await["way"], "held");
        w.no_faults();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_customer_takes_back_or_changes_is_remembered_no_more() {
    each(|w| async move {
        let cities = async || {
            let id = w.shop.conversation("Ana").await["customer_id"].as_str().unwrap().to_owned();
            let all = w.shop.call("GET", &format!("/api/customers/{id}/memories?status=active"), None).await.body;
            let is_city = |m: &&Value| m["kind"] == "city";
            all.as_array().unwrap().iter().filter(is_city).map(|m| m["value"].clone()).collect::<Vec<_>>()
        };
        w.says(ANA, "wamid.1", "I live in Penang.").await;
        w.shop.settle().await;
        assert_eq!(cities().await, ["Penang"]);
        w.says(ANA, "wamid.2", "I moved to Ipoh.").await;
        w.shop.settle().await;
        assert_eq!(cities().await, ["Ipoh"]);
        w.hears(ANA, "wamid.3", json!({"type": "revoke", "revoke": {"original_message_id": "wamid.2"}})).await;
        w.shop.settle().await;
        assert_eq!(cities().await, ["Penang"], "what it had closed holds again");
        let edit = json!({"type": "edit", "edit": {"original_message_id": "wamid.1", "message": {"type": "text", "text": {"body": "I live in Kuching."}}}});
        w.hears(ANA, "wamid.4", edit).await;
        w.shop.settle().await;
        assert_eq!(cities().await, ["Kuching"]);

        // What was ended by words that they take back holds again.
        let likes = async || {
            let id = w.shop.conversation("Ana").await["customer_id"].as_str().unwrap().to_owned();
            let all = w.shop.call("GET", &format!("/api/customers/{id}/memories?status=active"), None).await.body;
            let is_liked = |m: &&Value| m["kind"] == "preference";
            all.as_array().unwrap().iter().filter(is_liked).map(|m| m["value"].clone()).collect::<Vec<_>>()
        };
        w.says(ANA, "wamid.5", "I like green tea.").await;
        w.shop.settle().await;
        w.says(ANA, "wamid.6", "I don't like green tea anymore.").await;
        w.shop.settle().await;
        assert!(likes().await.is_empty(), "{:?}", likes().await);
        w.hears(ANA, "wamid.7", json!({"type": "revoke", "revoke": {"original_message_id": "wamid.6"}})).await;
        w.shop.settle().await;
        assert_eq!(likes().await, ["green tea"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_revocations_and_reactions_change_what_they_mean_and_are_no_questions() {
    each(|w| async move {
        w.says(ANA, "wamid.1", "How long is the warranty of a submarine?").await;
        let edit = json!({"type": "edit", "edit": {"original_message_id": "wamid.1", "message": {"type": "text", "text": {"body": QUESTION}}}});
        w.hears(ANA, "wamid.2", edit).await;
        w.shop.settle().await;
        let got = w.graph.reached(ANA);
        assert!(got.len() == 1 && got[0].contains("24 months"), "the edited question: {got:?}");

        w.says(ANA, "wamid.3", QUESTION).await;
        w.hears(ANA, "wamid.4", json!({"type": "revoke", "revoke": {"original_message_id": "wamid.3"}})).await;
        w.shop.settle().await;
        assert_eq!(w.graph.reached(ANA).len(), 1, "what was taken back is not answered");
        assert_eq!(w.shop.conversation("Ana").await["holder"], "assistant", "and calls nobody");
        let ours = w.graph.last().id;
        w.hears(ANA, "wamid.5", json!({"type": "reaction", "reaction": {"message_id": ours, "emoji": "👍"}})).await;
        w.shop.settle().await;
        let all = w.messages("Ana").await;
        assert_eq!(all.len(), 3);
        assert_eq!(all[1]["metadata"]["reactions"]["customer"], "👍");
        let revoked = all.iter().find(|m| m["metadata"]["revoked"] == true).unwrap();
        assert_eq!(revoked["content"], "");
        w.hears(ANA, "wamid.6", json!({"type": "reaction", "reaction": {"message_id": ours}})).await;
        w.shop.settle().await;
        assert!(w.messages("Ana").await[1]["metadata"]["reactions"]["customer"].is_null());
        assert_eq!(w.graph.reached(ANA).len(), 1);

        // Lists and the brief of a hand-off say what the message says now, or that it was taken back.
        w.says(ANA, "wamid.7", "I want to talk to a human about card 4000").await;
        w.shop.settle().await;
        assert_eq!(w.shop.conversation("Ana").await["holder"], "queue");
        let edit = json!({"type": "edit", "edit": {"original_message_id": "wamid.7", "message": {"type": "text", "text": {"body": "I want to talk to a human about my card"}}}});
        w.hears(ANA, "wamid.8", edit).await;
        w.shop.settle().await;
        let asked = async || w.shop.conversation("Ana").await["hand_off_brief"]["question"].clone();
        assert_eq!(asked().await, "I want to talk to a human about my card");
        let id = w.shop.conversation("Ana").await["id"].as_str().unwrap().to_owned();
        let agent = w.shop.user("mei", "agent").await;
        let taken = w.shop.call_as(&agent, "POST", &format!("/api/conversations/{id}/take-over"), None).await;
        assert_eq!(taken.status, StatusCode::OK, "{taken:?}");
        w.says(ANA, "wamid.9", "It is 4000").await;
        w.shop.settle().await;
        let shown = async || w.shop.conversation("Ana").await["last_message_preview"].clone();
        let edit = json!({"type": "edit", "edit": {"original_message_id": "wamid.9", "message": {"type": "text", "text": {"body": "It is blue"}}}});
        w.hears(ANA, "wamid.10", edit).await;
        w.shop.settle().await;
        assert_eq!(shown().await, "It is blue");
        w.hears(ANA, "wamid.11", json!({"type": "revoke", "revoke": {"original_message_id": "wamid.9"}})).await;
        w.shop.settle().await;
        assert_eq!(shown().await, "[revoked]");
        w.hears(ANA, "wamid.12", json!({"type": "revoke", "revoke": {"original_message_id": "wamid.7"}})).await;
        w.shop.settle().await;
        assert_eq!(asked().await, "");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_who_answers_on_the_phone_silences_the_assistant() {
    each(|w| async move {
        w.says(ANA, "wamid.1", "Hello").await;
        w.shop.settle().await;
        let before = w.graph.reached(ANA).len();
        let echo = json!({"from": "15550783881", "to": ANA, "id": "wamid.E", "timestamp": "1772442000", "type": "text", "text": {"body": "I am here."}});
        // The question and the person's answer arrive together: the turn finds the person.
        w.says(ANA, "wamid.2", QUESTION).await;
        w.deliver("smb_message_echoes", json!({"message_echoes": [echo]})).await;
        w.shop.settle().await;
        w.says(ANA, "wamid.3", QUESTION).await;
        w.shop.settle().await;
        assert_eq!(w.graph.reached(ANA).len(), before, "the assistant spoke over a person");
        assert_eq!(w.shop.conversation("Ana").await["holder"], "agent");
        assert!(w.messages("Ana").await.iter().any(|m| m["content"] == "I am here." && m["sender_type"] == "agent"));
        // An agent here may take it from them.
        let agent = w.shop.user("mei", "agent").await;
        w.reply(&agent, "Ana", "Mei here.").await;
        w.shop.settle().await;
        assert_eq!(w.graph.last().text(), "Mei here.");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_is_fetched_checked_and_shown_to_agents_only() {
    each(|w| async move {
        w.graph.kept().file = b"\x89PNG\r\n\x1a\nnot really".to_vec();
        w.hears(
            ANA,
            "wamid.1",
            json!({"type": "image", "image": {"id": "1234", "mime_type": "image/png", "caption": QUESTION}}),
        )
        .await;
        w.shop.settle().await;
        assert!(w.graph.last().text().contains("24 months"), "the caption is a question");
        let url = w.messages("Ana").await[0]["media_url"].as_str().unwrap().to_string();
        let agent = w.shop.user("mei", "agent").await;
        let shown = w.shop.call_as(&agent, "GET", &url, None).await;
        assert_eq!(shown.status, StatusCode::OK, "{shown:?}");
        assert_eq!(w.shop.call_as("nonsense", "GET", &url, None).await.status, StatusCode::UNAUTHORIZED);
        // Taken back, it is gone.
        w.hears(ANA, "wamid.2", json!({"type": "revoke", "revoke": {"original_message_id": "wamid.1"}})).await;
        w.shop.settle().await;
        assert_eq!(w.shop.call_as(&agent, "GET", &url, None).await.status, StatusCode::NOT_FOUND);
        // Nothing to read in it: a person looks at it.
        w.hears(
            "6511",
            "wamid.3",
            json!({"type": "audio", "audio": {"id": "1235", "voice": true, "mime_type": "audio/ogg"}}),
        )
        .await;
        w.shop.settle().await;
        assert_eq!(w.shop.conversation("C6511").await["holder"], "queue");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erased_customer_leaves_no_picture_and_no_number() {
    each(|w| async move {
        w.graph.kept().file = b"\x89PNG\r\n\x1a\ncanary of a picture".to_vec();
        let image = json!({"id": "1234", "mime_type": "image/png", "caption": QUESTION});
        w.hears(ANA, "wamid.1", json!({"type": "image", "image": image})).await;
        w.shop.settle().await;
        let url = w.messages("Ana").await[0]["media_url"].as_str().unwrap().to_string();
        let dir = w.shop.app.dir.0.clone();
        // Beside PostgreSQL the files are rows.
        assert!(w.shop.app.on == On::Postgres || is_on_disk(&dir, "canary of a picture"), "planted");
        let id = w.shop.conversation("Ana").await["customer_id"].as_str().unwrap().to_string();
        let ordered = w.shop.call("POST", &format!("/api/customers/{id}/erase"), None).await;
        assert_eq!(ordered.status, StatusCode::ACCEPTED, "{ordered:?}");
        w.shop.settle().await;
        assert_eq!(w.shop.call("GET", &url, None).await.status, StatusCode::NOT_FOUND);
        assert!(!is_on_disk(&dir, "canary of a picture"), "the picture is still on the disk");
        assert!(!is_on_disk(&dir, ANA), "the number is still on the disk");
        let receipt =
            w.shop.call("GET", &format!("/api/erasures/{}", ordered.body["id"].as_str().unwrap()), None).await;
        assert_eq!(receipt.body["receipt"]["attachments"], 1, "{receipt:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_reply_keeps_its_order_and_a_burst_its_pace() {
    let w = Whatsapp::open(On::Sqlite).await;
    let agent = w.shop.user("mei", "agent").await;
    w.says(ANA, "wamid.1", "I want to talk to a human").await;
    w.shop.settle().await;
    let before = w.graph.reached(ANA).len();
    let text = "A sentence of the manual that is quite long indeed. ".repeat(120);
    w.reply(&agent, "Ana", &text).await;
    w.shop.settle().await;
    assert_eq!(w.graph.reached(ANA).len(), before + 1, "the second waits for the first to be delivered");
    let first = w.graph.last().id;
    w.status(&first, None, "delivered", None).await;
    w.pass(11).await;
    let parts = w.graph.reached(ANA);
    assert_eq!(parts.len(), before + 2);
    assert_eq!(format!("{} {}", parts[before], parts[before + 1]), text.trim());
    w.pass(120).await;
    let before = w.graph.reached(ANA).len();
    for n in 0..14 {
        w.reply(&agent, "Ana", &format!("line {n}")).await;
    }
    w.shop.settle().await;
    assert_eq!(w.graph.reached(ANA).len(), before + 10, "a burst of ten");
    for _ in 0..5 {
        w.pass(6).await;
    }
    let got = w.graph.reached(ANA);
    let expected: Vec<String> = (0..14).map(|n| format!("line {n}")).collect();
    assert_eq!(got[before..], expected[..], "in order");
    w.no_faults();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_numbers_of_one_app_share_an_address_and_keep_their_customers_apart() {
    let w = Whatsapp::open(On::Sqlite).await;
    let mut config = w.graph.config();
    config["phone_number_id"] = json!("777");
    let second = w
        .shop
        .call("POST", "/api/channels", Some(json!({"platform": "whatsapp_cloud", "name": "Second", "config": config})))
        .await;
    let message = json!({"from": ANA, "id": "wamid.1", "timestamp": w.shop.app.now().timestamp().to_string(), "type": "text", "text": {"body": "Hello"}});
    let change = |number: &str| {
        json!({"field": "messages", "value": {"messaging_product": "whatsapp", "metadata": {"phone_number_id": number},
        "contacts": [{"profile": {"name": "Ana"}, "wa_id": ANA}], "messages": [message]}})
    };
    let body = json!({"object": "x", "entry": [{"id": "1", "changes": [change("777"), change("999")]}]}).to_string();
    let signature = format!(
        "sha256={}",
        frontdesk::platform::crypto::hmac_sha256_hex(crate::graph::SECRET.as_bytes(), body.as_bytes())
    );
    assert_eq!(w.request(Method::POST, "", &[("x-hub-signature-256", signature)], body).await.0, StatusCode::OK);
    w.shop.run_due().await;
    let conversation = w.shop.conversation("Ana").await;
    assert_eq!(conversation["channel_id"], second.body["id"], "{conversation}");
    assert_eq!(w.messages("Ana").await.len(), 1, "the third number is nobody's");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn choices_are_buttons_and_a_tap_is_what_the_customer_says() {
    let w = Whatsapp::open(On::Sqlite).await;
    let agent = w.shop.user("mei", "agent").await;
    w.says(ANA, "wamid.1", "I want to talk to a human").await;
    w.shop.settle().await;
    let id = w.shop.conversation("Ana").await["id"].as_str().unwrap().to_string();
    let body =
        json!({"text": "Which one?", "choices": [{"id": "a", "title": "Refund"}, {"id": "b", "title": "Repair"}]});
    let sent = w.shop.call_as(&agent, "POST", &format!("/api/conversations/{id}/messages"), Some(body)).await;
    assert_eq!(sent.status, StatusCode::OK, "{sent:?}");
    w.shop.settle().await;
    let wire = w.graph.last().body;
    assert_eq!(wire["interactive"]["action"]["buttons"][1]["reply"], json!({"id": "b", "title": "Repair"}));
    w.hears(ANA, "wamid.2", json!({"type": "interactive", "interactive": {"type": "button_reply", "button_reply": {"id": "b", "title": "Repair"}}})).await;
    w.shop.settle().await;
    let last = w.messages("Ana").await.pop().unwrap();
    assert_eq!(
        (last["content"].as_str(), last["content_type"].as_str(), last["metadata"]["button"]["id"].as_str()),
        (Some("Repair"), Some("button"), Some("b"))
    );
    w.no_faults();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_channel_takes_in_and_sends_nothing() {
    let w = Whatsapp::open(On::Sqlite).await;
    let pause = |what: &'static str| {
        w.shop.call("POST", Box::leak(format!("/api/channels/{}/{what}", w.id).into_boxed_str()), Some(json!({})))
    };
    assert_eq!(pause("pause").await.body["status"], "paused");
    w.says(ANA, "wamid.1", QUESTION).await;
    w.pass(10).await;
    assert!(w.graph.reached(ANA).is_empty());
    assert_eq!(pause("resume").await.body["status"], "active");
    w.pass(61).await;
    assert_eq!(w.graph.reached(ANA).len(), 1);
    let secret = w.shop.call("GET", "/api/channels", None).await.body.to_string();
    assert!(!secret.contains("EAAG") && !secret.contains("0123456789abcdef0123"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_unknown_kinds_and_alarms_are_kept_and_answered_by_nobody() {
    let w = Whatsapp::open(On::Sqlite).await;
    let admin = w.shop.user("boss", "admin").await;
    w.hears(ANA, "wamid.1", json!({"type": "text", "group_id": "G1", "text": {"body": QUESTION}})).await;
    w.deliver("a_field_of_next_year", json!({"x": 1})).await;
    w.deliver("account_update", json!({"event": "ACCOUNT_RESTRICTION"})).await;
    w.shop.settle().await;
    assert!(w.graph.kept().taken.is_empty());
    let told = w.shop.call_as(&admin, "GET", "/api/notifications", None).await.body;
    assert_eq!(told["items"][0]["type"], "channel_alarm", "{told}");
    // An unknown kind of message goes to a person.
    w.hears(ANA, "wamid.2", json!({"type": "hologram"})).await;
    w.shop.settle().await;
    assert_eq!(w.shop.conversation("Ana").await["holder"], "queue");
}
