//! WhatsApp over gateways: WAHA, Evolution, and what speaks our simple contract. None recognises our ids, unless it says so.

use axum::http::{Method, StatusCode};
use chrono::Duration;
use frontdesk::platform::crypto::hmac_sha512_hex;
use serde_json::{Value, json};

use super::{
    Chance, Out, World,
    wire::{Asked, Call, Dialect, Kept, Wire},
};
use crate::{
    desk::{Desk, WARRANTY, only},
    support::{app::On, shop::Shop},
};

const TOKEN: &str = "a token of sixteen";
const PACE: Option<(usize, Duration)> = Some((2, Duration::milliseconds(1500)));

/// What all three have.
const GATEWAY: Dialect = Dialect {
    reads: |_, _| Asked::Wrong("nothing is read".into()),
    answers: |_, _| Value::Null,
    names_ids: true,
    id: |to, n| format!("true_{to}@c.us_OUT{n}"),
    refusals: &[(429, "{}"), (503, "{}"), (400, "{}"), (401, "{}")],
    recognises: false,
    quota: None,
    tap: None,
    pace: PACE,
};

async fn open(on: On, kind: &str, dialect: Dialect, config: Value) -> (Desk, Wire) {
    let wire = Wire::start(dialect).await;
    let mut config = config;
    config["base_url"] = json!(wire.url);
    let desk = Desk::open(on, kind, config).await;
    desk.shop.learns("en.md", WARRANTY).await;
    wire.goes_by(&desk.shop.app.clock);
    (desk, wire)
}

/// A text of a message to somebody, if the body holds nothing that is not documented.
fn message(call: &Call<'_>, known: &[&str], to: &str, text: &str) -> Asked {
    let of = |name: &str| call.body[name].as_str().unwrap_or_default().to_string();
    let (to, text) = (of(to), of(text));
    if only(call.body, known).is_err() || to.is_empty() || text.is_empty() {
        return Asked::Wrong(format!("{}: {}", call.path, call.body));
    }
    let to = to.trim_end_matches("@c.us").to_string();
    Asked::Message { to, text, key: call.body["id"].as_str().map(String::from) }
}

/// What is the same for every world here: shop, what came out, what was broken.
macro_rules! over_a_wire {
    () => {
        fn shop(&self) -> &Shop {
            &self.desk.shop
        }

        fn fault(&self, who: &str, kind: u64) {
            self.wire.fault(who, kind);
        }

        async fn reached(&self, who: &str) -> Vec<Out> {
            self.wire.reached(who)
        }

        fn faults(&self) -> Vec<String> {
            self.wire.kept().faults.clone()
        }
    };
}
pub(super) use over_a_wire;

pub struct WahaServer {
    desk: Desk,
    wire: Wire,
}

fn read_waha(call: &Call<'_>, _: &mut Kept) -> Asked {
    if call.header("x-api-key") != "K" || call.body["session"] != "default" {
        return Asked::Wrong(format!("{}: {}", call.path, call.body));
    }
    match call.path {
        "/api/sendText" => message(call, &["session", "chatId", "text"], "chatId", "text"),
        "/api/sendSeen" | "/api/startTyping" | "/api/stopTyping" => Asked::Other(Value::Null),
        other => Asked::Wrong(other.into()),
    }
}

impl World for WahaServer {
    over_a_wire!();

    async fn open(on: On, _seed: u64) -> Self {
        let dialect = Dialect {
            reads: read_waha,
            answers: |_, id| json!({"id": {"_serialized": id, "fromMe": true}}),
            ..GATEWAY
        };
        let (desk, wire) = open(on, "waha", dialect, json!({"api_key": "K", "hmac_key": "H"})).await;
        Self { desk, wire }
    }

    async fn say(&self, who: &str, id: &str, text: &str) -> bool {
        // Both events carry the same message.
        for event in ["message", "message.any"] {
            let said = json!({"id": id, "timestamp": self.now(), "from": format!("{who}@c.us"), "fromMe": false, "body": text,
                "_data": {"notifyName": format!("C{who}")}});
            self.deliver(event, said).await;
        }
        true
    }

    async fn edit(&self, who: &str, id: &str, text: &str) {
        let edited =
            json!({"id": format!("{id}.edit"), "editedMessageId": id, "from": format!("{who}@c.us"), "body": text});
        self.deliver("message.edited", edited).await;
    }

    async fn revoke(&self, who: &str, id: &str) -> bool {
        let before = json!({"id": id, "from": format!("{who}@c.us")});
        self.deliver("message.revoked", json!({"after": null, "before": before})).await;
        true
    }

    async fn echo(&self, who: &str, id: &str) -> bool {
        self.own(who, id, "a person", "app").await;
        true
    }

    async fn receipts(&self, who: &str, chance: &mut Chance) {
        for out in self.reached(who).await {
            for _ in 0..chance.below(3) {
                let ack = json!({"id": out.id, "fromMe": true, "ack": 1 + chance.below(3)});
                self.deliver("message.ack", ack).await;
            }
        }
    }

    /// The server reports what it sent for us, as it reports everything.
    async fn tick(&self) {
        for (to, id, text) in self.wire.news() {
            self.own(&to, &id, &text, "api").await;
        }
    }
}

impl WahaServer {
    fn now(&self) -> i64 {
        self.desk.shop.app.now().timestamp()
    }

    async fn own(&self, who: &str, id: &str, text: &str, source: &str) {
        let own = json!({"id": id, "timestamp": self.now(), "from": "1@c.us", "to": format!("{who}@c.us"), "fromMe": true,
            "source": source, "body": text});
        self.deliver("message.any", own).await;
    }

