//! What may have changed since it was said: the customer is asked, and what they answer is understood.
//!
//! Nothing is stored about the question: it is known by its words, which stand in our last message.

use chrono::{DateTime, Utc};

use super::{
    Kind, Memory, New, Recalled, Status, Writer,
    fade::is_taken_up,
    hand::{ASKS_INSTEAD, DONE, Hand, Handed, Remark, Said, TOLD, is_no, is_yes},
    keep, read, store, supersede,
};
use crate::{
    app::{App, Job},
    platform::{
        Result,
        db::Conn,
        language::{Language, is_han},
        lexical,
    },
};

/// What a customer is asked when `answer` takes up a memory that may have changed since, unless it asks already or their
/// `question` says it anew.
pub fn to_confirm(recalled: &[Recalled], question: &str, answer: &str, language: Language) -> Option<String> {
    // Whether we kept a promise is ours to know.
    let is_acted_on = |m: &Memory| m.kind.goes_stale() && is_taken_up(m, answer) && !is_taken_up(m, question);
    let stale = recalled.iter().find(|r| r.is_stale && is_acted_on(&r.memory))?;
    if answer.trim_end().ends_with(['?', '？']) {
        return None;
    }
    Some(still(&stale.memory, language))
}

/// The question whether a memory still holds.
fn still(memory: &Memory, language: Language) -> String {
    let value = memory.value.as_deref().unwrap_or(&memory.content);
    let content = &memory.content;
    match language {
        Language::Zh => match memory.kind {
            Kind::City => format!("另外想确认一下：您现在还在{value}吗？"),
            Kind::Address => format!("另外想确认一下：您的地址还是{value}吗？"),
            Kind::Contact => format!("另外想确认一下：现在还能通过{value}联系到您吗？"),
            Kind::Size => format!("另外想确认一下：您的尺码还是{value}吗？"),
            Kind::Device => format!("另外想确认一下：您还在用{value}吗？"),
            _ => format!("另外想确认一下，这一条现在还对吗：{content}？"),
        },
        Language::En => match memory.kind {
            Kind::City => format!("By the way, are you still in {value}?"),
            Kind::Address => format!("By the way, is your address still {value}?"),
            Kind::Contact => format!("By the way, can we still reach you at {value}?"),
            Kind::Size => format!("By the way, is your size still {value}?"),
            Kind::Device => format!("By the way, do you still have this: {value}?"),
            _ => format!("By the way, is this still right: {content}?"),
        },
    }
}

/// The question how it is now, for the kinds whose answer may be a bare value ("Ipoh").
fn instead(kind: Kind, language: Language) -> Option<&'static str> {
    Some(match language {
        Language::Zh => match kind {
            Kind::City => "好的，我不再按这个来。您现在在哪个城市？",
            Kind::Address => "好的，我不再按这个来。您现在的地址是？",
            Kind::Contact => "好的，我不再按这个来。现在怎样联系您最方便？",
            Kind::Size => "好的，我不再按这个来。您现在的尺码是多少？",
            _ => return None,
        },
        Language::En => match kind {
            Kind::City => "Thank you, I won't go by that any more. Where do you live now?",
            Kind::Address => "Thank you, I won't go by that any more. What is your address now?",
            Kind::Contact => "Thank you, I won't go by that any more. How can we reach you now?",
            Kind::Size => "Thank you, I won't go by that any more. What is your size now?",
            _ => return None,
        },
    })
}

const BOTH: [Language; 2] = [Language::En, Language::Zh];

fn say(text: &str, kind: &'static str) -> Handed {
    Handed::Say(Said { text: text.to_owned(), kind })
}

fn thanks(language: Language) -> Handed {
    let text = match language {
        Language::En => "Thank you, I'll keep that in mind. Is there anything else I can do?",
        Language::Zh => "好的，我记下了。请问还有什么可以帮您？",
    };
    say(text, TOLD)
}

