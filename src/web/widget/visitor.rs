//! Who writes from the website, and what they may use up.

use std::{convert::Infallible, sync::Arc};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    app::{App, ChannelId, OrgId},
    channels::Address,
    customers::{self, Reached},
    inbox,
    platform::{Error, Result, http::counted_address},
};

/// The kinds of identities: a browser, or a user of the website for whom its server has vouched.
const VISITOR: &str = "visitor";
const USER: &str = "user";

/// Who writes from the website.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Visitor {
    #[serde(rename = "o")]
    pub(super) org: OrgId,
    #[serde(rename = "c")]
    pub(super) channel: ChannelId,
    #[serde(rename = "v")]
    pub(super) id: Uuid,
    /// The website's own id of the user, when its server has vouched for it.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub(super) user: Option<String>,
}

impl Visitor {
    pub(super) fn token(&self, app: &App) -> Result<String> {
        app.key.seal("visitor", &serde_json::to_vec(self)?)
    }

    pub(super) fn from_token(app: &App, token: &str) -> Result<Self> {
        let plain = app.key.open("visitor", token).map_err(|_| Error::SignedOut)?;
        serde_json::from_slice(&plain).map_err(|_| Error::SignedOut)
    }

    pub(super) fn address(&self) -> Address {
        match &self.user {
            Some(user) => Address::new(USER, user),
            None => Address::new(VISITOR, self.id.to_string()),
        }
    }

    pub(super) async fn conversation(&self, app: &App) -> Result<Option<inbox::Conversation>> {
        let mut reader = app.read().await?;
        let address = self.address();
        let (kind, id) = (address.kind.as_str(), address.id.as_str());
        let reached = Reached { channel: self.channel, kind, external_id: id, display_name: None };
        match customers::identity(reader.conn(), self.org, reached).await? {
            Some(identity) => inbox::find_latest(reader.conn(), self.org, identity.id).await,
            None => Ok(None),
        }
    }
}

impl FromRequestParts<Arc<App>> for Visitor {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self> {
        Self::from_token(app, bearer(&parts.headers).ok_or(Error::SignedOut)?)
    }
}

/// The address that the visitor shares its limits with, where that can be told.
pub struct SharedAddress(Option<String>);

impl FromRequestParts<Arc<App>> for SharedAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        Ok(Self(counted_address(parts, &app.config.server.trusted_proxies)))
    }
}

impl SharedAddress {
    /// Takes one of the `most` things of this kind that an address has per minute.
    pub(super) fn take(&self, app: &App, what: &str, most: u32) -> Result<()> {
        self.0.as_ref().map_or(Ok(()), |ip| app.visitors.take(&format!("{what} {ip}"), most, app.now()))
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}
