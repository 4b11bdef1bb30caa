//! A fake of Meta's Graph interface for WhatsApp.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Multipart, Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use chrono::{DateTime, Duration, Utc};
use frontdesk::platform::{
    Clock,
    crypto::{hmac_sha256_hex, sha256_hex},
};
use serde_json::{Value, json};

use crate::{desk::only, support::serve};

pub const NUMBER: &str = "106540352242922";
pub const SECRET: &str = "0123456789abcdef0123456789abcdef";
pub const TOKEN: &str = "EAAG-test-token";
pub const VERIFY: &str = "a verify token";

/// What the platform does with a message instead of taking it.
#[derive(Debug, Clone)]
pub enum Does {
    /// Refuses it with this code.
    Refuses(i64),
    /// Takes it and answers with a proxy's 502.
    TakesAndBreaks,
    /// Takes it and never answers: the connection closes in the middle of the answer.
    TakesAndGarbles,
}

/// One message that was taken.
#[derive(Debug, Clone)]
pub struct Taken {
    pub id: String,
    pub body: Value,
    /// When, where the fake has a clock.
    pub at: Option<DateTime<Utc>>,
}

impl Taken {
    pub fn text(&self) -> String {
        let at = ["/text/body", "/interactive/body/text", "/template/components/0/parameters/0/text"];
        at.iter().find_map(|p| self.body.pointer(p)?.as_str()).unwrap_or_default().to_string()
    }

    pub fn to(&self) -> &str {
        self.body["to"].as_str().or(self.body["recipient"].as_str()).unwrap()
    }
}

#[derive(Default)]
pub struct Kept {
    pub taken: Vec<Taken>,
    pub read: Vec<String>,
    pub script: VecDeque<Does>,
    /// What happens to the next messages to one customer.
    pub scripts: HashMap<String, VecDeque<Does>>,
    /// When each customer wrote last; with it the fake guards the window.
    pub heard: HashMap<String, DateTime<Utc>>,
    pub clock: Option<Clock>,
    pub faults: Vec<String>,
    pub calls: usize,
    pub file: Vec<u8>,
    /// Name, type and bytes of what was uploaded.
    pub uploads: Vec<(String, String, Vec<u8>)>,
    pub upload_script: VecDeque<Does>,
    /// What Meta thinks of the number; green when it is not said.
    pub quality: Option<&'static str>,
    /// When the token ends, in seconds since 1970; 0: never.
    pub token_ends: i64,
    /// Nobody's token is taken any more.
    pub is_locked: bool,
}

/// The running fake.
#[derive(Clone)]
pub struct Graph {
    pub url: String,
    kept: Arc<Mutex<Kept>>,
}

impl Graph {
    pub async fn start() -> Self {
        let kept = Arc::new(Mutex::new(Kept::default()));
        let graph = Self { url: String::new(), kept };
        let router = Router::new()
            .route("/v25.0/{number}/messages", post(message))
            .route("/v25.0/{number}/media", post(upload))
            .route("/v25.0/debug_token", get(token))
            .route("/v25.0/{id}", get(find))
            .route("/file/{id}", get(file));
        let address = Arc::new(Mutex::new(String::new()));
        let url = serve(router.with_state((graph.clone(), address.clone()))).await;
        *address.lock().unwrap() = url.clone();
        Self { url, ..graph }
    }

    pub fn config(&self) -> Value {
        json!({"phone_number_id": NUMBER, "app_secret": SECRET, "verify_token": VERIFY, "access_token": TOKEN,
            "base_url": self.url})
    }

    pub fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }

    pub fn then(&self, does: Does) {
        self.kept().script.push_back(does);
    }

    /// The texts that a customer got.
    pub fn reached(&self, to: &str) -> Vec<String> {
        self.kept().taken.iter().filter(|t| t.to() == to).map(Taken::text).collect()
    }

    pub fn last(&self) -> Taken {
        self.kept().taken.last().expect("nothing was sent").clone()
    }
}

type Shared = (Graph, Arc<Mutex<String>>);

