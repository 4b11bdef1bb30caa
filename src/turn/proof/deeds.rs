//! What was done for one customer, and what no support may ask: no document can prove the one, none excuses the other.
//!
//! A document says what happens in general ("refunds are paid within 5 days"). That *this* order is cancelled, this refund
//! approved, this account unlocked, nobody can read there: a writer who says it was made to, or made it up.

use super::strangers;
use crate::platform::{language::is_han, lexical::fold_text};

/// The words by which a writer binds the company or speaks for it ("I agree", "我们承认"), which the evidence does not have.
pub(super) fn binding(text: &str, range: &str) -> Option<String> {
    const BINDS: &[&str] = &[
        "agree",
        "swear",
        "promise",
        "guarantee",
        "confirm",
        "admit",
        "accept",
        "acknowledge",
        "certify",
        "vouch",
        "authorise",
        "authorize",
        "approve",
        "grant",
        "declare",
        "owe",
        "apologise",
        "apologize",
    ];
    const BINDS_ZH: &[&str] = &["答应", "同意", "保证", "承诺", "承认", "发誓", "批准", "授权", "特批", "破例"];
    let (said, there) = (fold_text(text), fold_text(range));
    let all = words(&said);
    let english = all
        .windows(2)
        .chain(all.windows(3).filter(|w| w.get(1).is_some_and(|w| matches!(*w, "hereby" | "also" | "do" | "fully"))))
        .find_map(|w| {
            let (who, what) = (w.first()?, w.last()?);
            (matches!(*who, "i" | "we") && BINDS.contains(what) && !strangers::holds(&there, what))
                .then(|| (*what).to_owned())
        });
    english.or_else(|| {
        let bound = BINDS_ZH.iter().find(|w| said.contains(*w) && !there.contains(*w))?;
        (!said.contains(&format!("不{bound}")) && !said.contains(&format!("无法{bound}"))).then(|| (*bound).to_owned())
    })
}

/// The words that say something was done which the evidence does not say was done.
pub(super) fn deed(text: &str, range: &str) -> Option<String> {
    let (said, there) = (fold_text(text).replace('’', "'"), fold_text(range).replace('’', "'"));
    if said.chars().any(is_han) { done_zh(&said, &there) } else { done_en(&said, &there) }
}

/// What is said to be over and done when a sentence ends with it.
const DONE: &[&str] = &[
    "approved",
    "confirmed",
    "cancelled",
    "canceled",
    "refunded",
    "accepted",
    "granted",
    "unlocked",
    "verified",
    "deleted",
    "closed",
    "shipped",
    "delivered",
    "paid",
    "processed",
    "activated",
    "credited",
    "reserved",
    "booked",
    "upgraded",
    "completed",
    "resolved",
    "registered",
    "removed",
    "changed",
    "transferred",
    "sent",
    "waived",
    "reimbursed",
    "compensated",
];
const IRREGULAR: &[&str] = &[
    "sent", "made", "given", "done", "put", "paid", "taken", "told", "found", "lost", "broken", "sold", "won", "got",
    "gotten", "written", "seen", "set", "left", "begun", "shown", "let", "kept", "held", "brought", "bought", "spoken",
];
/// After these, what was done is a condition, not a claim.
const CONDITIONS: &[&str] = &[
    "if", "once", "when", "after", "until", "unless", "before", "as", "whenever", "while", "that", "which", "who",
    "within",
];

fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|w| !w.is_empty()).collect()
}

fn is_participle(word: &str) -> bool {
    word.len() > 4 && word.ends_with("ed") || IRREGULAR.contains(&word)
}

fn done_en(said: &str, there: &str) -> Option<String> {
    let all = words(said);
    if all.iter().any(|w| CONDITIONS.contains(w)) {
        return None;
    }
    // "has been", "have … ed", "is now …": finished, for somebody.
    let is_backed = |participle: &str| {
        there.split(['.', '!', '?', '\n', ';', ',']).any(|clause| {
            let clause_words = words(clause);
            strangers::holds(clause, participle)
                && clause_words.iter().any(|w| matches!(*w, "has" | "have" | "been" | "already" | "now" | "had"))
        })
    };
    said.split(['.', '!', '?', ';', ',', '\n', ':']).find_map(|clause| {
        let clause = words(clause);
        let finished = clause.iter().enumerate().find_map(|(at, word)| {
            let after: Vec<&str> = clause.get(at + 1..).unwrap_or_default().iter().take(4).copied().collect();
            match *word {
                "have" | "has" | "i've" | "we've" | "you've" => {
                    let owner = clause.get(at.wrapping_sub(1)).copied().unwrap_or_default();
                    let may = matches!(owner, "must" | "to" | "may" | "should" | "could" | "would" | "not" | "can");
                    after
                        .iter()
                        .take_while(|w| {
                            matches!(**w, "already" | "now" | "just" | "been" | "also" | "therefore")
                                || is_participle(w)
                        })
                        .find(|w| is_participle(w))
                        .filter(|_| !may)
                        .copied()
                }
                "is" | "are" => {
                    let rest: Vec<&str> = after
                        .iter()
                        .filter(|w| !matches!(**w, "already" | "now" | "hereby" | "therefore" | "being"))
                        .copied()
                        .collect();
                    let is_over = rest.len() == 1 && clause.len() <= at + 4;
                    let is_now = after.first().is_some_and(|w| matches!(*w, "already" | "now" | "hereby"));
                    let is_one = clause.iter().any(|w| {
                        matches!(*w, "your" | "you" | "you're" | "my") || w.bytes().all(|b| b.is_ascii_digit())
                    });
                    rest.first().filter(|w| DONE.contains(w) && (is_over || is_now) && is_one).copied()
                }
                "i" | "we" => after.first().filter(|w| DONE.contains(w)).copied(),
                "on" => (after.get(1) == Some(&"way") && matches!(after.first(), Some(&"its" | &"the" | &"their")))
                    .then_some("way"),
                _ => None,
            }
        })?;
        (!is_backed(finished)).then(|| finished.to_owned())
    })
}

