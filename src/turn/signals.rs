//! What a message tells beside its topic: a wish for a person, anger, repetition, vagueness. By rule, both languages.

use super::{Said, Signals, Speaker};
use crate::{
    knowledge::wants::topic_tokens,
    platform::lexical::{self, fold_text},
};

/// Reads the signals of `text`, said after `history` (oldest first).
pub fn read(text: &str, history: &[Said]) -> Signals {
    Signals {
        asks_for_person: asks_for_person(text),
        is_upset: is_upset(text),
        repetitions: repetitions(text, history),
        is_vague: is_vague(text),
        ..Signals::default()
    }
}

const PERSON_EN: &[&str] = &[
    "human",
    "real person",
    "live agent",
    "live person",
    "live chat",
    "an agent",
    "a person",
    "representative",
    "speak to someone",
    "talk to someone",
    "speak with someone",
    "talk with someone",
    "customer service agent",
    "your manager",
    "a manager",
    "supervisor",
    "human agent",
    "operator",
    "someone real",
    "actual person",
    "speak to a colleague",
    "talk to a colleague",
    "call me back",
];
const WANT_EN: &[&str] = &[
    "want",
    "need",
    "speak",
    "talk",
    "connect",
    "transfer",
    "get me",
    "give me",
    "let me",
    "can i",
    "could i",
    "may i",
    "please",
    "put me",
    "chat with",
    "switch",
    "agent",
    "i'd like",
    "would like",
    "prefer",
    "rather",
    "where is",
    "is there",
];
const PERSON_ZH: &[&str] = &[
    "人工",
    "真人",
    "转客服",
    "找客服",
    "客服人员",
    "人工客服",
    "活人",
    "接线员",
    "找人",
    "找个人",
    "换个人",
    "你们经理",
    "你们领导",
    "找经理",
    "投诉你们",
    "叫人来",
    "转接",
    "客服在哪",
    "联系客服",
    "要客服",
    "叫客服",
];
/// With these the wish is a question about the person's hours or number, which the documents may answer.
const ABOUT_PERSON: &[&str] = &[
    "几点",
    "时间",
    "上班",
    "电话是",
    "号码",
    "多少",
    "周末",
    "opening",
    "hours",
    "what time",
    "when",
    "phone number",
    "fee",
    "费用",
];

/// Whether the customer wants a person, rather than asks about one.
pub fn asks_for_person(text: &str) -> bool {
    let folded = fold_text(text);
    if ABOUT_PERSON.iter().any(|w| folded.contains(w)) {
        return false;
    }
    if ["不要人工", "不用人工", "不需要人工", "don't need a human", "no human"].iter().any(|w| folded.contains(w))
    {
        return false;
    }
    if PERSON_ZH.iter().any(|w| folded.contains(w)) {
        return !["你是人工", "是真人吗", "是人工吗", "是不是真人", "是不是人工", "你是真人"]
            .iter()
            .any(|w| folded.contains(w));
    }
    let padded =
        format!(" {} ", folded.split(|c: char| !c.is_alphanumeric() && c != '\'').collect::<Vec<_>>().join(" "));
    if matches!(padded.trim(), "agent" | "person" | "agent please" | "person please" | "representative" | "support") {
        return true;
    }
    let names = PERSON_EN.iter().any(|w| padded.contains(&format!(" {w} ")) || padded.contains(&format!(" {w}s ")));
    if !names || padded.contains(" are you ") {
        return false;
    }
    padded.split_whitespace().count() <= 4 || WANT_EN.iter().any(|w| padded.contains(&format!(" {w} ")))
}

const ANGER: &[&str] = &[
    "ridiculous",
    "useless",
    "terrible",
    "horrible",
    "awful",
    "worst",
    "scam",
    "fraud",
    "furious",
    "unacceptable",
    "pathetic",
    "stupid",
    "garbage",
    "disgusting",
    "fed up",
    "sick of",
    "waste of time",
    "wtf",
    "bullshit",
    "damn",
    "lawyer",
    "sue you",
    "legal action",
    "rip off",
    "ripoff",
    "never again",
    "投诉",
    "骗子",
    "诈骗",
    "坑人",
    "太差",
    "垃圾",
    "什么破",
    "气死",
    "恶心",
    "废物",
    "忽悠",
    "欺骗",
    "黑心",
    "无语",
    "差评",
    "举报",
    "起诉",
    "律师",
    "消协",
    "12315",
    "智障",
    "滚",
    "傻",
    "他妈",
    "妈的",
    "受够",
    "太过分",
    "不负责任",
    "敷衍",
];
/// Topics that only sound angry.
const CALM: &[&str] = &[
    "垃圾桶",
    "垃圾袋",
    "垃圾分类",
    "怎么投诉",
    "投诉电话",
    "投诉渠道",
    "投诉流程",
    "如何投诉",
    "差评怎么",
    "翻滚",
    "滚动",
    "滚筒",
    "滚轮",
    "garbage bag",
    "garbage disposal",
    "garbage can",
];

