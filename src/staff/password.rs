//! Passwords: hashed with Argon2id on the blocking pool, never more than a few at once.

use std::sync::LazyLock;

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use tokio::sync::Semaphore;

use crate::platform::{
    Error, Result, crypto,
    error::{self},
};

/// Each hash takes 19 MiB and a core for a while: a flood of sign-ins must not take the machine.
static AT_ONCE: Semaphore = Semaphore::const_new(2);

/// What an unknown address is checked against, so that it takes as long as a known one.
static NOBODYS: LazyLock<Option<String>> = LazyLock::new(|| hashed(&crypto::token()).ok());

const SHORTEST: usize = 10;
const LONGEST: usize = 200;

/// Hashes a new password; refuses one that is too short.
pub async fn hash(password: &str) -> Result<String> {
    let length = password.chars().count();
    if !(SHORTEST..=LONGEST).contains(&length) {
        return Err(Error::Invalid(format!("the password must have {SHORTEST} to {LONGEST} characters")));
    }
    let password = password.to_string();
    let _permit = AT_ONCE.acquire().await.map_err(Error::internal)?;
    error::blocking(move || hashed(&password)).await
}

/// Whether `password` is the one that was hashed. Takes as long when there is no hash.
pub async fn fits(password: &str, hash: Option<String>) -> Result<bool> {
    let password: String = password.chars().take(LONGEST + 1).collect();
    let _permit = AT_ONCE.acquire().await.map_err(Error::internal)?;
    error::blocking(move || {
        let real = hash.is_some();
        let Some(hash) = hash.as_ref().or(NOBODYS.as_ref()) else {
            return Ok(false);
        };
        let parsed = PasswordHash::new(hash).map_err(|e| Error::Internal(anyhow::anyhow!("password hash: {e}")))?;
        let fits = Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok();
        Ok(real && fits)
    })
    .await
}

fn hashed(password: &str) -> Result<String> {
    let hash: PasswordHash = Argon2::default()
        .hash_password(password.as_bytes())
        .map_err(|e| Error::Internal(anyhow::anyhow!("hashing a password: {e}")))?;
    Ok(hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_password_itself_fits() {
        let hash = hash("correct horse battery").await.unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(fits("correct horse battery", Some(hash.clone())).await.unwrap());
        assert!(!fits("Correct horse battery", Some(hash)).await.unwrap());
        assert!(!fits("anything", None).await.unwrap());
        assert!(matches!(super::hash("short").await, Err(Error::Invalid(_))));
    }
}
