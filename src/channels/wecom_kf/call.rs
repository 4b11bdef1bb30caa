//! Calls to WeCom: tokens, pages, messages, sessions, files. The HTTP status says nothing there, `errcode` does.

use std::path::Path;

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use super::{
    super::{
        Body, Checked, Failure, FileFacts, FileKind, Media, Outbound, Page, Place, Sent,
        outside::{self, Lost, Outside},
        seconds,
        token::{self, Tokens},
    },
    WecomKf, parse,
};
use crate::platform::{Error, Result, crypto::sha256_hex, upload::Incoming};

/// What was written longer before the channel was connected than this is history: it is kept, and nothing
/// comes of it.
const NEW: Duration = Duration::minutes(10);
/// What the next try may mend: busy, too often, too many at once.
const BUSY: [i64; 3] = [-1, 45_009, 45_033];
/// A token that is no longer taken.
const STALE: [i64; 3] = [40_014, 42_001, 41_001];

impl Tokens for WecomKf {
    async fn token(&self, outside: &Outside, refused: Option<&str>, now: DateTime<Utc>) -> Result<String> {
        let of = &self.config;
        let key = sha256_hex(format!("wecom\n{}\n{}\n{}", of.base_url, of.corp_id, of.secret).as_bytes());
        token::take(&key, refused, now, || async {
            let asked = [("corpid", of.corp_id.as_str()), ("corpsecret", of.secret.as_str())];
            let address = outside::with_query(&self.address("gettoken"), &asked);
            let (_, answer) = outside::json(outside.client(&address).get(&address)).await?;
            let text = answer.get("access_token").and_then(Value::as_str).filter(|t| !t.is_empty());
            match text {
                Some(text) => Ok((text.to_string(), answer.get("expires_in").and_then(Value::as_i64).unwrap_or(7200))),
                None => Err(Error::Unavailable {
                    service: "WeCom",
                    source: anyhow::anyhow!("no access token: {}", said(&answer)),
                }),
            }
        })
        .await
    }
}

impl WecomKf {
    fn address(&self, path: &str) -> String {
        format!("{}/cgi-bin/{path}", self.config.base_url)
    }

    /// One call with a token; once more with a new one when the platform no longer takes it.
    async fn call(&self, outside: &Outside, path: &str, body: &Value, now: DateTime<Utc>) -> Result<Value, NoAnswer> {
        let mut token = self.token(outside, None, now).await.map_err(NoAnswer::Token)?;
        for attempt in 0..2 {
            let address = outside::with_query(&self.address(path), &[("access_token", &token)]);
            let request = outside.client(&address).post(&address).json(body);
            let (status, answer) = outside::json(request).await.map_err(NoAnswer::Lost)?;
            match errcode(&answer) {
                Some(code) if attempt == 0 && STALE.contains(&code) => {
                    token = self.token(outside, Some(&token), now).await.map_err(NoAnswer::Token)?;
                }
                Some(_) => return Ok(answer),
                // A proxy or a broken server: nobody knows what it did.
                None => {
                    return Err(NoAnswer::Lost(Lost::Unknown(format!("WeCom answered {status} without an errcode"))));
                }
            }
        }
        Err(NoAnswer::Lost(Lost::NotSent("WeCom refuses every token".into())))
    }

