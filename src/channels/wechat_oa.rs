//! A WeChat official account, 公众号 (docs/channels/wechat_oa.md).
//!
//! Only the encrypted mode is taken: in the plain mode the signature does not cover the body. The platform hears
//! `success` at once, and the answer goes out through the customer service interface.
//! <https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Receiving_standard_messages.html>

use std::path::Path;

use chrono::{DateTime, Duration, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Address, Arrival, Body, Card, Checked, Event, Failure, FileFacts, FileKind, Inbound, Media, Outbound, Outside,
    RawEvent, Request, Sent, base_url, configured,
    files::Takes,
    law::{self, Law, Quota, Size, Tap},
    outside::{self, Lost},
    seconds, text_at,
    token::{self, Tokens},
    wechat_crypto::{self, Envelope},
    wecom_kf::call,
};
use crate::platform::{
    Error, Result,
    crypto::{same, sha256_hex},
    upload::Incoming,
};

/// The longest text, in bytes.
const TEXT: usize = 2048;

/// The codes by which a token is no longer taken.
const STALE: [i64; 3] = [40_001, 40_014, 42_001];

/// Pictures and sound. Documents are not sent here, and a film needs a picture of its own beside it.
/// <https://developers.weixin.qq.com/doc/offiaccount/Asset_Management/New_temporary_materials.html>
pub(super) const TAKES: &[Takes] = &[
    Takes::of(&["image/jpeg", "image/png", "image/gif"], FileKind::Image, 10, 0),
    Takes::of(&["audio/amr", "audio/mpeg"], FileKind::Voice, 2, 0),
];

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    app_id: String,
    app_secret: String,
    token: String,
    encoding_aes_key: String,
    #[serde(default = "weixin")]
    base_url: String,
    /// What who follows the account or scans its code is told; without it nothing.
    #[serde(default)]
    greeting: Option<String>,
}

fn weixin() -> String {
    "https://api.weixin.qq.com".into()
}

/// One official account.
#[derive(Clone)]
pub struct WechatOa {
    config: Config,
    envelope: Envelope,
}

impl std::fmt::Debug for WechatOa {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WechatOa(…)")
    }
}

impl Tokens for WechatOa {
    async fn token(&self, outside: &Outside, refused: Option<&str>, now: DateTime<Utc>) -> Result<String> {
        let of = &self.config;
        let key = sha256_hex(format!("weixin\n{}\n{}\n{}", of.base_url, of.app_id, of.app_secret).as_bytes());
        token::take(&key, refused, now, || async {
            // The stable kind: asking again does not take the token away from another process.
            let body = json!({"grant_type": "client_credential", "appid": of.app_id, "secret": of.app_secret,
                "force_refresh": false});
            let request = outside.client(&self.config.base_url).post(self.address("stable_token")).json(&body);
            let (_, answer) = outside::json(request).await?;
            match answer.get("access_token").and_then(Value::as_str).filter(|t| !t.is_empty()) {
                Some(text) => Ok((text.into(), answer.get("expires_in").and_then(Value::as_i64).unwrap_or(7200))),
                None => Err(Error::Unavailable {
                    service: "WeChat",
                    source: anyhow::anyhow!("no access token: {}", call::said(&answer)),
                }),
            }
        })
        .await
    }
}

impl WechatOa {
    pub(super) fn open(config: &Value) -> Result<Self> {
        let mut config: Config = configured("wechat_oa", config)?;
        config.base_url = base_url("wechat_oa", &config.base_url)?;
        if config.app_secret.trim().is_empty() {
            return Err(Error::Invalid("wechat_oa channel: app_secret is empty".into()));
        }
        if config.greeting.as_ref().is_some_and(|g| g.trim().is_empty() || g.len() > TEXT) {
            return Err(Error::Invalid(format!("wechat_oa channel: greeting must have 1 to {TEXT} bytes")));
        }
        let envelope = Envelope::open(&config.token, &config.encoding_aes_key, &config.app_id)
            .map_err(|e| Error::Invalid(format!("wechat_oa channel: {e}")))?;
        Ok(Self { config, envelope })
    }

