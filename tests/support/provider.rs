//! An identity provider at the wire: OpenID Connect's discovery, code with PKCE, keys and UserInfo. Strict about what
//! it is asked, and able to lie in its answers.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::{Form, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use base64::{Engine, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use chrono::{DateTime, Utc};
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{self, EcdsaKeyPair, KeyPair, RsaKeyPair},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub const CLIENT: &str = "frontdesk";
/// With signs that must be escaped on their way.
pub const SECRET: &str = "s3cret/with+signs:and%";

/// How an answer is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    None,
    Nonce,
    NoNonce,
    Audience,
    TwoAudiences,
    Issuer,
    Expired,
    /// Signed by a key that is not the provider's.
    Signature,
    /// The claims were changed after signing.
    Claims,
    AlgNone,
    /// Signed with the client's secret instead of the provider's key.
    AlgHmac,
    NoToken,
}

/// What it says of who signs in.
#[derive(Debug, Clone)]
pub struct Says {
    pub subject: String,
    pub email: String,
    /// As the claim stands; `Null`: left out.
    pub verified: Value,
    pub name: Option<String>,
    /// More claims.
    pub more: Value,
    /// Whether the address stands in the token, or only behind UserInfo.
    pub in_token: bool,
    pub lie: Lie,
    pub rs256: bool,
    /// Whether a code works more than once, against the rules.
    pub takes_twice: bool,
    pub now: DateTime<Utc>,
}

struct Code {
    nonce: String,
    challenge: String,
    redirect: String,
}

struct Kept {
    says: Says,
    codes: HashMap<String, Code>,
    /// With its id.
    key: (String, EcdsaKeyPair),
    rsa: RsaKeyPair,
    /// What the provider calls itself, when otherwise than it is called.
    alias: Option<String>,
    discoveries: usize,
    /// What was wrong in what it was asked.
    faults: Vec<String>,
}

/// A provider that runs until its test ends.
#[derive(Clone)]
pub struct Provider {
    pub issuer: String,
    kept: Arc<Mutex<Kept>>,
}

fn fresh_key() -> EcdsaKeyPair {
    let random = SystemRandom::new();
    let algorithm = &signature::ECDSA_P256_SHA256_FIXED_SIGNING;
    let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap()
}

