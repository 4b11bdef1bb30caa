//! What a customer's words ask of their memory. Pure.

use super::SHOWN;
use crate::platform::lexical;

/// What a customer asks of their memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hand {
    /// "What do you know about me?"
    Show,
    /// "Forget my address"; empty: what was spoken of last.
    Forget(String),
    /// "That's wrong"; with what is meant, if they say it.
    Wrong(String),
    /// "Forget me": everything, everywhere.
    ForgetMe,
}

impl Hand {
    /// Reads what a message asks of the memory; `None`: nothing. "That's wrong" counts only after a reply of ours about
    /// the memory.
    pub fn read(text: &str, earlier: Option<&str>) -> Option<Self> {
        let plain = lexical::fold_text(text).replace('’', "'");
        let plain = plain.trim().trim_end_matches(['.', '!', '?', '。', '！', '？', ' ']);
        let is_plea =
            ["don't forget", "do not forget", "dont forget", "never forget", "别忘", "不要忘", "没忘", "不会忘"];
        if plain.chars().count() > 80 || is_plea.iter().any(|p| plain.contains(p)) {
            return None;
        }
        let is = |phrases: &[&str]| phrases.iter().any(|p| plain.contains(p));
        if is(&[
            "forget me",
            "forget everything about me",
            "forget all about me",
            "delete all my data",
            "delete my data",
            "erase my data",
            "erase all my data",
            "delete everything about me",
            "delete everything you know about me",
            "erase me",
            "忘记我的一切",
            "忘了我的一切",
            "删除我的所有",
            "删除我所有",
            "删除我的全部",
            "清除我的所有",
            "删掉我的所有",
            "注销我的所有资料",
            "忘掉我的一切",
            "把我忘了",
            "把我忘掉",
            "删除我的个人信息",
            "删除我的数据",
            "删除我的资料",
        ]) || matches!(plain, "忘记我" | "忘了我" | "忘掉我" | "忘记我吧" | "请忘记我" | "请忘了我")
        {
            return Some(Self::ForgetMe);
        }
        let knows = ["know", "remember", "stored", "saved", "have on file", "keep"];
        let shows =
            (plain.starts_with("what") || plain.starts_with("tell me what") || plain.starts_with("show me what"))
                && knows.iter().any(|k| plain.contains(k))
                && (plain.contains("about me") || plain.contains("on me") || plain.contains("of me"))
                && plain.contains("you");
        let shows_zh = ["你", "你们", "您"].iter().any(|you| plain.starts_with(you) || plain.contains("告诉我"))
            && is(&["知道我", "记得我", "记住了我", "记了我", "了解我", "存了我", "保存了我", "关于我"])
            && is(&["什么", "哪些", "啥", "多少"]);
        if shows || shows_zh {
            return Some(Self::Show);
        }
        for start in [
            "please forget ",
            "forget ",
            "请忘记",
            "请忘掉",
            "请忘了",
            "忘记",
            "忘掉",
            "忘了",
            "别再记",
            "不要记",
            "删除我的",
            "删掉我的",
        ] {
            let Some(what) = plain.strip_prefix(start) else { continue };
            let what = what.trim().trim_start_matches("about ").trim_start_matches("my ").trim_start_matches("that i ");
            if matches!(
                what,
                "it" | "that"
                    | "this"
                    | ""
                    | "这个"
                    | "那个"
                    | "这条"
                    | "它"
                    | "吧"
                    | "这个吧"
                    | "那个吧"
                    | "that please"
                    | "it please"
            ) {
                return Some(Self::Forget(String::new()));
            }
            // "忘了密码怎么办" and "forget the refund, can I exchange it?" ask something else.
            let asks = ["怎么", "咋", "吗", "呢", "能", "可以", "哪", "什么", "how", "can i", "could", "what", "which"];
            if text.contains(['?', '？']) || what.contains([',', '，']) || asks.iter().any(|a| what.contains(a)) {
                return None;
            }
            // "Forget it" is said in anger too; "I forgot my password" does not begin so.
            return Some(Self::Forget(what.trim_start_matches("我的").trim_start_matches("我").to_owned()));
        }
        let about_memory = earlier.is_some_and(|kind| kind == SHOWN);
        if about_memory {
            for start in [
                "that's wrong",
                "thats wrong",
                "that is wrong",
                "this is wrong",
                "that's not right",
                "that's not true",
                "that is not true",
                "not true",
                "wrong",
                "不对",
                "错了",
                "这不对",
                "不是这样",
                "这是错的",
                "记错了",
                "你记错了",
            ] {
                if let Some(rest) = plain.strip_prefix(start) {
                    return Some(Self::Wrong(rest.trim_matches([',', '，', ':', '：', ' ', '。', '.']).to_owned()));
                }
            }
        }
        None
    }
}

fn plain(text: &str) -> String {
    lexical::fold_text(text).chars().filter(|c| c.is_alphanumeric() || *c == ' ').collect::<String>().trim().to_owned()
}

/// Whether a customer agrees to what we asked about their memory.
pub fn is_yes(text: &str) -> bool {
    matches!(
        plain(text).as_str(),
        "yes"
            | "y"
            | "yes please"
            | "yeah"
            | "yep"
            | "sure"
            | "ok"
            | "okay"
            | "do it"
            | "please do"
            | "confirm"
            | "i confirm"
            | "是"
            | "是的"
            | "确定"
            | "确认"
            | "好"
            | "好的"
            | "对"
            | "嗯"
            | "可以"
            | "删吧"
            | "忘吧"
            | "删除吧"
            | "清除吧"
    )
}

/// Whether they decline it.
pub fn is_no(text: &str) -> bool {
    matches!(
        plain(text).as_str(),
        "no" | "n"
            | "no thanks"
            | "nope"
            | "cancel"
            | "dont"
            | "keep it"
            | "never mind"
            | "nevermind"
            | "否"
            | "不"
            | "不用"
            | "不要"
            | "不用了"
            | "取消"
            | "算了"
            | "别"
            | "不是"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_read_in_both_languages() {
        for text in [
            "What do you know about me?",
            "what do you remember about me",
            "你知道我什么？",
            "你记得我哪些信息？",
            "你们都记住了我什么",
        ] {
            assert_eq!(Hand::read(text, None), Some(Hand::Show), "{text}");
        }
        for text in ["Forget me.", "please delete all my data", "忘记我", "请删除我的所有数据"] {
            assert_eq!(Hand::read(text, None), Some(Hand::ForgetMe), "{text}");
        }
        assert_eq!(Hand::read("forget that", None), Some(Hand::Forget(String::new())));
        assert_eq!(Hand::read("Forget my address", None), Some(Hand::Forget("address".into())));
        assert_eq!(Hand::read("忘记我的地址", None), Some(Hand::Forget("地址".into())));
        assert_eq!(Hand::read("That's wrong", Some(SHOWN)), Some(Hand::Wrong(String::new())));
        assert_eq!(Hand::read("不对", Some(SHOWN)), Some(Hand::Wrong(String::new())));
    }

    #[test]
    fn ordinary_questions_are_none() {
        for text in [
            "What do I need to know about returns?",
            "That's wrong",
            "I forgot my password",
            "你们几点关门？",
            "不对",
            "Do you remember the price?",
            "Don't forget me!",
            "不要忘记我的订单",
            "忘了密码怎么办",
            "忘了带发票能退货吗？",
            "Forget the refund, I want an exchange",
            "Forget the blue one, which is cheaper?",
            "退货需要什么？",
        ] {
            assert_eq!(Hand::read(text, None), None, "{text}");
        }
    }
}
