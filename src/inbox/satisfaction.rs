//! Asking customers for a mark after a person has resolved their conversation: in the conversation itself, so that it
//! works on every channel.

use chrono::{DateTime, Duration, Utc};

use super::{
    Conversation, Message, Status,
    reply::{self, Reply},
    store::rules as kept,
};
use crate::platform::{Result, db::Conn, language::Language};

/// How long an answer to our question counts as one.
const ANSWER_WITHIN: Duration = Duration::days(3);

/// Asks for a mark, on the caller's transaction.
pub(super) async fn ask(mut c: Conn<'_>, conversation: &Conversation, now: DateTime<Utc>) -> Result<Option<Message>> {
    let text = match conversation.language.unwrap_or_default() {
        Language::Zh => "这次服务您还满意吗？请回复 1 到 5（5 表示非常满意）。",
        Language::En => "How did we do? Please reply with a number from 1 to 5 (5 is best).",
    };
    kept::asked_mark(c.again(), conversation.id, now).await?;
    say(c, conversation, text, "asks_mark", now).await
}

/// Keeps the mark and says thank you, on the caller's transaction.
pub(super) async fn keep(mut c: Conn<'_>, conversation: &Conversation, mark: i32, now: DateTime<Utc>) -> Result<()> {
    let text = match conversation.language.unwrap_or_default() {
        Language::Zh => "谢谢您的评价！",
        Language::En => "Thank you for telling us!",
    };
    say(c.again(), conversation, text, "thanks_for_mark", now).await?;
    kept::save_mark(c, conversation.id, mark).await
}

async fn say(
    c: Conn<'_>,
    conversation: &Conversation,
    text: &str,
    kind: &'static str,
    now: DateTime<Utc>,
) -> Result<Option<Message>> {
    let said = Reply { text: text.into(), sources: None, confidence: None, language: None, kind, meant: None };
    reply::write(c, conversation, None, &said, None, now).await
}

/// The mark that `text` gives to a conversation whose customer was asked for one; `None`: it is something else.
pub(super) fn mark(conversation: &Conversation, text: &str, now: DateTime<Utc>) -> Option<i32> {
    let asked = conversation.satisfaction_asked_at.filter(|at| now - *at <= ANSWER_WITHIN)?;
    let ended = conversation.resolved_at?;
    if conversation.status != Status::Resolved || asked < ended || conversation.satisfaction_score.is_some() {
        return None;
    }
    let text = text.trim().trim_end_matches(['.', '!', '。', '！', '分', '星', '⭐']).trim();
    let digit = match text {
        "１" | "一" => "1",
        "２" | "二" => "2",
        "３" | "三" => "3",
        "４" | "四" => "4",
        "５" | "五" => "5",
        other => other.strip_suffix("/5").unwrap_or(other),
    };
    digit.parse().ok().filter(|n| (1..=5).contains(n))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inbox::tests::conversation;

    #[test]
    fn a_number_after_our_question_is_a_mark_and_nothing_else_is() {
        let (mut c, now) = conversation(Status::Resolved, 0);
        assert_eq!(mark(&c, "5", now), None, "nobody asked");
        c.satisfaction_asked_at = Some(now);
        for (text, expected) in [("5", 5), (" 4! ", 4), ("三", 3), ("２分", 2), ("1/5", 1), ("５", 5)] {
            assert_eq!(mark(&c, text, now), Some(expected), "{text}");
        }
        for text in ["6", "0", "5 more please", "order 3", "五星好评但是", ""] {
            assert_eq!(mark(&c, text, now), None, "{text}");
        }
        assert_eq!(mark(&c, "5", now + Duration::days(4)), None, "too late");
        c.satisfaction_score = Some(4);
        assert_eq!(mark(&c, "5", now), None, "once");
    }
}