impl Provider {
    pub async fn serve(now: DateTime<Utc>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let says = Says {
            subject: "ana-1".into(),
            email: "ana@example.com".into(),
            verified: json!(true),
            name: Some("Ana".into()),
            more: json!({}),
            in_token: true,
            lie: Lie::None,
            rs256: false,
            takes_twice: false,
            now,
        };
        let kept = Kept {
            says,
            codes: HashMap::new(),
            key: ("k1".into(), fresh_key()),
            rsa: RsaKeyPair::from_der(include_bytes!("../fixtures/provider-test-only.der")).unwrap(),
            alias: None,
            discoveries: 0,
            faults: Vec::new(),
        };
        let provider = Self { issuer, kept: Arc::new(Mutex::new(kept)) };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/who", get(who))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    /// Changes what it says.
    pub fn says(&self, change: impl FnOnce(&mut Says)) {
        change(&mut self.kept.lock().unwrap().says);
    }

    /// Signs with another key from now on.
    pub fn rotate(&self) {
        let mut kept = self.kept.lock().unwrap();
        kept.key = (format!("{}+", kept.key.0), fresh_key());
    }

    /// Calls itself otherwise.
    pub fn alias(&self, name: Option<&str>) {
        self.kept.lock().unwrap().alias = name.map(String::from);
    }

    pub fn discoveries(&self) -> usize {
        self.kept.lock().unwrap().discoveries
    }

    /// What was wrong in what it was asked.
    pub fn faults(&self) -> Vec<String> {
        self.kept.lock().unwrap().faults.clone()
    }

    fn fault(&self, status: StatusCode, error: &str, what: &str) -> Response {
        self.kept.lock().unwrap().faults.push(what.into());
        (status, Json(json!({"error": error, "error_description": what}))).into_response()
    }
}

async fn discovery(State(p): State<Provider>) -> Json<Value> {
    let mut kept = p.kept.lock().unwrap();
    kept.discoveries += 1;
    Json(json!({
        "issuer": kept.alias.as_ref().unwrap_or(&p.issuer),
        "authorization_endpoint": format!("{}/authorize", p.issuer),
        "token_endpoint": format!("{}/token", p.issuer),
        "jwks_uri": format!("{}/keys", p.issuer),
        "userinfo_endpoint": format!("{}/who", p.issuer),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256", "RS256", "none", "HS256"],
    }))
}

async fn keys(State(p): State<Provider>) -> Json<Value> {
    let kept = p.kept.lock().unwrap();
    let point = kept.key.1.public_key().as_ref();
    let rsa = ring::rsa::PublicKeyComponents::<Vec<u8>>::from(kept.rsa.public());
    Json(json!({"keys": [
        {"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": kept.key.0,
         "x": B64.encode(&point[1..33]), "y": B64.encode(&point[33..])},
        {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "r1", "n": B64.encode(rsa.n), "e": B64.encode(rsa.e)},
    ]}))
}

async fn authorize(State(p): State<Provider>, Query(asked): Query<HashMap<String, String>>) -> Response {
    let of = |key: &str| asked.get(key).cloned().unwrap_or_default();
    let scopes = of("scope");
    let wrong = [
        (of("client_id") != CLIENT, "client_id"),
        (of("response_type") != "code", "response_type"),
        (!scopes.split(' ').any(|s| s == "openid") || !scopes.split(' ').any(|s| s == "email"), "scope"),
        (of("code_challenge_method") != "S256" || of("code_challenge").len() != 43, "code_challenge"),
        (of("state").len() < 16 || of("nonce").len() < 16, "state and nonce"),
        (!of("redirect_uri").ends_with("/api/sign-in/provider/back"), "redirect_uri"),
    ];
    if let Some((_, what)) = wrong.iter().find(|(is_wrong, _)| *is_wrong) {
        return p.fault(StatusCode::BAD_REQUEST, "invalid_request", what);
    }
    let code = uuid::Uuid::new_v4().to_string();
    let kept = Code { nonce: of("nonce"), challenge: of("code_challenge"), redirect: of("redirect_uri") };
    let mut back = url::Url::parse(&kept.redirect).unwrap();
    back.query_pairs_mut().append_pair("code", &code).append_pair("state", &of("state"));
    p.kept.lock().unwrap().codes.insert(code, kept);
    Redirect::to(back.as_str()).into_response()
}

async fn token(State(p): State<Provider>, headers: HeaderMap, Form(asked): Form<HashMap<String, String>>) -> Response {
    let of = |key: &str| asked.get(key).cloned().unwrap_or_default();
    let shown = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).and_then(|v| v.strip_prefix("Basic "));
    let shown = shown.and_then(|v| STANDARD.decode(v).ok()).and_then(|v| String::from_utf8(v).ok());
    // RFC 6749, 2.3.1: both are form-encoded before they are joined.
    let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    if shown != Some(format!("{}:{}", encoded(CLIENT), encoded(SECRET))) {
        return (StatusCode::UNAUTHORIZED, Json(json!({"error": "invalid_client"}))).into_response();
    }
    if of("grant_type") != "authorization_code" {
        return p.fault(StatusCode::BAD_REQUEST, "unsupported_grant_type", "grant_type");
    }
    // A code works once.
    let code = p.kept.lock().unwrap().codes.remove(&of("code"));
    let Some(code) = code else {
        return (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_grant"}))).into_response();
    };
    if code.redirect != of("redirect_uri") {
        return p.fault(StatusCode::BAD_REQUEST, "invalid_grant", "redirect_uri");
    }
    if B64.encode(Sha256::digest(of("code_verifier"))) != code.challenge {
        return p.fault(StatusCode::BAD_REQUEST, "invalid_grant", "code_verifier");
    }
    let mut kept = p.kept.lock().unwrap();
    let nonce = code.nonce.clone();
    if kept.says.takes_twice {
        kept.codes.insert(of("code"), code);
    }
    let mut answer = json!({"access_token": "access", "token_type": "Bearer", "expires_in": 300});
    if kept.says.lie != Lie::NoToken {
        answer["id_token"] = json!(id_token(&p.issuer, &kept, &nonce));
    }
    Json(answer).into_response()
}

fn id_token(issuer: &str, kept: &Kept, nonce: &str) -> String {
    let (says, now) = (&kept.says, kept.says.now.timestamp());
    let mut claims = json!({
        "iss": issuer, "sub": says.subject, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": nonce,
    });
    if says.in_token {
        claims["email"] = json!(says.email);
        if !says.verified.is_null() {
            claims["email_verified"] = says.verified.clone();
        }
    }
    if let Some(name) = &says.name {
        claims["name"] = json!(name);
    }
    for (key, value) in says.more.as_object().unwrap() {
        claims[key] = value.clone();
    }
    match says.lie {
        Lie::Nonce => claims["nonce"] = json!("another-nonce-than-the-one"),
        Lie::NoNonce => drop(claims.as_object_mut().unwrap().remove("nonce")),
        Lie::Audience => claims["aud"] = json!("somebody-else"),
        Lie::TwoAudiences => claims["aud"] = json!([CLIENT, "somebody-else"]),
        Lie::Issuer => claims["iss"] = json!("https://login.example.org"),
        Lie::Expired => claims["exp"] = json!(now - 1),
        _ => {}
    }
    let header = match says.lie {
        Lie::AlgNone => json!({"alg": "none"}),
        Lie::AlgHmac => json!({"alg": "HS256"}),
        _ if says.rs256 => json!({"alg": "RS256", "kid": "r1"}),
        _ => json!({"alg": "ES256", "kid": kept.key.0}),
    };
    let signed = format!("{}.{}", B64.encode(header.to_string()), B64.encode(claims.to_string()));
    let random = SystemRandom::new();
    let signature = match says.lie {
        Lie::AlgNone => Vec::new(),
        Lie::AlgHmac => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
            hmac::sign(&key, signed.as_bytes()).as_ref().to_vec()
        }
        Lie::Signature => fresh_key().sign(&random, signed.as_bytes()).unwrap().as_ref().to_vec(),
        _ if says.rs256 => {
            let mut signature = vec![0; kept.rsa.public().modulus_len()];
            kept.rsa.sign(&signature::RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature).unwrap();
            signature
        }
        _ => kept.key.1.sign(&random, signed.as_bytes()).unwrap().as_ref().to_vec(),
    };
    let signed = if says.lie == Lie::Claims {
        claims["email"] = json!("root@example.com");
        format!("{}.{}", B64.encode(header.to_string()), B64.encode(claims.to_string()))
    } else {
        signed
    };
    format!("{signed}.{}", B64.encode(signature))
}

async fn who(State(p): State<Provider>, headers: HeaderMap) -> Response {
    if headers.get(header::AUTHORIZATION).is_none_or(|v| v != "Bearer access") {
        return p.fault(StatusCode::UNAUTHORIZED, "invalid_token", "access token");
    }
    let kept = p.kept.lock().unwrap();
    let says = &kept.says;
    Json(json!({"sub": says.subject, "email": says.email, "email_verified": says.verified})).into_response()
}
