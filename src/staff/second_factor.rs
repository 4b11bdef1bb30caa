//! A second factor: codes of an authenticator app (RFC 6238), and recovery codes for who has lost it.
//!
//! A code works once, also within its half minute; wrong ones slow down like wrong passwords. The secret lies sealed,
//! of recovery codes only the hashes.

use chrono::{DateTime, Utc};
use qrcode::{QrCode, render::svg};
use serde::Serialize;
use serde_json::json;
use totp_rs::{Builder, Secret, Totp};
use utoipa::ToSchema;

use super::{audit, password, principal::By, sign_in, store, user};
use crate::{
    app::{App, OrgId, UserId},
    platform::{Error, Result, crypto, db::Conn},
};

/// How many recovery codes one gets.
const CODES: usize = 10;
/// Letters and digits that are not taken for each other.
const ALPHABET: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";

/// How one's own second factor stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SecondFactor {
    /// Since when it counts; absent: there is none.
    pub since: Option<DateTime<Utc>>,
    /// Recovery codes that were not used yet.
    pub recovery_codes_left: i64,
    /// Whether the organisation wants one of everybody.
    pub is_required: bool,
}

/// What an authenticator app needs; shown until a code of it was right.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Enrolment {
    /// To type by hand.
    pub secret: String,
    /// The same for the app, `otpauth://…`.
    pub url: String,
    /// The address as a picture to scan (SVG).
    pub qr_svg: String,
}

/// Shown once; each lets one in once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RecoveryCodes {
    pub codes: Vec<String>,
}

fn context(user: UserId) -> String {
    format!("second_factor:{user}")
}

/// The authenticator of a secret. 160 bits and SHA-1, six digits, half a minute: what every app knows.
fn totp(secret: Vec<u8>, account: &str, issuer: &str) -> Result<Totp> {
    // Colons part the label of the address.
    let plain = |text: &str| text.replace(':', " ");
    Builder::new()
        .with_secret(Secret::from(secret))
        .with_account_name(plain(account))
        .with_issuer(Some(plain(issuer)))
        .build()
        .map_err(|e| Error::Internal(anyhow::anyhow!("second factor: {e}")))
}

/// How one's own second factor stands.
pub async fn find(app: &App, by: &By) -> Result<SecondFactor> {
    let user = by.person()?;
    let mut reader = app.read().await?;
    let found = store::find_factor(reader.conn(), by.org, user).await?;
    Ok(SecondFactor {
        since: found.and_then(|f| f.confirmed_at),
        recovery_codes_left: store::codes_left(reader.conn(), by.org, user).await?,
        is_required: store::requires_factor(reader.conn(), by.org).await?,
    })
}

/// Begins to set one up; it counts when the first code was right.
pub async fn begin(app: &App, by: &By, current: &str) -> Result<Enrolment> {
    let id = by.person()?;
    let key = format!("password|{id}");
    let attempt = app.sign_ins.attempt(&app.db, &[(&key, sign_in::FROM_ONE_PLACE)], app.now()).await?;
    let hash = store::password_hash(app.read().await?.conn(), by.org, id).await?;
    if !password::fits(current, hash).await? {
        attempt.failed(&app.db).await?;
        return Err(Error::Invalid("the password is wrong".into()));
    }
    attempt.succeeded(&app.db).await?;
    let account = user::find(app, by, id).await?.email;
    let secret: Vec<u8> = (0..20).map(|_| rand::random()).collect();
    let sealed = app.key.seal(&context(id), &secret)?;
    let totp = totp(secret, &account, "Frontdesk")?;
    let url = totp.to_url().map_err(|e| Error::Internal(anyhow::anyhow!("second factor: {e}")))?;
    let qr = QrCode::new(&url).map_err(|e| Error::Internal(anyhow::anyhow!("second factor: {e}")))?;
    let mut tx = app.begin().await?;
    if !store::insert_factor(tx.conn(), by.org, id, &sealed, app.now()).await? {
        return Err(Error::Conflict("a second factor is set up already: remove it first".into()));
    }
    tx.commit().await?;
    Ok(Enrolment {
        secret: totp.secret().to_base32(),
        qr_svg: qr.render::<svg::Color<'_>>().min_dimensions(192, 192).build(),
        url,
    })
}