    /// One page from `cursor` on. Without a cursor the platform begins three days ago; what was written well before
    /// `first`, when the channel was connected, is history.
    pub(in super::super) async fn sync(&self, outside: &Outside, from: Place<'_>, now: DateTime<Utc>) -> Result<Page> {
        let body = |token: &str| {
            let body = json!({"limit": 1000, "voice_format": 0, "open_kfid": from.account});
            let said = |value: &str| (!value.is_empty()).then(|| json!(value));
            outside::with(outside::with(body, "token", said(token)), "cursor", from.cursor.and_then(said))
        };
        let mut answer = self.call(outside, "kf/sync_msg", &body(from.token), now).await?;
        // A ring's token lives ten minutes; without one the call is allowed, only less often.
        if !from.token.is_empty() && errcode(&answer).is_some_and(|code| code != 0 && !BUSY.contains(&code)) {
            answer = self.call(outside, "kf/sync_msg", &body(""), now).await?;
        }
        if errcode(&answer) != Some(0) {
            return Err(Error::Unavailable {
                service: "WeCom",
                source: anyhow::anyhow!("sync_msg: {}", said(&answer)),
            });
        }
        let next = answer.get("next_cursor").and_then(Value::as_str).unwrap_or_default().to_string();
        let items = answer.get("msg_list").and_then(Value::as_array).cloned().unwrap_or_default();
        let events = items
            .iter()
            .map(|item| parse::raw(item, seconds(item.get("send_time")).is_some_and(|at| at < from.first - NEW)))
            .collect();
        // A cursor that does not move would fetch the same page for ever.
        let has_more = answer.get("has_more").and_then(Value::as_i64) == Some(1)
            && !next.is_empty()
            && Some(next.as_str()) != from.cursor;
        Ok(Page { events, cursor: next, has_more })
    }

    pub(in super::super) async fn send(&self, outside: &Outside, m: &Outbound, now: DateTime<Utc>) -> Sent {
        let Some(account) = m.chat.as_deref() else {
            return Sent::Failed(Failure::Never("it is not known to which customer service account they wrote".into()));
        };
        // At most 32 letters and digits: our id without its hyphens.
        let msgid: String = m.id.chars().filter(|c| c.is_ascii_alphanumeric()).take(32).collect();
        let mut body = json!({"touser": m.recipient.id, "open_kfid": account, "msgid": msgid});
        let content = match &m.body {
            Body::Text { text } => json!({"msgtype": "text", "text": {"content": text}}),
            Body::Choices { text, choices } => {
                let list: Vec<Value> = choices
                    .iter()
                    .map(|c| json!({"type": "click", "click": {"id": c.id, "content": c.title}}))
                    .collect();
                json!({"msgtype": "msgmenu", "msgmenu": {"head_content": text, "list": list}})
            }
            Body::File { file, kind, .. } => match self.upload(outside, m.file.as_deref(), file, *kind, now).await {
                Ok(id) => {
                    let kind = type_of(*kind);
                    json!({"msgtype": kind, kind: {"media_id": id}})
                }
                Err(not_sent) => return not_sent,
            },
            Body::Template { .. } => {
                return Sent::Failed(Failure::Never("WeCom customer service has no such message".into()));
            }
        };
        if let (Some(all), Some(content)) = (body.as_object_mut(), content.as_object()) {
            all.extend(content.clone());
        }
        match self.call(outside, "kf/send_msg", &body, now).await {
            Ok(answer) => outcome(&answer, &msgid),
            Err(NoAnswer::Token(e)) => Sent::Failed(Failure::Retry(e.chain(), None)),
            Err(NoAnswer::Lost(lost)) => lost.of_a_message(true),
        }
    }

    /// Brings a file to WeCom; its id there.
    async fn upload(
        &self,
        outside: &Outside,
        path: Option<&Path>,
        file: &FileFacts,
        kind: FileKind,
        now: DateTime<Utc>,
    ) -> Result<String, Sent> {
        let upload = Upload {
            platform: "WeCom",
            address: self.address("media/upload"),
            kind: type_of(kind),
            stale: &STALE,
            refused: |answer| outcome(answer, ""),
        };
        upload.run(outside, self, path, file, now).await
    }

