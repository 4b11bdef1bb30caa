//! `kill -9` at random instants of the real process: nothing acknowledged is lost, nothing is sent twice.

use std::time::{Duration, Instant};

use frontdesk::{
    channels::webhook::{SIGNATURE, sign},
    platform::Clock,
};
use rand::{RngExt, SeedableRng, rngs::SmallRng};
use serde_json::{Value, json};

use crate::{
    process::{Process, http},
    support::{
        app::{On, Scratch, databases, fresh_postgres},
        model::{CHAT, Does, FakeModel, KEY},
        shop::{Mailbox, SECRET, receiver},
    },
};

/// How often the process is killed in the middle of each part of its work.
const KILLS: usize = 20;
/// How long the model thinks and the receiver takes: the middle of a turn, and of a delivery.
const PART: Duration = Duration::from_millis(300);

/// Random instants of a part of the work that takes `length`. `FRONTDESK_TEST_SEED` brings those of an earlier run back.
fn instants(length: Duration) -> impl FnMut() -> Duration {
    let given =
        std::env::vars().find(|(name, _)| name == "FRONTDESK_TEST_SEED").and_then(|(_, seed)| seed.parse().ok());
    let seed: u64 = given.unwrap_or_else(rand::random);
    eprintln!("FRONTDESK_TEST_SEED={seed}");
    let mut chance = SmallRng::seed_from_u64(seed);
    move || length.mul_f64(chance.random())
}

async fn settings(on: On) -> Vec<(&'static str, String)> {
    match on {
        On::Sqlite => Vec::new(),
        On::Postgres => vec![("FRONTDESK_DATABASE_URL", fresh_postgres().await)],
    }
}