fn refuse(code: i64) -> Response {
    let status = if code == 190 { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
    let error = json!({"error": {"message": format!("(#{code})"), "type": "OAuthException", "code": code,
        "error_data": {"messaging_product": "whatsapp", "details": "a detail"}, "fbtrace_id": "x"}});
    (status, Json(error)).into_response()
}

fn is_ours(headers: &HeaderMap) -> bool {
    headers.get("authorization").and_then(|v| v.to_str().ok()) == Some(&format!("Bearer {TOKEN}"))
}

async fn message(
    State((graph, _)): State<Shared>,
    Path(number): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut kept = graph.kept();
    kept.calls += 1;
    if !is_ours(&headers) {
        return refuse(190);
    }
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    if body["status"] == "read" {
        if only(&body, &["messaging_product", "status", "message_id", "typing_indicator"]).is_err() {
            kept.faults.push(format!("a malformed sign: {body}"));
        }
        kept.read.push(body["message_id"].as_str().unwrap_or_default().into());
        return Json(json!({"success": true})).into_response();
    }
    if number != NUMBER {
        return refuse(33);
    }
    if let Err(fault) = check(&body) {
        kept.faults.push(format!("{fault}: {body}"));
        return refuse(100);
    }
    let to = body["to"].as_str().or(body["recipient"].as_str()).unwrap_or_default().to_string();
    if let (Some(clock), Some(heard)) = (&kept.clock, kept.heard.get(&to))
        && clock.now() > *heard + Duration::hours(24)
        && body["type"] != "template"
    {
        kept.faults.push(format!("outside the window: {body}"));
        return refuse(131_047);
    }
    let does = kept.scripts.get_mut(&to).and_then(VecDeque::pop_front);
    let does = if does.is_some() { does } else { kept.script.pop_front() };
    if let Some(Does::Refuses(code)) = does {
        return refuse(code);
    }
    let id = format!("wamid.OUT{}", kept.taken.len());
    let at = kept.clock.as_ref().map(Clock::now);
    kept.taken.push(Taken { id: id.clone(), body: body.clone(), at });
    match does {
        Some(Does::TakesAndBreaks) => (StatusCode::BAD_GATEWAY, "<html>bad gateway</html>").into_response(),
        Some(Does::TakesAndGarbles) => (StatusCode::OK, "{\"messaging_pro").into_response(),
        _ => {
            let to = body["to"].as_str().or(body["recipient"].as_str());
            Json(json!({"messaging_product": "whatsapp", "contacts": [{"input": to}], "messages": [{"id": id}]}))
                .into_response()
        }
    }
}

/// What Meta documents, and nothing else.
fn check(body: &Value) -> Result<(), String> {
    only(
        body,
        &[
            "messaging_product",
            "recipient_type",
            "to",
            "recipient",
            "type",
            "text",
            "interactive",
            "template",
            "reaction",
            "image",
            "video",
            "audio",
            "document",
            "biz_opaque_callback_data",
            "context",
        ],
    )?;
    if !body["context"].is_null() {
        only(&body["context"], &["message_id"])?;
    }
    if body["messaging_product"] != "whatsapp" || (body["to"].is_null() == body["recipient"].is_null()) {
        return Err("product or recipient".into());
    }
    if body["biz_opaque_callback_data"].as_str().is_none_or(|k| k.is_empty() || k.len() > 512) {
        return Err("callback data".into());
    }
    match body["type"].as_str() {
        Some("text") => {
            only(&body["text"], &["preview_url", "body"])?;
            let length = body["text"]["body"].as_str().map_or(0, |t| t.chars().count());
            if (1..=4096).contains(&length) { Ok(()) } else { Err(format!("text of {length}")) }
        }
        Some("interactive") => {
            let of = &body["interactive"];
            only(of, &["type", "body", "action", "header", "footer"])?;
            let buttons = of["action"]["buttons"].as_array().map_or(0, Vec::len);
            let rows = of["action"]["sections"]
                .as_array()
                .map_or(0, |s| s.iter().map(|s| s["rows"].as_array().map_or(0, Vec::len)).sum());
            let length = of["body"]["text"].as_str().map_or(0, |t| t.chars().count());
            if buttons <= 3 && rows <= 10 && buttons + rows > 0 && (1..=1024).contains(&length) {
                Ok(())
            } else {
                Err("interactive".into())
            }
        }
        Some("template") => {
            only(&body["template"], &["name", "language", "components"])?;
            let components = body["template"]["components"].as_array().ok_or("components")?;
            let values: Vec<&str> = components
                .iter()
                .flat_map(|c| c["parameters"].as_array().into_iter().flatten())
                .map(|p| p["text"].as_str().unwrap_or_default())
                .collect();
            // A component without values is refused, and so is a value with a line break in it.
            let is_bad = components.len() > 1 || components.len() == 1 && values.is_empty();
            if is_bad || values.iter().any(|v| v.is_empty() || v.contains('\n')) {
                Err("template value".into())
            } else {
                Ok(())
            }
        }
        Some("reaction") => only(&body["reaction"], &["message_id", "emoji"]),
        Some(kind @ ("image" | "video" | "audio" | "document")) => {
            let of = &body[kind];
            let known: &[&str] = match kind {
                "audio" => &["id"],
                "document" => &["id", "caption", "filename"],
                _ => &["id", "caption"],
            };
            only(of, known)?;
            let said = of["caption"].as_str().map_or(0, |t| t.chars().count());
            if of["id"].as_str().is_none_or(|id| !id.starts_with("media-")) || said > 1024 {
                return Err(format!("{kind} without an uploaded file, or with too much said"));
            }
            Ok(())
        }
        other => Err(format!("type {other:?}")),
    }
}

/// Takes a file as Meta documents it: the product, a type that it knows, and bytes of that type.
async fn upload(
    State((graph, _)): State<Shared>,
    Path(number): Path<String>,
    headers: HeaderMap,
    mut form: Multipart,
) -> Response {
    if !is_ours(&headers) || number != NUMBER {
        return refuse(190);
    }
    let mut fields = HashMap::new();
    while let Some(field) = form.next_field().await.unwrap() {
        let name = field.name().unwrap().to_string();
        let described = (field.file_name().map(String::from), field.content_type().map(String::from));
        fields.insert(name, (described, field.bytes().await.unwrap()));
    }
    let text = |name: &str| fields.get(name).map(|(_, b)| String::from_utf8_lossy(b).into_owned());
    let mut kept = graph.kept();
    let file = fields.get("file");
    let is_good = fields.len() == 3
        && text("messaging_product").as_deref() == Some("whatsapp")
        && file.is_some_and(|((name, kind), bytes)| name.is_some() && *kind == text("type") && !bytes.is_empty());
    if !is_good {
        kept.faults.push(format!("a malformed upload: {:?}", fields.keys()));
        return refuse(100);
    }
    match kept.upload_script.pop_front() {
        Some(Does::Refuses(code)) => return refuse(code),
        Some(_) => return (StatusCode::BAD_GATEWAY, "<html>bad gateway</html>").into_response(),
        None => {}
    }
    let ((name, kind), bytes) = file.unwrap();
    kept.uploads.push((name.clone().unwrap(), kind.clone().unwrap(), bytes.to_vec()));
    Json(json!({"id": format!("media-{}", kept.uploads.len())})).into_response()
}

async fn find(State((graph, address)): State<Shared>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    if !is_ours(&headers) {
        return refuse(190);
    }
    let kept = graph.kept();
    if kept.is_locked {
        return refuse(190);
    }
    if id == NUMBER {
        let quality = kept.quality.unwrap_or("GREEN");
        return Json(json!({"verified_name": "Shop", "quality_rating": quality, "id": NUMBER})).into_response();
    }
    let url = format!("{}/file/{id}", address.lock().unwrap());
    Json(json!({"messaging_product": "whatsapp", "url": url, "mime_type": "image/png", "id": id,
        "sha256": sha256_hex(&kept.file), "file_size": kept.file.len()}))
    .into_response()
}

/// What a token may ask of itself.
async fn token(State((graph, _)): State<Shared>, Query(asked): Query<Value>, headers: HeaderMap) -> Response {
    if !is_ours(&headers) || asked != json!({"input_token": TOKEN}) {
        return refuse(190);
    }
    let expires_at = graph.kept().token_ends;
    Json(json!({"data": {"app_id": "1", "type": "SYSTEM_USER", "is_valid": true, "expires_at": expires_at,
        "data_access_expires_at": 0, "scopes": ["whatsapp_business_messaging"], "user_id": "2"}}))
    .into_response()
}

async fn file(State((graph, _)): State<Shared>, headers: HeaderMap) -> Response {
    if !is_ours(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    graph.kept().file.clone().into_response()
}

/// A delivery of `value` as Meta writes it, with its signature.
pub fn envelope(field: &str, mut value: Value) -> (String, String) {
    value["messaging_product"] = json!("whatsapp");
    value["metadata"] = json!({"display_phone_number": "15550783881", "phone_number_id": NUMBER});
    let body = json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": field, "value": value}]}]});
    // Meta escapes what is not ASCII, and slashes.
    let body: String = body
        .to_string()
        .replace('/', "\\/")
        .chars()
        .map(|c| {
            if c.is_ascii() {
                c.to_string()
            } else {
                c.encode_utf16(&mut [0; 2]).iter().map(|u| format!("\\u{u:04x}")).collect()
            }
        })
        .collect();
    let signature = format!("sha256={}", hmac_sha256_hex(SECRET.as_bytes(), body.as_bytes()));
    (body, signature)
}
