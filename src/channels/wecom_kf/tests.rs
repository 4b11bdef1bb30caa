//! Cases of our own, made after WeCom's documents.

use super::{super::*, *};
use axum::http::HeaderMap;

const KEY: &str = "q1Os1ZMe0nG28KUEx9lg3HjK7V5QyXvi212fzsgDqgW";

fn channel() -> WecomKf {
    WecomKf::open(&json!({"corp_id": "ww1", "secret": "s", "token": "tok", "encoding_aes_key": KEY})).unwrap()
}

fn deliver(channel: &WecomKf, plain: &str, json_mode: bool) -> Result<Vec<RawEvent>> {
    let sealed = channel.envelope.encrypt(b"0123456789abcdef", plain);
    let body = if json_mode {
        json!({"tousername": "ww1", "encrypt": sealed}).to_string()
    } else {
        format!("<xml><ToUserName><![CDATA[ww1]]></ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>")
    };
    let query = format!("msg_signature={}&timestamp=1&nonce=2", channel.envelope.sign(&["1", "2", &sealed]));
    let (headers, body) = (HeaderMap::new(), Bytes::from(body));
    channel.verify(&Request { path: "", query: &query, headers: &headers, body: &body }, Utc::now())
}

#[test]
fn a_ring_names_the_account_and_a_repeated_one_is_the_same() {
    let ring = "<xml><ToUserName>ww1</ToUserName><CreateTime>1</CreateTime><MsgType>event</MsgType><Event>kf_msg_or_event</Event><Token>ENC1</Token><OpenKfId>wk1</OpenKfId></xml>";
    let first = deliver(&channel(), ring, false).unwrap();
    assert_eq!(first, deliver(&channel(), ring, true).unwrap());
    assert_eq!(first[0].lane, "pull:wk1");
    assert_eq!(
        channel().parse(&first[0].payload).unwrap(),
        Event::Doorbell { account: "wk1".into(), token: "ENC1".into() }
    );
    let other = "<xml><ToUserName>ww1</ToUserName><Event>something_else</Event></xml>";
    assert!(matches!(
        channel().parse(&deliver(&channel(), other, false).unwrap()[0].payload).unwrap(),
        Event::Nothing(_)
    ));
    let (headers, body) = (HeaderMap::new(), Bytes::from("<xml><ToUserName>ww1</ToUserName></xml>"));
    assert!(channel().verify(&Request { path: "", query: "", headers: &headers, body: &body }, Utc::now()).is_err());
}

fn item(content: Value) -> Event {
    let mut item =
        json!({"msgid": "m1", "open_kfid": "wk1", "external_userid": "wmAna", "send_time": 1_772_442_000, "origin": 3});
    item.as_object_mut().unwrap().extend(content.as_object().unwrap().clone());
    channel().parse(&parse::raw(&item, false).payload).unwrap()
}

#[test]
fn each_kind_of_item_is_read() {
    let read = |content: Value| match item(content) {
        Event::Message(m) => {
            assert_eq!(
                (m.kind.as_str(), m.sender.as_str(), m.external_chat_id.as_deref()),
                ("external_userid", "wmAna", Some("wk1"))
            );
            (m.content_type, m.text)
        }
        other => panic!("{other:?}"),
    };
    for (content, kind, text) in [
        (json!({"msgtype": "text", "text": {"content": "退款"}}), "text", "退款"),
        (json!({"msgtype": "text", "text": {"content": "查物流", "menu_id": "track"}}), "button", "查物流"),
        (json!({"msgtype": "image", "image": {"media_id": "M"}}), "image", ""),
        (json!({"msgtype": "voice", "voice": {"media_id": "M"}}), "voice", ""),
        (json!({"msgtype": "file", "file": {"media_id": "M"}}), "document", ""),
        (json!({"msgtype": "location", "location": {"name": "x"}}), "location", ""),
        (json!({"msgtype": "merged_msg", "merged_msg": {}}), "unsupported", ""),
        (json!({"msgtype": "of_next_year"}), "unsupported", ""),
    ] {
        assert_eq!(read(content.clone()), (kind.to_string(), text.to_string()), "{content}");
    }
    assert!(
        matches!(item(json!({"origin": 5, "msgtype": "text", "text": {"content": "您好"}})), Event::Echo(e) if e.text == "您好")
    );
    assert!(matches!(item(json!({"origin": 4, "msgtype": "text"})), Event::Nothing(_)));
    let session = json!({"event_type": "session_status_change", "external_userid": "wmAna", "change_type": 1});
    let recall = json!({"event_type": "user_recall_msg", "external_userid": "wmAna", "recall_msgid": "m1"});
    for old in [
        json!({"msgid": "m0", "external_userid": "wmAna", "origin": 3, "msgtype": "text"}),
        json!({"msgid": "m0", "external_userid": "wmAna", "origin": 5, "msgtype": "text"}),
        json!({"msgid": "e0", "origin": 4, "msgtype": "event", "event": session}),
        json!({"msgid": "e0", "origin": 4, "msgtype": "event", "event": recall}),
    ] {
        let heard = channel().parse(&parse::raw(&old, true).payload).unwrap();
        assert!(matches!(heard, Event::Nothing(_)), "{old}: {heard:?}");
        let now = channel().parse(&parse::raw(&old, false).payload).unwrap();
        assert!(!matches!(now, Event::Nothing(_)), "{old}: {now:?}");
    }
}

