//! A fake of an S3-compatible store, strict about what is signed: the four steps of Amazon's signature are computed anew
//! here, after its document and not after our code.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Router,
    body::Bytes,
    extract::{OriginalUri, State},
    http::{HeaderMap, HeaderName, Method, StatusCode},
    response::{IntoResponse, Response},
    routing::any,
};
use frontdesk::{
    app::{Config, config::Secret},
    platform::crypto::sha256_hex,
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::support::serve;

pub const BUCKET: &str = "desk";
const ACCESS: &str = "AKIATEST";
pub const SECRET: &str = "a secret key of the store";
const REGION: &str = "eu-central-1";

/// What the store does instead of what it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Fine,
    /// Answers 503 to everything.
    Busy,
    /// Gives other bytes than it took.
    Rotten,
    /// Gives fewer bytes than it says.
    Cut,
}

#[derive(Clone)]
pub struct Object {
    pub bytes: Vec<u8>,
    /// `x-amz-meta-…`, as they came.
    pub about: BTreeMap<String, String>,
}

type Upload = (String, BTreeMap<String, String>, BTreeMap<u32, Vec<u8>>);

pub struct Kept {
    pub objects: BTreeMap<String, Object>,
    /// Objects that come in parts: key, what is said about them, the parts so far.
    pub uploads: HashMap<String, Upload>,
    pub mood: Mood,
    pub faults: Vec<String>,
    /// Methods and keys.
    pub asked: Vec<String>,
}

#[derive(Clone)]
pub struct Store {
    pub url: String,
    kept: Arc<Mutex<Kept>>,
}

impl Store {
    pub async fn start() -> Self {
        let kept = Kept {
            objects: BTreeMap::new(),
            uploads: HashMap::new(),
            mood: Mood::Fine,
            faults: Vec::new(),
            asked: Vec::new(),
        };
        let kept = Arc::new(Mutex::new(kept));
        let router = Router::new().fallback(any(answer)).with_state(kept.clone());
        let router = router.layer(axum::extract::DefaultBodyLimit::disable());
        Self { url: serve(router).await, kept }
    }

    pub fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }

    /// The settings of an installation that uses it.
    pub fn set(&self, config: &mut Config) {
        config.files.s3_bucket = Some(BUCKET.into());
        config.files.s3_endpoint = Some(self.url.clone());
        config.files.s3_region = REGION.into();
        config.files.s3_access_key = Some(Secret::new(ACCESS));
        config.files.s3_secret_key = Some(Secret::new(SECRET));
        config.files.s3_prefix = "shop one/".into();
    }

    /// The bytes of every object.
    pub fn contents(&self) -> Vec<Vec<u8>> {
        self.kept().objects.values().map(|o| o.bytes.clone()).collect()
    }

    pub fn holds(&self, words: &str) -> bool {
        let kept = self.kept();
        let parts = kept.uploads.values().flat_map(|(_, _, parts)| parts.values());
        kept.objects.values().map(|o| &o.bytes).chain(parts).any(|b| String::from_utf8_lossy(b).contains(words))
    }
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// Why the request is not signed as it must be.
fn signed(method: &Method, path: &str, query: &str, headers: &HeaderMap, body: &[u8]) -> Result<(), String> {
    let of = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_string();
    let authorization = of("authorization");
    let field = |name: &str| {
        authorization.split([',', ' ']).find_map(|p| p.strip_prefix(name)?.strip_prefix('=')).map(String::from)
    };
    let (Some(credential), Some(names), Some(given)) =
        (field("Credential"), field("SignedHeaders"), field("Signature"))
    else {
        return Err("no signature".into());
    };
    let at = of("x-amz-date");
    let scope = format!("{}/{REGION}/s3/aws4_request", at.get(..8).unwrap_or_default());
    if credential != format!("{ACCESS}/{scope}") {
        return Err(format!("the scope is {credential}"));
    }
    let hash = of("x-amz-content-sha256");
    if hash != sha256_hex(body) {
        return Err(format!("the body is signed as {hash}"));
    }
    let signed: String = names.split(';').map(|n| format!("{n}:{}\n", of(n).trim())).collect();
    let must = headers.keys().map(HeaderName::as_str).filter(|n| n.starts_with("x-amz-") || *n == "host");
    for name in must {
        if !names.split(';').any(|n| n == name) {
            return Err(format!("{name} is not signed"));
        }
    }
    let mut values: Vec<String> = query
        .split('&')
        .filter(|p| !p.is_empty())
        // A space may be written as a plus; it is signed as %20.
        .map(|p| if p.contains('=') { p.replace('+', "%20") } else { format!("{p}=") })
        .collect();
    values.sort();
    let canonical = format!("{method}\n{path}\n{}\n{signed}\n{names}\n{hash}", values.join("&"));
    let text = format!("AWS4-HMAC-SHA256\n{at}\n{scope}\n{}", sha256_hex(canonical.as_bytes()));
    let mut key = mac(format!("AWS4{SECRET}").as_bytes(), at.get(..8).unwrap_or_default());
    for part in [REGION, "s3", "aws4_request"] {
        key = mac(&key, part);
    }
    let expected: String = mac(&key, &text).iter().map(|b| format!("{b:02x}")).collect();
    if expected == given { Ok(()) } else { Err(format!("the signature of {method} {path} is wrong")) }
}

fn error(status: StatusCode, code: &str) -> Response {
    let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{code}</Message></Error>");
    (status, [("content-type", "application/xml")], body).into_response()
}