    /// To the pool or to a servicer, as configured. The session may be there already.
    pub(in super::super) async fn transfer(
        &self,
        outside: &Outside,
        customer: &str,
        chat: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let (Some(to), Some(account)) = (self.config.transfer_to.as_deref().filter(|t| !t.is_empty()), chat) else {
            return Ok(());
        };
        let who = json!({"open_kfid": account, "external_userid": customer});
        let found = self.call(outside, "kf/service_state/get", &who, now).await?;
        // 0 not taken, 1 assistant, 2 pool, 3 a person, 4 ended.
        if !matches!(found.get("service_state").and_then(Value::as_i64), Some(0 | 1)) {
            return Ok(());
        }
        let state = if to == "pool" { 2 } else { 3 };
        let body = json!({"open_kfid": account, "external_userid": customer, "service_state": state});
        let body = outside::with(body, "servicer_userid", (to != "pool").then(|| json!(to)));
        let answer = self.call(outside, "kf/service_state/trans", &body, now).await?;
        match errcode(&answer) {
            Some(0) => Ok(()),
            Some(code) if BUSY.contains(&code) => {
                Err(Error::Unavailable { service: "WeCom", source: anyhow::anyhow!(said(&answer)) })
            }
            _ => Err(Error::Invalid(format!("WeCom does not transfer the session: {}", said(&answer)))),
        }
    }

    pub(in super::super) async fn download(
        &self,
        outside: &Outside,
        media: &Media,
        into: &mut Incoming,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let id = media.id.as_deref().ok_or(Error::NotFound("file"))?;
        let token = self.token(outside, None, now).await?;
        download(outside, &self.address("media/get"), &token, id, into).await
    }

    pub(in super::super) async fn check(&self, outside: &Outside, now: DateTime<Utc>) -> Checked {
        match self.call(outside, "kf/account/list", &json!({"offset": 0, "limit": 100}), now).await {
            Ok(answer) if errcode(&answer) == Some(0) => {
                let n = answer.get("account_list").and_then(Value::as_array).map_or(0, Vec::len);
                Checked::works(format!("{n} customer service accounts"))
            }
            Ok(answer) => Checked::fails(explain(&answer)),
            Err(e) => Checked::fails(Error::from(e).chain()),
        }
    }
}

/// What WeCom calls a kind of file.
fn type_of(kind: FileKind) -> &'static str {
    match kind {
        FileKind::Image | FileKind::Animation => "image",
        FileKind::Video => "video",
        FileKind::Voice | FileKind::Audio => "voice",
        FileKind::Document => "file",
    }
}

/// How a file is brought to WeCom or to an official account, which keep it for three days.
pub struct Upload {
    pub platform: &'static str,
    pub address: String,
    /// What the platform calls a file of this kind.
    pub kind: &'static str,
    /// The codes by which it says that a token is no longer taken.
    pub stale: &'static [i64],
    /// What any other code means.
    pub refused: fn(&Value) -> Sent,
}

impl Upload {
    /// The file's id there. Once more with a new token when the platform no longer takes the first.
    pub async fn run(
        &self,
        outside: &Outside,
        account: &impl Tokens,
        path: Option<&Path>,
        file: &FileFacts,
        now: DateTime<Utc>,
    ) -> Result<String, Sent> {
        let no_token = |e: Error| Sent::Failed(Failure::Retry(e.chain(), None));
        let mut taken = account.token(outside, None, now).await.map_err(no_token)?;
        for attempt in 0..2 {
            let answer = self.once(outside, path, file, &taken).await.map_err(Lost::of_an_upload)?;
            match (errcode(&answer), answer.get("media_id").and_then(Value::as_str)) {
                (Some(0) | None, Some(id)) => return Ok(id.into()),
                (Some(code), _) if attempt == 0 && self.stale.contains(&code) => {
                    taken = account.token(outside, Some(&taken), now).await.map_err(no_token)?;
                }
                (Some(_), _) => return Err((self.refused)(&answer)),
                (None, _) => break,
            }
        }
        Err(Sent::Failed(Failure::Retry(format!("{} does not take the file", self.platform), None)))
    }

    async fn once(&self, outside: &Outside, path: Option<&Path>, file: &FileFacts, token: &str) -> Result<Value, Lost> {
        // The name as it is: the encoded form of it is not understood there.
        let form =
            reqwest::multipart::Form::new().percent_encode_noop().part("media", outside::form_part(path, file).await?);
        let request = outside
            .client(&self.address)
            .post(outside::with_query(&self.address, &[("access_token", token), ("type", self.kind)]))
            .timeout(outside::UPLOAD_TIMEOUT)
            .multipart(form);
        Ok(outside::json(request).await?.1)
    }
}

