//! The organisation's identity provider: whom to ask who somebody is, and whom of those it knows we let in.

use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{
    ADMIN, SUPER_ADMIN, audit, difference,
    principal::By,
    store::{self, RoleRow},
    user,
};
use crate::{
    app::{App, OrgId, UserId},
    platform::{
        Error, Result,
        oidc::{Failure, Providers, Relying},
    },
};

const KEY: &str = "identity_provider";

/// As it is kept.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Kept {
    pub is_on: bool,
    pub issuer: String,
    pub client_id: String,
    /// Sealed.
    client_secret: Option<String>,
    pub domains: Vec<String>,
    pub role: Option<String>,
    pub label: String,
}

/// How people sign in at an identity provider (OpenID Connect). The client's secret is never shown.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct IdentityProvider {
    pub is_on: bool,
    /// The provider's address, as it says it itself: under it lies `/.well-known/openid-configuration`.
    pub issuer: String,
    pub client_id: String,
    pub has_client_secret: bool,
    /// Only addresses of these domains are let in; empty: any.
    pub domains: Vec<String>,
    /// The role that who is new gets; absent: only people who were added before are let in.
    pub role: Option<String>,
    /// What the button says after "Sign in with".
    pub label: String,
    /// To be allowed at the provider: where it sends people back to.
    pub redirect_url: String,
}

/// How people are to sign in at an identity provider.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProviderChange {
    pub is_on: bool,
    pub issuer: String,
    pub client_id: String,
    /// Absent: the kept one stays, as long as the issuer does.
    #[schema(format = Password)]
    pub client_secret: Option<String>,
    #[serde(default)]
    pub domains: Vec<String>,
    pub role: Option<String>,
    #[serde(default)]
    pub label: String,
}

/// What a test of the settings found.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ProviderTest {
    /// Absent: all is well. Else `unreachable`, `private`, `not_a_provider`, `other_issuer`, `client`, `token`.
    pub problem: Option<&'static str>,
    /// In few words, in English.
    pub detail: Option<String>,
}

fn context(org: OrgId) -> String {
    format!("identity_provider:{org}")
}

/// Where a provider sends the browser back to.
fn redirect_url(app: &App) -> String {
    let server = &app.config.server;
    let base = server.public_url.clone().unwrap_or_else(|| format!("http://{}", server.listen));
    format!("{}/api/sign-in/provider/back", base.trim_end_matches('/'))
}

/// Who calls providers in this process.
pub(super) fn providers(app: &App) -> Result<Providers> {
    let kept = app.kept.of::<std::sync::OnceLock<Providers>>();
    if let Some(providers) = kept.get() {
        return Ok(providers.clone());
    }
    let made = Providers::new(app.config.sign_in.allow_private_provider)?;
    Ok(kept.get_or_init(|| made).clone())
}

impl Kept {
    fn shown(&self, app: &App) -> IdentityProvider {
        IdentityProvider {
            is_on: self.is_on,
            issuer: self.issuer.clone(),
            client_id: self.client_id.clone(),
            has_client_secret: self.client_secret.is_some(),
            domains: self.domains.clone(),
            role: self.role.clone(),
            label: self.label.clone(),
            redirect_url: redirect_url(app),
        }
    }

    /// Whom we are to the provider.
    pub(super) fn relying(&self, app: &App, org: OrgId) -> Result<Relying> {
        let secret = match &self.client_secret {
            Some(sealed) => Some(String::from_utf8(app.key.open(&context(org), sealed)?).map_err(Error::internal)?),
            None => None,
        };
        Ok(Relying {
            issuer: self.issuer.clone(),
            client_id: self.client_id.clone(),
            client_secret: secret,
            redirect: redirect_url(app),
        })
    }

    /// Whether an address may come in, by its domain.
    pub(super) fn lets_in(&self, email: &str) -> bool {
        let domain = email.rsplit_once('@').map(|(_, domain)| domain).unwrap_or_default();
        self.domains.is_empty() || self.domains.iter().any(|d| d == domain)
    }
}

pub(super) async fn load(app: &App, org: OrgId) -> Result<Kept> {
    let found = store::find_config(app.read().await?.conn(), org, KEY).await?;
    Ok(match found {
        Some(value) => serde_json::from_value(value.0)?,
        None => Kept::default(),
    })
}

/// How people sign in at an identity provider.
pub async fn find(app: &App, by: &By) -> Result<IdentityProvider> {
    Ok(load(app, by.org).await?.shown(app))
}

/// Says how people sign in at an identity provider.
pub async fn save(app: &App, by: &By, change: ProviderChange) -> Result<IdentityProvider> {
    let now = app.now();
    let before = load(app, by.org).await?;
    let after = changed(app, by, &before, change).await?;
    let mut tx = app.begin().await?;
    store::save_config(tx.conn(), by.org, KEY, &serde_json::to_value(&after)?, by.user, now).await?;
    let mut changes = difference(Some(&before.shown(app)), Some(&after.shown(app)));
    if before.client_secret != after.client_secret
        && let Some(changes) = changes.as_object_mut()
    {
        changes.insert("client_secret".into(), "changed".into());
    }
    audit(tx.conn(), now, by, "settings.identity_provider", ("organization", by.org.0), changes).await?;
    tx.commit().await?;
    Ok(after.shown(app))
}

