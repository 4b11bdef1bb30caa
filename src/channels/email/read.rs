//! A mail taken apart: what is kept of it as a raw event, and what that says.

use chrono::{DateTime, Utc};
use mail_parser::{
    Address as Addresses, Message, MessageParser, MessagePart, MimeHeaders, PartType, decoders::html::html_to_text,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    super::{Address, Event, Failure, Inbound, Media, Progress, RawEvent, Receipt},
    auto, mend, quote,
};
use crate::platform::{Error, Result, crypto::sha256_hex};

/// The longest text that is taken, in characters: longer ones are read in the mailbox.
const TEXT: usize = 20_000;
/// How much of the history is kept beside it.
const HISTORY: usize = 5_000;
/// The most attachments of one mail.
const ATTACHMENTS: usize = 20;
/// A picture inside a text that is smaller than this belongs to a signature.
const LOGO_BYTES: usize = 20_000;
/// The longest chain of references that is passed on.
const REFERENCES: usize = 20;
/// With what subjects begin of mails that pass something on.
const FORWARDED: [&str; 6] = ["fwd", "fw", "转发", "轉寄", "轉發", "转寄"];
/// Proofs for a program that nobody opens.
const PROOFS: [&str; 3] = ["pkcs7-signature", "x-pkcs7-signature", "pgp-signature"];

/// Where a mail lies in its mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    pub validity: u32,
    pub uid: u32,
}

/// What is kept of a mail; the mail itself stays in the mailbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Mail {
    pub place: Place,
    pub message_id: String,
    pub from: String,
    pub name: Option<String>,
    pub subject: String,
    pub at: Option<DateTime<Utc>>,
    pub references: Vec<String>,
    pub text: String,
    /// What stood below the new text.
    #[serde(default)]
    pub history: String,
    pub attachments: Vec<Attached>,
    /// Why nobody waits for an answer.
    #[serde(default)]
    pub automatic: Option<String>,
    /// Our mail that was not delivered, and why.
    #[serde(default)]
    pub bounced: Option<(String, String)>,
    /// True: it was too large to be fetched whole.
    #[serde(default)]
    pub is_cut: bool,
}

/// A file of a mail: `part` counts within it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attached {
    pub part: usize,
    pub name: Option<String>,
    pub mime_type: String,
}

/// The mail that these bytes are, if they are one. An error: the library panics over them (a report in which one mail
/// ends within another), and one mail must not stop a mailbox.
pub(super) fn parsed(bytes: &[u8]) -> Result<Option<Message<'_>>, ()> {
    std::panic::catch_unwind(|| MessageParser::default().parse(bytes)).map_err(drop)
}

/// Takes a mail apart; `None`: it is none, or nobody's.
pub(super) fn take_apart(bytes: &[u8], place: Place, own: &str, is_cut: bool) -> Option<Mail> {
    let bytes = mend::mend(bytes);
    // What can't be taken apart is shown by its head, as what is too large to be fetched.
    let (mail, is_cut) = match parsed(&bytes) {
        Ok(mail) => (mail?, is_cut),
        Err(()) => (MessageParser::default().parse_headers(&*bytes)?, true),
    };
    let (from, name) = sender(&mail)?;
    let subject = mail.subject().unwrap_or_default().chars().filter(|c| !c.is_control()).take(300).collect::<String>();
    let is_passed_on = is_marked(&subject, &FORWARDED);
    let text = tidy(&words(&mail, is_passed_on));
    let (text, history) = if is_passed_on { (text.trim().to_string(), String::new()) } else { quote::newest(&text) };
    let at = mail.date().and_then(|d| DateTime::from_timestamp(d.to_timestamp(), 0));
    let message_id = mail.message_id().map(String::from).filter(|id| (3..=250).contains(&id.len()));
    // Without an id of its own: one that a second fetch makes again.
    let message_id = message_id.unwrap_or_else(|| {
        let stamp = at.map(|a| a.timestamp()).unwrap_or_default();
        format!("{}@nowhere", sha256_hex(format!("{from}\n{stamp}\n{subject}\n{text}").as_bytes()))
    });
    let automatic = auto::reason(&mail, &from, own, &text).map(String::from);
    Some(Mail {
        place,
        references: references(&mail, &message_id),
        bounced: automatic.is_some().then(|| bounced(&mail)).flatten(),
        attachments: if automatic.is_some() { Vec::new() } else { attachments(&mail, &text) },
        automatic,
        message_id,
        from,
        name,
        subject: subject.trim().to_string(),
        at,
        text: text.chars().take(TEXT).collect(),
        history: history.chars().take(HISTORY).collect(),
        is_cut,
    })
}

