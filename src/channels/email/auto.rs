//! Which mails nobody wrote: they are kept and never answered, since two machines that answer each other never stop.
//! RFC 3834, <https://www.rfc-editor.org/rfc/rfc3834>

use mail_parser::{Message, MessagePart, MimeHeaders};

use super::read::is_marked;

/// Beginnings of addresses that no person reads.
const NOBODY: [&str; 11] = [
    "mailer-daemon",
    "postmaster",
    "no-reply",
    "noreply",
    "no_reply",
    "do-not-reply",
    "donotreply",
    "bounce",
    "bounces",
    "notifications",
    "daemon",
];

/// With what subjects begin of programs that mark their answers nowhere else.
const ANSWERS: [&str; 8] =
    ["自动回复", "自動回覆", "自動回復", "自动答复", "automatic reply", "auto reply", "auto-reply", "out of office"];

/// Why a mail is not somebody's who waits for an answer; `None`: it is.
/// `text`: what it says.
pub(super) fn reason(mail: &Message<'_>, from: &str, own: &str, text: &str) -> Option<&'static str> {
    let raw = |name: &str| mail.header_raw(name.to_string()).map(|v| v.trim().to_lowercase());
    let has = |name: &str| raw(name).is_some();
    if from.eq_ignore_ascii_case(own) {
        return Some("our own mail");
    }
    let is_report = mail.content_type().is_some_and(|t| t.ctype() == "multipart" && t.subtype() == Some("report"));
    if is_report || raw("Return-Path").is_some_and(|path| path == "<>") {
        return Some("a report about a mail");
    }
    if raw("Auto-Submitted").is_some_and(|v| !v.starts_with("no"))
        || ["X-Autoreply", "X-Autorespond", "X-Autoresponse", "X-Auto-Reply-From", "X-Mail-Autoreply"]
            .into_iter()
            .any(has)
        || is_marked(mail.subject().unwrap_or_default(), &ANSWERS)
    {
        return Some("an automatic answer");
    }
    if text.trim().is_empty() && mail.parts.iter().any(answers_invitation) {
        return Some("an answer to an invitation, without a word");
    }
    // Exchange sets it on what it answers by itself; people's programs don't.
    if raw("X-Auto-Response-Suppress").is_some_and(|v| ["all", "oof", "autoreply"].iter().any(|word| v.contains(word)))
    {
        return Some("an automatic mail");
    }
    if raw("Precedence").is_some_and(|v| ["bulk", "junk", "list", "auto_reply"].contains(&&*v)) {
        return Some("a mail to many");
    }
    if ["List-Id", "List-Unsubscribe", "List-Post", "Feedback-ID"].into_iter().any(has) {
        return Some("a mail to many");
    }
    let local = from.split('@').next().unwrap_or_default().to_lowercase();
    let is_nobody =
        |name: &&str| local.strip_prefix(*name).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric));
    NOBODY.iter().any(is_nobody).then_some("an address that nobody reads")
}

/// RFC 5546, <https://www.rfc-editor.org/rfc/rfc5546>
fn answers_invitation(part: &MessagePart<'_>) -> bool {
    let method = part.content_type().and_then(|t| t.attribute("method"));
    part.is_content_type("text", "calendar") && method.is_some_and(|m| m.eq_ignore_ascii_case("reply"))
}
