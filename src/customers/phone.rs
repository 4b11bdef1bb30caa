//! Phone numbers: one form for matching, and a masked one for who may not see them.

/// A number as E.164 when it can be told (`+8613800138000`); otherwise what was written, without spaces.
///
/// Told are: numbers with `+` or `00` and a country code, and Chinese mobile numbers, with or without 86.
pub fn normalised(text: &str) -> String {
    let text: String = text.chars().map(narrow).filter(|c| !c.is_whitespace()).collect();
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let only_number = text.chars().all(|c| c.is_ascii_digit() || "+-().·".contains(c));
    if !only_number {
        return text;
    }
    let international = text.strip_prefix("+").map(|_| digits.as_str()).or_else(|| digits.strip_prefix("00"));
    match international {
        Some(number) if (7..=15).contains(&number.len()) && !number.starts_with('0') => format!("+{number}"),
        Some(_) => text,
        None if is_chinese_mobile(&digits) => format!("+86{digits}"),
        None if digits.strip_prefix("86").is_some_and(is_chinese_mobile) => format!("+{digits}"),
        None => digits,
    }
}

/// The number of an account at a messenger that writes it without `+` (WhatsApp).
pub fn from_account(external_id: &str) -> Option<String> {
    let digits = external_id.split('@').next().unwrap_or_default().trim_start_matches('+');
    let is_number = (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| format!("+{digits}"))
}

/// All but the last four characters hidden.
pub fn masked(text: &str) -> String {
    let count = text.chars().count();
    let hidden = if count > 6 { count - 4 } else { count };
    text.chars().enumerate().map(|(i, c)| if i < hidden && !(i == 0 && c == '+') { '*' } else { c }).collect()
}

fn is_chinese_mobile(digits: &str) -> bool {
    digits.len() == 11 && digits.starts_with('1') && matches!(digits.as_bytes().get(1), Some(b'3'..=b'9'))
}

/// Full-width digits and signs, as Chinese input methods write them.
fn narrow(c: char) -> char {
    match u32::from(c) {
        code @ 0xFF01..=0xFF5E => char::from_u32(code - 0xFEE0).unwrap_or(c),
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_take_one_form() {
        for (written, told) in [
            ("138 0013 8000", "+8613800138000"),
            ("+86 138-0013-8000", "+8613800138000"),
            ("8613800138000", "+8613800138000"),
            ("0086 13800138000", "+8613800138000"),
            ("１３８００１３８０００", "+8613800138000"),
            ("+49 (30) 901820", "+4930901820"),
            ("010-88886666", "01088886666"),
            ("ext. 12", "ext.12"),
            ("+0123", "+0123"),
        ] {
            assert_eq!(normalised(written), told, "{written}");
            assert_eq!(normalised(told), told, "normalising twice changes nothing");
        }
    }

    #[test]
    fn a_masked_number_keeps_four_digits() {
        assert_eq!(masked("+8613800138000"), "+*********8000");
        assert_eq!(masked("12345"), "*****");
    }

    #[test]
    fn an_account_is_a_number_only_if_it_is_one() {
        assert_eq!(from_account("8613800138000@c.us").as_deref(), Some("+8613800138000"));
        assert_eq!(from_account("oX2kd9"), None);
    }
}