/// What a mail says: all its texts, in their order; its pages where it has none.
fn words(mail: &Message<'_>, is_passed_on: bool) -> String {
    let said = |part: &MessagePart<'_>| match &part.body {
        PartType::Text(text) => {
            let is = |name: &str, value: &str| {
                part.content_type().and_then(|t| t.attribute(name)).is_some_and(|v| v.eq_ignore_ascii_case(value))
            };
            if is("format", "flowed") { mend::unflowed(text, is("delsp", "yes")) } else { text.to_string() }
        }
        PartType::Html(html) if is_passed_on => html_to_text(html),
        PartType::Html(html) => html_to_text(quote::newest_html(html)),
        _ => String::new(),
    };
    let all = |parts: &mut dyn Iterator<Item = &MessagePart<'_>>| {
        let texts = parts.map(said).filter(|text| !text.trim().is_empty());
        texts.collect::<Vec<_>>().join("\n\n")
    };
    let text = all(&mut mail.text_bodies());
    if text.is_empty() { all(&mut mail.html_bodies()) } else { text }
}

/// Whether a subject begins with one of `marks` (in lower case) and a colon, as programs write it.
pub(super) fn is_marked(subject: &str, marks: &[&str]) -> bool {
    let subject = subject.trim().to_lowercase();
    let mut after = marks.iter().filter_map(|mark| subject.strip_prefix(mark));
    after.any(|rest| rest.trim_start().starts_with([':', '：']))
}

/// The one address a mail is from, in lower case; answers go there and nowhere else, since anybody may write another
/// one into Reply-To.
fn sender(mail: &Message<'_>) -> Option<(String, Option<String>)> {
    let first = match mail.from()? {
        Addresses::List(all) => all.first()?.clone(),
        Addresses::Group(groups) => groups.first()?.addresses.first()?.clone(),
    };
    let address = first.address?.trim().to_lowercase();
    let is_good = address.len() <= 200
        && address.split_once('@').is_some_and(|(local, host)| !local.is_empty() && host.contains('.'))
        && !address.chars().any(|c| c.is_whitespace() || c.is_control());
    let name = first.name.map(|n| n.trim().to_string()).filter(|n| !n.is_empty());
    is_good.then_some((address, name))
}

/// The mails before this one, oldest first, and itself.
fn references(mail: &Message<'_>, own: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for header in [mail.references(), mail.in_reply_to()] {
        let ids = header.as_text_list().map(|l| l.iter().map(ToString::to_string).collect()).unwrap_or_default();
        let one = header.as_text().map(String::from);
        for id in Vec::<String>::into_iter(ids).chain(one) {
            if !all.contains(&id) && id.len() <= 250 {
                all.push(id);
            }
        }
    }
    all.retain(|id| id != own);
    all.push(own.to_string());
    let from = all.len().saturating_sub(REFERENCES);
    all.split_off(from)
}

fn attachments(mail: &Message<'_>, text: &str) -> Vec<Attached> {
    let all = mail.attachments().enumerate();
    all.filter(|(_, part)| {
        let is_seen = !is_inline_picture(part) || text.trim().is_empty() || part.contents().len() >= LOGO_BYTES;
        let is_proof = PROOFS.iter().any(|proof| part.is_content_type("application", proof));
        // Mail servers cut empty texts off as files.
        is_seen && !is_proof && !part.contents().trim_ascii().is_empty()
    })
    .take(ATTACHMENTS)
    .map(|(part, of)| Attached {
        part,
        name: of.attachment_name().map(|n| n.chars().filter(|c| !c.is_control()).take(200).collect()),
        mime_type: of.content_type().map_or_else(
            || "application/octet-stream".into(),
            |t| format!("{}/{}", t.ctype(), t.subtype().unwrap_or("octet-stream")),
        ),
    })
    .collect()
}

fn is_inline_picture(part: &MessagePart<'_>) -> bool {
    part.content_id().is_some() && part.content_type().is_some_and(|t| t.ctype() == "image")
}

