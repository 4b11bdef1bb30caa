//! The laws of all kinds of channels, as they are.

use chrono::{DateTime, Duration, TimeZone, Utc};
use serde_json::json;

use super::{
    Body, Channel, KINDS,
    law::{Past, Purpose, Ruling},
};

/// A channel of a kind, with what it needs and nothing else.
pub(super) fn channel(kind: &str) -> Channel {
    const KEY: &str = "q1Os1ZMe0nG28KUEx9lg3HjK7V5QyXvi212fzsgDqgW";
    let config = match kind {
        "whatsapp_cloud" => {
            json!({"phone_number_id": "1", "app_secret": "s", "verify_token": "v", "access_token": "a"})
        }
        "waha" => json!({"base_url": "http://127.0.0.1:3000", "hmac_key": "k"}),
        "evolution" => {
            json!({"base_url": "http://127.0.0.1:1", "api_key": "k", "instance": "shop", "token": "a token of sixteen"})
        }
        "gateway" => json!({"token": "a token of sixteen", "base_url": "http://127.0.0.1:1"}),
        "telegram" => json!({"bot_token": "1:AA", "secret_token": "A1b2_C3-d4"}),
        "wecom_kf" => json!({"corp_id": "ww1", "secret": "s", "token": "t", "encoding_aes_key": KEY}),
        "wechat_oa" => json!({"app_id": "wx01", "app_secret": "s", "token": "tok", "encoding_aes_key": KEY}),
        "webhook" => json!({"secret": "a secret of ours!", "send_url": "http://127.0.0.1:1"}),
        "email" => json!({"address": "help@shop.example", "password": "p", "imap_host": "imap.shop.example",
            "smtp_host": "smtp.shop.example"}),
        _ => json!(null),
    };
    Channel::open(kind, &config).unwrap()
}

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 2, 9, 0, 0).unwrap()
}

fn wrote(ago: Duration, sent_since: usize) -> Past {
    Past { last_inbound: Some(now() - ago), sent_since, ..Past::default() }
}

fn tapped(ago: Duration, sent_since_tap: usize) -> Past {
    Past { last_tap: Some(now() - ago), sent_since_tap, ..Past::default() }
}

/// A kind of channel over which not all may simply be sent: an answer, a notice, a person's message.
type Exception = (&'static str, [&'static str; 3]);

const NOW: [&str; 3] = ["now"; 3];
const TEMPLATE: [&str; 3] = ["template"; 3];
const PERSON: [&str; 3] = ["person"; 3];
/// An answer may not, the notice that a person comes and the person may.
const NO_ANSWER: [&str; 3] = ["person", "now", "now"];

#[test]
fn each_law_says_what_its_platform_says() {
    let (hours, seconds) = (Duration::hours, Duration::seconds);
    let cases: [(&str, Past, &[Exception]); 13] = [
        ("wrote just now", wrote(seconds(0), 0), &[]),
        ("wrote 23 hours ago", wrote(hours(23), 0), &[]),
        ("wrote 23:59 hours ago", wrote(hours(24) - seconds(60), 0), &[("whatsapp_cloud", TEMPLATE)]),
        ("wrote 25 hours ago", wrote(hours(25), 3), &[("whatsapp_cloud", TEMPLATE)]),
        ("wrote 47 hours ago", wrote(hours(47), 3), &[("whatsapp_cloud", TEMPLATE)]),
        (
            "wrote 49 hours ago",
            wrote(hours(49), 0),
            &[("whatsapp_cloud", TEMPLATE), ("wecom_kf", PERSON), ("wechat_oa", PERSON)],
        ),
        ("never wrote", Past::default(), &[("whatsapp_cloud", TEMPLATE), ("wecom_kf", PERSON), ("wechat_oa", PERSON)]),
        ("wrote, and four were sent", wrote(hours(1), 4), &[("wecom_kf", NO_ANSWER), ("wechat_oa", NO_ANSWER)]),
        ("wrote, and five were sent", wrote(hours(1), 5), &[("wecom_kf", PERSON), ("wechat_oa", PERSON)]),
        ("tapped 20 seconds ago", tapped(seconds(20), 0), &[("whatsapp_cloud", TEMPLATE), ("wecom_kf", PERSON)]),
        (
            "tapped 20 seconds ago, and two were sent",
            tapped(seconds(20), 2),
            &[("whatsapp_cloud", TEMPLATE), ("wecom_kf", PERSON), ("wechat_oa", NO_ANSWER)],
        ),
        (
            "tapped 20 seconds ago, and three were sent",
            tapped(seconds(20), 3),
            &[("whatsapp_cloud", TEMPLATE), ("wecom_kf", PERSON), ("wechat_oa", PERSON)],
        ),
        (
            "tapped a minute ago",
            tapped(seconds(60), 0),
            &[("whatsapp_cloud", TEMPLATE), ("wecom_kf", PERSON), ("wechat_oa", PERSON)],
        ),
    ];
    for (history, past, exceptions) in &cases {
        for kind in KINDS {
            let law = channel(kind).law();
            let rulings = [Purpose::Answer, Purpose::Notice, Purpose::Person].map(|purpose| {
                match law.rule(past, purpose, 1, now()) {
                    Ruling::Now => "now",
                    Ruling::WaitUntil(_) => "wait",
                    Ruling::NeedsTemplate => "template",
                    Ruling::NeedsPerson(_) => "person",
                    Ruling::Never(_) => "never",
                }
            });
            let expected = exceptions.iter().find(|(of, _)| *of == kind).map_or(NOW, |(_, expected)| *expected);
            assert_eq!(rulings, expected, "{kind}: {history}");
        }
    }
}

