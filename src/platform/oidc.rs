//! Signing in at somebody else's: OpenID Connect's authorization code with PKCE, state and nonce.
//!
//! What is signed and said is checked by `openidconnect`; here stands what is ours: calls that don't become a way into
//! the own network, which algorithms count, keys kept for a while, and failures in few words.

use std::{collections::HashMap, pin::Pin, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use openidconnect::{
    AsyncHttpClient, AuthType, AuthenticationFlow, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret,
    CsrfToken, DiscoveryError, HttpRequest, HttpResponse, IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, SignatureVerificationError,
    core::{
        CoreClient, CoreClientAuthMethod, CoreErrorResponseType, CoreIdToken, CoreIdTokenClaims,
        CoreJwsSigningAlgorithm, CoreProviderMetadata, CoreResponseType, CoreUserInfoClaims,
    },
};
use tokio::sync::Mutex;
use url::Url;

use super::{
    error::{Error, Result as Ours},
    net::{self, PublicOnly},
};

/// How long what a provider says of itself, its keys among it, is believed.
const KEPT_FOR: chrono::Duration = chrono::Duration::hours(1);
/// A key that is not among the kept ones is looked for again, not more often than this.
const LOOK_AGAIN: chrono::Duration = chrono::Duration::seconds(30);
/// The most that an answer may measure.
const ANSWER_LIMIT: usize = 1 << 20;

/// Signatures that count: a provider's own key. Neither none, nor one made with our secret.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// Whom we are to a provider.
#[derive(Clone)]
pub struct Relying {
    pub issuer: String,
    pub client_id: String,
    pub client_secret: Option<String>,
    /// Where the provider sends the browser back to.
    pub redirect: String,
}

/// A visit to the provider that has begun: kept by the browser, sealed, until it comes back.
#[derive(Debug)]
pub struct Begun {
    /// Where the browser goes.
    pub url: Url,
    pub state: String,
    pub nonce: String,
    pub verifier: String,
}

/// Who the provider says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Never given to another person by this provider.
    pub subject: String,
    pub email: Option<String>,
    /// Whether the provider knows that the address is theirs.
    pub is_verified: bool,
    pub name: Option<String>,
}

/// Why it did not work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    #[error("the provider can't be reached: {0}")]
    Unreachable(String),
    #[error("the provider stands in a private network, or speaks no TLS (sign_in.allow_private_provider permits both)")]
    Private,
    #[error("at this address nothing answers as an OpenID Connect provider: {0}")]
    NotAProvider(String),
    #[error("the provider calls itself otherwise: {0}")]
    OtherIssuer(String),
    #[error("the provider does not know the client id, or its secret is wrong")]
    Client,
    #[error("the provider did not take the code: {0}")]
    Code(String),
    #[error("the ID token does not hold: {0}")]
    Token(String),
}

/// What providers said of themselves, by issuer.
type Known = Arc<Mutex<HashMap<String, (Arc<CoreProviderMetadata>, DateTime<Utc>)>>>;

/// Calls providers, and remembers what they say of themselves.
#[derive(Clone)]
pub struct Providers {
    wire: Wire,
    known: Known,
}