async fn answer(
    State(kept): State<Arc<Mutex<Kept>>>,
    OriginalUri(uri): OriginalUri,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let (path, query) = (uri.path().to_string(), uri.query().unwrap_or_default().to_string());
    let mut kept = kept.lock().unwrap();
    if kept.mood == Mood::Busy {
        return error(StatusCode::SERVICE_UNAVAILABLE, "SlowDown");
    }
    if let Err(why) = signed(&method, &path, &query, &headers, &body) {
        kept.faults.push(why);
        return error(StatusCode::FORBIDDEN, "SignatureDoesNotMatch");
    }
    let decoded = percent_encoding::percent_decode_str(&path).decode_utf8().unwrap().into_owned();
    let Some(key) = decoded.strip_prefix(&format!("/{BUCKET}")).map(|k| k.trim_start_matches('/').to_string()) else {
        return error(StatusCode::NOT_FOUND, "NoSuchBucket");
    };
    let asked: HashMap<String, String> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    kept.asked.push(format!("{method} {key}"));
    let about = || -> BTreeMap<String, String> {
        let all = headers.iter().filter(|(name, _)| name.as_str().starts_with("x-amz-meta-"));
        all.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_string())).collect()
    };
    match (method.as_str(), asked.get("uploadId")) {
        ("GET", _) if key.is_empty() && asked.get("list-type").is_some_and(|t| t == "2") => list(&kept, &asked),
        ("GET" | "HEAD", None) => give(&kept, &key),
        ("POST", None) if asked.contains_key("uploads") => {
            let id = format!("upload-{}", kept.uploads.len());
            kept.uploads.insert(id.clone(), (key.clone(), about(), BTreeMap::new()));
            xml(&format!(
                "<InitiateMultipartUploadResult><Bucket>{BUCKET}</Bucket><Key>{key}</Key><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
            ))
        }
        ("PUT", Some(id)) => {
            let part: u32 = asked["partNumber"].parse().unwrap();
            kept.uploads.get_mut(id).unwrap().2.insert(part, body.to_vec());
            ([("etag", format!("\"part-{part}\""))], "").into_response()
        }
        ("POST", Some(id)) => {
            let (key, about, parts) = kept.uploads.remove(id).unwrap();
            let sizes: Vec<usize> = parts.values().map(Vec::len).collect();
            if sizes.split_last().is_some_and(|(_, all)| all.iter().any(|s| *s < 5 << 20)) {
                kept.faults.push(format!("parts of {sizes:?} bytes"));
                return error(StatusCode::BAD_REQUEST, "EntityTooSmall");
            }
            let named = String::from_utf8_lossy(&body).matches("<PartNumber>").count();
            if named != parts.len() {
                kept.faults.push("parts are missing".into());
            }
            kept.objects.insert(key.clone(), Object { bytes: parts.into_values().flatten().collect(), about });
            xml(&format!(
                "<CompleteMultipartUploadResult><Bucket>{BUCKET}</Bucket><Key>{key}</Key><ETag>\"all\"</ETag></CompleteMultipartUploadResult>"
            ))
        }
        ("DELETE", Some(id)) => {
            kept.uploads.remove(id);
            StatusCode::NO_CONTENT.into_response()
        }
        ("PUT", None) => {
            kept.objects.insert(key, Object { bytes: body.to_vec(), about: about() });
            ([("etag", "\"one\"")], "").into_response()
        }
        ("DELETE", None) => {
            kept.objects.remove(&key);
            StatusCode::NO_CONTENT.into_response()
        }
        _ => {
            kept.faults.push(format!("{method} {path}?{query}"));
            error(StatusCode::NOT_IMPLEMENTED, "NotImplemented")
        }
    }
}

fn xml(body: &str) -> Response {
    ([("content-type", "application/xml")], format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>{body}")).into_response()
}

/// Two a page, so that pages matter.
fn list(kept: &Kept, asked: &HashMap<String, String>) -> Response {
    let prefix = asked.get("prefix").cloned().unwrap_or_default();
    let after = asked.get("continuation-token").cloned().unwrap_or_default();
    let found: Vec<_> = kept.objects.iter().filter(|(k, _)| k.starts_with(&prefix) && **k > after).collect();
    let page = &found[..found.len().min(2)];
    let rows: String = page
        .iter()
        .map(|(key, object)| {
            format!(
                "<Contents><Key>{key}</Key><LastModified>2026-03-02T09:00:00.000Z</LastModified><ETag>\"x\"</ETag><Size>{}</Size><StorageClass>STANDARD</StorageClass></Contents>",
                object.bytes.len()
            )
        })
        .collect();
    let next = match page.last() {
        Some((key, _)) if found.len() > page.len() => {
            format!("<IsTruncated>true</IsTruncated><NextContinuationToken>{key}</NextContinuationToken>")
        }
        _ => "<IsTruncated>false</IsTruncated>".into(),
    };
    xml(&format!("<ListBucketResult><Name>{BUCKET}</Name><Prefix>{prefix}</Prefix>{next}{rows}</ListBucketResult>"))
}

fn give(kept: &Kept, key: &str) -> Response {
    let Some(object) = kept.objects.get(key) else {
        return error(StatusCode::NOT_FOUND, "NoSuchKey");
    };
    let mut bytes = object.bytes.clone();
    let length = bytes.len();
    if kept.mood == Mood::Rotten {
        bytes[length / 2] ^= 1;
    }
    let mut answer = Response::builder()
        .header("etag", "\"x\"")
        .header("last-modified", "Mon, 02 Mar 2026 09:00:00 GMT")
        .header("content-length", length);
    for (name, value) in &object.about {
        answer = answer.header(name, value);
    }
    let body = if kept.mood == Mood::Cut {
        let half = Bytes::from(bytes[..length / 2].to_vec());
        axum::body::Body::from_stream(futures::stream::iter([Ok(half), Err(std::io::Error::other("cut"))]))
    } else {
        axum::body::Body::from(bytes)
    };
    answer.body(body).unwrap()
}
