//! WhatsApp Cloud, WeCom customer service and a WeChat official account.

use axum::http::{Method, StatusCode};
use chrono::Duration;
use serde_json::{Value, json};

use super::{
    Chance, Out, World,
    wire::{Asked, Call, Dialect, Kept, Wire},
};
use crate::{
    desk::{Desk, WARRANTY_ZH, only},
    graph, qyapi,
    support::{app::On, shop::Shop},
    wecom::Wecom,
    whatsapp::Whatsapp,
};

pub struct Cloud(Whatsapp);

impl World for Cloud {
    const PACE: Option<(usize, Duration)> = Some((10, Duration::seconds(6)));

    async fn open(on: On, _seed: u64) -> Self {
        let world = Whatsapp::open(on).await;
        world.graph.kept().clock = Some(world.shop.app.clock.clone());
        Self(world)
    }

    fn shop(&self) -> &Shop {
        &self.0.shop
    }

    async fn say(&self, who: &str, id: &str, text: &str) -> bool {
        self.heard(who);
        self.0.says(who, id, text).await;
        true
    }

    async fn edit(&self, who: &str, id: &str, text: &str) {
        self.heard(who);
        let message = json!({"type": "text", "text": {"body": text}});
        let edit = json!({"type": "edit", "edit": {"original_message_id": id, "message": message}});
        self.0.hears(who, &format!("{id}.edit"), edit).await;
    }

    async fn revoke(&self, who: &str, id: &str) -> bool {
        self.heard(who);
        let revoke = json!({"type": "revoke", "revoke": {"original_message_id": id}});
        self.0.hears(who, &format!("{id}.revoke"), revoke).await;
        true
    }

    async fn echo(&self, who: &str, id: &str) -> bool {
        let echo = json!({"from": "1", "to": who, "id": id, "timestamp": "1772442000", "type": "text", "text": {"body": "a person"}});
        self.0.deliver("smb_message_echoes", json!({"message_echoes": [echo]})).await;
        true
    }

    fn fault(&self, who: &str, kind: u64) {
        use graph::Does;
        let does = match kind % 5 {
            0 => Does::Refuses(131_056),
            1 => Does::Refuses(130_429),
            2 => Does::TakesAndBreaks,
            3 => Does::TakesAndGarbles,
            _ => Does::Refuses(131_026),
        };
        self.0.graph.kept().scripts.entry(who.into()).or_default().push_back(does);
    }

    async fn receipts(&self, who: &str, chance: &mut Chance) {
        for out in self.reached(who).await {
            for _ in 0..chance.below(3) {
                let status = ["sent", "delivered", "read"][chance.below(3) as usize];
                let of = json!({"id": out.id, "status": status, "timestamp": "1", "biz_opaque_callback_data": out.key});
                self.0.deliver("messages", json!({"statuses": [of]})).await;
            }
        }
    }

    async fn reached(&self, who: &str) -> Vec<Out> {
        let kept = self.0.graph.kept();
        let of = kept.taken.iter().filter(|t| t.to() == who);
        of.map(|t| Out {
            key: t.body["biz_opaque_callback_data"].as_str().and_then(|k| k.parse().ok()),
            id: Some(t.id.clone()),
            text: t.text(),
            at: t.at,
        })
        .collect()
    }

    fn faults(&self) -> Vec<String> {
        self.0.graph.kept().faults.clone()
    }
}

impl Cloud {
    fn heard(&self, who: &str) {
        self.0.graph.kept().heard.insert(who.into(), self.0.shop.app.now());
    }
}

pub struct Kf(Wecom);

impl World for Kf {
    const IS_CHINESE: bool = true;

    async fn open(on: On, _seed: u64) -> Self {
        let world = Wecom::open(on, json!({})).await;
        world.api.kept().page = 40;
        Self(world)
    }

    fn shop(&self) -> &Shop {
        &self.0.shop
    }

    fn customer(seed: u64, n: usize) -> String {
        format!("wm{seed:04}{n:05}")
    }

    async fn say(&self, who: &str, id: &str, text: &str) -> bool {
        self.hears(who, id, 3, json!({"msgtype": "text", "text": {"content": text}})).await;
        true
    }

    async fn revoke(&self, who: &str, id: &str) -> bool {
        let event = json!({"event_type": "user_recall_msg", "external_userid": who, "recall_msgid": id});
        self.hears(who, &format!("{id}.r"), 4, json!({"msgtype": "event", "event": event})).await;
        true
    }

    async fn echo(&self, who: &str, id: &str) -> bool {
        self.hears(who, id, 5, json!({"msgtype": "text", "text": {"content": "a person"}})).await;
        true
    }

    fn fault(&self, who: &str, kind: u64) {
        use qyapi::Does;
        let mut kept = self.0.api.kept();
        let does = match kind % 5 {
            0 => {
                kept.valid = String::new(); // the token is gone
                return;
            }
            1 => Does::Refuses(-1),
            2 | 3 => Does::TakesAndBreaks,
            _ => Does::Refuses(40_096),
        };
        kept.scripts.entry(who.into()).or_default().push_back(does);
    }

    async fn reached(&self, who: &str) -> Vec<Out> {
        let kept = self.0.api.kept();
        let of = kept.sent.iter().filter(|m| m["touser"] == who);
        of.map(|m| Out {
            key: m["msgid"].as_str().and_then(|k| k.parse().ok()),
            id: None,
            text: String::new(),
            at: None,
        })
        .collect()
    }