impl Providers {
    /// `allow_private` permits providers inside the own network.
    pub fn new(allow_private: bool) -> Ours<Self> {
        let mut client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(10))
            .no_proxy() // a proxy would resolve names by itself
            .user_agent(concat!("frontdesk/", env!("CARGO_PKG_VERSION")));
        if !allow_private {
            client = client.dns_resolver(Arc::new(PublicOnly));
        }
        let client = client.build().map_err(Error::internal)?;
        Ok(Self { wire: Wire { client, allow_private }, known: Known::default() })
    }

    /// Begins a visit: the address to go to, and what to remember until the browser is back.
    pub async fn begin(&self, who: &Relying, now: DateTime<Utc>) -> Result<Begun, Failure> {
        let metadata = self.metadata(&who.issuer, KEPT_FOR, now).await?;
        self.wire.check(metadata.authorization_endpoint().url())?;
        let client = client(&metadata, who)?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state, nonce) = client
            .authorize_url(
                AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scope(Scope::new("email".into()))
            .add_scope(Scope::new("profile".into()))
            .set_pkce_challenge(challenge)
            .url();
        let verifier = verifier.secret().clone();
        Ok(Begun { url, state: state.secret().clone(), nonce: nonce.secret().clone(), verifier })
    }

    /// Turns the code that the browser brought back into who it is.
    pub async fn finish(
        &self,
        who: &Relying,
        code: &str,
        (nonce, verifier): (&str, &str),
        now: DateTime<Utc>,
    ) -> Result<Identity, Failure> {
        let metadata = self.metadata(&who.issuer, KEPT_FOR, now).await?;
        let asker = client(&metadata, who)?;
        let answer = asker
            .exchange_code(AuthorizationCode::new(code.into()))
            .map_err(|e| Failure::NotAProvider(e.to_string()))?
            .set_pkce_verifier(PkceCodeVerifier::new(verifier.into()))
            .request_async(&self.wire)
            .await
            .map_err(refused)?;
        let token = answer.extra_fields().id_token().ok_or_else(|| Failure::Token("there is none".into()))?;
        let nonce = Nonce::new(nonce.into());
        let claims = match claims(&metadata, who, token, &nonce, now) {
            // Its keys may have changed since we looked.
            Err(ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey)) => {
                let metadata = self.metadata(&who.issuer, LOOK_AGAIN, now).await?;
                claims(&metadata, who, token, &nonce, now)
            }
            other => other,
        };
        let claims = claims.map_err(|e| Failure::Token(e.to_string()))?;
        let mut identity = Identity {
            subject: claims.subject().to_string(),
            email: claims.email().map(|e| e.to_string()),
            is_verified: claims.email_verified().unwrap_or_else(|| owns_domain(token)),
            name: claims.name().and_then(|n| n.get(None)).map(|n| n.to_string()),
        };
        if identity.email.is_none() && metadata.userinfo_endpoint().is_some() {
            // The standard lets a provider say these only when it is asked.
            let told: CoreUserInfoClaims = asker
                .user_info(answer.access_token().clone(), Some(claims.subject().clone()))
                .map_err(|e| Failure::NotAProvider(e.to_string()))?
                .request_async(&self.wire)
                .await
                .map_err(|e| Failure::Token(format!("who it is: {e}")))?;
            identity.email = told.email().map(|e| e.to_string());
            identity.is_verified = told.email_verified().unwrap_or(false);
            identity.name = identity.name.or_else(|| told.name().and_then(|n| n.get(None)).map(|n| n.to_string()));
        }
        Ok(identity)
    }

    /// Whether everything is as it should be: reached anew, and the client's secret tried with a code that is none.
    pub async fn test(&self, who: &Relying, now: DateTime<Utc>) -> Result<(), Failure> {
        let metadata = self.metadata(&who.issuer, chrono::Duration::zero(), now).await?;
        self.wire.check(metadata.authorization_endpoint().url())?;
        if metadata.jwks().keys().is_empty() {
            return Err(Failure::NotAProvider("it has no keys".into()));
        }
        let tried = client(&metadata, who)?
            .exchange_code(AuthorizationCode::new("frontdesk-asks-whether-you-know-this-client".into()))
            .map_err(|e| Failure::NotAProvider(e.to_string()))?
            .set_pkce_verifier(PkceCodeVerifier::new("a-verifier-of-nothing-that-is-long-enough-for-one".into()))
            .request_async(&self.wire)
            .await;
        match tried.map_err(refused) {
            // The code is none, of course.
            Ok(_) | Err(Failure::Code(_)) => Ok(()),
            Err(e) => Err(e),
        }
    }

    /// What the provider says of itself, its keys among it, at most `age` old.
    async fn metadata(
        &self,
        issuer: &str,
        age: chrono::Duration,
        now: DateTime<Utc>,
    ) -> Result<Arc<CoreProviderMetadata>, Failure> {
        if let Some((metadata, at)) = self.known.lock().await.get(issuer)
            && now - *at < age
        {
            return Ok(metadata.clone());
        }
        let url = IssuerUrl::new(issuer.into()).map_err(|e| Failure::NotAProvider(e.to_string()))?;
        let metadata = CoreProviderMetadata::discover_async(url, &self.wire).await.map_err(|e| match e {
            DiscoveryError::Request(e) => e,
            DiscoveryError::Validation(why) => Failure::OtherIssuer(why),
            DiscoveryError::Response(status, ..) if status.is_server_error() => {
                Failure::Unreachable(format!("it answers {}", status.as_u16()))
            }
            DiscoveryError::Response(status, ..) => Failure::NotAProvider(format!("it answers {}", status.as_u16())),
            other => Failure::NotAProvider(other.to_string()),
        })?;
        let metadata = Arc::new(metadata);
        self.known.lock().await.insert(issuer.into(), (metadata.clone(), now));
        Ok(metadata)
    }
}

/// The client as the provider's metadata make it.
type Client = CoreClient<
    openidconnect::EndpointSet,
    openidconnect::EndpointNotSet,
    openidconnect::EndpointNotSet,
    openidconnect::EndpointNotSet,
    openidconnect::EndpointMaybeSet,
    openidconnect::EndpointMaybeSet,
>;