/// Whether the provider can be reached with these settings, and knows us.
pub async fn test(app: &App, by: &By, change: ProviderChange) -> Result<ProviderTest> {
    let before = load(app, by.org).await?;
    let tried = changed(app, by, &before, ProviderChange { is_on: true, ..change }).await?;
    let found = providers(app)?.test(&tried.relying(app, by.org)?, app.now()).await;
    let problem = found.err();
    Ok(ProviderTest {
        problem: problem.as_ref().map(|p| match p {
            Failure::Unreachable(_) => "unreachable",
            Failure::Private => "private",
            Failure::NotAProvider(_) => "not_a_provider",
            Failure::OtherIssuer(_) => "other_issuer",
            Failure::Client => "client",
            Failure::Code(_) | Failure::Token(_) => "token",
        }),
        detail: problem.map(|p| p.to_string()),
    })
}

/// What the button to the provider says; `None`: there is none.
pub async fn button(app: &App, slug: &str) -> Result<Option<String>> {
    let Some(org) = store::org_by_slug(app.read().await?.conn(), slug).await? else {
        return Ok(None);
    };
    let kept = load(app, org.id).await?;
    let host = || url::Url::parse(&kept.issuer).ok().and_then(|u| u.host_str().map(String::from)).unwrap_or_default();
    Ok(kept.is_on.then(|| if kept.label.is_empty() { host() } else { kept.label.clone() }))
}

/// Forgets who a user is at the provider: the next visit decides anew, by the address.
pub async fn forget(app: &App, by: &By, id: UserId) -> Result<()> {
    let mut tx = app.begin().await?;
    user::load_locked(tx.conn(), by, id).await?;
    if !store::delete_identities(tx.conn(), by.org, id).await? {
        return Err(Error::NotFound("identity"));
    }
    store::delete_sessions(tx.conn(), by.org, id).await?;
    audit(tx.conn(), app.now(), by, "user.forget_identity", ("user", id.0), json!({})).await?;
    tx.commit().await
}

async fn changed(app: &App, by: &By, before: &Kept, change: ProviderChange) -> Result<Kept> {
    // Who chooses the provider chooses who somebody is.
    if by.rank() < store::highest_rank(app.read().await?.conn(), by.org).await? {
        return Err(Error::Conflict(
            "who chooses the provider can come in as anybody: only a user whom nobody outranks may do this".into(),
        ));
    }
    let issuer = change.issuer.trim().to_string();
    let client_id = change.client_id.trim().to_string();
    let is_address = url::Url::parse(&issuer).is_ok_and(|u| {
        matches!(u.scheme(), "http" | "https") && u.has_host() && u.username().is_empty() && u.query().is_none()
    });
    if (change.is_on || !issuer.is_empty()) && !is_address {
        return Err(Error::Invalid("issuer: an address like https://login.example.com".into()));
    }
    if change.is_on && client_id.is_empty() {
        return Err(Error::Invalid("client_id: the provider's name for this installation".into()));
    }
    let label = change.label.trim().to_string();
    if label.chars().count() > 40 || client_id.len() > 300 || issuer.len() > 500 {
        return Err(Error::Invalid("label: at most 40 characters".into()));
    }
    let mut domains = Vec::new();
    for domain in &change.domains {
        let domain = domain.trim().trim_start_matches('@').to_lowercase();
        let fits = domain.contains('.') && domain.chars().all(|c| c.is_alphanumeric() || ".-".contains(c));
        if !fits {
            return Err(Error::Invalid(format!("domains: '{domain}' is none like example.com")));
        }
        domains.push(domain);
    }
    domains.sort();
    domains.dedup();
    let role = change.role.filter(|r| !r.is_empty());
    if let Some(key) = &role {
        if domains.is_empty() {
            return Err(Error::Invalid("domains: say whose addresses get a role without being invited".into()));
        }
        let role: Option<RoleRow> = store::role_by_key(app.read().await?.conn(), by.org, key).await?;
        if role.is_none() || [ADMIN, SUPER_ADMIN].contains(&key.as_str()) {
            return Err(Error::Invalid(format!("role: '{key}' can't be given to whoever comes")));
        }
    }
    let client_secret = match change.client_secret.as_deref().map(str::trim).filter(|s| !s.is_empty()) {
        Some(secret) => Some(app.key.seal(&context(by.org), secret.as_bytes())?),
        // A secret is only ever sent to whom it was given for.
        None => before.client_secret.clone().filter(|_| before.issuer == issuer),
    };
    Ok(Kept { is_on: change.is_on, issuer, client_id, client_secret, domains, role, label })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_domains_are_let_in_and_no_look_alikes() {
        let kept = Kept { domains: vec!["example.com".into()], ..Kept::default() };
        assert!(kept.lets_in("ana@example.com"));
        for other in ["ana@mail.example.com", "ana@example.com.evil.net", "ana@notexample.com", "ana"] {
            assert!(!kept.lets_in(other), "{other}");
        }
        assert!(Kept::default().lets_in("ana@anywhere.net"));
    }
}
