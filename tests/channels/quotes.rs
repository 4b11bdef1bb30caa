//! An agent answers one message in particular: the customer sees which, where the platform shows that.

use axum::http::{Method, StatusCode};
use frontdesk::platform::crypto::hmac_sha512_hex;
use serde_json::{Value, json};

use crate::{desk::Desk, other::Server, support::app::databases, whatsapp::Whatsapp};

/// Ana's conversation and its messages, whom `mei` answers.
struct Talk<'a> {
    desk: &'a Desk,
    mei: String,
    path: String,
}

impl<'a> Talk<'a> {
    async fn of(desk: &'a Desk) -> Self {
        let mei = desk.shop.user("mei", "agent").await;
        let id = desk.shop.conversation("Ana").await["id"].as_str().unwrap().to_string();
        Self { desk, mei, path: format!("/api/conversations/{id}") }
    }

    async fn answers(&self, target: &Value, text: &str) -> Value {
        let body = json!({"text": text, "reply_to": target["id"]});
        let sent = self.desk.shop.call_as(&self.mei, "POST", &format!("{}/messages", self.path), Some(body)).await;
        assert_eq!(sent.status, StatusCode::OK, "{sent:?}");
        self.desk.pass(15).await;
        sent.body
    }

    /// The customer's first message.
    async fn first(&self) -> Value {
        self.desk.messages("Ana").await.remove(0)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_to_one_message_quotes_it_once_and_both_sides_can_be_quoted() {
    for on in databases() {
        let w = Whatsapp::open(on).await;
        w.says("60123456789", "wamid.1", "I want to talk to a human").await;
        w.says("60123456789", "wamid.2", "About my grinder").await;
        w.shop.settle().await;
        let talk = Talk::of(&w.desk).await;
        let shown = talk.answers(&talk.first().await, "A human is here.").await;
        assert_eq!(shown["quoted"]["text"], "I want to talk to a human", "{shown}");
        let ours = w.graph.last();
        assert_eq!(ours.body["context"], json!({"message_id": "wamid.1"}));
        // Our own message can be answered too, and what the page shows is looked up each time.
        talk.answers(&shown, "I meant: a person.").await;
        assert_eq!(w.graph.last().body["context"], json!({"message_id": ours.id}));
        let last = w.messages("Ana").await.pop().unwrap();
        assert_eq!(
            (&last["quoted"]["message_id"], &last["quoted"]["text"]),
            (&shown["id"], &json!("A human is here."))
        );
        // What is too long for one message quotes in its first part only.
        let before = w.graph.kept().taken.len();
        talk.answers(&shown, &"Many words. ".repeat(500)).await;
        let parts: Vec<bool> = w.graph.kept().taken[before..].iter().map(|t| !t.body["context"].is_null()).collect();
        assert!(parts.len() > 1 && parts[0] && !parts[1..].contains(&true), "{parts:?}");
        // A note, a message of nowhere, and what was taken back can't be answered.
        let note = json!({"text": "private"});
        let note = w.shop.call_as(&talk.mei, "POST", &format!("{}/notes", talk.path), Some(note)).await.body;
        let revoke = json!({"type": "revoke", "revoke": {"original_message_id": "wamid.2"}});
        w.hears("60123456789", "wamid.3", revoke).await;
        w.shop.settle().await;
        let gone = w.messages("Ana").await.into_iter().find(|m| m["metadata"]["revoked"] == true).unwrap();
        for target in [&note["id"], &gone["id"], &json!(uuid::Uuid::now_v7())] {
            let body = json!({"text": "hi", "reply_to": target});
            let sent = w.shop.call_as(&talk.mei, "POST", &format!("{}/messages", talk.path), Some(body)).await;
            assert_eq!(sent.status, StatusCode::UNPROCESSABLE_ENTITY, "{sent:?}");
        }
        let first = talk.first().await;
        // The same again, as after a lost answer: the same message, told in the same way.
        let body = json!({"text": "Still here.", "reply_to": first["id"], "idempotency_key": "k1"});
        let to = format!("{}/messages", talk.path);
        let sent = w.shop.call_as(&talk.mei, "POST", &to, Some(body.clone())).await;
        let again = w.shop.call_as(&talk.mei, "POST", &to, Some(body)).await;
        assert_eq!(sent.body["quoted"]["text"], "I want to talk to a human", "{sent:?}");
        assert_eq!((&again.body["id"], &again.body["quoted"]), (&sent.body["id"], &sent.body["quoted"]), "{again:?}");
        let fields = [("reply_to", first["id"].as_str().unwrap())];
        let sent = w.shop.form(&talk.mei, &format!("{}/files", talk.path), &fields, "a.txt", b"Hello").await;
        assert_eq!(sent.body["quoted"]["text"], "I want to talk to a human", "{sent:?}");
        w.desk.pass(15).await;
        assert_eq!(w.graph.last().body["context"], json!({"message_id": "wamid.1"}));
        w.no_faults();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn telegram_and_the_bridges_name_the_message_in_their_own_way() {
    const ASKS: &str = "I want to talk to a human";
    for on in databases() {
        let ok = json!({"ok": true, "result": {"message_id": 9, "chat": {"id": 42}}});
        let server = Server::start(ok).await;
        let config = json!({"bot_token": "1:AA", "secret_token": "A1b2_C3-d4", "base_url": server.url});
        let desk = Desk::open(on, "telegram", config).await;
        let hears = async |id: i64, more: Value| {
            let mut m = json!({"message_id": id, "date": 1_772_442_000, "chat": {"id": 42, "type": "private"},
                "from": {"id": 42, "is_bot": false, "first_name": "Ana"}});
            m.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let headers = [("x-telegram-bot-api-secret-token", "A1b2_C3-d4".to_string())];
            let update = json!({"update_id": id, "message": m});
            assert_eq!(desk.request(Method::POST, "", &headers, update.to_string()).await.0, StatusCode::OK);
            desk.shop.settle().await;
        };
        hears(5, json!({"text": ASKS})).await;
        let talk = Talk::of(&desk).await;
        talk.answers(&talk.first().await, "Here I am.").await;
        let sent = server.asked("/bot1:AA/sendMessage").pop().unwrap();
        assert_eq!(sent["reply_parameters"], json!({"message_id": 5, "allow_sending_without_reply": true}));
        // The customer points at our message.
        hears(10, json!({"text": "You?", "reply_to_message": {"message_id": 9, "chat": {"id": 42}}})).await;
        let said = desk.messages("Ana").await.pop().unwrap();
        assert!(said["quoted"]["message_id"].is_string(), "{said}");

        let server = Server::start(json!({"id": "true_60@c.us_OUT"})).await;
        let desk = Desk::open(on, "waha", json!({"base_url": server.url, "api_key": "K", "hmac_key": "H"})).await;
        let said = json!({"event": "message", "session": "default", "payload": {"id": "false_60@c.us_1",
            "timestamp": 1_772_442_000, "from": "60@c.us", "fromMe": false, "body": ASKS, "_data": {"notifyName": "Ana"}}});
        let said = said.to_string();
        let signed =
            [("x-webhook-hmac", hmac_sha512_hex(b"H", said.as_bytes())), ("x-webhook-hmac-algorithm", "sha512".into())];
        assert_eq!(desk.request(Method::POST, "", &signed, said).await.0, StatusCode::OK);
        desk.pass(15).await;
        let talk = Talk::of(&desk).await;
        talk.answers(&talk.first().await, "Here I am.").await;
        assert_eq!(server.asked("/api/sendText").pop().unwrap()["reply_to"], "false_60@c.us_1");

        let server = Server::start(json!({"key": {"id": "OUT1"}})).await;
        let token = "a token of sixteen";
        let config = json!({"base_url": server.url, "api_key": "K", "instance": "shop", "token": token});
        let desk = Desk::open(on, "evolution", config).await;
        let said = json!({"event": "messages.upsert", "instance": "shop", "data": {"pushName": "Ana",
            "key": {"remoteJid": "60@s.whatsapp.net", "fromMe": false, "id": "A"},
            "message": {"conversation": ASKS}, "messageTimestamp": 1_772_442_000}});
        let headers = [("x-frontdesk-token", token.to_string())];
        assert_eq!(desk.request(Method::POST, "/messages-upsert", &headers, said.to_string()).await.0, StatusCode::OK);
        desk.pass(15).await;
        let talk = Talk::of(&desk).await;
        talk.answers(&talk.first().await, "Here I am.").await;
        let quoted = server.asked("/message/sendText/shop").pop().unwrap()["quoted"].clone();
        assert_eq!(quoted, json!({"key": {"id": "A"}, "message": {"conversation": ASKS}}));
    }
}