fn client(metadata: &CoreProviderMetadata, who: &Relying) -> Result<Client, Failure> {
    let redirect = RedirectUrl::new(who.redirect.clone()).map_err(|e| Failure::NotAProvider(e.to_string()))?;
    let ways = metadata.token_endpoint_auth_methods_supported();
    let takes = |way: &CoreClientAuthMethod| ways.is_none_or(|w| w.contains(way));
    let by_body = !takes(&CoreClientAuthMethod::ClientSecretBasic) && takes(&CoreClientAuthMethod::ClientSecretPost);
    let client = CoreClient::from_provider_metadata(
        metadata.clone(),
        ClientId::new(who.client_id.clone()),
        who.client_secret.clone().map(ClientSecret::new),
    );
    Ok(client.set_redirect_uri(redirect).set_auth_type(if by_body {
        AuthType::RequestBody
    } else {
        AuthType::BasicAuth
    }))
}

fn claims<'t>(
    metadata: &CoreProviderMetadata,
    who: &Relying,
    token: &'t CoreIdToken,
    nonce: &Nonce,
    now: DateTime<Utc>,
) -> Result<&'t CoreIdTokenClaims, ClaimsVerificationError> {
    let client = client(metadata, who).map_err(|e| ClaimsVerificationError::Other(e.to_string()))?;
    let verifier = client.id_token_verifier().set_allowed_algs(ALGORITHMS).set_time_fn(move || now);
    token.claims(&verifier, nonce)
}

/// Microsoft Entra ID never says `email_verified`; its claim `xms_edov` says that the address's domain is verified.
/// For a token whose signature was checked.
fn owns_domain(token: &CoreIdToken) -> bool {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let text = token.to_string();
    let body = text.split('.').nth(1).and_then(|b| URL_SAFE_NO_PAD.decode(b).ok()).unwrap_or_default();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    match body.get("xms_edov") {
        Some(serde_json::Value::Bool(b)) => *b,
        Some(serde_json::Value::Number(n)) => n.as_i64() == Some(1),
        Some(serde_json::Value::String(s)) => s == "1" || s.eq_ignore_ascii_case("true"),
        _ => false,
    }
}

/// What a refusal at the token endpoint means.
fn refused(error: RequestTokenError<Failure, openidconnect::StandardErrorResponse<CoreErrorResponseType>>) -> Failure {
    match error {
        RequestTokenError::Request(e) => e,
        RequestTokenError::ServerResponse(e) => match e.error() {
            CoreErrorResponseType::InvalidClient | CoreErrorResponseType::UnauthorizedClient => Failure::Client,
            other => Failure::Code(other.as_ref().chars().take(100).collect()),
        },
        RequestTokenError::Parse(..) => Failure::Token("the answer can't be read".into()),
        RequestTokenError::Other(why) => Failure::Token(why),
    }
}

/// How calls leave: with time-outs, without redirects or proxies, into the own network only when that is permitted.
#[derive(Clone)]
struct Wire {
    client: reqwest::Client,
    allow_private: bool,
}

impl Wire {
    fn check(&self, url: &Url) -> Result<(), Failure> {
        let is_plain = url.scheme() != "https";
        if !self.allow_private && (is_plain || net::names_private(url)) {
            return Err(Failure::Private);
        }
        Ok(())
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Failure> {
        let (parts, body) = request.into_parts();
        let url = Url::parse(&parts.uri.to_string()).map_err(|e| Failure::NotAProvider(e.to_string()))?;
        self.check(&url)?;
        let request = self.client.request(parts.method, url).headers(parts.headers).body(body);
        let mut answer = request.send().await.map_err(|e| gone(&e))?;
        let mut all = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|e| gone(&e))? {
            if all.len() + chunk.len() > ANSWER_LIMIT {
                return Err(Failure::NotAProvider("its answer is too long".into()));
            }
            all.extend_from_slice(&chunk);
        }
        let mut response = HttpResponse::new(all);
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(response)
    }
}

impl<'c> AsyncHttpClient<'c> for Wire {
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Failure>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

/// Without the address, which may hold a code.
fn gone(error: &reqwest::Error) -> Failure {
    if net::led_home(error) {
        return Failure::Private;
    }
    Failure::Unreachable(if error.is_timeout() { "it is too slow" } else { "no connection" }.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_at_home_or_without_tls_must_be_permitted() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        for (address, fits) in [
            ("https://login.example.com/x", true),
            ("http://login.example.com/x", false),
            ("https://10.0.0.1/x", false),
            ("https://[::1]/x", false),
            ("https://2130706433/x", false),
        ] {
            let url = Url::parse(address).unwrap();
            assert_eq!(Providers::new(false).unwrap().wire.check(&url).is_ok(), fits, "{address}");
            assert!(Providers::new(true).unwrap().wire.check(&url).is_ok(), "{address}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_home_is_refused() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let who = Relying {
            issuer: "https://localhost:1".into(),
            client_id: "x".into(),
            client_secret: None,
            redirect: "https://desk.example.com/back".into(),
        };
        let found = Providers::new(false).unwrap().test(&who, Utc::now()).await;
        assert_eq!(found, Err(Failure::Private));
    }
}
