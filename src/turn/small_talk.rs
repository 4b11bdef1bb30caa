//! Greetings, thanks, farewells and "are you a robot": recognised by our own rule, answered without evidence.

use serde::{Deserialize, Serialize};

use crate::platform::{language::Language, lexical::fold_text};

/// What kind of small talk a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmallTalk {
    Greeting,
    Thanks,
    Farewell,
    /// "Are you a robot?"
    WhoAreYou,
    HowAreYou,
    /// "ok", "I see".
    Agreement,
    /// "What can you do?"
    Help,
}

impl SmallTalk {
    /// Recognises a message that is small talk and nothing else.
    pub fn read(text: &str) -> Option<Self> {
        let folded = fold_text(text);
        let bare: String = folded
            .chars()
            .map(|c| if c.is_alphanumeric() || c == '\'' { c } else { ' ' })
            .collect::<String>()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        if bare.is_empty() {
            // Emoji and marks alone.
            return (!text.trim().is_empty() && !text.contains(['?', '？'])).then_some(Self::Agreement);
        }
        let mut rest = bare.as_str();
        let mut kind = None;
        // Several phrases in a row: "hi there good morning", "好的 谢谢".
        'next: while !rest.is_empty() {
            for (phrase, is) in PHRASES {
                if let Some(after) = rest.strip_prefix(phrase)
                    && (after.is_empty() || after.starts_with(' ') || !phrase.is_ascii())
                {
                    rest = after.trim_start();
                    // The later phrase says more, but a greeting never hides thanks.
                    kind = Some(match (kind, *is) {
                        (Some(before), Self::Agreement | Self::Greeting) => before,
                        (_, is) => is,
                    });
                    continue 'next;
                }
            }
            let filler = FILLERS.iter().find_map(|f| {
                rest.strip_prefix(f).filter(|after| after.is_empty() || after.starts_with(' ') || !f.is_ascii())
            });
            match filler {
                Some(after) if kind.is_some() => rest = after.trim_start(),
                _ => return None,
            }
        }
        kind
    }

    /// The answer of an assistant that may have a name.
    pub fn reply_of(self, name: Option<&str>, language: Language) -> String {
        let text = self.reply(language);
        match (self, language, name) {
            (Self::Greeting, Language::En, Some(name)) => text.replacen("Hello!", &format!("Hello! I am {name}."), 1),
            (Self::Greeting, Language::Zh, Some(name)) => text.replacen("您好！", &format!("您好！我是{name}。"), 1),
            (Self::WhoAreYou, Language::En, Some(name)) => text.replacen("I am", &format!("I am {name},"), 1),
            (Self::WhoAreYou, Language::Zh, Some(name)) => {
                text.replacen("我是智能助手", &format!("我是智能助手{name}"), 1)
            }
            _ => text.to_owned(),
        }
    }

    /// The answer, in the customer's language.
    fn reply(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::Greeting, Language::En) => "Hello! How can I help you?",
            (Self::Greeting, Language::Zh) => "您好！请问有什么可以帮您？",
            (Self::Thanks, Language::En) => "You are welcome! Is there anything else I can help with?",
            (Self::Thanks, Language::Zh) => "不客气！还有什么可以帮您的吗？",
            (Self::Farewell, Language::En) => "Goodbye, and have a nice day!",
            (Self::Farewell, Language::Zh) => "再见，祝您生活愉快！",
            (Self::WhoAreYou, Language::En) => {
                "I am the automatic assistant: I answer from our documents. If you would rather talk to a person, just say so."
            }
            (Self::WhoAreYou, Language::Zh) => {
                "我是智能助手，根据我们的资料回答问题。如果您想找人工客服，直接告诉我就行。"
            }
            (Self::HowAreYou, Language::En) => "Thank you for asking, all is well! How can I help you?",
            (Self::HowAreYou, Language::Zh) => "谢谢关心，一切都好！请问有什么可以帮您？",
            (Self::Agreement, Language::En) => "All right. I am here if you need anything else.",
            (Self::Agreement, Language::Zh) => "好的，还有需要随时找我。",
            (Self::Help, Language::En) => {
                "I answer questions from our documents, for example about products, orders, delivery and returns, and I can call a colleague. What would you like to know?"
            }
            (Self::Help, Language::Zh) => {
                "我可以根据我们的资料回答问题，比如产品、订单、配送和退换货，也可以为您转接同事。您想了解什么？"
            }
        }
    }
}

/// `text` without the greeting it opens with ("Hello, how long is the warranty?"); as it is when there is nothing else.
pub fn without_greeting(text: &str) -> &str {
    let mut text = text.trim();
    while let Some((opening, rest)) = text.split_once([',', '!', '.', '，', '！', '。', '~', '\n']) {
        let rest = rest.trim_start_matches([',', '!', '.', '，', '！', '。', '~']).trim_start();
        if rest.is_empty() || SmallTalk::read(opening).is_none() {
            break;
        }
        text = rest;
    }
    text
}

