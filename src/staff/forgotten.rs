//! Forgotten passwords: a link by mail, and the same answer whether the address is known or not.

use chrono::Duration;
use serde_json::json;

use super::{audit, link, mail_server, principal::By, store};
use crate::{
    app::App,
    platform::{Error, Result, throttle::Patience},
};

/// How often one address may ask.
const ASKING: Patience = Patience { free: 3, first: Duration::minutes(1), longest: Duration::hours(1) };

/// Mails a link by which the user of this address chooses another password. Says the same for an address that nobody
/// has; without a mail server it says so.
pub async fn forgotten(app: &App, address: &str) -> Result<()> {
    let Some(server) = mail_server(app).await? else {
        return Err(Error::Conflict("no mail server is set up: ask an administrator for a reset link".into()));
    };
    let (now, email) = (app.now(), super::user::email(address)?);
    let key = format!("forgotten|{email}");
    app.sign_ins.attempt(&app.db, &[(&key, ASKING)], now).await?.failed(&app.db).await?;
    let mut tx = app.begin().await?;
    let mut links = Vec::new();
    for (org, user, _) in store::password_hashes(tx.conn(), &email, None).await? {
        links.push(link::make(app, tx.conn(), org, Some(user), link::Purpose::Reset).await?);
        audit(tx.conn(), now, &By::system(org), "user.forgot_password", ("user", user.0), json!({})).await?;
    }
    tx.commit().await?;
    if links.is_empty() {
        return Ok(());
    }
    let text = format!(
        "Choose a new password here; the link works once, for 24 hours. If you did not ask for it, do nothing.\n\
         请点击链接设置新密码；链接 24 小时内有效，只能使用一次。如果不是您本人操作，请忽略。\n\n{}\n",
        links.join("\n")
    );
    // Beside the request: how long a mail takes must not tell whether the address is known.
    app.spawn(async move {
        if let Err(e) = server.send(&[email], "A new password · 重置密码", text).await {
            tracing::warn!(error = %e.chain(), "a reset link could not be mailed");
        }
    });
    Ok(())
}