    /// Five messages within 48 hours of each message of the customer, one kept for the notice of a hand-off; three
    /// within a minute of each tap on the menu, follow or scan.
    /// <https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Service_Center_messages.html>
    pub(super) fn law(&self) -> Law {
        Law {
            window: Some(Duration::hours(48)),
            outside: law::Outside::Person,
            quota: Some(Quota { messages: 5, reserve: 1 }),
            tap: Some(Tap { window: Duration::minutes(1), quota: Quota { messages: 3, reserve: 1 } }),
            pace: None,
            size: Size::Bytes(TEXT),
            keeps_order: true,
        }
    }

    /// The echo as it came, when the signature is ours. It is never encrypted here.
    pub(super) fn handshake(&self, request: &Request<'_>) -> Result<String> {
        let of = |name: &str| request.value(name).ok_or(Error::SignedOut);
        let (signature, timestamp, nonce) = (of("signature")?, of("timestamp")?, of("nonce")?);
        if !same(&self.envelope.sign(&[&timestamp, &nonce]), &signature) {
            return Err(Error::Forbidden);
        }
        of("echostr")
    }

    pub(super) fn verify(&self, request: &Request<'_>, _now: DateTime<Utc>) -> Result<Vec<RawEvent>> {
        // The plain mode's signature says nothing about the body.
        let encrypted = wechat_crypto::encrypted(request.body)?.ok_or(Error::SignedOut)?;
        let fields = wechat_crypto::fields(&self.envelope.unseal(request, &encrypted)?)?;
        let of = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
        let sender = of("FromUserName");
        // 64 bits: kept as the text it is.
        let external_id = match of("MsgId") {
            "" => format!(
                "event:{}",
                sha256_hex([sender, of("CreateTime"), of("Event"), of("EventKey"), of("MsgID")].join("\n").as_bytes())
            ),
            id => format!("message:{id}"),
        };
        Ok(vec![RawEvent { external_id, lane: sender.to_string(), payload: json!(fields).to_string() }])
    }

    pub(super) fn parse(&self, payload: &str) -> Result<Event> {
        let fields: Value = serde_json::from_str(payload).map_err(|e| Error::Invalid(format!("raw event: {e}")))?;
        let of = |name: &str| text_at(&fields, &format!("/{name}")).unwrap_or_default().into_owned();
        let sender = Address::new("openid", of("FromUserName"));
        if sender.id.is_empty() {
            return Ok(Event::Nothing("an event of nobody"));
        }
        let kind = of("MsgType");
        if kind == "event" {
            return Ok(read_event(&fields, sender, self.config.greeting.as_deref()));
        }
        let mut inbound = Inbound::text(of("MsgId"), sender, "");
        inbound.sent_at = seconds(fields.get("CreateTime"));
        let file = || Media { id: Some(of("MediaId")), ..Media::default() };
        Ok(Event::Message(match kind.as_str() {
            "text" => {
                let menu = of("bizmsgmenuid");
                let inbound = Inbound { text: of("Content"), ..inbound };
                if menu.is_empty() {
                    inbound
                } else {
                    let title = inbound.text.clone();
                    inbound.of("button").with("button", json!({"id": menu, "title": title}))
                }
            }
            // What the platform understood, where an account has that switched on.
            "voice" => Inbound { text: of("Recognition"), media: Some(file()), ..inbound.of("voice") },
            "image" => Inbound { media: Some(file()), ..inbound.of("image") },
            "video" | "shortvideo" => Inbound { media: Some(file()), ..inbound.of("video") },
            // A file has a name and nothing to fetch it by.
            "file" if of("MediaId").is_empty() => {
                inbound.of("document").showing(&Card::new(of("Title"), [of("Description")]))
            }
            "file" => Inbound { media: Some(file()), ..inbound.of("document") },
            "location" => {
                let place = json!({"latitude": of("Location_X"), "longitude": of("Location_Y"), "name": of("Label")});
                let card = Card::place(place.get("latitude"), place.get("longitude"), &of("Label"), Vec::new());
                inbound.of("location").showing(&card).with("location", place)
            }
            "link" => inbound
                .of("link")
                .showing_link(&of("Title"), &of("Description"), &of("Url"))
                .with("link", json!({"title": of("Title"), "description": of("Description"), "url": of("Url")})),
            _ => inbound.of("unsupported").with("unsupported", json!({"type": kind})),
        }))
    }