/// Longer phrases before those they begin with.
const PHRASES: &[(&str, SmallTalk)] = &[
    ("how are you doing", SmallTalk::HowAreYou),
    ("how are you", SmallTalk::HowAreYou),
    ("how's it going", SmallTalk::HowAreYou),
    ("nice to meet you", SmallTalk::Greeting),
    ("good morning", SmallTalk::Greeting),
    ("good afternoon", SmallTalk::Greeting),
    ("good evening", SmallTalk::Greeting),
    ("good day", SmallTalk::Greeting),
    ("hello there", SmallTalk::Greeting),
    ("hi there", SmallTalk::Greeting),
    ("hello", SmallTalk::Greeting),
    ("hey", SmallTalk::Greeting),
    ("hiya", SmallTalk::Greeting),
    ("hi", SmallTalk::Greeting),
    // Who announces a question is greeted; the question comes after it.
    ("i have a quick question", SmallTalk::Greeting),
    ("i have a question", SmallTalk::Greeting),
    ("just a quick question", SmallTalk::Greeting),
    ("quick question", SmallTalk::Greeting),
    ("can i ask you something", SmallTalk::Greeting),
    ("can i ask something", SmallTalk::Greeting),
    ("can i ask a question", SmallTalk::Greeting),
    ("想咨询一下", SmallTalk::Greeting),
    ("想问一下", SmallTalk::Greeting),
    ("请问一下", SmallTalk::Greeting),
    ("咨询一下", SmallTalk::Greeting),
    ("有个问题想问", SmallTalk::Greeting),
    ("is anyone there", SmallTalk::Greeting),
    ("anyone there", SmallTalk::Greeting),
    ("are you there", SmallTalk::Greeting),
    ("thank you very much", SmallTalk::Thanks),
    ("thank you so much", SmallTalk::Thanks),
    ("thank you", SmallTalk::Thanks),
    ("thanks a lot", SmallTalk::Thanks),
    ("many thanks", SmallTalk::Thanks),
    ("thanks", SmallTalk::Thanks),
    ("thx", SmallTalk::Thanks),
    ("ty", SmallTalk::Thanks),
    ("much appreciated", SmallTalk::Thanks),
    ("that helps", SmallTalk::Thanks),
    ("that helped", SmallTalk::Thanks),
    ("that's all", SmallTalk::Farewell),
    ("that is all", SmallTalk::Farewell),
    ("good bye", SmallTalk::Farewell),
    ("goodbye", SmallTalk::Farewell),
    ("bye bye", SmallTalk::Farewell),
    ("bye", SmallTalk::Farewell),
    ("see you", SmallTalk::Farewell),
    ("have a nice day", SmallTalk::Farewell),
    ("have a good day", SmallTalk::Farewell),
    ("good night", SmallTalk::Farewell),
    ("are you a robot", SmallTalk::WhoAreYou),
    ("are you a bot", SmallTalk::WhoAreYou),
    ("are you a human", SmallTalk::WhoAreYou),
    ("are you human", SmallTalk::WhoAreYou),
    ("are you a real person", SmallTalk::WhoAreYou),
    ("are you real", SmallTalk::WhoAreYou),
    ("are you an ai", SmallTalk::WhoAreYou),
    ("are you ai", SmallTalk::WhoAreYou),
    ("am i talking to a robot", SmallTalk::WhoAreYou),
    ("am i talking to a bot", SmallTalk::WhoAreYou),
    ("who are you", SmallTalk::WhoAreYou),
    ("what are you", SmallTalk::WhoAreYou),
    ("what is your name", SmallTalk::WhoAreYou),
    ("what's your name", SmallTalk::WhoAreYou),
    ("what can you do", SmallTalk::Help),
    ("how can you help", SmallTalk::Help),
    ("help", SmallTalk::Help),
    ("okay", SmallTalk::Agreement),
    ("ok", SmallTalk::Agreement),
    ("i see", SmallTalk::Agreement),
    ("got it", SmallTalk::Agreement),
    ("all right", SmallTalk::Agreement),
    ("alright", SmallTalk::Agreement),
    ("sounds good", SmallTalk::Agreement),
    ("great", SmallTalk::Agreement),
    ("perfect", SmallTalk::Agreement),
    ("cool", SmallTalk::Agreement),
    ("understood", SmallTalk::Agreement),
    ("nice", SmallTalk::Agreement),
    ("你好吗", SmallTalk::HowAreYou),
    ("最近怎么样", SmallTalk::HowAreYou),
    ("你好", SmallTalk::Greeting),
    ("您好", SmallTalk::Greeting),
    ("早上好", SmallTalk::Greeting),
    ("上午好", SmallTalk::Greeting),
    ("中午好", SmallTalk::Greeting),
    ("下午好", SmallTalk::Greeting),
    ("晚上好", SmallTalk::Greeting),
    ("大家好", SmallTalk::Greeting),
    ("哈喽", SmallTalk::Greeting),
    ("嗨", SmallTalk::Greeting),
    ("在吗", SmallTalk::Greeting),
    ("在不在", SmallTalk::Greeting),
    ("有人在吗", SmallTalk::Greeting),
    ("有人吗", SmallTalk::Greeting),
    ("在么", SmallTalk::Greeting),
    ("早安", SmallTalk::Greeting),
    ("非常感谢", SmallTalk::Thanks),
    ("十分感谢", SmallTalk::Thanks),
    ("多谢", SmallTalk::Thanks),
    ("谢谢", SmallTalk::Thanks),
    ("谢啦", SmallTalk::Thanks),
    ("感谢", SmallTalk::Thanks),
    ("辛苦了", SmallTalk::Thanks),
    ("麻烦你了", SmallTalk::Thanks),
    ("麻烦您了", SmallTalk::Thanks),
    ("太好了", SmallTalk::Agreement),
    ("没有了", SmallTalk::Farewell),
    ("没别的了", SmallTalk::Farewell),
    ("没事了", SmallTalk::Farewell),
    ("再见", SmallTalk::Farewell),
    ("拜拜", SmallTalk::Farewell),
    ("晚安", SmallTalk::Farewell),
    ("你是机器人吗", SmallTalk::WhoAreYou),
    ("你是不是机器人", SmallTalk::WhoAreYou),
    ("是机器人吗", SmallTalk::WhoAreYou),
    ("机器人吗", SmallTalk::WhoAreYou),
    ("你是人工吗", SmallTalk::WhoAreYou),
    ("你是真人吗", SmallTalk::WhoAreYou),
    ("是真人吗", SmallTalk::WhoAreYou),
    ("你是人吗", SmallTalk::WhoAreYou),
    ("你是ai吗", SmallTalk::WhoAreYou),
    ("你是谁", SmallTalk::WhoAreYou),
    ("你叫什么名字", SmallTalk::WhoAreYou),
    ("你叫什么", SmallTalk::WhoAreYou),
    ("你能做什么", SmallTalk::Help),
    ("你会什么", SmallTalk::Help),
    ("你可以做什么", SmallTalk::Help),
    ("能帮我吗", SmallTalk::Help),
    ("好的", SmallTalk::Agreement),
    ("好吧", SmallTalk::Agreement),
    ("好滴", SmallTalk::Agreement),
    ("好嘞", SmallTalk::Agreement),
    ("行的", SmallTalk::Agreement),
    ("知道了", SmallTalk::Agreement),
    ("明白了", SmallTalk::Agreement),
    ("了解了", SmallTalk::Agreement),
    ("了解", SmallTalk::Agreement),
    ("明白", SmallTalk::Agreement),
    ("收到", SmallTalk::Agreement),
    ("可以的", SmallTalk::Agreement),
    ("嗯嗯", SmallTalk::Agreement),
    ("嗯", SmallTalk::Agreement),
    ("哦", SmallTalk::Agreement),
    ("好", SmallTalk::Agreement),
    ("行", SmallTalk::Agreement),
];

