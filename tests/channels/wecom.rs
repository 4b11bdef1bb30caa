//! WeCom customer service.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::{Method, StatusCode};
use frontdesk::{
    app::TurnId,
    inbox::{self, Reply, Trace},
};
use serde_json::{Value, json};

use crate::{
    desk::{Desk, WARRANTY_ZH},
    qyapi::{ACCOUNT, CORP, Does, Qyapi, ring, sealed},
    support::app::{On, databases},
};

const ANA: &str = "wmANA";
const QUESTION: &str = "研磨机保修多久？";

pub struct Wecom {
    pub desk: Desk,
    pub api: Qyapi,
    rings: AtomicUsize,
}

impl std::ops::Deref for Wecom {
    type Target = Desk;
    fn deref(&self) -> &Desk {
        &self.desk
    }
}

impl Wecom {
    pub async fn open(on: On, more: Value) -> Self {
        let api = Qyapi::start().await;
        let mut config = api.config();
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let desk = Desk::open(on, "wecom_kf", config).await;
        desk.shop.learns("zh.md", WARRANTY_ZH).await;
        Self { desk, api, rings: AtomicUsize::new(0) }
    }

    pub async fn ring(&self) {
        let token = format!("ENC{}", self.rings.fetch_add(1, Ordering::Relaxed));
        let (query, body) = ring(&token);
        let answer = self.request(Method::POST, &query, &[], body).await;
        assert_eq!(answer, (StatusCode::OK, "success".into()));
    }

    fn item(&self, id: &str, origin: i64, content: Value) -> Value {
        self.item_of(ANA, id, origin, content)
    }

    pub fn item_of(&self, customer: &str, id: &str, origin: i64, content: Value) -> Value {
        let mut item = json!({"msgid": id, "open_kfid": ACCOUNT, "external_userid": customer, "origin": origin,
            "send_time": self.shop.app.now().timestamp()});
        item.as_object_mut().unwrap().extend(content.as_object().unwrap().clone());
        item
    }

    async fn says(&self, id: &str, text: &str) {
        self.api.add(self.item(id, 3, json!({"msgtype": "text", "text": {"content": text}})));
        self.ring().await;
    }

    async fn event(&self, id: &str, fields: Value) {
        self.api.add(self.item(id, 4, json!({"msgtype": "event", "event": fields})));
        self.ring().await;
        self.shop.settle().await;
    }

    /// The customer's conversation: they have no name, so it is the only one.
    async fn conversation(&self) -> Value {
        let all = self.shop.call("GET", "/api/conversations", None).await.body;
        assert_eq!(all["items"].as_array().unwrap().len(), 1, "{all}");
        all["items"][0].clone()
    }

    async fn said(&self) -> Vec<Value> {
        let name = self.conversation().await["customer_name"].as_str().unwrap().to_string();
        self.messages(&name).await
    }

    fn no_faults(&self) {
        assert_eq!(self.api.kept().faults, Vec::<String>::new());
    }
}

