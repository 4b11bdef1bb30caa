//! E-mail, against a strict post office.

use axum::http::StatusCode;
use frontdesk::inbox;
use futures::future::join_all;
use serde_json::{Value, json};

use crate::{
    desk::WARRANTY,
    post::{ADDRESS, Does, Post},
    support::{
        app::{On, TestApp, databases, is_on_disk},
        shop::Shop,
    },
};

const QUESTION: &str = "How long is the warranty of a grinder?";

struct Office {
    shop: Shop,
    post: Post,
    id: String,
}

impl Office {
    async fn open(on: On) -> Self {
        let shop = Shop::around(TestApp::open(on).await).await;
        shop.learns("en.md", WARRANTY).await;
        let post = Post::start().await;
        let body = json!({"platform": "email", "name": "Mail", "config": post.config()});
        let added = shop.call("POST", "/api/channels", Some(body)).await;
        assert_eq!(added.status, StatusCode::OK, "{added:?}");
        assert!(added.body["webhook_path"].is_null(), "nobody calls us");
        let office = Self { shop, post, id: added.body["id"].as_str().unwrap().into() };
        office.shop.settle().await;
        office
    }

    /// A mail of Ana's, taken by her server now.
    fn writes(&self, id: &str, head: &str, text: &str) {
        self.writes_at(self.shop.app.now(), id, head, text);
    }

    fn writes_at(&self, at: chrono::DateTime<chrono::Utc>, id: &str, head: &str, text: &str) {
        let mail = format!(
            "Message-ID: <{id}@ana.example>\nFrom: Ana <ana@ana.example>\nTo: {ADDRESS}\nDate: {}\n{head}\n\n{text}\n",
            at.to_rfc2822()
        );
        self.post.put(at, &mail);
    }

    /// Lets half a minute pass: the mailbox is looked at, and what follows from it is done.
    async fn look(&self) {
        self.shop.app.clock.advance(chrono::Duration::seconds(31));
        self.shop.settle().await;
        self.shop.settle().await;
    }

    fn sent(&self) -> Vec<String> {
        self.post.kept().sent.clone()
    }

    async fn messages(&self) -> Vec<Value> {
        let id = self.shop.conversation("Ana").await["id"].as_str().unwrap().to_string();
        let path = format!("/api/conversations/{id}/messages?limit=200");
        self.shop.call("GET", &path, None).await.body.as_array().unwrap().clone()
    }

    async fn last_status(&self) -> (String, String) {
        let all = self.messages().await;
        let last = all.iter().rev().find(|m| m["sender_type"] != "customer").unwrap();
        (last["status"].as_str().unwrap().into(), last["status_reason"].as_str().unwrap_or_default().into())
    }

    async fn channel(&self) -> Value {
        let all = self.shop.call("GET", "/api/channels", None).await.body;
        all.as_array().unwrap().iter().find(|c| c["id"] == self.id.as_str()).unwrap().clone()
    }

    fn no_faults(&self) {
        assert_eq!(self.post.kept().faults, Vec::<String>::new());
    }
}