/// The answer to our question whether a memory still holds, or to how it is now; `None`: the message is neither. Safe
/// to repeat.
pub async fn answered(app: &App, remark: &Remark<'_>) -> Result<Option<Handed>> {
    let asked = remark.earlier.said.unwrap_or_default().trim_end();
    let is = |question: &str| asked.ends_with(question);
    if remark.earlier.kind == Some(ASKS_INSTEAD) {
        let kind = Kind::ALL.iter().copied().find(|kind| BOTH.iter().any(|l| instead(*kind, *l).is_some_and(is)));
        return match kind {
            Some(kind) => told_instead(app, remark, kind).await,
            None => Ok(None),
        };
    }
    let (yes, no) = (is_yes(remark.text), is_no(remark.text));
    let Some(asked_at) = remark.earlier.at.filter(|_| yes || no) else { return Ok(None) };
    // As it was known when we asked: a turn that is taken again finds what it closed itself.
    let mut known = store::believed(app.read().await?.conn(), remark.org, remark.customer, asked_at).await?;
    known.retain(|m| remark.asker.is_none_or(|asker| asker.may_hear(m.identity_id)));
    let is_meant = |m: &&Memory| m.kind.goes_stale() && BOTH.iter().any(|l| is(&still(m, *l)));
    let Some(meant) = known.iter().find(is_meant) else { return Ok(None) };
    let now = app.now();
    let mut tx = app.begin().await?;
    store::lock(tx.conn(), remark.customer).await?;
    let found = store::find(tx.conn(), remark.org, remark.customer, meant.id).await?;
    if let Some(known) = found.filter(|m| m.status == Status::Active) {
        if yes {
            store::save(tx.conn(), &supersede::restated(&known, now)).await?;
        } else {
            keep::close(tx.conn(), remark.org, &[known], now).await?;
            index(tx.conn(), remark, now).await?;
        }
        tx.commit().await?;
        app.wake(remark.org).await;
    }
    Ok(Some(match (yes, instead(meant.kind, remark.language), remark.language) {
        (true, _, language) => thanks(language),
        (false, Some(question), _) => say(question, ASKS_INSTEAD),
        (false, None, Language::En) => say("Thank you, I won't go by that any more. What else can I do for you?", DONE),
        (false, None, Language::Zh) => say("好的，我不再按这个来。请问还有什么可以帮您？", DONE),
    }))
}

/// The answer to our question how it is now, when it is a value and nothing else; `None`: it is something else, or what
/// the rules read and is learned after the turn, as from any message.
async fn told_instead(app: &App, remark: &Remark<'_>, kind: Kind) -> Result<Option<Handed>> {
    let is_wish = Hand::read(remark.text, remark.earlier.kind).is_some();
    if is_wish || !read::facts(remark.text, Writer::Customer).is_empty() {
        return Ok(None);
    }
    let Some(value) = value_of(kind, remark.text) else { return Ok(None) };
    let now = app.now();
    let mut tx = app.begin().await?;
    store::lock(tx.conn(), remark.customer).await?;
    let before = store::ended_last(tx.conn(), remark.org, remark.customer, kind).await?;
    let about = before.as_ref().and_then(supersede::about);
    let characters = |at: usize| remark.text.get(..at).map_or(0, |s| s.chars().count());
    let new = New {
        kind,
        about,
        language: remark.language,
        sentence: Some(remark.text.trim().to_owned()),
        source: Some(remark.conversation.0),
        message: remark.message,
        identity: remark.asker.map(|a| a.identity),
        span: remark.text.find(&value).map(|at| (characters(at), characters(at + value.len()))),
        ..New::note(value, now)
    };
    keep::keep(tx.conn(), remark.org, remark.customer, &[new], now).await?;
    index(tx.conn(), remark, now).await?;
    tx.commit().await?;
    app.wake(remark.org).await;
    Ok(Some(thanks(remark.language)))
}

async fn index(c: Conn<'_>, remark: &Remark<'_>, now: DateTime<Utc>) -> Result<()> {
    Job::IndexMemories { org: remark.org, customer: remark.customer }.push(c, remark.org, now).await
}

/// A short answer that is a value of this kind and nothing else: "Ipoh", "in Ipoh now", "我在怡保". What could be a
/// sentence is none: "cancel my order" is no city.
fn value_of(kind: Kind, text: &str) -> Option<String> {
    let value = bare(text)?;
    let words = value.split_whitespace().count();
    let characters = value.chars().count();
    let has_digit = value.contains(|c: char| c.is_ascii_digit());
    let is_chinese = value.contains(is_han);
    let fits = match kind {
        Kind::City => !has_digit && if is_chinese { (2..=8).contains(&characters) } else { words <= 3 },
        Kind::Address if is_chinese => has_digit || value.contains(['路', '街', '道', '巷', '弄', '村', '镇', '区']),
        Kind::Address => has_digit && words >= 2,
        Kind::Contact => value.contains('@') || value.chars().filter(char::is_ascii_digit).count() >= 6,
        Kind::Size => words <= 3 && characters <= 16 && (has_digit || is_size(&value)),
        _ => false,
    };
    fits.then_some(value)
}