/// The first code was right: from here it counts. Every other session of theirs ends.
pub async fn confirm(app: &App, by: &By, code: &str) -> Result<RecoveryCodes> {
    let user = by.person()?;
    let now = app.now();
    let found = store::find_factor(app.read().await?.conn(), by.org, user).await?;
    let found = found.ok_or_else(|| Error::Conflict("begin to set a second factor up first".into()))?;
    if found.confirmed_at.is_some() {
        return Err(Error::Conflict("a second factor is set up already".into()));
    }
    check(app, by.org, user, code).await?;
    let (codes, hashes) = fresh_codes(user);
    let mut tx = app.begin().await?;
    store::confirm_factor(tx.conn(), by.org, user, now).await?;
    store::replace_codes(tx.conn(), by.org, user, &hashes, now).await?;
    store::delete_other_sessions(tx.conn(), by.org, user, by.session).await?;
    audit(tx.conn(), now, by, "second_factor.add", ("user", user.0), json!({})).await?;
    tx.commit().await?;
    Ok(RecoveryCodes { codes })
}

/// Other recovery codes in place of the earlier ones.
pub async fn renew_codes(app: &App, by: &By, code: &str) -> Result<RecoveryCodes> {
    let user = by.person()?;
    confirmed(app.read().await?.conn(), by.org, user).await?;
    check(app, by.org, user, code).await?;
    let (codes, hashes) = fresh_codes(user);
    let mut tx = app.begin().await?;
    store::replace_codes(tx.conn(), by.org, user, &hashes, app.now()).await?;
    audit(tx.conn(), app.now(), by, "second_factor.renew_codes", ("user", user.0), json!({})).await?;
    tx.commit().await?;
    Ok(RecoveryCodes { codes })
}

/// Does without one's own second factor from now on.
pub async fn remove(app: &App, by: &By, code: &str) -> Result<()> {
    let user = by.person()?;
    let mut reader = app.read().await?;
    confirmed(reader.conn(), by.org, user).await?;
    if store::requires_factor(reader.conn(), by.org).await? {
        return Err(Error::Conflict("your organisation wants a second factor of everybody".into()));
    }
    drop(reader);
    check(app, by.org, user, code).await?;
    let mut tx = app.begin().await?;
    store::delete_factor(tx.conn(), by.org, user).await?;
    audit(tx.conn(), app.now(), by, "second_factor.remove", ("user", user.0), json!({})).await?;
    tx.commit().await
}

/// Takes the second factor of a user away who has lost it, and ends their sessions.
pub async fn reset(app: &App, by: &By, id: UserId) -> Result<()> {
    let mut tx = app.begin().await?;
    user::load_locked(tx.conn(), by, id).await?;
    if !store::delete_factor(tx.conn(), by.org, id).await? {
        return Err(Error::NotFound("second factor"));
    }
    store::delete_sessions(tx.conn(), by.org, id).await?;
    audit(tx.conn(), app.now(), by, "second_factor.reset", ("user", id.0), json!({})).await?;
    tx.commit().await
}

/// Says whether the organisation wants a second factor of everybody. Who has none sees nothing else until it is set up.
pub async fn require(app: &App, by: &By, is_required: bool) -> Result<()> {
    let now = app.now();
    let mut tx = app.begin().await?;
    if let Some(user) = by.user.filter(|_| is_required) {
        confirmed(tx.conn(), by.org, user)
            .await
            .map_err(|_| Error::Conflict("set up your own second factor first".into()))?;
    }
    let was = store::requires_factor(tx.conn(), by.org).await?;
    store::set_required(tx.conn(), by.org, is_required, by.user, now).await?;
    let changes = json!({"second_factor_required": [was, is_required]});
    audit(tx.conn(), now, by, "settings.security", ("organization", by.org.0), changes).await?;
    tx.commit().await
}