/// Whether the customer is angry.
pub fn is_upset(text: &str) -> bool {
    let folded = fold_text(text);
    if CALM.iter().any(|w| folded.contains(w)) {
        return false;
    }
    let padded = format!(" {} ", folded.split(|c: char| !c.is_alphanumeric()).collect::<Vec<_>>().join(" "));
    let names = ANGER.iter().any(|w| {
        if w.is_ascii() && !w.bytes().all(|b| b.is_ascii_digit()) {
            padded.contains(&format!(" {w} "))
        } else {
            folded.contains(w)
        }
    });
    let letters: Vec<char> = text.chars().filter(|c| c.is_alphabetic()).collect();
    let shouts = letters.len() >= 16 && letters.iter().filter(|c| c.is_uppercase()).count() * 10 > letters.len() * 8;
    let marks = text.matches(['!', '！']).count() >= 3;
    names || (shouts && marks)
}

/// How often the customer has said much the same before: as it was understood, since "how much is it?" about another
/// product is another question.
pub(super) fn repetitions(text: &str, history: &[Said]) -> usize {
    let now = terms(text);
    if now.is_empty() {
        return 0;
    }
    let asked = history.iter().filter(|said| said.by == Speaker::Customer);
    asked.filter(|said| alike(&now, &terms(said.meant.as_deref().unwrap_or(&said.text))) >= 0.7).count()
}

fn terms(text: &str) -> Vec<u32> {
    let mut ids = lexical::term_ids(text);
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn alike(a: &[u32], b: &[u32]) -> f32 {
    let common = a.iter().filter(|id| b.binary_search(id).is_ok()).count();
    common as f32 / (a.len() + b.len() - common).max(1) as f32
}

/// Whether the question has too little topic to be answered: "how much?", "多久？".
pub(super) fn is_vague(text: &str) -> bool {
    let mut text = fold_text(text);
    for phrase in EMPTY_ZH {
        text = text.replace(phrase, " ");
    }
    topic_tokens(&text).iter().all(|t| EMPTY_EN.contains(&text.get(t.start..t.end).unwrap_or_default()))
}

/// Words that ask for something without saying what.
const EMPTY_EN: &[&str] = &[
    "much",
    "many",
    "long",
    "cost",
    "costs",
    "price",
    "about",
    "tell",
    "know",
    "want",
    "need",
    "question",
    "questions",
    "ask",
    "more",
    "info",
    "information",
    "details",
    "one",
    "thing",
    "things",
    "something",
    "help",
    "other",
    "else",
    "hi",
    "hello",
    "not",
    "no",
    "yes",
];
const EMPTY_ZH: &[&str] = &[
    "咨询一下",
    "我想咨询",
    "想咨询",
    "咨询",
    "问一下",
    "问下",
    "我想问",
    "想问",
    "我想知道",
    "想知道",
    "了解一下",
    "了解",
    "有个问题",
    "有问题",
    "问题",
    "请教",
    "一下",
    "这个",
    "那个",
    "价格",
    "价钱",
    "我想",
    "我要",
    "帮我",
    "你好",
    "您好",
    "需要",
    "可以",
    "知道",
    "是的",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_for_a_person_is_told_from_a_question_about_one() {
        for text in [
            "I want to talk to a human",
            "agent",
            "Can I speak to a real person please?",
            "转人工",
            "我要找人工客服",
            "給我轉人工",
            "human please",
        ] {
            assert!(asks_for_person(text), "{text}");
        }
        for text in [
            "Is human hair cut included?",
            "人工客服几点上班？",
            "When are agents available?",
            "are you a human",
            "你是真人吗",
            "How many persons fit in the TD-4 tent?",
            "can a person over 100 kg use the chair",
        ] {
            assert!(!asks_for_person(text), "{text}");
        }
    }

    #[test]
    fn anger_is_heard() {
        for text in
            ["This is ridiculous, I waited 3 weeks", "你们是骗子吧", "我要投诉！", "WHERE IS MY ORDER I WANT IT NOW!!!"]
        {
            assert!(is_upset(text), "{text}");
        }
        for text in ["怎么投诉商家？", "Does it fit a garbage disposal?", "Great, thanks!!!", "PS-1000 AC OUTPUT"]
        {
            assert!(!is_upset(text), "{text}");
        }
    }

    #[test]
    fn repetition_and_vagueness_are_seen() {
        let history = [Said::new(Speaker::Customer, "where is my parcel?")];
        assert_eq!(repetitions("Where is my parcel", &history), 1);
        assert_eq!(repetitions("how long is the warranty", &history), 0);
        for text in ["how much?", "多少钱？", "How long", "我想咨询一下", "what about it?"] {
            assert!(is_vague(text), "{text}");
        }
        for text in ["how much is shipping", "退款多久", "运费多少", "warranty?"] {
            assert!(!is_vague(text), "{text}");
        }
    }
}
