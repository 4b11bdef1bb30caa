//! A fake of WeCom's interface for customer service: tokens that expire, pages with a cursor, five messages within 48
//! hours, ids that count once, sessions with states.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
};

use aes::cipher::{BlockModeEncrypt, KeyIvInit, block_padding::NoPadding};
use axum::{
    Json, Router,
    body::Bytes,
    extract::{Multipart, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, engine::general_purpose};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};

use crate::{desk::only, support::serve};

pub const CORP: &str = "ww0123456789";
pub const SECRET: &str = "a corp secret";
pub const TOKEN: &str = "callback-token";
/// 43 characters whose last one has bits that mean nothing.
pub const KEY: &str = "q1Os1ZMe0nG28KUEx9lg3HjK7V5QyXvi212fzsgDqgW";
pub const ACCOUNT: &str = "wkACCOUNT1";

#[derive(Debug, Clone)]
pub enum Does {
    Refuses(i64),
    /// Takes the message and answers with a proxy's 502.
    TakesAndBreaks,
}

#[derive(Default)]
pub struct Kept {
    pub tokens: usize,
    pub valid: String,
    /// Everything there is to fetch, oldest first.
    pub items: Vec<Value>,
    /// How many items a page has; and an empty page in between.
    pub page: usize,
    pub fetches: Vec<Value>,
    pub sent: Vec<Value>,
    pub ids: HashSet<String>,
    /// What a customer's last message still permits.
    pub left: HashMap<String, usize>,
    pub states: HashMap<String, i64>,
    pub moves: Vec<Value>,
    pub script: VecDeque<Does>,
    /// What happens to the next messages to one customer.
    pub scripts: HashMap<String, VecDeque<Does>>,
    pub faults: Vec<String>,
    /// Kind, name and bytes of what was uploaded.
    pub uploads: Vec<(String, String, Vec<u8>)>,
}

/// The running fake.
#[derive(Clone)]
pub struct Qyapi {
    pub url: String,
    kept: Arc<Mutex<Kept>>,
}

impl Qyapi {
    pub async fn start() -> Self {
        let kept = Arc::new(Mutex::new(Kept { page: 2, ..Kept::default() }));
        let router = Router::new()
            .route("/cgi-bin/gettoken", get(token))
            .route("/cgi-bin/kf/sync_msg", post(sync))
            .route("/cgi-bin/kf/send_msg", post(send))
            .route("/cgi-bin/kf/service_state/get", post(state))
            .route("/cgi-bin/kf/service_state/trans", post(transfer))
            .route("/cgi-bin/kf/account/list", post(accounts))
            .route("/cgi-bin/media/get", get(media))
            .route("/cgi-bin/media/upload", post(upload))
            .with_state(kept.clone());
        Self { url: serve(router).await, kept }
    }

    pub fn config(&self) -> Value {
        json!({"corp_id": CORP, "secret": SECRET, "token": TOKEN, "encoding_aes_key": KEY, "base_url": self.url})
    }

    pub fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }

    /// Something to fetch. A message of the customer opens the window again.
    pub fn add(&self, item: Value) {
        let mut kept = self.kept();
        // The same one again opens nothing.
        let is_new = !kept.items.iter().any(|known| known["msgid"] == item["msgid"]);
        if item["origin"] == 3 && is_new {
            let customer = item["external_userid"].as_str().unwrap().to_string();
            kept.left.insert(customer, 5);
        }
        kept.items.push(item);
    }

    pub fn texts(&self) -> Vec<String> {
        let text = |m: &Value| {
            let at = ["/text/content", "/msgmenu/head_content"];
            at.iter().find_map(|p| m.pointer(p)?.as_str()).unwrap_or_default().to_string()
        };
        self.kept().sent.iter().map(text).collect()
    }
}

type Shared = State<Arc<Mutex<Kept>>>;
type Asked = Query<HashMap<String, String>>;

fn error(code: i64, text: &str) -> Response {
    Json(json!({"errcode": code, "errmsg": text})).into_response()
}

async fn token(State(kept): Shared, Query(q): Asked) -> Response {
    if q.get("corpid").map(String::as_str) != Some(CORP) || q.get("corpsecret").map(String::as_str) != Some(SECRET) {
        return error(40_001, "invalid credential");
    }
    let mut kept = kept.lock().unwrap();
    // The same token while it is valid.
    if kept.valid.is_empty() {
        kept.valid = format!("token-{}", kept.tokens);
    }
    kept.tokens += 1;
    Json(json!({"errcode": 0, "errmsg": "ok", "access_token": kept.valid, "expires_in": 7200})).into_response()
}

