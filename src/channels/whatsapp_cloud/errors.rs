//! What Meta's error codes mean for us. Only the code counts, never the text or the HTTP status; both the answer to a
//! send and a later `failed` status come here.
//! <https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes>

use chrono::Duration;
use serde_json::Value;

use super::super::Failure;

/// The failure in an error object (`{"code", "title" | "message", "error_data": {"details"}}`).
pub fn failure(error: &Value) -> Failure {
    let code = error.get("code").and_then(Value::as_i64).unwrap_or(-1);
    let said = ["/error_data/details", "/message", "/title"]
        .iter()
        .find_map(|at| error.pointer(at)?.as_str())
        .unwrap_or_default();
    let said: String = said.chars().take(200).collect();
    classify(code, format!("WhatsApp {code}: {said}"))
}

/// The class of a code, `why` in words.
pub fn classify(code: i64, why: String) -> Failure {
    let in_words = |words: &str| format!("{words} ({why})");
    match code {
        131_047 => Failure::OutsideWindow(in_words("the customer wrote more than 24 hours ago")),
        // Only this customer must wait.
        131_056 => Failure::Retry(in_words("too many messages to this customer"), Some(Duration::seconds(6))),
        131_057 => Failure::Retry(in_words("the number is being maintained"), Some(Duration::seconds(20))),
        4 | 80_007 | 130_429 | 133_016 => {
            Failure::Retry(in_words("the platform's rate limit"), Some(Duration::seconds(5)))
        }
        1 | 2 | 131_000 | 131_016 => Failure::Retry(why, None),
        131_026 => Failure::Never(in_words("the message can't be delivered to this number")),
        131_030 => Failure::Never(in_words("the number is not on the list of a test account")),
        131_050 => Failure::Never(in_words("the customer does not want marketing messages")),
        130_403 => Failure::Never(in_words("we have blocked this customer")),
        // Whoever tries sooner is held back longer.
        131_049 => Failure::Wait(
            in_words("the customer gets too many marketing messages: it is tried again tomorrow"),
            Duration::hours(24),
        ),
        131_062 => Failure::Never(in_words("this template can't be sent to a customer without a number")),
        0 | 190 => Failure::Stop(in_words("the access token is no longer valid")),
        3 | 10 | 131_005 | 200..=299 => Failure::Stop(in_words("the access token lacks a permission")),
        368 | 131_031 | 130_497 | 131_064 => Failure::Stop(in_words("the account is restricted")),
        131_042 => Failure::Stop(in_words("the account's payment does not work")),
        131_045 => Failure::Stop(in_words("the number is not registered")),
        131_048 => Failure::Stop(in_words("too many customers reported messages as spam")),
        // 33, 100, 1310xx, 1320xx and what is new: the same call would fail again.
        _ => Failure::Never(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_its_consequence() {
        let class = |code| match classify(code, String::new()) {
            Failure::Retry(..) => "retry",
            Failure::Wait(..) => "wait",
            Failure::OutsideWindow(_) => "window",
            Failure::Never(_) => "never",
            Failure::Stop(_) => "stop",
        };
        let cases: [(&str, &[i64]); 5] = [
            ("retry", &[1, 2, 4, 80_007, 130_429, 131_000, 131_016, 131_056, 131_057, 133_016]),
            ("wait", &[131_049]),
            ("window", &[131_047]),
            (
                "never",
                &[
                    33, 100, 130_403, 130_472, 131_008, 131_009, 131_021, 131_026, 131_030, 131_050, 131_051, 131_052,
                    131_053, 131_062, 131_063, 132_000, 132_001, 132_005, 132_007, 132_012, 132_015, 132_016, 999_999,
                    -1,
                ],
            ),
            ("stop", &[0, 3, 10, 190, 200, 299, 368, 130_497, 131_005, 131_031, 131_042, 131_045, 131_048, 131_064]),
        ];
        for (expected, codes) in cases {
            for code in codes {
                assert_eq!(class(*code), expected, "{code}");
            }
        }
    }
}