#[test]
fn each_pace_is_what_its_platform_bears() {
    // How many messages go out at once, and when the next one does then.
    let paces = [
        ("whatsapp_cloud", 10, Duration::seconds(6)),
        ("waha", 2, Duration::milliseconds(1500)),
        ("evolution", 2, Duration::milliseconds(1500)),
        ("gateway", 2, Duration::milliseconds(1500)),
        ("telegram", 3, Duration::seconds(1)),
        ("email", 8, Duration::minutes(10)),
    ];
    for kind in KINDS {
        let law = channel(kind).law();
        let sent = |n: usize| Past { sent_at: vec![now(); n], ..wrote(Duration::zero(), 0) };
        let rule = |n: usize| law.rule(&sent(n), Purpose::Person, 1, now());
        match paces.iter().find(|(of, ..)| *of == kind) {
            Some((_, burst, every)) => {
                assert_eq!((rule(burst - 1), rule(*burst)), (Ruling::Now, Ruling::WaitUntil(now() + *every)), "{kind}");
            }
            None => assert_eq!(rule(1000), Ruling::Now, "{kind}"),
        }
    }
}

#[test]
fn an_answer_is_cut_to_what_is_permitted_and_says_so() {
    let kf = channel("wecom_kf");
    let whole = kf.plan(&"退款需要五个工作日，运费由我们承担。".repeat(300), &[]);
    assert!(whole.len() > 4);
    let most = kf.law().most(&wrote(Duration::hours(1), 1), Purpose::Answer, now());
    assert_eq!(most, Some(3));
    let cut = kf.cut_short(whole.clone(), 3, "同事会继续。");
    assert_eq!((cut.len(), &cut[..2]), (3, &whole[..2]));
    let Some(Body::Text { text }) = cut.last() else { panic!("{cut:?}") };
    assert!(text.ends_with("…\n\n同事会继续。") && text.len() <= 2048, "{text}");
    assert_eq!(channel("telegram").law().most(&Past::default(), Purpose::Answer, now()), None);
}

#[test]
fn half_a_character_is_a_sign_and_everything_else_stays() {
    let whole = |json: &str| super::whole_characters(json.as_bytes()).map(|b| String::from_utf8(b).unwrap());
    for whole_already in [r#"{"a": "\ud83c\udf89 \\ud83c \u4f60"}"#, "", r#""\"#, r#""\u00"#] {
        assert_eq!(whole(whole_already), None, "{whole_already}");
    }
    assert_eq!(whole(r#"{"a": "Mei \ud83c"}"#).as_deref(), Some(r#"{"a": "Mei \ufffd"}"#));
    assert_eq!(whole(r#""\udf89\ud83c\ud83c\udf89""#).as_deref(), Some(r#""\ufffd\ufffd\ud83c\udf89""#));
}
