//! What careless programs and broken connections leave of a mail, put right before it is read.

use std::{borrow::Cow, sync::LazyLock};

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use mail_parser::{Message, MessageParser, MimeHeaders};
use regex::bytes::{Captures, Regex};

#[expect(clippy::unwrap_used, reason = "the pattern stands here and a test compiles it")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap()
}

/// Words of a head that are not ASCII: RFC 2047, <https://www.rfc-editor.org/rfc/rfc2047>
static WORD: LazyLock<Regex> = LazyLock::new(|| pattern(r"=\?([^?\s]+)\?([BbQq])\?([^?\s]*)\?="));

/// Several of them with nothing between, perhaps on several lines.
static WORDS: LazyLock<Regex> = LazyLock::new(|| {
    const WORD: &str = r"=\?[^?\s]+\?[BbQq]\?[^?\s]*\?=";
    pattern(&format!(r"{WORD}(?:[ \t]*(?:\r?\n[ \t]+)?{WORD})+"))
});

/// The `=` at the end are left out by some.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A mail as its program should have written it.
pub(super) fn mend(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut mail = WORDS.replace_all(bytes, |all: &Captures<'_>| {
        let all = all.get(0).map_or(&b""[..], |m| m.as_bytes());
        joined(all).unwrap_or_else(|| all.to_vec())
    });
    if let Some(ends) = missing_ends(&mail) {
        mail.to_mut().extend(ends);
    }
    mail
}

/// Words in a row as one: many programs cut them where a line is full, be it within a character.
fn joined(words: &[u8]) -> Option<Vec<u8>> {
    let mut all: Vec<(Vec<u8>, u8, Vec<u8>)> = Vec::new();
    for word in WORD.captures_iter(words) {
        let [charset, encoding, text] = word.extract().1;
        let encoding = encoding.first()?.to_ascii_uppercase();
        let text = if encoding == b'B' { LENIENT.decode(text).ok()? } else { text.to_vec() };
        match all.last_mut() {
            Some(last) if last.1 == encoding && last.0.eq_ignore_ascii_case(charset) => last.2.extend(text),
            _ => all.push((charset.to_vec(), encoding, text)),
        }
    }
    let written = all.into_iter().map(|(charset, encoding, text)| {
        let text = if encoding == b'B' { LENIENT.encode(text).into_bytes() } else { text };
        [b"=?", &*charset, b"?", &[encoding], b"?", &text, b"?="].concat()
    });
    Some(written.collect::<Vec<_>>().join(&b' '))
}

/// The boundaries that a mail lacks which was cut off: without them its last part is read by nobody.
fn missing_ends(bytes: &[u8]) -> Option<Vec<u8>> {
    let is_open = |boundary: &str| {
        let (begin, end) = (format!("\n--{boundary}"), format!("\n--{boundary}--"));
        !boundary.is_empty() && has(bytes, &begin) && !has(bytes, &end)
    };
    let boundaries = |mail: &Message<'_>| -> Vec<String> {
        let all = mail.parts.iter().filter_map(|part| part.content_type()?.attribute("boundary"));
        all.filter(|boundary| is_open(boundary)).map(String::from).collect()
    };
    // Its own boundary is the last: where that stands, nothing was cut off.
    if boundaries(&MessageParser::default().parse_headers(bytes)?).is_empty() {
        return None;
    }
    let open = boundaries(&super::read::parsed(bytes).ok()??);
    Some(open.iter().rev().flat_map(|boundary| format!("\r\n--{boundary}--\r\n").into_bytes()).collect())
}

/// Looks from the end, where the last boundary stands.
fn has(bytes: &[u8], what: &str) -> bool {
    bytes.windows(what.len()).rev().any(|at| at == what.as_bytes())
}

/// Lines that were broken to fit a screen, whole again. RFC 3676, <https://www.rfc-editor.org/rfc/rfc3676>
pub(super) fn unflowed(text: &str, drops_space: bool) -> String {
    let mut lines: Vec<String> = Vec::new();
    // How deep the last line is quoted, where it goes on in the next.
    let mut open = None;
    for line in text.lines() {
        let said = line.trim_start_matches('>');
        let depth = line.len() - said.len();
        let said = said.strip_prefix(' ').unwrap_or(said);
        let is_signature = said == "-- ";
        let goes_on = said.ends_with(' ') && !is_signature;
        let kept = said.strip_suffix(' ').filter(|_| goes_on && drops_space).unwrap_or(said);
        match lines.last_mut().filter(|_| open == Some(depth) && !is_signature) {
            Some(last) => last.push_str(kept),
            None if depth == 0 => lines.push(kept.into()),
            None => lines.push(format!("{} {kept}", ">".repeat(depth))),
        }
        open = goes_on.then_some(depth);
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_that_was_cut_in_two_is_one_again() {
        for (subject, expected) in [
            ("=?UTF-8?B?5YWz5LqO56CU5w==?=\r\n =?utf-8?b?o6jmnLo=?=", "关于研磨机"),
            ("=?UTF-8?Q?=E7=A3?= =?UTF-8?Q?=A8_x?=", "磨 x"),
            ("=?gb2312?B?0dA=?=\r\n\t=?gb2312?B?xKU?= plain =?utf-8?B?5py6?=", "研磨 plain 机"),
            ("=?gb2312?B?0dA=?= =?utf-8?B?56Oo?=", "研磨"),
            ("=?utf-8?B?56C!?= =?utf-8?B?56Oo?= 1", ""),
            ("Is 1 =?= 2", "Is 1 =?= 2"),
        ] {
            let mail = format!("Subject: {subject}\r\n\r\nx");
            let mended = mend(mail.as_bytes());
            let read = MessageParser::default().parse(&*mended).unwrap();
            assert!(expected.is_empty() || read.subject() == Some(expected), "{:?}", read.subject());
        }
    }

    #[test]
    fn a_mail_that_was_cut_off_is_read_to_its_end() {
        let whole = "Content-Type: multipart/mixed; boundary=out\r\n\r\n--out\r\nContent-Type: multipart/alternative; boundary=\"in\"\r\n\r\n\
            --in\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n5L2g5aW9\r\n--in--\r\n--out--\r\n";
        for end in ["--in--\r\n--out--\r\n", "--out--\r\n"] {
            let mended = mend(whole.strip_suffix(end).unwrap().as_bytes());
            let read = MessageParser::default().parse(&*mended).unwrap();
            assert_eq!(read.body_text(0).unwrap().trim(), "你好", "without {end:?}");
        }
        assert!(matches!(mend(whole.as_bytes()), Cow::Borrowed(_)), "what is whole is left alone");
        let head = "Content-Type: multipart/mixed; boundary=out\r\n\r\n";
        assert!(matches!(mend(head.as_bytes()), Cow::Borrowed(_)), "a head alone has no parts");
    }

    #[test]
    fn lines_that_flow_are_whole_again() {
        for (text, drops_space, expected) in [
            ("it works, \r\nevery day, \r\nstill.\r\n\r\nDoes it?", false, "it works, every day, still.\n\nDoes it?"),
            ("每天都在用， \n从来没坏过。", true, "每天都在用，从来没坏过。"),
            ("> which \n> one?\n>> the \nlarge \none", false, "> which one?\n>> the \nlarge one"),
            ("Thanks \n-- \nAna", false, "Thanks \n-- \nAna"),
            (" From here \nto there", false, "From here to there"),
        ] {
            assert_eq!(unflowed(text, drops_space), expected, "{text}");
        }
    }
}
