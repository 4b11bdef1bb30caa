//! Files from us to customers: what each platform takes is sent as it is, for the rest a link stands, and nothing goes
//! out twice. Emojis on customers' messages. Files that are kept long enough.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::{
    desk::{Desk, WARRANTY},
    graph::Does,
    other::Server,
    support::{
        app::{On, TestApp, databases, is_on_disk},
        shop::{Answer, Shop},
    },
    wecom::Wecom,
    whatsapp::Whatsapp,
};

const ANA: &str = "60123456789";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\na small picture";
const PDF: &[u8] = b"%PDF-1.7 an invoice";

/// An agent's file to a customer.
async fn send(desk: &Desk, agent: &str, customer: &str, fields: &[(&str, &str)], name: &str, bytes: &[u8]) -> Answer {
    let id = desk.shop.conversation(customer).await["id"].as_str().unwrap().to_string();
    desk.shop.form(agent, &format!("/api/conversations/{id}/files"), fields, name, bytes).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_reaches_whatsapp_once_however_often_it_is_asked_for() {
    for on in databases() {
        let w = Whatsapp::open(on).await;
        w.says(ANA, "wamid.1", "How do I open the lid?").await;
        w.shop.settle().await;
        let agent = w.shop.user("mei", "agent").await;
        let fields = [("text", "Like this"), ("idempotency_key", "k1")];
        for _ in 0..2 {
            let sent = send(&w.desk, &agent, "Ana", &fields, "lid 盖子.png", PNG).await;
            assert_eq!(sent.status, StatusCode::OK, "{sent:?}");
            let file = &sent.body["files"][0];
            let shown = (&sent.body["content_type"], &file["name"], &file["content_type"], &file["size_bytes"]);
            assert_eq!(shown, (&json!("image"), &json!("lid 盖子.png"), &json!("image/png"), &json!(PNG.len())));
        }
        w.shop.settle().await;
        let sent = w.graph.last();
        assert_eq!(sent.body["image"], json!({"id": "media-1", "caption": "Like this"}));
        let uploads = w.graph.kept().uploads.clone();
        assert_eq!(uploads, [("lid 盖子.png".to_string(), "image/png".to_string(), PNG.to_vec())]);
        assert_eq!(w.last_status("Ana").await.0, "sent");
        let conversation = w.shop.conversation("Ana").await;
        assert_eq!(
            (&conversation["holder"], &conversation["last_message_preview"]),
            (&json!("agent"), &json!("Like this"))
        );

        // A document keeps its name; sound has no caption, so what is said about it follows.
        send(&w.desk, &agent, "Ana", &[("text", "Your invoice")], "invoice.pdf", PDF).await;
        w.pass(15).await;
        let document = w.graph.last().body["document"].clone();
        assert_eq!(document, json!({"id": "media-2", "caption": "Your invoice", "filename": "invoice.pdf"}));
        send(&w.desk, &agent, "Ana", &[("text", "Hear it")], "lid.ogg", b"OggS.....").await;
        w.pass(15).await;
        w.pass(15).await;
        let sent = w.graph.kept().taken.clone();
        let [.., sound, words] = sent.as_slice() else { panic!() };
        assert_eq!((&sound.body["audio"], words.text().as_str()), (&json!({"id": "media-3"}), "Hear it"));
        assert_eq!(w.graph.kept().faults, Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_upload_is_tried_again_and_a_lost_send_is_left_to_a_person() {
    for on in databases() {
        let w = Whatsapp::open(on).await;
        w.says(ANA, "wamid.1", "How do I open the lid?").await;
        w.shop.settle().await;
        let agent = w.shop.user("mei", "agent").await;
        w.graph.kept().upload_script.extend([Does::TakesAndBreaks, Does::Refuses(130_429)]);
        send(&w.desk, &agent, "Ana", &[], "lid.png", PNG).await;
        w.pass(15).await;
        w.pass(15).await;
        assert_eq!(w.graph.last().body["image"], json!({"id": "media-1"}));
        let before = w.graph.kept().taken.len();

        w.graph.then(Does::TakesAndBreaks);
        send(&w.desk, &agent, "Ana", &[], "lid.png", PNG).await;
        w.pass(15).await;
        w.pass(600).await;
        assert_eq!(w.last_status("Ana").await.0, "uncertain");
        assert_eq!(w.graph.kept().taken.len(), before + 1, "never again by itself");

        w.graph.kept().upload_script.push_back(Does::Refuses(131_053));
        send(&w.desk, &agent, "Ana", &[], "lid.png", PNG).await;
        w.pass(15).await;
        let (status, why) = w.last_status("Ana").await;
        assert!(status == "failed" && why.contains("131053"), "{status} {why}");
        assert_eq!(w.graph.kept().faults, Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_platform_does_not_take_is_a_link_or_is_refused_with_the_reason() {
    const ZIP: &[u8] = b"PK\x03\x04 an archive";
    for on in databases() {
        let w = Whatsapp::open(on).await;
        w.says(ANA, "wamid.1", "How do I open the lid?").await;
        w.shop.settle().await;
        let agent = w.shop.user("mei", "agent").await;
        let before = w.messages("Ana").await.len();
        let refused = send(&w.desk, &agent, "Ana", &[("text", "All of it")], "manuals.zip", ZIP).await;
        let why = refused.body["error"]["message"].as_str().unwrap().to_string();
        assert!(refused.status == StatusCode::UNPROCESSABLE_ENTITY && why.contains("server.public_url"), "{refused:?}");
        for (name, bytes) in [("run.exe", &b"MZ\x90\x00"[..]), ("page.html", b"<script>"), ("nothing.png", b"")] {
            let refused = send(&w.desk, &agent, "Ana", &[], name, bytes).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        }
        assert_eq!(w.messages("Ana").await.len(), before, "nothing was written");
        assert!(
            std::fs::read_dir(w.shop.app.dir.0.join("files/incoming")).unwrap().next().is_none(),
            "nothing is left"
        );

        let app = TestApp::open_with(on, |c| c.server.public_url = Some("https://desk.example.com".into())).await;
        let graph = crate::graph::Graph::start().await;
        let desk = Desk::around(app, "whatsapp_cloud", graph.config()).await;
        desk.shop.learns("en.md", WARRANTY).await;
        let w = Whatsapp { desk, graph };
        w.says(ANA, "wamid.1", "Where are the manuals?").await;
        w.shop.settle().await;
        let agent = w.shop.user("mei", "agent").await;
        send(&w.desk, &agent, "Ana", &[("text", "All of it")], "manuals.zip", ZIP).await;
        w.pass(15).await;
        let text = w.graph.last().text();
        let (said, link) = text.rsplit_once('\n').unwrap();
        assert_eq!(said, "All of it\n\nmanuals.zip");
        let path = link.strip_prefix("https://desk.example.com").unwrap().to_string();
        let got = fetch(&w.shop, &path, &[]).await;
        assert_eq!((got.0, got.2.as_slice()), (StatusCode::OK, ZIP));
        assert!(got.1[header::CONTENT_DISPOSITION].to_str().unwrap().starts_with("attachment;"), "{got:?}");
        // Another's guess, and the same after a month.
        let other = format!("{}x", &path[..path.len() - 1]);
        assert_eq!(fetch(&w.shop, &other, &[]).await.0, StatusCode::NOT_FOUND);
        w.shop.app.clock.advance(chrono::Duration::days(31));
        assert_eq!(fetch(&w.shop, &path, &[]).await.0, StatusCode::NOT_FOUND);
    }
}

/// A file, by whoever holds its link.
async fn fetch(shop: &Shop, path: &str, headers: &[(&str, &str)]) -> (StatusCode, axum::http::HeaderMap, Vec<u8>) {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = shop.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    (status, headers, axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap().to_vec())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wecom_takes_files_with_a_token_that_is_renewed_on_the_way() {
    for on in databases() {
        let w = Wecom::open(on, json!({})).await;
        let item = w.item_of("wmANA", "m1", 3, json!({"msgtype": "text", "text": {"content": "怎么打开盖子？"}}));
        w.api.add(item);
        w.ring().await;
        w.shop.settle().await;
        let agent = w.shop.user("mei", "agent").await;
        w.api.kept().valid = "another token".into();
        let all = w.shop.call("GET", "/api/conversations", None).await.body;
        let id = all["items"][0]["id"].as_str().unwrap().to_string();
        let path = format!("/api/conversations/{id}/files");
        let sent = w.shop.form(&agent, &path, &[("text", "看图")], "盖子.png", PNG).await;
        assert_eq!(sent.status, StatusCode::OK, "{sent:?}");
        w.pass(15).await;
        assert_eq!(w.api.kept().uploads, [("image".to_string(), "盖子.png".to_string(), PNG.to_vec())]);
        let sent = w.api.kept().sent.clone();
        let [.., picture, words] = sent.as_slice() else { panic!("{sent:?}") };
        assert_eq!((&picture["image"], &words["text"]["content"]), (&json!({"media_id": "image-1"}), &json!("看图")));
        // What is no picture goes as a file.
        w.shop.form(&agent, &path, &[], "发票.pdf", PDF).await;
        w.pass(15).await;
        assert_eq!(w.api.kept().sent.last().unwrap()["file"], json!({"media_id": "file-2"}));
        assert_eq!(w.api.kept().faults, Vec::<String>::new());
    }
}

/// A gateway or a bot with one customer, Ana, who has written.
async fn with_ana(
    on: On,
    kind: &str,
    server: &Server,
    config: Value,
    headers: &[(&str, String)],
    below: &str,
    hello: Value,
) -> Desk {
    let mut config = config;
    config["base_url"] = json!(server.url);
    let desk = Desk::open(on, kind, config).await;
    let hello = hello.to_string();
    let mut headers = headers.to_vec();
    if kind == "waha" {
        headers.push(("x-webhook-hmac", frontdesk::platform::crypto::hmac_sha512_hex(b"H", hello.as_bytes())));
    }
    assert_eq!(desk.request(Method::POST, below, &headers, hello).await.0, StatusCode::OK);
    desk.pass(15).await;
    desk
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gateways_and_telegram_get_files_and_emojis_as_they_document_them() {
    use base64::Engine as _;
    let data = base64::engine::general_purpose::STANDARD.encode(PNG);
    let react = async |desk: &Desk, agent: &str, emoji: Option<&str>| {
        let id = desk.shop.conversation("Ana").await["id"].as_str().unwrap().to_string();
        let message = desk.messages("Ana").await[0]["id"].as_str().unwrap().to_string();
        let path = format!("/api/conversations/{id}/messages/{message}/reaction");
        let reacted = desk.shop.call_as(agent, "PUT", &path, Some(json!({"emoji": emoji}))).await;
        assert_eq!(reacted.status, StatusCode::OK, "{reacted:?}");
        desk.pass(2).await;
        desk.messages("Ana").await[0]["metadata"].clone()
    };
    for on in databases() {
        // WAHA
        let server = Server::start(json!({"id": "true_60@c.us_OUT"})).await;
        let hello = json!({"event": "message", "session": "default", "payload": {"id": "false_60@c.us_1",
            "timestamp": 1_772_442_000, "from": "60@c.us", "fromMe": false, "body": "hi", "_data": {"notifyName": "Ana"}}});
        let desk = with_ana(on, "waha", &server, json!({"api_key": "K", "hmac_key": "H"}), &[], "", hello).await;
        let agent = desk.shop.user("mei", "agent").await;
        assert_eq!(send(&desk, &agent, "Ana", &[("text", "Here")], "lid.png", PNG).await.status, StatusCode::OK);
        desk.pass(15).await;
        let file = json!({"mimetype": "image/png", "filename": "lid.png", "data": data});
        let expected = json!({"session": "default", "chatId": "60@c.us", "file": file, "caption": "Here"});
        assert_eq!(server.asked("/api/sendImage"), [expected]);
        let shown = react(&desk, &agent, Some("👍")).await;
        assert_eq!(shown["reactions"], json!({"agent": "👍"}));
        let expected = json!({"session": "default", "messageId": "false_60@c.us_1", "reaction": "👍"});
        assert_eq!(server.asked("/api/reaction"), [expected]);

        // Evolution
        let server = Server::start(json!({"key": {"id": "OUT1"}})).await;
        let token = "a token of sixteen";
        let hello = json!({"event": "messages.upsert", "instance": "shop", "data": {"pushName": "Ana", "messageTimestamp": 1_772_442_000,
            "key": {"remoteJid": "60@s.whatsapp.net", "fromMe": false, "id": "A"}, "message": {"conversation": "hi"}}});
        let config = json!({"api_key": "K", "instance": "shop", "token": token, "smart_read": false});
        let headers = [("x-frontdesk-token", token.to_string())];
        let desk = with_ana(on, "evolution", &server, config, &headers, "", hello).await;
        let agent = desk.shop.user("mei", "agent").await;
        send(&desk, &agent, "Ana", &[("text", "Here")], "lid.png", PNG).await;
        desk.pass(15).await;
        let expected = json!({"number": "60", "mediatype": "image", "mimetype": "image/png", "caption": "Here",
            "fileName": "lid.png", "media": data, "delay": 0});
        assert_eq!(server.asked("/message/sendMedia/shop"), [expected]);
        // The server tells of it as of everything from this number: it is ours, and nobody's on the phone.
        let own = json!({"event": "messages.upsert", "instance": "shop", "data": {"messageTimestamp": 1_772_442_000,
            "key": {"remoteJid": "60@s.whatsapp.net", "fromMe": true, "id": "OUT1"}, "message": {"imageMessage": {"mimetype": "image/png"}}}});
        let before = desk.messages("Ana").await.len();
        desk.request(Method::POST, "", &headers, own.to_string()).await;
        desk.pass(2).await;
        assert_eq!(desk.messages("Ana").await.len(), before);
        react(&desk, &agent, Some("🙏")).await;
        let key = json!({"remoteJid": "60@s.whatsapp.net", "fromMe": false, "id": "A"});
        assert_eq!(server.asked("/message/sendReaction/shop"), [json!({"key": key, "reaction": "🙏"})]);

        // Our own contract
        let server = Server::start(json!({"id": "OUT"})).await;
        let hello = json!({"id": "in-1", "from": "60", "text": "hi", "name": "Ana"});
        let headers = [("authorization", format!("Bearer {token}"))];
        let desk = with_ana(on, "gateway", &server, json!({"token": token}), &headers, "/messages/inbox", hello).await;
        let agent = desk.shop.user("mei", "agent").await;
        send(&desk, &agent, "Ana", &[("text", "Here")], "invoice.pdf", PDF).await;
        desk.pass(15).await;
        let sent = server.asked("/send").pop().unwrap();
        assert_eq!(
            (&sent["text"], &sent["file"]["kind"], &sent["file"]["filename"]),
            (&json!("Here"), &json!("document"), &json!("invoice.pdf"))
        );
        react(&desk, &agent, Some("👌")).await;
        assert_eq!(server.asked("/react"), [json!({"to": "60", "message_id": "in-1", "emoji": "👌"})]);

        // Telegram
        let server = Server::start(json!({"ok": true, "result": {"message_id": 9, "chat": {"id": 42}}})).await;
        let hello = json!({"update_id": 1, "message": {"message_id": 7, "date": 1_772_442_000, "chat": {"id": 42, "type": "private"},
            "from": {"id": 42, "first_name": "Ana"}, "text": "hi"}});
        let headers = [("x-telegram-bot-api-secret-token", "A1b2_C3-d4".to_string())];
        let config = json!({"bot_token": "1:AA", "secret_token": "A1b2_C3-d4"});
        let desk = with_ana(on, "telegram", &server, config, &headers, "", hello).await;
        let agent = desk.shop.user("mei", "agent").await;
        send(&desk, &agent, "Ana", &[("text", "Here")], "lid.png", PNG).await;
        desk.pass(15).await;
        let form = server.asked("/bot1:AA/sendPhoto").pop().unwrap().as_str().unwrap().to_string();
        for part in [
            "name=\"chat_id\"\r\n\r\n42",
            "name=\"photo\"; filename=\"lid.png\"",
            "Content-Type: image/png",
            "name=\"caption\"\r\n\r\nHere",
        ] {
            assert!(form.contains(part), "{part} in {form}");
        }
        assert_eq!(desk.last_status("Ana").await.0, "sent");
        react(&desk, &agent, Some("👍")).await;
        let asked = server.asked("/bot1:AA/setMessageReaction");
        assert_eq!(asked, [json!({"chat_id": 42, "message_id": 7, "reaction": [{"type": "emoji", "emoji": "👍"}]})]);
        let shown = react(&desk, &agent, None).await;
        assert_eq!(shown["reactions"], json!({}));
        assert_eq!(server.asked("/bot1:AA/setMessageReaction")[1]["reaction"], json!([]));
        // An emoji that the platform does not have is taken off again, and the message says why.
        *server.kept.lock().unwrap() = crate::other::Kept {
            always: json!({"ok": false, "description": "Bad Request: REACTION_INVALID"}),
            status: 400,
            ..Default::default()
        };
        let shown = react(&desk, &agent, Some("🦄")).await;
        assert!(
            shown["reactions"] == json!({}) && shown["reaction_error"].as_str().unwrap().contains("REACTION_INVALID"),
            "{shown}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_emoji_goes_to_whatsapp_within_the_window_only_and_only_on_what_the_customer_wrote() {
    for on in databases() {
        let w = Whatsapp::open(on).await;
        w.says(ANA, "wamid.1", "Thank you for the help, it works!").await;
        w.shop.settle().await;
        let agent = w.shop.user("mei", "agent").await;
        let reader = w.shop.user("rob", "readonly").await;
        let conversation = w.shop.conversation("Ana").await["id"].as_str().unwrap().to_string();
        let messages = w.messages("Ana").await;
        let path = |n: usize| {
            format!("/api/conversations/{conversation}/messages/{}/reaction", messages[n]["id"].as_str().unwrap())
        };
        let heart = Some(json!({"emoji": "❤️"}));
        assert_eq!(w.shop.call_as(&reader, "PUT", &path(0), heart.clone()).await.status, StatusCode::FORBIDDEN);
        assert_eq!(
            w.shop.call_as(&agent, "PUT", &path(0), Some(json!({"emoji": "wow"}))).await.status,
            StatusCode::UNPROCESSABLE_ENTITY
        );
        assert_eq!(
            w.shop.call_as(&agent, "PUT", &path(1), heart.clone()).await.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "ours"
        );
        assert_eq!(w.shop.call_as(&agent, "PUT", &path(0), heart.clone()).await.status, StatusCode::OK);
        w.pass(2).await;
        assert_eq!(w.graph.last().body["reaction"], json!({"message_id": "wamid.1", "emoji": "❤️"}));
        assert_eq!(w.messages("Ana").await.len(), messages.len(), "an emoji is no message");
        let sent = w.graph.kept().taken.len();
        w.shop.app.clock.advance(chrono::Duration::hours(25));
        assert_eq!(w.shop.call_as(&agent, "PUT", &path(0), Some(json!({}))).await.status, StatusCode::OK);
        w.pass(2).await;
        assert_eq!(w.graph.kept().taken.len(), sent, "outside the window nothing is sent");
        assert!(w.messages("Ana").await[0]["metadata"]["reaction_error"].as_str().unwrap().contains("too long ago"));
        assert_eq!(w.graph.kept().faults, Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_webhook_names_the_address_of_a_file_and_its_hash() {
    for on in databases() {
        let app = TestApp::open_with(on, |c| c.server.public_url = Some("https://desk.example.com/".into())).await;
        let shop = Shop::around(app).await;
        shop.says("Ana", "I want to talk to a human").await;
        shop.settle().await;
        let agent = shop.user("mei", "agent").await;
        let id = shop.conversation("Ana").await["id"].as_str().unwrap().to_string();
        let sent = shop.form(&agent, &format!("/api/conversations/{id}/files"), &[], "lid.png", PNG).await;
        assert_eq!(sent.status, StatusCode::OK, "{sent:?}");
        shop.settle().await;
        let file = shop.mailbox.lock().unwrap().messages.last().unwrap()["file"].clone();
        let hash = frontdesk::platform::crypto::sha256_hex(PNG);
        assert_eq!(
            (&file["name"], &file["mime_type"], &file["sha256"]),
            (&json!("lid.png"), &json!("image/png"), &json!(hash))
        );
        let path = file["url"].as_str().unwrap().strip_prefix("https://desk.example.com").unwrap();
        let whole = fetch(&shop, path, &[]).await;
        assert_eq!(
            (whole.0, whole.2.as_slice(), &whole.1[header::CONTENT_TYPE]),
            (StatusCode::OK, PNG, &"image/png".parse().unwrap())
        );
        // A player asks for a piece at a time.
        let piece = fetch(&shop, path, &[("range", "bytes=1-3")]).await;
        assert_eq!((piece.0, piece.2.as_slice()), (StatusCode::PARTIAL_CONTENT, &b"PNG"[..]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_goes_when_it_was_kept_long_enough_and_its_message_says_so() {
    for on in databases() {
        let w = Whatsapp::open(on).await;
        w.graph.kept().file = b"\x89PNG\r\n\x1a\na customer's canary".to_vec();
        w.hears(ANA, "wamid.1", json!({"type": "image", "image": {"id": "1234", "mime_type": "image/png"}})).await;
        w.shop.settle().await;
        let agent = w.shop.user("mei", "agent").await;
        send(&w.desk, &agent, "Ana", &[], "lid.png", b"\x89PNG\r\n\x1a\nan agent's canary").await;
        w.pass(15).await;
        let admin = w.shop.user("ada", "admin").await;
        let mut rules = w.shop.call("GET", "/api/inbox-rules", None).await.body;
        rules["keep_files_days"] = json!(-1);
        assert_eq!(
            w.shop.call_as(&admin, "PUT", "/api/inbox-rules", Some(rules.clone())).await.status,
            StatusCode::UNPROCESSABLE_ENTITY
        );
        rules["keep_files_days"] = json!(30);
        assert_eq!(w.shop.call_as(&admin, "PUT", "/api/inbox-rules", Some(rules)).await.status, StatusCode::OK);
        let states = async || -> Vec<String> {
            let all = w.messages("Ana").await;
            all.iter()
                .flat_map(|m| m["files"].as_array().unwrap().clone())
                .map(|f| f["status"].as_str().unwrap().to_string())
                .collect()
        };
        w.shop.app.clock.advance(chrono::Duration::days(29));
        frontdesk::inbox::sweep(&w.shop.app).await.unwrap();
        assert_eq!(states().await, ["stored", "stored"]);
        let url = w.messages("Ana").await[0]["files"][0]["url"].as_str().unwrap().to_string();
        assert_eq!(w.shop.call("GET", &url, None).await.status, StatusCode::OK);
        w.shop.app.clock.advance(chrono::Duration::days(2));
        frontdesk::inbox::sweep(&w.shop.app).await.unwrap();
        assert_eq!(states().await, ["deleted", "deleted"]);
        assert_eq!(w.shop.call("GET", &url, None).await.status, StatusCode::NOT_FOUND);
        assert!(w.messages("Ana").await[0]["files"][0]["url"].is_null());
        for canary in ["a customer's canary", "an agent's canary"] {
            assert!(!is_on_disk(&w.shop.app.dir.0, canary), "{canary} is still on the disk");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_sent_to_an_erased_customer_goes_too() {
    for on in databases() {
        let w = Whatsapp::open(on).await;
        w.says(ANA, "wamid.1", "How do I open the lid?").await;
        w.shop.settle().await;
        let agent = w.shop.user("mei", "agent").await;
        send(&w.desk, &agent, "Ana", &[], "canary of a name.pdf", b"%PDF-1.7 canary of a contract").await;
        w.pass(15).await;
        let url = w.messages("Ana").await.last().unwrap()["media_url"].as_str().unwrap().to_string();
        let dir = w.shop.app.dir.0.clone();
        assert!(on == On::Postgres || is_on_disk(&dir, "canary of a contract"), "planted");
        let id = w.shop.conversation("Ana").await["customer_id"].as_str().unwrap().to_string();
        let ordered = w.shop.call("POST", &format!("/api/customers/{id}/erase"), None).await;
        assert_eq!(ordered.status, StatusCode::ACCEPTED, "{ordered:?}");
        w.shop.settle().await;
        assert_eq!(w.shop.call("GET", &url, None).await.status, StatusCode::NOT_FOUND);
        for canary in ["canary of a contract", "canary of a name"] {
            assert!(!is_on_disk(&dir, canary), "{canary} is still on the disk");
        }
    }
}
