//! What the model's tokens cost: an administrator says the price, the overview multiplies.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    app::{App, OrgId},
    platform::{Error, Result, db::Conn},
    staff::{self, By, audit, difference},
};

const KEY: &str = "model_price";
/// The most a million tokens can cost: a million of the currency.
const MOST_MICROS: i64 = 1_000_000_000_000;

/// What a million tokens cost, in millionths of the currency: 270000 is 0.27.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TokenPrice)]
pub struct Price {
    /// As in ISO 4217.
    pub currency: String,
    /// Of what the model reads.
    pub input_micros: i64,
    /// Of what it writes.
    pub output_micros: i64,
}

/// The price of the model's tokens, if somebody has said it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ModelPrice)]
pub struct Priced {
    /// `null`: nobody knows, and no cost is shown.
    pub price: Option<Price>,
}

/// What was spent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Cost {
    /// As in ISO 4217.
    pub currency: String,
    /// In millionths of the currency.
    pub micros: i64,
}

impl Price {
    /// What so many tokens cost, rounded down.
    pub fn of(&self, read: i64, written: i64) -> Cost {
        let micros = i128::from(read) * i128::from(self.input_micros);
        let micros = (micros + i128::from(written) * i128::from(self.output_micros)) / 1_000_000;
        Cost { currency: self.currency.clone(), micros: i64::try_from(micros).unwrap_or(i64::MAX) }
    }

    fn check(&self) -> Result<()> {
        if self.currency.len() != 3 || !self.currency.bytes().all(|b| b.is_ascii_uppercase()) {
            return Err(Error::Invalid("currency: three capital letters, like USD".into()));
        }
        let is_price = |micros: i64| (0..=MOST_MICROS).contains(&micros);
        if !is_price(self.input_micros) || !is_price(self.output_micros) {
            return Err(Error::Invalid(format!("input_micros, output_micros: 0 to {MOST_MICROS}")));
        }
        Ok(())
    }
}

/// The price that counts now.
pub async fn load(c: Conn<'_>, org: OrgId) -> Result<Priced> {
    Ok(staff::find_config(c, org, KEY).await?.and_then(|v| serde_json::from_value(v.0).ok()).unwrap_or_default())
}

/// Sets the price, or takes it away.
pub async fn save(app: &App, by: &By, new: Priced) -> Result<Priced> {
    if let Some(price) = &new.price {
        price.check()?;
    }
    let now = app.now();
    let mut tx = app.begin().await?;
    let before = load(tx.conn(), by.org).await?;
    staff::save_config(tx.conn(), by.org, KEY, &serde_json::to_value(&new)?, by.user, now).await?;
    let changes = difference(Some(&before), Some(&new));
    audit(tx.conn(), now, by, "model.price", ("organization", by.org.0), changes).await?;
    tx.commit().await?;
    Ok(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_the_sum_of_what_was_read_and_written() {
        let price = Price { currency: "USD".into(), input_micros: 270_000, output_micros: 1_100_000 };
        assert_eq!(price.of(2_000_000, 500_000).micros, 2 * 270_000 + 550_000);
        assert_eq!(price.of(3, 0).micros, 0);
        assert_eq!(price.of(i64::MAX, i64::MAX).micros, i64::MAX);
        assert!(Price { currency: "usd".into(), ..price.clone() }.check().is_err());
        assert!(Price { output_micros: -1, ..price }.check().is_err());
    }
}