    fn address(&self, path: &str) -> String {
        format!("{}/cgi-bin/{path}", self.config.base_url)
    }

    async fn call(&self, outside: &Outside, path: &str, body: &Value, now: DateTime<Utc>) -> Result<Value, Lost> {
        let no_token = |e: Error| Lost::NotSent(e.chain());
        let mut token = self.token(outside, None, now).await.map_err(no_token)?;
        for attempt in 0..2 {
            // Raw UTF-8: old clients show escapes as they are.
            let address = outside::with_query(&self.address(path), &[("access_token", &token)]);
            let request = outside.client(&self.config.base_url).post(address).json(body);
            let (status, answer) = outside::json(request).await?;
            match call::errcode(&answer) {
                Some(code) if attempt == 0 && STALE.contains(&code) => {
                    token = self.token(outside, Some(&token), now).await.map_err(no_token)?;
                }
                Some(_) => return Ok(answer),
                None => return Err(Lost::Unknown(format!("WeChat answered {status} without an errcode"))),
            }
        }
        Err(Lost::NotSent("WeChat refuses every token".into()))
    }

    pub(super) async fn send(&self, outside: &Outside, m: &Outbound, now: DateTime<Utc>) -> Sent {
        let body = match &m.body {
            Body::Text { text } => {
                json!({"touser": m.recipient.id, "msgtype": "text", "text": {"content": text}})
            }
            Body::File { file, kind, .. } => match self.upload(outside, m.file.as_deref(), file, *kind, now).await {
                Ok(id) => {
                    let kind = type_of(*kind);
                    json!({"touser": m.recipient.id, "msgtype": kind, kind: {"media_id": id}})
                }
                Err(not_sent) => return not_sent,
            },
            _ => {
                return Sent::Failed(Failure::Never("this kind of message is not sent to official accounts".into()));
            }
        };
        match self.call(outside, "message/custom/send", &body, now).await {
            Ok(answer) => outcome(&answer),
            // No id of ours is recognised here.
            Err(lost) => lost.of_a_message(false),
        }
    }

    /// Brings a file to the platform; its id there.
    async fn upload(
        &self,
        outside: &Outside,
        path: Option<&Path>,
        file: &FileFacts,
        kind: FileKind,
        now: DateTime<Utc>,
    ) -> Result<String, Sent> {
        let upload = call::Upload {
            platform: "WeChat",
            address: self.address("media/upload"),
            kind: type_of(kind),
            stale: &STALE,
            refused: outcome,
        };
        upload.run(outside, self, path, file, now).await
    }

    pub(super) async fn attend(&self, outside: &Outside, openid: &str, now: DateTime<Utc>) -> Result<()> {
        self.call(outside, "message/custom/typing", &json!({"touser": openid, "command": "Typing"}), now).await?;
        Ok(())
    }

    pub(super) async fn download(
        &self,
        outside: &Outside,
        media: &Media,
        into: &mut Incoming,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let id = media.id.as_deref().ok_or(Error::NotFound("file"))?;
        let token = self.token(outside, None, now).await?;
        call::download(outside, &self.address("media/get"), &token, id, into).await
    }