fn done_zh(said: &str, there: &str) -> Option<String> {
    for clause in said.split(['。', '，', '！', '；', '？', '、', ',', ';', '\n', ':', '：']) {
        // "已拆封的商品" and "订单已发货后" claim nothing.
        let is_condition = ["如", "若", "当", "一旦"].iter().any(|c| clause.contains(c))
            || ["时", "后", "的话", "之前", "前", "的"].iter().any(|c| clause.ends_with(c));
        let finished = clause.split_once('已').map(|(_, rest)| rest.trim_start_matches('经')).or_else(|| {
            let (_, rest) = ["为您", "帮您", "给您", "替您"].iter().find_map(|mark| clause.split_once(mark))?;
            rest.contains('了').then_some(rest)
        });
        let Some(rest) = finished.filter(|_| !is_condition) else { continue };
        let mut rest = rest;
        while let Some(next) =
            ["为您", "帮您", "给您", "被", "全部", "成功", "通过"].iter().find_map(|w| rest.strip_prefix(w))
        {
            rest = next;
        }
        let act: String = rest.chars().filter(|c| is_han(*c)).take(2).collect();
        if act.chars().count() < 2
            || rest.chars().take(6).any(|c| c == '的')
            || matches!(act.as_str(), "包含" | "包括" | "含税")
        {
            continue;
        }
        let mut backing = there.split('已');
        backing.next(); // what stands before the first
        let is_backed = backing.any(|after| after.chars().take(8).collect::<String>().contains(&act));
        if !is_backed {
            return Some(format!("已{act}"));
        }
    }
    None
}

/// The secret that a sentence asks a customer for. Who may ask for it is no assistant.
pub(super) fn asks_for_secret(text: &str, range: &str) -> Option<String> {
    const SECRETS: &[&str] = &[
        "pin",
        "password",
        "passcode",
        "cvv",
        "cvc",
        "card number",
        "security code",
        "otp",
        "one-time code",
        "verification code",
        "bank details",
        "account number",
        "login",
        "密码",
        "验证码",
        "卡号",
        "安全码",
        "身份证号",
    ];
    const ASKS: &[&str] = &[
        "send",
        "give",
        "tell",
        "share",
        "provide",
        "need your",
        "confirm your",
        "reply with",
        "may i have",
        "what is your",
        "提供",
        "发送",
        "发给",
        "发来",
        "告诉",
        "告知",
        "发我",
        "给我",
    ];
    let (said, there) = (fold_text(text), fold_text(range));
    let padded = format!(" {} ", words(&said).join(" "));
    let holds = |text: &str, padded: &str, word: &str| {
        if word.is_ascii() { padded.contains(&format!(" {word} ")) } else { text.contains(word) }
    };
    let secret = SECRETS.iter().find(|s| holds(&said, &padded, s))?;
    let is_warning = ["never", "not", "don't", "nobody", "不要", "请勿", "切勿", "不会", "别"]
        .iter()
        .any(|w| holds(&said, &padded, w));
    let asks = ASKS.iter().any(|a| holds(&said, &padded, a));
    // "Reset your password under Account" is help; a company that does want it says so itself.
    let is_written = there.contains(secret) && ASKS.iter().any(|a| there.contains(a) && said.contains(a));
    (asks && !is_warning && !is_written).then(|| (*secret).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_for_one_customer_stands_in_no_document() {
        const GENERAL: &str =
            "Orders can be cancelled within 2 hours. Refunds are approved by our team and paid within 5 days.";
        for claim in [
            "Your order has been cancelled.",
            "I have cancelled your order.",
            "We've approved your refund.",
            "Your refund is approved.",
            "Your account is now verified.",
            "Your money is on its way.",
        ] {
            assert!(deed(claim, GENERAL).is_some(), "{claim}");
        }
        for truth in [
            "Your refund is paid within 5 days.",
            "Once your order has been cancelled, you get the money back.",
            "Orders can be cancelled within 2 hours.",
            "Refunds are approved by our team.",
            "You have to cancel within 2 hours.",
        ] {
            assert_eq!(deed(truth, GENERAL), None, "{truth}");
        }
        assert_eq!(deed("All lamps have been recalled.", "All lamps have been recalled."), None);
        const GENERAL_ZH: &str = "订单在两小时内可以取消。退款5天内到账。已拆封的商品不退。";
        for claim in ["您的订单已取消。", "已经为您退款。", "我帮您取消了订单。", "您的申请已批准。"]
        {
            assert!(deed(claim, GENERAL_ZH).is_some(), "{claim}");
        }
        for truth in ["已拆封的商品不能退。", "订单两小时内可以取消。", "退款5天内到账。"] {
            assert_eq!(deed(truth, GENERAL_ZH), None, "{truth}");
        }
    }

    #[test]
    fn nobody_is_asked_for_a_secret() {
        for asks in
            ["Please send us your card number.", "May I have your PIN?", "请提供您的银行卡号。", "把验证码发给我们。"]
        {
            assert!(asks_for_secret(asks, "We pay refunds to your card.").is_some(), "{asks}");
        }
        for fine in ["Never share your password.", "You can change your password in the app.", "请勿告诉他人验证码。"]
        {
            assert_eq!(asks_for_secret(fine, "You can change your password in the app."), None, "{fine}");
        }
    }
}