pub async fn upload(process: &Process, http: &reqwest::Client, name: &str, text: String) -> Option<String> {
    let boundary = "b";
    let body = format!(
        "--{boundary}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n{text}\r\n--{boundary}--\r\n"
    );
    let answer = http
        .post(format!("{}/api/documents", process.url))
        .bearer_auth(&process.token)
        .header("content-type", format!("multipart/form-data; boundary={boundary}"))
        .body(body)
        .send()
        .await
        .ok()?;
    answer.status().is_success().then_some(())?;
    let added: Value = answer.json().await.ok()?;
    let document = &added["document"];
    Some(document["id"].as_str().unwrap_or_else(|| panic!("{document}")).to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_ingesting_every_acknowledged_document_is_there_once() {
    for on in databases() {
        let (dir, http) = (Scratch::new(), http());
        let settings = settings(on).await;
        let mut instant = instants(PART);
        let (mut acknowledged, mut uploading, mut working, mut n) = (Vec::new(), 0, 0, 0);
        while uploading < KILLS / 2 || working < KILLS / 2 {
            n += 1;
            assert!(n < 10 * KILLS, "{on:?}: {uploading} kills in uploads, {working} in the work on them");
            let mut process = Process::start(&dir.0, &settings, &http).await;
            let text = format!("# Part {n}\n\nThe spare part zx{n}q fits the grinder and costs {n}7 ringgit.\n");
            let more = "It is kept in a dry room and sent within three days.\n\n".repeat(600);
            let uploads = async {
                let id = upload(&process, &http, &format!("part-{n}.md"), format!("{text}\n{n}: {more}")).await;
                // A second version of an earlier document, so that replacing is killed as well.
                if n % 3 == 2 {
                    let text =
                        format!("# Part 0\n\nThe spare part zx0q fits the grinder and costs 7 ringgit, as of {n}.\n");
                    upload(&process, &http, "part-0.md", text).await;
                }
                id
            };
            // In the middle of the uploads, or of what is done with them after they were acknowledged.
            let patience = if uploading < KILLS / 2 { instant() / 10 } else { Duration::from_secs(60) };
            match tokio::time::timeout(patience, uploads).await {
                Err(_) => uploading += 1,
                Ok(None) => panic!("{on:?}: document {n} was refused"),
                Ok(Some(id)) => {
                    tokio::time::sleep(instant()).await;
                    let found = process.call(&http, "GET", &format!("/api/documents/{id}"), None).await.unwrap();
                    working += usize::from(found["processing_status"] != "completed");
                    acknowledged.push((n, id));
                }
            }
            process.kill();
        }
        let process = Process::start(&dir.0, &settings, &http).await;
        for (n, id) in &acknowledged {
            let since = Instant::now();
            let document = loop {
                let found = process.call(&http, "GET", &format!("/api/documents/{id}"), None).await;
                let document = found.unwrap_or_else(|| panic!("{on:?}: document {n} was acknowledged and is lost"));
                match document["processing_status"].as_str() {
                    Some("completed") => break document,
                    Some("failed") => panic!("{on:?}: document {n} failed: {document}"),
                    _ => {
                        assert!(
                            since.elapsed() < Duration::from_secs(180),
                            "{on:?}: document {n} is stuck: {document}"
                        );
                    }
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            };
            let found = process.call(&http, "GET", &format!("/api/search?k=50&q=zx{n}q"), None).await.unwrap();
            let theirs: Vec<&Value> =
                found.as_array().unwrap().iter().filter(|p| p["document_id"] == id.as_str()).collect();
            let with_word = theirs.iter().filter(|p| p["text"].as_str().unwrap().contains(&format!("zx{n}q"))).count();
            assert_eq!(with_word, 1, "{on:?}: document {n} ({document}) is found {with_word} times: {found}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_in_turns_and_deliveries_every_customer_is_answered_once() {
    for on in databases() {
        let (dir, http) = (Scratch::new(), http());
        let model = FakeModel::that(Does::Slow(PART)).await;
        let mut settings = settings(on).await;
        settings.extend([
            ("FRONTDESK_MODEL_BASE_URL", model.base_url.clone()),
            ("FRONTDESK_MODEL_API_KEY", KEY.into()),
            ("FRONTDESK_MODEL_CHAT_MODEL", CHAT.into()),
        ]);
        let mailbox = Mailbox::default();
        mailbox.lock().unwrap().pause = Some(PART);
        let receiver = receiver(mailbox.clone(), Clock::System).await;
        let mut process = Process::start(&dir.0, &settings, &http).await;
        let text = "# Warranty\n\nThe warranty of every grinder is 24 months.\n\n# Shipping\n\nShipping to Penang takes 5 days.";
        upload(&process, &http, "shop.md", text.into()).await.unwrap();
        let config = json!({"secret": SECRET, "send_url": receiver});
        let channel = json!({"platform": "webhook", "name": "Webhook", "config": config});
        let channel = process.call(&http, "POST", "/api/channels", Some(channel)).await.unwrap();
        let path = channel["webhook_path"].as_str().unwrap().to_string();

        let mut customers = Vec::new();
        let mut instant = instants(PART.mul_f64(0.9));
        for n in 0..2 * KILLS {
            let customer = format!("customer-{n}");
            let in_turn = n % 2 == 0;
            let question = match n % 4 {
                3 => "Do you sell submarines?".to_owned(),
                _ => format!("How long is the warranty of grinder {n}?"),
            };
            let body = json!({"id": format!("m{n}"), "from": {"id": customer, "name": customer}, "text": question})
                .to_string();
            // The platform redelivers until it hears 200, also after it did: half of them come twice.
            let mut heard = 0;
            while heard < 1 + n / 2 % 2 {
                let sent = http
                    .post(format!("{}{path}", process.url))
                    .header(
                        SIGNATURE,
                        sign(SECRET, body.as_bytes(), chrono::DateTime::from(std::time::SystemTime::now())),
                    )
                    .body(body.clone())
                    .send()
                    .await;
                if sent.is_ok_and(|a| a.status().is_success()) {
                    heard += 1;
                }
            }
            // Until the model thinks about this question, or the receiver has its answer in hand.
            let begun = || match in_turn {
                true => model.asked().iter().any(|a| a.question() == question),
                false => mailbox.lock().unwrap().began.contains(&customer),
            };
            let since = Instant::now();
            while !begun() {
                assert!(since.elapsed() < Duration::from_secs(120), "{on:?}: nothing begins for {customer}");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            customers.push(customer);
            tokio::time::sleep(instant()).await;
            process.kill();
            process = Process::start(&dir.0, &settings, &http).await;
        }

        let since = Instant::now();
        loop {
            let missing = {
                let all = mailbox.lock().unwrap();
                customers.iter().filter(|c| !all.messages.iter().any(|m| m["to"]["id"] == c.as_str())).count()
            };
            if missing == 0 {
                break;
            }
            assert!(since.elapsed() < Duration::from_secs(240), "{on:?}: {missing} customers are stranded");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        tokio::time::sleep(Duration::from_millis(1500)).await; // what would be sent twice is sent by now
        let all = mailbox.lock().unwrap();
        assert!(all.faults.is_empty(), "{:?}", all.faults);
        // Whose answer was lost on its way came again, under the same key: to who keeps the keys it is one message.
        assert!(all.times.values().any(|times| *times > 1), "{on:?}: nothing was killed between taking and answering");
        for customer in &customers {
            let theirs: Vec<&Value> = all.messages.iter().filter(|m| m["to"]["id"] == customer.as_str()).collect();
            assert_eq!(theirs.len(), 1, "{on:?}: {customer} was answered {} times: {theirs:?}", theirs.len());
        }
    }
}