    pub(super) async fn check(&self, outside: &Outside, now: DateTime<Utc>) -> Checked {
        match self.token(outside, None, now).await {
            Ok(_) => Checked::works("the platform gave an access token"),
            Err(e) => Checked::fails(e.chain()),
        }
    }
}

/// What official accounts call a kind of file.
fn type_of(kind: FileKind) -> &'static str {
    if matches!(kind, FileKind::Voice | FileKind::Audio) { "voice" } else { "image" }
}

/// A menu's button is something the customer says; who comes without a word may be greeted.
fn read_event(fields: &Value, sender: Address, greeting: Option<&str>) -> Event {
    let of = |name: &str| text_at(fields, &format!("/{name}")).unwrap_or_default().into_owned();
    let is = |word: &str| of("Event").eq_ignore_ascii_case(word);
    if is("CLICK") {
        let key = of("EventKey");
        let id = sha256_hex([sender.id.as_str(), &of("CreateTime"), &key].join("\n").as_bytes());
        let mut inbound = Inbound::text(format!("click:{id}"), sender, key.clone()).of("button");
        inbound.sent_at = seconds(fields.get("CreateTime"));
        inbound.is_tap = true;
        return Event::Message(inbound.with("button", json!({"id": key, "title": key})));
    }
    if is("kf_create_session") || is("kf_switch_session") {
        return Event::Held { customer: sender, by_person: true };
    }
    if is("kf_close_session") {
        return Event::Held { customer: sender, by_person: false };
    }
    if let (Some(greeting), true) = (greeting, is("subscribe") || is("SCAN")) {
        // A scan that makes somebody follow says so before the scene.
        let scene = of("EventKey").trim_start_matches("qrscene_").to_string();
        return Event::Arrived(Arrival {
            customer: sender,
            name: None,
            at: seconds(fields.get("CreateTime")),
            scene: (!scene.is_empty()).then_some(scene),
            greeting: greeting.into(),
        });
    }
    Event::Nothing(if is("subscribe") {
        "somebody follows the account"
    } else if is("unsubscribe") {
        "somebody no longer follows the account"
    } else {
        "an event of another kind"
    })
}