async fn confirmed(c: Conn<'_>, org: OrgId, user: UserId) -> Result<()> {
    let none = || Error::Conflict("no second factor is set up".into());
    if counts(c, org, user).await? { Ok(()) } else { Err(none()) }
}

/// Whether a user has a second factor that counts.
pub(super) async fn counts(c: Conn<'_>, org: OrgId, user: UserId) -> Result<bool> {
    Ok(store::find_factor(c, org, user).await?.is_some_and(|f| f.confirmed_at.is_some()))
}

/// Lets a user pass who has no second factor, or shows a code of it.
pub(super) async fn pass(app: &App, org: OrgId, user: UserId, code: Option<&str>) -> Result<()> {
    if !counts(app.read().await?.conn(), org, user).await? {
        return Ok(());
    }
    match code.map(str::trim).filter(|code| !code.is_empty()) {
        Some(code) => check(app, org, user, code).await,
        None => Err(Error::SecondFactor),
    }
}

/// Checks a code of the app, or a recovery code, and uses it up.
async fn check(app: &App, org: OrgId, user: UserId, code: &str) -> Result<()> {
    let now = app.now();
    let key = format!("code|{user}");
    let attempt = app.sign_ins.attempt(&app.db, &[(&key, sign_in::FROM_ONE_PLACE)], now).await?;
    let typed: String = code.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
    let found = store::find_factor(app.read().await?.conn(), org, user).await?;
    let found = found.ok_or(Error::NotFound("second factor"))?;
    let secret = app.key.open(&context(user), &found.secret)?;
    let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
    let step = totp(secret, "-", "-")?.check(&typed, seconds).and_then(|step| i64::try_from(step).ok());
    let mut tx = app.begin().await?;
    let is_right = match step {
        Some(step) => store::take_step(tx.conn(), org, user, step).await?,
        None => store::use_code(tx.conn(), org, user, &hashed(user, &typed), now).await?,
    };
    tx.commit().await?;
    if !is_right {
        attempt.failed(&app.db).await?;
        return Err(Error::Invalid("the code is wrong, or was used already".into()));
    }
    attempt.succeeded(&app.db).await
}

/// Codes to show, and their hashes to keep. Fifty random bits each, and five guesses at a time: a plain hash will do.
fn fresh_codes(user: UserId) -> (Vec<String>, Vec<String>) {
    let code = || -> String {
        (0..10).filter_map(|_| ALPHABET.get(rand::random_range(0..ALPHABET.len()))).map(|b| char::from(*b)).collect()
    };
    let codes: Vec<String> = (0..CODES).map(|_| code()).collect();
    let hashes = codes.iter().map(|code| hashed(user, code)).collect();
    let shown =
        codes.iter().map(|code| format!("{}-{}", code.get(..5).unwrap_or_default(), code.get(5..).unwrap_or_default()));
    (shown.collect(), hashes)
}

fn hashed(user: UserId, code: &str) -> String {
    crypto::sha256_hex(format!("{user}:{code}").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_rfc() {
        // RFC 6238, appendix B: SHA-1, eight digits there; the last six are ours.
        let totp = totp(b"12345678901234567890".to_vec(), "ana@example.com", "Frontdesk").unwrap();
        for (time, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            assert!(totp.check(code, time).is_some(), "{time}");
            assert!(totp.check(code, time + 120).is_none(), "{time}");
        }
        assert!(totp.to_url().unwrap().starts_with("otpauth://totp/Frontdesk:ana%40example.com?"));
    }

    #[test]
    fn recovery_codes_are_many_and_unlike() {
        let (shown, hashes) = fresh_codes(UserId::new());
        let unlike: std::collections::HashSet<&String> = hashes.iter().collect();
        assert_eq!((shown.len(), unlike.len()), (CODES, CODES));
        assert!(shown.iter().all(|c| c.len() == 11 && c.chars().nth(5) == Some('-')));
    }
}