/// A file of WeCom or of an official account: an error comes as JSON with status 200.
pub async fn download(outside: &Outside, address: &str, token: &str, id: &str, into: &mut Incoming) -> Result<()> {
    let request =
        outside.client(address).get(outside::with_query(address, &[("access_token", token), ("media_id", id)]));
    let lost = |_| Error::Unavailable { service: "WeChat", source: anyhow::anyhow!("the file did not come") };
    let answer = request.send().await.map_err(lost)?;
    let kind = answer.headers().get("content-type").and_then(|t| t.to_str().ok()).unwrap_or_default();
    let is_error = kind.starts_with("application/json") || kind.starts_with("text/plain");
    outside::body(answer, into).await?;
    if is_error
        && let Some(Ok(answer)) = into.whole().map(serde_json::from_slice::<Value>)
        && errcode(&answer).is_some()
    {
        return Err(match errcode(&answer) {
            Some(-1 | 40_014 | 42_001 | 41_001 | 45_009) => {
                Error::Unavailable { service: "WeChat", source: anyhow::anyhow!(said(&answer)) }
            }
            _ => Error::Invalid(format!("the file can't be had: {}", said(&answer))),
        });
    }
    Ok(())
}

/// Why there is no answer to a call.
#[derive(Debug)]
enum NoAnswer {
    /// No token: nothing was called.
    Token(Error),
    Lost(Lost),
}

impl From<NoAnswer> for Error {
    fn from(none: NoAnswer) -> Self {
        match none {
            NoAnswer::Token(e) => e,
            NoAnswer::Lost(lost) => lost.into(),
        }
    }
}

pub fn errcode(answer: &Value) -> Option<i64> {
    answer.get("errcode").and_then(Value::as_i64)
}

/// What the platform says, without the addresses it likes to append.
pub fn said(answer: &Value) -> String {
    let text = answer.get("errmsg").and_then(Value::as_str).unwrap_or("no reason given");
    let text = text.split(", from ip").next().unwrap_or(text);
    format!("{} {}", errcode(answer).unwrap_or(-1), text.chars().take(160).collect::<String>())
}

fn explain(answer: &Value) -> String {
    let help = match errcode(answer) {
        Some(40_001 | 40_013) => "the corp id or the secret is wrong: ",
        Some(48_002) => "the application may not use customer service: list it under 可调用接口的应用: ",
        Some(60_020) => "this server's address is not among the application's 企业可信IP: ",
        _ => "",
    };
    format!("{help}{}", said(answer))
}

/// What the answer to a send means.
pub(super) fn outcome(answer: &Value, msgid: &str) -> Sent {
    let why = || format!("WeCom {}", explain(answer));
    match errcode(answer) {
        Some(0) => {
            let id = answer.get("msgid").and_then(Value::as_str).filter(|id| !id.is_empty()).unwrap_or(msgid);
            Sent::Accepted(Some(id.into()))
        }
        // Our ids are always well formed: what is wrong with one can only be that it was sent before, and that counts.
        // The documents do not name the code.
        Some(code) if code > 0 && said(answer).to_lowercase().contains("msgid") => Sent::Accepted(Some(msgid.into())),
        Some(-1 | 6000) => Sent::Failed(Failure::Retry(why(), None)),
        Some(45_009) => Sent::Failed(Failure::Retry(why(), Some(Duration::seconds(60)))),
        Some(45_033) => Sent::Failed(Failure::Retry(why(), Some(Duration::seconds(5)))),
        Some(40_001 | 40_013 | 48_002 | 60_020 | 95_000 | 95_004 | 95_011 | 95_012 | 95_017 | 40_014 | 42_001) => {
            Sent::Failed(Failure::Stop(why()))
        }
        Some(95_018) => {
            Sent::Failed(Failure::Never("a person at WeCom holds the session, or it has ended (WeCom 95018)".into()))
        }
        _ => Sent::Failed(Failure::Never(why())),
    }
}