/// What may stand beside small talk without making it more.
const FILLERS: &[&str] = &[
    "there",
    "again",
    "everyone",
    "team",
    "all",
    "sir",
    "madam",
    "friend",
    "for your help",
    "for the help",
    "for that",
    "for the info",
    "for the information",
    "so much",
    "very much",
    "a lot",
    "then",
    "now",
    "me",
    "please",
    "and",
    "no",
    "yes",
    "that's all",
    "很",
    "哈",
    "呀",
    "啊",
    "哦",
    "啦",
    "了",
    "的",
    "呢",
    "您",
    "你",
    "亲",
    "客服",
    "大家",
    "请问",
    "哟",
    "滴",
    "朋友",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_is_taken_off_a_question() {
        for (text, expected) in [
            ("Hello, how long is the warranty?", "how long is the warranty?"),
            ("你好，保修多久？", "保修多久？"),
            ("Hi! Thanks. Where is my parcel?", "Where is my parcel?"),
            ("Refunds, please", "Refunds, please"),
            ("Hello!", "Hello!"),
        ] {
            assert_eq!(without_greeting(text), expected);
        }
    }

    #[test]
    fn small_talk_is_told_from_questions() {
        for (text, expected) in [
            ("Hi!", Some(SmallTalk::Greeting)),
            ("Hello there, good morning", Some(SmallTalk::Greeting)),
            ("ok thanks!", Some(SmallTalk::Thanks)),
            ("Thank you for your help, bye", Some(SmallTalk::Farewell)),
            ("你好", Some(SmallTalk::Greeting)),
            ("您好，在吗？", Some(SmallTalk::Greeting)),
            ("好的，谢谢啦", Some(SmallTalk::Thanks)),
            ("謝謝", Some(SmallTalk::Thanks)),
            ("are you a robot?", Some(SmallTalk::WhoAreYou)),
            ("你是机器人吗？", Some(SmallTalk::WhoAreYou)),
            ("👍", Some(SmallTalk::Agreement)),
            ("hi, how long is the warranty?", None),
            ("你好，请问怎么退款", None),
            ("hide my number", None),
            ("好评返现吗", None),
            ("行李箱多少钱", None),
            ("thanks but the kettle still leaks", None),
            ("help me return this", None),
            ("???", None),
            ("", None),
        ] {
            assert_eq!(SmallTalk::read(text), expected, "{text}");
        }
    }
}