    async fn deliver(&self, event: &str, payload: Value) {
        let body = json!({"event": event, "session": "default", "payload": payload}).to_string();
        let headers = [("x-webhook-hmac", hmac_sha512_hex(b"H", body.as_bytes()))];
        assert_eq!(self.desk.request(Method::POST, "", &headers, body).await.0, StatusCode::OK);
    }
}

pub struct EvolutionServer {
    desk: Desk,
    wire: Wire,
}

fn read_evolution(call: &Call<'_>, _: &mut Kept) -> Asked {
    if call.header("apikey") != "K" {
        return Asked::Wrong(format!("{}: {}", call.path, call.body));
    }
    match call.path {
        "/message/sendText/shop" => message(call, &["number", "text", "delay", "linkPreview"], "number", "text"),
        "/chat/markMessageAsRead/shop" | "/chat/sendPresence/shop" => Asked::Other(json!({})),
        other => Asked::Wrong(other.into()),
    }
}

impl World for EvolutionServer {
    over_a_wire!();

    async fn open(on: On, _seed: u64) -> Self {
        let dialect = Dialect {
            reads: read_evolution,
            answers: |_, id| json!({"key": {"id": id, "fromMe": true}, "status": "PENDING"}),
            ..GATEWAY
        };
        let config = json!({"api_key": "K", "instance": "shop", "token": TOKEN});
        let (desk, wire) = open(on, "evolution", dialect, config).await;
        Self { desk, wire }
    }

    async fn say(&self, who: &str, id: &str, text: &str) -> bool {
        self.upsert(who, id, text, false).await;
        true
    }

    async fn edit(&self, who: &str, id: &str, text: &str) {
        let key = json!({"id": id, "remoteJid": format!("{who}@s.whatsapp.net"), "fromMe": false});
        self.deliver("messages.edited", json!({"key": key, "editedMessage": {"conversation": text}})).await;
    }

    async fn revoke(&self, who: &str, id: &str) -> bool {
        let key = json!({"id": id, "remoteJid": format!("{who}@s.whatsapp.net"), "fromMe": false});
        self.deliver("messages.delete", key).await;
        true
    }

    async fn echo(&self, who: &str, id: &str) -> bool {
        self.upsert(who, id, "a person", true).await;
        true
    }

    async fn receipts(&self, who: &str, chance: &mut Chance) {
        for out in self.reached(who).await {
            for _ in 0..chance.below(3) {
                let status = ["SERVER_ACK", "DELIVERY_ACK", "READ"][chance.below(3) as usize];
                self.deliver("messages.update", json!({"keyId": out.id, "fromMe": true, "status": status})).await;
            }
        }
    }

    /// What we send comes back like what a person writes on the phone.
    async fn tick(&self) {
        for (to, id, text) in self.wire.news() {
            self.upsert(&to, &id, &text, true).await;
        }
    }
}

impl EvolutionServer {
    async fn upsert(&self, who: &str, id: &str, text: &str, own: bool) {
        let key = json!({"remoteJid": format!("{who}@s.whatsapp.net"), "fromMe": own, "id": id});
        let at = self.desk.shop.app.now().timestamp();
        let said = json!({"pushName": format!("C{who}"), "key": key, "message": {"conversation": text}, "messageTimestamp": at});
        self.deliver("messages.upsert", said).await;
    }

    async fn deliver(&self, event: &str, data: Value) {
        let body = json!({"event": event, "instance": "shop", "apikey": "K", "data": data}).to_string();
        let headers = [("x-frontdesk-token", TOKEN.to_string())];
        assert_eq!(self.desk.request(Method::POST, "", &headers, body).await.0, StatusCode::OK);
    }
}

/// The simple contract; every other company's gateway sends a message once, however often it gets it.
pub struct SimpleGateway {
    desk: Desk,
    wire: Wire,
}

fn read_simple(call: &Call<'_>, _: &mut Kept) -> Asked {
    if call.path != "/send" || call.header("authorization") != format!("Bearer {TOKEN}") {
        return Asked::Wrong(format!("{}: {}", call.path, call.body));
    }
    message(call, &["id", "to", "text"], "to", "text")
}

impl World for SimpleGateway {
    over_a_wire!();

    async fn open(on: On, seed: u64) -> Self {
        let idempotent = seed.is_multiple_of(2);
        let dialect =
            Dialect { reads: read_simple, answers: |_, id| json!({"id": id}), recognises: idempotent, ..GATEWAY };
        let (desk, wire) = open(on, "gateway", dialect, json!({"token": TOKEN, "idempotent": idempotent})).await;
        Self { desk, wire }
    }

    async fn say(&self, who: &str, id: &str, text: &str) -> bool {
        let said = json!({"id": id, "from": format!("{who}@c.us"), "body": text, "name": format!("C{who}"), "timestamp": self.now()});
        self.deliver("/messages/inbox", said).await;
        true
    }

    async fn echo(&self, who: &str, id: &str) -> bool {
        let own = json!({"id": id, "from": "1@c.us", "to": format!("{who}@c.us"), "from_me": true, "body": "a person", "timestamp": self.now()});
        self.deliver("/messages/inbox", own).await;
        true
    }

    async fn receipts(&self, who: &str, chance: &mut Chance) {
        for out in self.reached(who).await {
            for _ in 0..chance.below(3) {
                self.deliver("/messages/ack", json!({"id": out.id, "ack": 1 + chance.below(3)})).await;
            }
        }
    }
}

impl SimpleGateway {
    fn now(&self) -> i64 {
        self.desk.shop.app.now().timestamp()
    }

    async fn deliver(&self, below: &str, body: Value) {
        let headers = [("authorization", format!("Bearer {TOKEN}"))];
        assert_eq!(self.desk.request(Method::POST, below, &headers, body.to_string()).await.0, StatusCode::OK);
    }
}