fn refused(kept: &mut Kept, q: &HashMap<String, String>) -> Option<Response> {
    (kept.valid.is_empty() || q.get("access_token") != Some(&kept.valid)).then(|| error(42_001, "access_token expired"))
}

async fn sync(State(kept): Shared, Query(q): Asked, body: Bytes) -> Response {
    let mut kept = kept.lock().unwrap();
    if let Some(refused) = refused(&mut kept, &q) {
        return refused;
    }
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    if let Err(fault) = only(&body, &["cursor", "token", "limit", "voice_format", "open_kfid"]) {
        kept.faults.push(fault);
    }
    if body["open_kfid"] != ACCOUNT {
        return error(95_000, "invalid open_kfid");
    }
    kept.fetches.push(body.clone());
    // A cursor is `c<items seen>`, or `e<items seen>` after an empty page.
    let cursor = body["cursor"].as_str().unwrap_or("e0").to_string();
    let seen: usize = cursor[1..].parse().unwrap();
    let is_empty_page = cursor.starts_with('c') && seen < kept.items.len();
    let (items, next) = if is_empty_page {
        (Vec::new(), format!("e{seen}"))
    } else {
        let end = (seen + kept.page).min(kept.items.len());
        (kept.items[seen..end].to_vec(), format!("c{end}"))
    };
    let has_more = next[1..].parse::<usize>().unwrap() < kept.items.len();
    Json(json!({"errcode": 0, "errmsg": "ok", "next_cursor": next, "has_more": i32::from(has_more), "msg_list": items}))
        .into_response()
}

async fn send(State(kept): Shared, Query(q): Asked, body: Bytes) -> Response {
    let mut kept = kept.lock().unwrap();
    if let Some(refused) = refused(&mut kept, &q) {
        return refused;
    }
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    if let Err(fault) = check(&body) {
        kept.faults.push(format!("{fault}: {body}"));
        return error(40_058, &fault);
    }
    let own = body["touser"].as_str().and_then(|to| kept.scripts.get_mut(to)).and_then(VecDeque::pop_front);
    let does = if own.is_some() { own } else { kept.script.pop_front() };
    if let Some(Does::Refuses(code)) = does {
        return error(code, "told to");
    }
    let (id, customer) = (body["msgid"].as_str().unwrap().to_string(), body["touser"].as_str().unwrap().to_string());
    if kept.states.get(&customer).is_some_and(|s| *s > 1) {
        return error(95_018, "send msg session status invalid");
    }
    if !kept.ids.insert(id.clone()) {
        return error(40_059, "duplicate msgid");
    }
    let left = kept.left.entry(customer).or_default();
    if *left == 0 {
        kept.faults.push("more than five messages".into());
        return error(95_001, "over the limit");
    }
    *left -= 1;
    kept.sent.push(body);
    match does {
        Some(Does::TakesAndBreaks) => (StatusCode::BAD_GATEWAY, "<html>").into_response(),
        _ => Json(json!({"errcode": 0, "errmsg": "ok", "msgid": id})).into_response(),
    }
}

fn check(body: &Value) -> Result<(), String> {
    only(body, &["touser", "open_kfid", "msgid", "msgtype", "text", "msgmenu", "image", "voice", "video", "file"])?;
    let id = body["msgid"].as_str().unwrap_or_default();
    if !(1..=32).contains(&id.len()) || !id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
        return Err("form of the id".into());
    }
    if body["open_kfid"] != ACCOUNT {
        return Err("open_kfid".into());
    }
    match body["msgtype"].as_str() {
        Some("text") => {
            let length = body["text"]["content"].as_str().map_or(0, str::len);
            if (1..=2048).contains(&length) { Ok(()) } else { Err(format!("{length} bytes")) }
        }
        Some("msgmenu") => Ok(()),
        Some(kind @ ("image" | "voice" | "video" | "file")) => {
            only(&body[kind], &["media_id"])?;
            let id = body[kind]["media_id"].as_str().unwrap_or_default();
            if id.starts_with(&format!("{kind}-")) { Ok(()) } else { Err(format!("{kind} with the file {id}")) }
        }
        other => Err(format!("type {other:?}")),
    }
}

async fn state(State(kept): Shared, Query(q): Asked, Json(body): Json<Value>) -> Response {
    let mut kept = kept.lock().unwrap();
    if let Some(refused) = refused(&mut kept, &q) {
        return refused;
    }
    let state = kept.states.get(body["external_userid"].as_str().unwrap_or_default()).copied().unwrap_or(1);
    Json(json!({"errcode": 0, "errmsg": "ok", "service_state": state})).into_response()
}