fn outcome(answer: &Value) -> Sent {
    let why = || format!("WeChat {}", call::said(answer));
    match call::errcode(answer) {
        Some(0) => Sent::Accepted(None),
        Some(-1) => Sent::Failed(Failure::Retry(why(), None)),
        Some(45_009 | 45_011) => Sent::Failed(Failure::Retry(why(), Some(Duration::seconds(60)))),
        Some(45_015) => {
            Sent::Failed(Failure::OutsideWindow(format!("the customer wrote more than 48 hours ago ({})", why())))
        }
        Some(45_047) => {
            Sent::Failed(Failure::Never(format!("no more messages until the customer writes again ({})", why())))
        }
        Some(40_001 | 40_013 | 40_164 | 48_001 | 50_002 | 40_014 | 42_001) => Sent::Failed(Failure::Stop(why())),
        _ => Sent::Failed(Failure::Never(why())),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use axum::http::HeaderMap;

    const KEY: &str = "q1Os1ZMe0nG28KUEx9lg3HjK7V5QyXvi212fzsgDqgW";

    fn channel() -> WechatOa {
        WechatOa::open(&json!({"app_id": "wx01", "app_secret": "s", "token": "tok", "encoding_aes_key": KEY})).unwrap()
    }

    /// What the channel understands of a plain message.
    fn hear(inside: &str) -> (RawEvent, Event) {
        let plain = format!(
            "<xml><ToUserName>gh_1</ToUserName><FromUserName><![CDATA[oAna]]></FromUserName><CreateTime>1772442000</CreateTime>{inside}</xml>"
        );
        let channel = channel();
        let sealed = channel.envelope.encrypt(b"0123456789abcdef", &plain);
        let body =
            Bytes::from(format!("<xml><ToUserName>gh_1</ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>"));
        let signature = channel.envelope.sign(&["1772442000", "n", &sealed]);
        let query = format!("signature=x&timestamp=1772442000&nonce=n&encrypt_type=aes&msg_signature={signature}");
        let headers = HeaderMap::new();
        let request = Request { path: "", query: &query, headers: &headers, body: &body };
        let raw = channel.verify(&request, Utc::now()).unwrap().remove(0);
        let event = channel.parse(&raw.payload).unwrap();
        (raw, event)
    }

    #[test]
    fn each_kind_of_message_is_read() {
        let message = |inside: &str| match hear(inside) {
            (_, Event::Message(m)) => (m.content_type, m.text, m.external_message_id),
            other => panic!("{other:?}"),
        };
        let cases = [
            (
                "<MsgType>text</MsgType><Content><![CDATA[退款 & <b>]]></Content><MsgId>7405476859006371473</MsgId>",
                ("text", "退款 & <b>", "7405476859006371473"),
            ),
            (
                "<MsgType>voice</MsgType><MediaId>m</MediaId><Recognition>多久发货</Recognition><MsgId>2</MsgId>",
                ("voice", "多久发货", "2"),
            ),
            (
                "<MsgType>image</MsgType><PicUrl>http://p</PicUrl><MediaId>m</MediaId><MsgId>3</MsgId>",
                ("image", "", "3"),
            ),
            ("<MsgType>shortvideo</MsgType><MediaId>m</MediaId><MsgId>4</MsgId>", ("video", "", "4")),
            (
                "<MsgType>location</MsgType><Location_X>1.5</Location_X><Label>Penang</Label><MsgId>5</MsgId>",
                ("location", "", "5"),
            ),
            ("<MsgType>link</MsgType><Title>t</Title><Url>https://u</Url><MsgId>6</MsgId>", ("link", "", "6")),
            ("<MsgType>hologram</MsgType><MsgId>7</MsgId>", ("unsupported", "", "7")),
        ];
        for (inside, (kind, text, id)) in cases {
            assert_eq!(message(inside), (kind.to_string(), text.to_string(), id.to_string()), "{inside}");
        }
    }

    #[test]
    fn events_are_no_questions_but_a_menu_button_is() {
        for (inside, expected) in [
            ("<Event>subscribe</Event><EventKey>qrscene_1</EventKey>", "nothing"),
            ("<Event>unsubscribe</Event>", "nothing"),
            ("<Event>TEMPLATESENDJOBFINISH</Event><MsgID>1</MsgID>", "nothing"),
            ("<Event>CLICK</Event><EventKey>HELP</EventKey>", "message"),
            ("<Event>kf_create_session</Event>", "held"),
            ("<Event>kf_close_session</Event>", "free"),
        ] {
            let (raw, event) = hear(&format!("<MsgType>event</MsgType>{inside}"));
            let said = match event {
                Event::Nothing(_) => "nothing",
                Event::Message(m) if m.text == "HELP" => "message",
                Event::Held { by_person: true, .. } => "held",
                Event::Held { by_person: false, .. } => "free",
                other => panic!("{other:?}"),
            };
            assert_eq!(said, expected, "{inside}");
            assert!(raw.external_id.starts_with("event:"));
        }
    }

    #[test]
    fn the_plain_mode_is_refused() {
        let (headers, body) =
            (HeaderMap::new(), Bytes::from("<xml><FromUserName>a</FromUserName><MsgId>1</MsgId></xml>"));
        let query = format!("signature={}&timestamp=1&nonce=2", channel().envelope.sign(&["1", "2"]));
        let request = Request { path: "", query: &query, headers: &headers, body: &body };
        assert!(matches!(channel().verify(&request, Utc::now()), Err(Error::SignedOut)));
        let query = format!("{query}&echostr=e%2Bcho");
        let request = Request { query: &query, ..request };
        assert_eq!(channel().handshake(&request).unwrap(), "e+cho");
    }
}
