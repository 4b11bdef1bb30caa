//! JSON from platforms that cut texts in the middle of a character.

/// The same JSON with a sign in the place of every half of a character (`\ud83c` alone: a name that was cut in the middle
/// of an emoji), which no text can hold; `None`: there is none.
pub(super) fn whole_characters(json: &[u8]) -> Option<Vec<u8>> {
    let escape = |at: usize| {
        let hex = std::str::from_utf8(json.get(at..at + 6)?.strip_prefix(b"\\u")?).ok()?;
        u16::from_str_radix(hex, 16).ok()
    };
    let (mut whole, mut at, mut is_changed) = (Vec::with_capacity(json.len()), 0, false);
    while let Some(byte) = json.get(at) {
        let length = match (byte, escape(at)) {
            (b'\\', Some(0xD800..=0xDBFF)) if matches!(escape(at + 6), Some(0xDC00..=0xDFFF)) => 12,
            (b'\\', Some(0xD800..=0xDFFF)) => {
                whole.extend_from_slice(b"\\ufffd");
                (at, is_changed) = (at + 6, true);
                continue;
            }
            // The backslash of an escape, and what it escapes.
            (b'\\', _) => 2,
            _ => 1,
        };
        whole.extend_from_slice(json.get(at..at + length).unwrap_or_else(|| json.get(at..).unwrap_or_default()));
        at += length;
    }
    is_changed.then_some(whole)
}