    fn faults(&self) -> Vec<String> {
        self.0.api.kept().faults.clone()
    }
}

impl Kf {
    async fn hears(&self, who: &str, id: &str, origin: i64, content: Value) {
        self.0.api.add(self.0.item_of(who, id, origin, content));
        self.0.ring().await;
    }
}

const APP: &str = "wxapp0001";

/// A WeChat official account: five messages within 48 hours of a message, three within a minute of a tap, and no id of
/// ours is recognised.
pub struct Oa {
    desk: Desk,
    wire: Wire,
}

const OA: Dialect = Dialect {
    reads: read_oa,
    answers: |_, _| json!({"errcode": 0, "errmsg": "ok"}),
    names_ids: false,
    id: |_, _| String::new(),
    refusals: &[
        (200, r#"{"errcode": -1, "errmsg": "system busy"}"#),
        (200, r#"{"errcode": 45009, "errmsg": "too often"}"#),
        (200, r#"{"errcode": 40003, "errmsg": "no such follower"}"#),
        (200, r#"{"errcode": 42001, "errmsg": "access_token expired"}"#),
    ],
    recognises: false,
    quota: Some((5, Duration::hours(48))),
    tap: Some((3, Duration::minutes(1))),
    pace: None,
};

fn read_oa(call: &Call<'_>, kept: &mut Kept) -> Asked {
    if call.path == "/cgi-bin/stable_token" {
        if call.body["appid"] != APP || call.body["grant_type"] != "client_credential" {
            return Asked::Wrong(format!("a token for {}", call.body));
        }
        if kept.token.is_empty() {
            kept.tokens += 1;
            kept.token = format!("T{}", kept.tokens);
        }
        return Asked::Other(json!({"access_token": kept.token, "expires_in": 7200}));
    }
    if kept.token.is_empty() || call.query != format!("access_token={}", kept.token) {
        return Asked::Other(json!({"errcode": 42_001, "errmsg": "access_token expired"}));
    }
    match call.path {
        "/cgi-bin/message/custom/typing" => Asked::Other(json!({"errcode": 0, "errmsg": "ok"})),
        "/cgi-bin/message/custom/send" => {
            let text = call.body["text"]["content"].as_str().unwrap_or_default();
            let is_known = only(call.body, &["touser", "msgtype", "text"]).is_ok() && call.body["msgtype"] == "text";
            if !is_known || text.is_empty() || text.len() > 2048 {
                return Asked::Wrong(call.body.to_string());
            }
            Asked::Message { to: call.body["touser"].as_str().unwrap().into(), text: text.into(), key: None }
        }
        other => Asked::Wrong(other.into()),
    }
}

impl World for Oa {
    const IS_CHINESE: bool = true;

    async fn open(on: On, _seed: u64) -> Self {
        let wire = Wire::start(OA).await;
        let config = json!({"app_id": APP, "app_secret": "s", "token": qyapi::TOKEN, "encoding_aes_key": qyapi::KEY,
            "base_url": wire.url});
        let desk = Desk::open(on, "wechat_oa", config).await;
        desk.shop.learns("zh.md", WARRANTY_ZH).await;
        wire.goes_by(&desk.shop.app.clock);
        Self { desk, wire }
    }

    fn shop(&self) -> &Shop {
        &self.desk.shop
    }

    fn customer(seed: u64, n: usize) -> String {
        format!("oANA{seed:04}{n:05}")
    }

    async fn say(&self, who: &str, id: &str, text: &str) -> bool {
        self.wire.hears(who, id);
        let inside = format!("<MsgType>text</MsgType><Content>{text}</Content><MsgId>{id}</MsgId>");
        self.deliver(who, &inside).await;
        true
    }

    async fn tap(&self, who: &str, text: &str) {
        self.wire.feels(who);
        self.deliver(who, &format!("<MsgType>event</MsgType><Event>CLICK</Event><EventKey>{text}</EventKey>")).await;
    }

    /// The platform's own customer service takes the follower.
    async fn echo(&self, who: &str, id: &str) -> bool {
        let inside = format!(
            "<MsgType>event</MsgType><Event>kf_create_session</Event><EventKey>{id}</EventKey><KfAccount>a@b</KfAccount>"
        );
        self.deliver(who, &inside).await;
        true
    }

    fn fault(&self, who: &str, kind: u64) {
        if kind.is_multiple_of(7) {
            self.wire.kept().token = String::new();
        } else {
            self.wire.fault(who, kind);
        }
    }

    async fn reached(&self, who: &str) -> Vec<Out> {
        self.wire.reached(who)
    }

    fn faults(&self) -> Vec<String> {
        self.wire.kept().faults.clone()
    }
}

impl Oa {
    async fn deliver(&self, who: &str, inside: &str) {
        let at = self.desk.shop.app.now().timestamp();
        let plain = format!(
            "<xml><ToUserName>gh_1</ToUserName><FromUserName>{who}</FromUserName><CreateTime>{at}</CreateTime>{inside}</xml>"
        );
        let (query, encrypted) = qyapi::sealed(APP, &plain);
        let body = format!("<xml><ToUserName>gh_1</ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>");
        let answer = self.desk.request(Method::POST, &format!("{query}&encrypt_type=aes"), &[], body).await;
        assert_eq!(answer, (StatusCode::OK, "success".into()));
    }
}