async fn each<F: Future<Output = ()>>(story: impl Fn(Wecom) -> F) {
    for on in databases() {
        eprintln!("on {on:?}");
        story(Wecom::open(on, json!({})).await).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ring_fetches_every_page_and_days_old_history_is_not_answered() {
    each(|w| async move {
        let (query, echo) = sealed(CORP, "4561255354251345929");
        let echo: String = url::form_urlencoded::byte_serialize(echo.as_bytes()).collect();
        let hello = w.request(Method::GET, &format!("{query}&echostr={echo}"), &[], "").await;
        assert_eq!(hello, (StatusCode::OK, "4561255354251345929".into()));

        let mut old = w.item("m0", 3, json!({"msgtype": "text", "text": {"content": "三天前的旧消息，保修多久？"}}));
        for n in 0..5 {
            old["msgid"] = json!(format!("old{n}"));
            old["send_time"] = json!(w.shop.app.now().timestamp() - 3 * 86_400 + n);
            w.api.add(old.clone());
        }
        w.says("m1", QUESTION).await;
        w.ring().await;
        w.shop.settle().await;
        assert_eq!(w.api.texts().len(), 1, "{:?}", w.api.texts());
        assert!(w.api.texts()[0].contains("24个月"));
        assert_eq!(w.said().await.len(), 2, "history is kept as events only");
        assert_eq!(w.api.kept().tokens, 1);

        // The next ring goes on from where the last one ended, and an item that comes again is no new message.
        let before = w.api.kept().fetches.len();
        w.says("m1", QUESTION).await;
        w.shop.settle().await;
        assert_eq!(w.api.texts().len(), 1);
        assert_eq!(w.api.kept().fetches[before]["cursor"], "c6");
        w.no_faults();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_colleagues_did_before_the_channel_was_connected_silences_nobody() {
    each(|w| async move {
        let session = |change: i64| {
            json!({"msgtype": "event", "event": {"event_type": "session_status_change",
            "open_kfid": ACCOUNT, "external_userid": ANA, "change_type": change}})
        };
        let old = [
            w.item("m0", 3, json!({"msgtype": "text", "text": {"content": "在吗？"}})),
            w.item(
                "h0",
                5,
                json!({"msgtype": "text", "text": {"content": "您好，我是客服小王"}, "servicer_userid": "wang"}),
            ),
            w.item("e0", 4, session(1)),
            w.item("h1", 5, json!({"msgtype": "image", "image": {"media_id": "M"}, "servicer_userid": "wang"})),
        ];
        for (n, mut item) in (0..).zip(old) {
            item["send_time"] = json!(w.shop.app.now().timestamp() - 2 * 86_400 + n);
            w.api.add(item);
        }
        w.says("m1", QUESTION).await;
        w.shop.settle().await;
        assert_eq!(w.conversation().await["holder"], "assistant");
        assert!(w.api.texts().len() == 1 && w.api.texts()[0].contains("24个月"), "{:?}", w.api.texts());
        assert_eq!(w.said().await.len(), 2, "history is kept as events only");
        // What they do from now on counts.
        w.event("e1", session(1)["event"].clone()).await;
        w.says("m2", QUESTION).await;
        w.shop.settle().await;
        assert_eq!((w.api.texts().len(), w.conversation().await["holder"].as_str()), (1, Some("agent")));
        w.no_faults();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_token_is_fetched_once_and_an_answer_that_got_lost_is_not_sent_twice() {
    each(|w| async move {
        w.says("m1", QUESTION).await;
        w.shop.settle().await;
        w.api.kept().valid = String::new();
        w.says("m2", QUESTION).await;
        w.shop.settle().await;
        assert_eq!((w.api.texts().len(), w.api.kept().tokens), (2, 2));
        // Taken, and the answer is lost: the same id again, which the platform recognises.
        w.api.kept().script.push_back(Does::TakesAndBreaks);
        w.says("m3", QUESTION).await;
        for _ in 0..3 {
            w.pass(30).await;
        }
        assert_eq!(w.api.texts().len(), 3);
        assert_eq!(w.said().await.last().unwrap()["status"], "sent");
        w.api.kept().script.extend([Does::Refuses(-1), Does::Refuses(45_009)]);
        w.says("m4", QUESTION).await;
        for _ in 0..3 {
            w.pass(90).await;
        }
        assert_eq!(w.api.texts().len(), 4);
        assert!(!w.api.kept().faults.iter().any(|f| f.contains("five")), "{:?}", w.api.kept().faults);
        // What was taken is not called failed because its repetition was refused.
        w.api.kept().script.extend([Does::TakesAndBreaks, Does::Refuses(-1), Does::Refuses(40_096)]);
        w.says("m5", QUESTION).await;
        for _ in 0..3 {
            w.pass(30).await;
        }
        assert_eq!((w.api.texts().len(), w.said().await.last().unwrap()["status"].as_str()), (5, Some("uncertain")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_fifth_message_is_kept_for_the_notice_that_a_person_comes() {
    each(|w| async move {
        w.says("m1", QUESTION).await;
        w.shop.settle().await;
        let agent = w.shop.user("mei", "agent").await;
        let id = w.conversation().await["id"].as_str().unwrap().to_string();
        let write = |text: String| {
            let (shop, agent, path) = (&w.shop, &agent, format!("/api/conversations/{id}/messages"));
            async move { shop.call_as(agent, "POST", &path, Some(json!({"text": text}))).await }
        };
        for n in 0..4 {
            assert_eq!(write(format!("第{n}条")).await.status, StatusCode::OK);
        }
        w.shop.settle().await;
        assert_eq!(w.api.texts().len(), 5, "an agent may use the fifth");
        write("第五条".into()).await;
        w.shop.settle().await;
        assert_eq!(w.api.texts().len(), 5);
        let last = w.said().await.pop().unwrap();
        assert!(
            last["status"] == "failed"
                && last["status_reason"].as_str().unwrap().contains("until the customer writes again"),
            "{last}"
        );
        // The customer writes: five more. 48 hours later: none.
        w.says("m2", "好的").await;
        w.shop.settle().await;
        write("谢谢".into()).await;
        w.shop.settle().await;
        assert_eq!(w.api.texts().len(), 6);
        w.pass(49 * 3600).await;
        write("还在吗".into()).await;
        w.shop.settle().await;
        assert_eq!(w.api.texts().len(), 6);
        w.no_faults();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_reply_is_cut_by_bytes_and_a_failure_afterwards_is_seen() {
    each(|w| async move {
        w.says("m1", "转人工").await;
        w.shop.settle().await;
        let agent = w.shop.user("mei", "agent").await;
        let id = w.conversation().await["id"].as_str().unwrap().to_string();
        let text = "退款需要五个工作日，运费由我们承担。".repeat(80);
        let path = format!("/api/conversations/{id}/messages");
        w.shop.call_as(&agent, "POST", &path, Some(json!({"text": text}))).await;
        w.shop.settle().await;
        let texts = w.api.texts();
        assert_eq!(texts.len(), 4, "the notice and three parts");
        assert_eq!(texts[1..].concat(), text);
        let last = w.api.kept().sent.last().unwrap()["msgid"].as_str().unwrap().to_string();
        w.event(
            "e1",
            json!({"event_type": "msg_send_fail", "fail_msgid": last, "fail_type": 6, "external_userid": ANA}),
        )
        .await;
        let message = w.said().await.pop().unwrap();
        assert!(
            message["status"] == "failed" && message["status_reason"].as_str().unwrap().contains("fail_type 6"),
            "{message}"
        );
        w.no_faults();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_too_long_goes_as_far_as_it_may_and_a_person_goes_on() {
    each(|w| async move {
        w.says("m1", QUESTION).await;
        w.shop.settle().await;
        let app = &w.shop.app;
        let id = w.conversation().await["id"].as_str().unwrap().parse().unwrap();
        let long = Reply {
            text: "研磨机的保养分为许多步骤，请按顺序进行。".repeat(200),
            sources: None,
            confidence: None,
            language: None,
            kind: "answer",
            meant: None,
        };
        let trace = Trace {
            id: TurnId::new(),
            decision: "answer".into(),
            reason: None,
            confidence: None,
            language: None,
            duration_ms: 0.0,
            detail: json!({}),
            recording: None,
        };
        let opened = inbox::open(app, id).await.unwrap().unwrap();
        assert!(inbox::reply(app, &opened.conversation, &long, &trace).await.unwrap());
        w.shop.settle().await;
        let texts = w.api.texts();
        // One of five was the first answer, one is kept for the notice.
        assert_eq!(texts.len(), 4);
        assert!(texts[3].ends_with("同事会继续为您解答。") && texts[3].len() <= 2048, "{}", texts[3]);
        assert_eq!(w.said().await.last().unwrap()["status"], "sent");
        let conversation = w.conversation().await;
        assert_eq!((&conversation["holder"], &conversation["hand_off_reason"]), (&json!("queue"), &json!("too_long")));
        w.no_faults();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_servicer_at_wecom_silences_the_assistant_until_the_session_ends() {
    each(|w| async move {
        w.says("m1", QUESTION).await;
        w.shop.settle().await;
        w.api.add(w.item(
            "h1",
            5,
            json!({"msgtype": "text", "text": {"content": "您好，我是客服小王"}, "servicer_userid": "wang"}),
        ));
        w.says("m2", QUESTION).await;
        w.shop.settle().await;
        assert_eq!((w.api.texts().len(), w.conversation().await["holder"].as_str()), (1, Some("agent")));
        w.event("e1", json!({"event_type": "session_status_change", "external_userid": ANA, "change_type": 3})).await;
        w.says("m3", QUESTION).await;
        w.shop.settle().await;
        assert_eq!(w.api.texts().len(), 2);
        w.says("m4", "另外，保修多久？").await;
        w.event("e2", json!({"event_type": "user_recall_msg", "external_userid": ANA, "recall_msgid": "m4"})).await;
        assert_eq!(w.api.texts().len(), 2, "taken back");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hand_off_goes_to_the_pool_where_an_admin_wants_that() {
    for on in databases() {
        let w = Wecom::open(on, json!({"transfer_to": "pool"})).await;
        w.says("m1", "转人工").await;
        w.pass(2).await;
        w.pass(2).await;
        assert_eq!(w.api.texts().len(), 1, "the notice goes first");
        assert_eq!(w.api.kept().moves, [json!({"open_kfid": ACCOUNT, "external_userid": ANA, "service_state": 2})]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pictures_are_fetched_and_one_that_is_gone_is_no_obstacle() {
    let w = Wecom::open(On::Sqlite, json!({})).await;
    w.api.add(w.item("m1", 3, json!({"msgtype": "image", "image": {"media_id": "here"}})));
    w.api.add(w.item("m2", 3, json!({"msgtype": "image", "image": {"media_id": "gone"}})));
    w.ring().await;
    // A job that fails for good stays as failed: that is what an operator sees.
    w.shop.run_due().await;
    w.shop.run_due().await;
    let (_, running, failed) = w.shop.depth().await;
    assert_eq!((running, failed), (0, 1));
    let all = w.said().await;
    let found = w.shop.call("GET", all[0]["media_url"].as_str().unwrap(), None).await;
    assert_eq!(found.status, StatusCode::OK, "{found:?}");
    let gone = w.shop.call("GET", all[1]["media_url"].as_str().unwrap(), None).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND, "{gone:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_sees_how_many_messages_are_left_and_when_none_is() {
    for on in databases() {
        let w = Wecom::open(on, json!({})).await;
        let agent = w.shop.user("mei", "agent").await;
        w.says("m1", "我要找人工客服").await;
        w.shop.settle().await;
        let path = format!("/api/conversations/{}", w.conversation().await["id"].as_str().unwrap());
        let reach = async || w.shop.call_as(&agent, "GET", &format!("{path}/reach"), None).await.body;
        let first = reach().await;
        assert_eq!((&first["way"], &first["left"], &first["quota"]), (&json!("open"), &json!(4), &json!(5)), "{first}");
        for n in 0..4 {
            let body = json!({"text": format!("第 {n} 条")});
            w.shop.call_as(&agent, "POST", &format!("{path}/messages"), Some(body)).await;
            w.pass(30).await;
        }
        let spent = reach().await;
        assert_eq!((&spent["way"], &spent["left"]), (&json!("spent"), &json!(0)), "{spent}");
        w.says("m2", "还在吗？").await;
        w.shop.settle().await;
        assert_eq!(reach().await["left"], 5);
        w.pass(49 * 3600).await;
        assert_eq!(reach().await["way"], "closed");
    }
}