#[test]
fn events_say_what_became_of_messages_and_sessions() {
    let event = |fields: Value| item(json!({"origin": 4, "msgtype": "event", "event": fields}));
    let failed = |kind: i64| event(json!({"event_type": "msg_send_fail", "fail_msgid": "out1", "fail_type": kind}));
    assert!(
        matches!(failed(4), Event::Receipt(r) if matches!(r.failure, Some(Failure::OutsideWindow(_))) && r.key.as_deref() == Some("out1"))
    );
    assert!(matches!(failed(6), Event::Receipt(r) if matches!(r.failure, Some(Failure::Never(_)))));
    assert!(matches!(failed(99), Event::Receipt(r) if matches!(r.failure, Some(Failure::Never(_)))));
    assert!(matches!(failed(1), Event::Receipt(r) if matches!(r.failure, Some(Failure::Stop(_)))));
    assert!(
        matches!(event(json!({"event_type": "user_recall_msg", "recall_msgid": "m1"})), Event::Revoke { target } if target == "m1")
    );
    let session = |change: i64| {
        event(json!({"event_type": "session_status_change", "external_userid": "wmAna", "change_type": change}))
    };
    assert!(matches!(session(1), Event::Held { by_person: true, .. }));
    assert!(matches!(session(3), Event::Held { by_person: false, .. }));
    assert!(matches!(event(json!({"event_type": "enter_session", "welcome_code": "W"})), Event::Nothing(_)));
    assert!(matches!(event(json!({})), Event::Nothing(_)));
}

#[test]
fn answers_to_a_send_have_their_consequences() {
    let read = |code: i64, text: &str| call::outcome(&json!({"errcode": code, "errmsg": text}), "mine");
    assert_eq!(call::outcome(&json!({"errcode": 0, "msgid": "theirs"}), "mine"), Sent::Accepted(Some("theirs".into())));
    assert_eq!(read(40_058, "duplicate msgid"), Sent::Accepted(Some("mine".into())));
    assert!(matches!(read(-1, "system error"), Sent::Failed(Failure::Retry(..))));
    assert!(matches!(read(45_009, "api freq out of limit"), Sent::Failed(Failure::Retry(_, Some(_)))));
    assert!(matches!(read(95_018, "send msg session status invalid"), Sent::Failed(Failure::Never(_))));
    assert!(
        matches!(read(60_020, "not allow to access from your ip, from ip: 1.1.1.1"), Sent::Failed(Failure::Stop(why)) if !why.contains("1.1.1.1"))
    );
    assert!(matches!(read(40_096, "invalid external userid"), Sent::Failed(Failure::Never(_))));
}

#[test]
fn a_long_chinese_answer_is_cut_by_bytes_between_sentences() {
    let text = "退款需要五个工作日，运费由我们承担。".repeat(60);
    let parts = Channel::WecomKf(channel()).plan(&text, &[]);
    assert_eq!(parts.len(), 2);
    for part in parts {
        let Body::Text { text } = part else { panic!() };
        assert!(text.len() <= 2048 && text.ends_with('。'), "{}", text.len());
    }
}