/// Which of our mails a report is about, and why it was not delivered; `None`: it says nothing final.
fn bounced(mail: &Message<'_>) -> Option<(String, String)> {
    let parts = || mail.parts.iter();
    let said = parts().find_map(|p| {
        p.is_content_type("message", "delivery-status").then(|| String::from_utf8_lossy(p.contents()).into_owned())
    })?;
    let field = |name: &str| {
        said.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.trim().eq_ignore_ascii_case(name).then(|| value.trim().to_string())
        })
    };
    if !field("Action")?.eq_ignore_ascii_case("failed") {
        return None;
    }
    let why = field("Diagnostic-Code").or_else(|| field("Status")).unwrap_or_default();
    let original = parts().find_map(|p| match &p.body {
        PartType::Message(inner) => inner.message_id().map(String::from),
        _ if p.is_content_type("text", "rfc822-headers") || p.is_content_type("message", "rfc822-headers") => {
            MessageParser::default().parse_headers(p.contents())?.message_id().map(String::from)
        }
        _ => None,
    })?;
    Some((original, why.chars().take(200).collect()))
}

/// The bytes of an attachment.
pub(super) fn attachment(bytes: &[u8], part: usize) -> Option<Vec<u8>> {
    let bytes = mend::mend(bytes);
    let mail = parsed(&bytes).ok()??;
    mail.attachments().nth(part).map(|part| part.contents().to_vec())
}

/// Lines without white space at their ends, and at most one empty line between two.
fn tidy(text: &str) -> String {
    let mut tidy = String::with_capacity(text.len());
    let mut empty = 0;
    for line in text.replace("\r\n", "\n").lines() {
        let line = line.trim_end().trim_end_matches('\u{a0}');
        // A signature's mark is two hyphens and a space.
        let line = if line == "--" { "-- " } else { line };
        empty = if line.is_empty() { empty + 1 } else { 0 };
        if empty <= 1 {
            tidy.push_str(line);
            tidy.push('\n');
        }
    }
    tidy
}

impl Mail {
    /// As it is kept.
    pub(super) fn raw(&self) -> Result<RawEvent> {
        Ok(RawEvent {
            external_id: format!("mail:{}", self.message_id),
            lane: self.from.clone(),
            payload: serde_json::to_string(self)?,
        })
    }
}

/// What a kept mail says.
pub(super) fn parse(payload: &str) -> Result<Event> {
    let mail: Mail = serde_json::from_str(payload).map_err(|e| Error::Invalid(format!("raw event: {e}")))?;
    if let Some((external_id, why)) = mail.bounced {
        let why = format!("it came back: {why}");
        let failure = Some(Failure::Never(why));
        return Ok(Event::Receipt(Receipt { external_id, key: None, state: Progress::Failed, at: mail.at, failure }));
    }
    if mail.automatic.is_some() {
        return Ok(Event::Nothing("nobody wrote it: it is kept in the mailbox"));
    }
    // The first mail's subject is part of what is asked.
    let is_first = mail.references.len() <= 1;
    let subject = mail.subject.trim();
    let text = if is_first && !subject.is_empty() && !mail.text.contains(subject) {
        format!("{subject}\n\n{}", mail.text)
    } else {
        mail.text.clone()
    };
    let mut inbound = Inbound::text(mail.message_id.clone(), Address::new("email", mail.from), text.trim());
    inbound.sender_name = mail.name;
    inbound.sent_at = mail.at;
    let mut files = mail.attachments.into_iter().map(|a| Media {
        id: Some(format!("{}:{}:{}", mail.place.validity, mail.place.uid, a.part)),
        mime_type: Some(a.mime_type),
        filename: a.name,
        ..Media::default()
    });
    inbound.media = files.next();
    inbound.more_media = files.collect();
    let mut about = json!({"subject": subject, "references": mail.references});
    if let Some(all) = about.as_object_mut() {
        if !mail.history.is_empty() {
            all.insert("history".into(), json!(mail.history));
        }
        if mail.is_cut {
            all.insert("is_cut".into(), json!(true));
        }
    }
    let kind = match &inbound.media {
        Some(_) if inbound.text.is_empty() => "document",
        _ => "text",
    };
    Ok(Event::Message(inbound.of(kind).with("mail", about)))
}