fn is_size(value: &str) -> bool {
    let folded = lexical::fold_text(value);
    let folded = folded.trim_start_matches("size ").trim_end_matches(['码', '号']);
    matches!(folded, "small" | "medium" | "large" | "extra large" | "extra small" | "大" | "中" | "小" | "加大" | "均")
        || folded.trim_start_matches('x') == "l"
        || folded.trim_start_matches('x') == "s"
        || folded == "m"
}

/// Words of sentences and wishes, which no name of a place and no address has.
const OF_SENTENCES: &[&str] = &[
    "i", "i'm", "im", "my", "me", "mine", "we", "our", "us", "you", "your", "he", "she", "it", "its", "they", "this",
    "that", "these", "is", "are", "was", "were", "am", "be", "been", "has", "have", "had", "do", "does", "did",
    "don't", "dont", "doesn't", "didn't", "not", "no", "never", "can", "can't", "cant", "could", "would", "will",
    "won't", "should", "may", "please", "pls", "help", "cancel", "track", "return", "refund", "order", "buy", "stop",
    "wait", "talk", "speak", "call", "agent", "human", "person", "forget", "delete", "where", "when", "why", "how",
    "what", "who", "which", "thanks", "thank", "thx", "sorry", "hello", "hi", "hey", "bye", "want", "need", "nothing",
    "ok", "okay", "later", "maybe", "idk", "why",
];
const OF_SENTENCES_ZH: &[&str] = &[
    "我", "你", "您", "他", "她", "吗", "呢", "吧", "怎", "什么", "哪", "请", "帮", "想", "要", "不", "没", "别", "退",
    "换", "查", "订单", "取消", "客服", "人工", "谢", "好的", "忘", "删", "算了", "等",
];

/// A short answer without what leads to its value; `None`: it says more than a value.
fn bare(text: &str) -> Option<String> {
    if text.contains(['?', '？', '\n'])
        || text.chars().count() > 80
        || read::is_secret(text)
        || is_no(text)
        || is_yes(text)
    {
        return None;
    }
    let mut value = text.trim().trim_end_matches(['.', '!', '。', '！']);
    for lead in ["i'm ", "i am ", "it's ", "it is ", "now ", "in ", "at ", "我", "现在", "住", "在", "是"] {
        let folded = value.get(..lead.len()).map(str::to_lowercase);
        if folded.as_deref() == Some(lead) {
            value = value.get(lead.len()..).unwrap_or_default().trim_start();
        }
    }
    let value = value.strip_suffix(" now").unwrap_or(value).trim();
    let folded = lexical::fold_text(value).replace('’', "'");
    let mut words = folded.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|w| !w.is_empty());
    let is_sentence =
        words.any(|w| OF_SENTENCES.contains(&w)) || OF_SENTENCES_ZH.iter().any(|word| folded.contains(word));
    (!value.is_empty() && !is_sentence && value.split_whitespace().count() <= 12).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_understood_and_a_sentence_is_none() {
        for (kind, text, value) in [
            (Kind::City, "Ipoh", "Ipoh"),
            (Kind::City, "in Ipoh now", "Ipoh"),
            (Kind::City, "I'm in Kuala Lumpur.", "Kuala Lumpur"),
            (Kind::City, "我在怡保", "怡保"),
            (Kind::City, "现在住在成都", "成都"),
            (Kind::Address, "12 Jalan Besar, 10200 Penang", "12 Jalan Besar, 10200 Penang"),
            (Kind::Address, "上海市徐汇区漕溪北路100号", "上海市徐汇区漕溪北路100号"),
            (Kind::Contact, "ana@example.com", "ana@example.com"),
            (Kind::Contact, "+60 12 345 6789", "+60 12 345 6789"),
            (Kind::Size, "43", "43"),
            (Kind::Size, "XL", "XL"),
            (Kind::Size, "大码", "大码"),
        ] {
            assert_eq!(value_of(kind, text).as_deref(), Some(value), "{text}");
        }
        for text in [
            "forget me",
            "forget my address",
            "let me talk to a person",
            "my order has not arrived",
            "Cancel order 12345",
            "my order 12345 has not arrived",
            "call me on 0123456789 tomorrow",
            "thanks",
            "why?",
            "我的订单还没到",
            "退货12345",
            "转人工",
            "不想说",
            "算了",
        ] {
            for kind in [Kind::City, Kind::Address, Kind::Contact, Kind::Size] {
                assert_eq!(value_of(kind, text), None, "{text} as {kind:?}");
            }
        }
    }
}
