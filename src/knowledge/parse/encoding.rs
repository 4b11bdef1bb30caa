//! Bytes → text: UTF-8, UTF-16 with its mark, GB18030 and what else browsers read.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, GB18030, GBK, UTF_8};

use super::{Failure, sniff::is_binary};

/// The text of `bytes`, without a byte-order mark.
pub fn decode(bytes: &[u8]) -> Result<String, Failure> {
    decode_as(bytes, None)
}

/// The same, where the document or its server names an encoding. Bytes that are UTF-8 are read so whatever was named.
pub(super) fn decode_as(bytes: &[u8], named: Option<&str>) -> Result<String, Failure> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return strict(encoding, bytes.get(mark..).unwrap_or_default());
    }
    if is_binary(bytes.get(..4096.min(bytes.len())).unwrap_or_default()) {
        return Err(Failure::UnknownEncoding);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Ok(text.to_string());
    }
    if let Some(encoding) = named.and_then(|n| Encoding::for_label(n.as_bytes()))
        && encoding != UTF_8
        && let Ok(text) = strict(widened(encoding), bytes)
    {
        return Ok(text);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    // "cn" tips the balance where a short text would be valid in several East Asian encodings.
    let guess = widened(detector.guess(Some(b"cn"), Utf8Detection::Deny));
    strict(guess, bytes).or_else(|_| strict(GB18030, bytes)).or_else(|_| strict(UTF_8, bytes))
}

/// GBK's superset.
fn widened(encoding: &'static Encoding) -> &'static Encoding {
    if encoding == GBK { GB18030 } else { encoding }
}

/// Decodes, tolerating one broken character in a thousand (a cut end, a bad byte).
fn strict(encoding: &'static Encoding, bytes: &[u8]) -> Result<String, Failure> {
    let (text, had_errors) = encoding.decode_without_bom_handling(bytes);
    if had_errors {
        let broken = text.chars().filter(|c| *c == char::REPLACEMENT_CHARACTER).count();
        if broken > 1 + text.len() / 3000 {
            return Err(Failure::UnknownEncoding);
        }
    }
    Ok(text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "退款在五个工作日内到账，详见第3条。€ 12.50";

    #[test]
    fn utf_8_utf_16_and_gb18030_give_the_same_text() {
        let gb = GB18030.encode(TEXT).0.into_owned();
        let mut utf8_mark = vec![0xEF, 0xBB, 0xBF];
        utf8_mark.extend(TEXT.as_bytes());
        let utf16 = |mark: [u8; 2], to: fn(u16) -> [u8; 2]| {
            mark.into_iter().chain(TEXT.encode_utf16().flat_map(to)).collect::<Vec<u8>>()
        };
        for bytes in [
            TEXT.as_bytes().to_vec(),
            utf8_mark,
            utf16([0xFF, 0xFE], u16::to_le_bytes),
            utf16([0xFE, 0xFF], u16::to_be_bytes),
            gb,
        ] {
            assert_eq!(decode(&bytes).unwrap(), TEXT);
        }
    }

    #[test]
    fn a_short_gb18030_text_and_one_with_a_cut_end_are_read() {
        let bytes = GB18030.encode("营业时间：周一至周五").0.into_owned();
        assert_eq!(decode(&bytes).unwrap(), "营业时间：周一至周五");
        assert!(decode(&bytes[..bytes.len() - 1]).unwrap().starts_with("营业时间"));
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        let noise: Vec<u8> = (0..4000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        assert_eq!(decode(&noise), Err(Failure::UnknownEncoding));
    }
}