/// A header's value, unfolded.
fn header(mail: &str, name: &str) -> String {
    let head = mail.split("\r\n\r\n").next().unwrap_or_default().replace("\r\n ", " ").replace("\r\n\t", " ");
    head.lines().find_map(|l| l.strip_prefix(&format!("{name}: "))).unwrap_or_default().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_is_answered_once_in_its_thread_and_the_talk_goes_on_there() {
    for on in databases() {
        let o = Office::open(on).await;
        o.writes("m1", "Subject: My grinder", QUESTION);
        o.look().await;
        o.look().await;
        let sent = o.sent();
        assert_eq!(sent.len(), 1, "{sent:?}");
        assert!(sent[0].contains("24 months"), "{}", sent[0]);
        assert_eq!(header(&sent[0], "To"), "ana@ana.example");
        assert_eq!(header(&sent[0], "Subject"), "Re: My grinder");
        assert_eq!(header(&sent[0], "In-Reply-To"), "<m1@ana.example>");
        assert_eq!(header(&sent[0], "Auto-Submitted"), "auto-replied");
        let ours = header(&sent[0], "Message-ID");
        assert!(ours.ends_with("@shop.example>"), "{ours}");
        assert_eq!(o.post.kept().fetched, 1, "a mail is fetched once");

        // She answers with the history below: only what is new counts, and the chain of references grows.
        let head = format!("Subject: Re: My grinder\nIn-Reply-To: {ours}\nReferences: <m1@ana.example> {ours}");
        let text = "And how long does shipping to Penang take?\n\nOn Mon, 2 Mar 2026 at 09:00, Shop <help@shop.example> wrote:\n> The warranty is 24 months.";
        o.writes("m2", &head, text);
        o.look().await;
        let all = o.messages().await;
        let hers: Vec<&str> =
            all.iter().filter(|m| m["sender_type"] == "customer").map(|m| m["content"].as_str().unwrap()).collect();
        assert_eq!(hers, [format!("My grinder\n\n{QUESTION}").as_str(), "And how long does shipping to Penang take?"]);
        let sent = o.sent();
        assert!(sent.len() == 2 && sent[1].contains("5 working days"), "{sent:?}");
        assert_eq!(header(&sent[1], "References"), format!("<m1@ana.example> {ours} <m2@ana.example>"));

        // A person answers: no machine's mark.
        let agent = o.shop.user("mei", "agent").await;
        let id = o.shop.conversation("Ana").await["id"].as_str().unwrap().to_string();
        o.shop
            .call_as(&agent, "POST", &format!("/api/conversations/{id}/messages"), Some(json!({"text": "Mei here."})))
            .await;
        o.shop.settle().await;
        let last = o.sent().pop().unwrap();
        assert!(last.contains("Mei here.") && header(&last, "Auto-Submitted").is_empty(), "{last}");
        assert_eq!(header(&last, "In-Reply-To"), "<m2@ana.example>");
        o.no_faults();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn history_is_not_answered_and_numbers_that_begin_anew_repeat_nothing() {
    for on in databases() {
        let shop = Shop::around(TestApp::open(on).await).await;
        shop.learns("en.md", WARRANTY).await;
        let post = Post::start().await;
        let o = Office { shop, post, id: String::new() };
        let now = o.shop.app.now();
        o.writes_at(now - chrono::Duration::days(3), "old", "Subject: Old", QUESTION);
        o.writes_at(now - chrono::Duration::hours(1), "older", "Subject: Before", QUESTION);
        o.writes_at(now - chrono::Duration::minutes(2), "m1", "Subject: New", QUESTION);
        let body = json!({"platform": "email", "name": "Mail", "config": o.post.config()});
        let added = o.shop.call("POST", "/api/channels", Some(body)).await;
        assert_eq!(added.status, StatusCode::OK, "{added:?}");
        o.shop.settle().await;
        o.look().await;
        assert_eq!(o.sent().len(), 1, "what was there before is history");
        assert_eq!(o.messages().await[0]["content"], format!("New\n\n{QUESTION}"));
        // The provider moved the mailbox: every mail has another number.
        {
            let mut kept = o.post.kept();
            kept.validity = 8;
            for (n, mail) in kept.mails.iter_mut().enumerate() {
                mail.0 = 100 + u32::try_from(n).unwrap();
            }
        }
        o.look().await;
        o.look().await;
        assert_eq!(o.sent().len(), 1);
        o.writes("m2", "Subject: Shipping", "How long does shipping to Penang take?");
        o.look().await;
        assert_eq!(o.sent().len(), 2);
        // The same mail arrives twice, as after a redelivery between servers.
        o.writes("m2", "Subject: Shipping", "How long does shipping to Penang take?");
        o.look().await;
        assert_eq!(o.sent().len(), 2);
        // More than fit into one look.
        for n in 0..45 {
            o.writes(&format!("many{n}"), "Subject: Thanks\nPrecedence: bulk", "An offer!");
        }
        o.writes("m3", "Subject: Once more", QUESTION);
        o.look().await;
        assert_eq!(o.sent().len(), 3);
        o.no_faults();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn machines_are_not_answered_and_a_mail_that_came_back_calls_a_person() {
    for on in databases() {
        let o = Office::open(on).await;
        o.writes("m1", "Subject: My grinder", QUESTION);
        o.look().await;
        let ours = header(&o.sent()[0], "Message-ID");
        o.writes(
            "auto",
            &format!("Subject: Out of office\nAuto-Submitted: auto-replied\nIn-Reply-To: {ours}"),
            "I am away. When will you answer?",
        );
        let report = format!(
            "Message-ID: <r1@mx.example>\nFrom: MAILER-DAEMON@mx.example\nTo: {ADDRESS}\nSubject: Undelivered\nReturn-Path: <>\n\
             Content-Type: multipart/report; report-type=delivery-status; boundary=x\n\n\
             --x\nContent-Type: text/plain\n\nIt could not be delivered.\n\
             --x\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 no such user\n\n\
             --x\nContent-Type: message/rfc822\n\nMessage-ID: {ours}\nFrom: {ADDRESS}\nSubject: Re: My grinder\n\nHello\n--x--\n"
        );
        o.post.put(o.shop.app.now(), &report);
        o.look().await;
        assert_eq!(o.sent().len(), 1, "nobody answers a machine");
        assert_eq!(o.messages().await.len(), 2);
        let (status, why) = o.last_status().await;
        assert!(status == "failed" && why.contains("550 no such user"), "{status} {why}");
        assert_eq!(o.shop.conversation("Ana").await["holder"], "queue");
        o.no_faults();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_come_and_go_with_mails_and_go_with_their_customer() {
    for on in databases() {
        let o = Office::open(on).await;
        let text = "--x\nContent-Type: text/plain\n\nIs this the right one? How long is the warranty of a grinder?\n\
            --x\nContent-Type: image/png; name=lid.png\nContent-Disposition: attachment\nContent-Transfer-Encoding: base64\n\niVBORw0KGgphIGNhbmFyeQ==\n\
            --x\nContent-Type: application/pdf\nContent-Disposition: attachment; filename=bill.pdf\n\n%PDF-1 a bill\n--x--";
        o.writes("m1", "Subject: Lid\nContent-Type: multipart/mixed; boundary=x", text);
        o.look().await;
        let first = o.messages().await[0].clone();
        let files: Vec<(&str, &str)> = first["files"]
            .as_array()
            .unwrap()
            .iter()
            .map(|f| (f["name"].as_str().unwrap(), f["status"].as_str().unwrap()))
            .collect();
        assert_eq!(files, [("lid.png", "stored"), ("bill.pdf", "stored")]);
        for (n, bytes) in ["a canary", "%PDF-1 a bill"].into_iter().enumerate() {
            let got = o.shop.call("GET", first["files"][n]["url"].as_str().unwrap(), None).await;
            assert!(got.status == StatusCode::OK && got.body.as_str().unwrap().contains(bytes), "{got:?}");
        }
        let agent = o.shop.user("mei", "agent").await;
        let id = o.shop.conversation("Ana").await["id"].as_str().unwrap().to_string();
        let path = format!("/api/conversations/{id}/files");
        let sent = o.shop.form(&agent, &path, &[("text", "Here is the manual")], "manual.pdf", b"%PDF-1 manual").await;
        assert_eq!(sent.status, StatusCode::OK, "{sent:?}");
        o.shop.settle().await;
        let mail = o.sent().pop().unwrap();
        assert!(mail.contains("Here is the manual") && mail.contains("filename=\"manual.pdf\""), "{mail}");

        let customer = o.shop.conversation("Ana").await["customer_id"].as_str().unwrap().to_string();
        let ordered = o.shop.call("POST", &format!("/api/customers/{customer}/erase"), None).await;
        assert_eq!(ordered.status, StatusCode::ACCEPTED, "{ordered:?}");
        o.shop.settle().await;
        for canary in ["a canary", "%PDF-1 a bill", "%PDF-1 manual", "ana@ana.example"] {
            assert!(!is_on_disk(&o.shop.app.dir.0, canary), "{canary} is still on the disk");
        }
        o.no_faults();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_mail_server_says_has_its_consequence() {
    for on in databases() {
        let o = Office::open(on).await;
        o.post.kept().script.push_back(Does::Says("451 4.7.1 greylisted"));
        o.writes("m1", "Subject: My grinder", QUESTION);
        o.look().await;
        assert_eq!((o.sent().len(), o.last_status().await.0.as_str()), (0, "sending"));
        o.shop.app.clock.advance(chrono::Duration::minutes(6));
        o.look().await;
        assert_eq!((o.sent().len(), o.last_status().await.0.as_str()), (1, "sent"));

        let agent = o.shop.user("mei", "agent").await;
        let id = o.shop.conversation("Ana").await["id"].as_str().unwrap().to_string();
        let reply = async |text: &str| {
            let path = format!("/api/conversations/{id}/messages");
            o.shop.call_as(&agent, "POST", &path, Some(json!({"text": text}))).await;
            o.shop.settle().await;
        };
        o.post.kept().script.push_back(Does::Says("550 5.1.1 no such user"));
        reply("One").await;
        let (status, why) = o.last_status().await;
        assert!(status == "failed" && why.contains("550"), "{status} {why}");
        o.post.kept().script.push_back(Does::TakesAndHangsUp);
        reply("Two").await;
        assert_eq!(o.last_status().await.0, "uncertain");
        o.shop.app.clock.advance(chrono::Duration::hours(1));
        o.look().await;
        assert_eq!(o.sent().iter().filter(|m| m.contains("\r\n\r\nTwo")).count(), 1, "never again by itself");

        // The password was changed: whoever may mend it hears of it, and nothing is lost.
        o.post.kept().refuses_password = true;
        reply("Three").await;
        o.look().await;
        let shown = o.channel().await;
        assert!(shown["error"].as_str().unwrap().contains("password"), "{shown}");
        let tested = o.shop.call("POST", &format!("/api/channels/{}/test", o.id), Some(json!({}))).await;
        assert_eq!(tested.body["ok"], false, "{tested:?}");
        o.post.kept().refuses_password = false;
        o.writes("m2", "Subject: Re: x", "Thanks");
        o.shop.app.clock.advance(chrono::Duration::minutes(2));
        o.look().await;
        assert_eq!(o.last_status().await.0, "sent");
        assert!(o.channel().await["error"].is_null());
        let tested = o.shop.call("POST", &format!("/api/channels/{}/test", o.id), Some(json!({}))).await;
        assert_eq!(tested.body["ok"], true, "{tested:?}");
        o.no_faults();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_in_64_copies_that_64_look_for_at_once_is_received_and_answered_once() {
    for on in databases() {
        let o = Office::open(on).await;
        for _ in 0..64 {
            o.writes("m1", "Subject: My grinder", QUESTION);
        }
        let channel = o.id.parse().unwrap();
        let looks = (0..64).map(|_| inbox::fetch(&o.shop.app, channel, "INBOX", ""));
        assert!(join_all(looks).await.iter().all(Result::is_ok));
        o.look().await;
        o.look().await;
        let all = o.messages().await;
        assert_eq!(all.iter().filter(|m| m["sender_type"] == "customer").count(), 1, "{all:?}");
        assert_eq!(o.sent().len(), 1, "{:?}", o.sent());
        o.no_faults();
    }
}