async fn transfer(State(kept): Shared, Query(q): Asked, Json(body): Json<Value>) -> Response {
    let mut kept = kept.lock().unwrap();
    if let Some(refused) = refused(&mut kept, &q) {
        return refused;
    }
    let to = body["service_state"].as_i64().unwrap_or_default();
    kept.states.insert(body["external_userid"].as_str().unwrap_or_default().into(), to);
    kept.moves.push(body);
    Json(json!({"errcode": 0, "errmsg": "ok", "msg_code": "M"})).into_response()
}

async fn accounts(State(kept): Shared, Query(q): Asked) -> Response {
    let mut kept = kept.lock().unwrap();
    match refused(&mut kept, &q) {
        Some(refused) => refused,
        None => Json(json!({"errcode": 0, "errmsg": "ok", "account_list": [{"open_kfid": ACCOUNT}]})).into_response(),
    }
}

async fn media(State(kept): Shared, Query(q): Asked) -> Response {
    let mut kept = kept.lock().unwrap();
    match refused(&mut kept, &q) {
        Some(refused) => refused,
        None if q.get("media_id").map(String::as_str) == Some("gone") => error(40_007, "invalid media_id"),
        None => ([("content-type", "image/jpeg")], b"\xFF\xD8\xFFpicture".to_vec()).into_response(),
    }
}

async fn upload(State(kept): Shared, Query(q): Asked, mut form: Multipart) -> Response {
    let field = form.next_field().await.unwrap().unwrap();
    let name = field.file_name().unwrap_or_default().to_string();
    let is_media = field.name() == Some("media");
    let bytes = field.bytes().await.unwrap().to_vec();
    let mut kept = kept.lock().unwrap();
    if let Some(refused) = refused(&mut kept, &q) {
        return refused;
    }
    let kind = q.get("type").cloned().unwrap_or_default();
    if !is_media || name.is_empty() || bytes.len() <= 5 || !["image", "voice", "video", "file"].contains(&&*kind) {
        kept.faults.push(format!("a malformed upload: {kind} {name}"));
        return error(40_004, "invalid media type");
    }
    kept.uploads.push((kind.clone(), name, bytes));
    let id = format!("{kind}-{}", kept.uploads.len());
    Json(json!({"errcode": 0, "errmsg": "ok", "type": kind, "media_id": id, "created_at": "1772442000"}))
        .into_response()
}

/// A callback's query and body, encrypted as the platform does it, written after its document and not after our code.
pub fn sealed(receiver: &str, plain: &str) -> (String, String) {
    let key = general_purpose::GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        general_purpose::GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent),
    )
    .decode(KEY)
    .unwrap();
    let mut bytes = b"abcdefghijklmnop".to_vec();
    bytes.extend_from_slice(&u32::try_from(plain.len()).unwrap().to_be_bytes());
    bytes.extend_from_slice(plain.as_bytes());
    bytes.extend_from_slice(receiver.as_bytes());
    let pad = 32 - bytes.len() % 32;
    bytes.extend(std::iter::repeat_n(u8::try_from(pad).unwrap(), pad));
    let cipher = cbc::Encryptor::<aes::Aes256>::new_from_slices(&key, &key[..16]).unwrap();
    let encrypted = general_purpose::STANDARD.encode(cipher.encrypt_padded_vec::<NoPadding>(&bytes));
    let mut parts = [TOKEN, "1772442000", "nonce1", &encrypted];
    parts.sort_unstable();
    let signature: String = Sha1::digest(parts.concat()).iter().map(|b| format!("{b:02x}")).collect();
    let query = format!("?msg_signature={signature}&timestamp=1772442000&nonce=nonce1");
    (query, encrypted)
}

/// A ring of the doorbell.
pub fn ring(token: &str) -> (String, String) {
    let plain = format!(
        "<xml><ToUserName><![CDATA[{CORP}]]></ToUserName><CreateTime>1772442000</CreateTime><MsgType><![CDATA[event]]></MsgType>\
         <Event><![CDATA[kf_msg_or_event]]></Event><Token><![CDATA[{token}]]></Token><OpenKfId><![CDATA[{ACCOUNT}]]></OpenKfId></xml>"
    );
    let (query, encrypted) = sealed(CORP, &plain);
    let body = format!(
        "<xml><ToUserName><![CDATA[{CORP}]]></ToUserName><AgentID></AgentID><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"
    );
    (query, body)
}
