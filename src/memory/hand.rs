//! The customer's hand on their memory, in the chat: what do you know about me, that's wrong, forget that, forget me.

mod wish;

pub use wish::Hand;
pub(super) use wish::{is_no, is_yes};

use chrono::{DateTime, Utc};

use super::{Asker, Kind, Memory, Status, Writer, forget, read, still, store, supersede};
use crate::{
    app::{App, ConversationId, CustomerId, MemoryId, MessageId, OrgId},
    customers,
    platform::{Error, Result, language::Language, lexical},
    staff::By,
};

/// What a reply was, so that the next message is understood; stored with it.
pub const SHOWN: &str = "memory_shown";
pub const ASKS_FORGET: &str = "memory_asks_forget";
pub const ASKS_FORGET_ME: &str = "memory_asks_forget_me";
pub const DONE: &str = "memory_done";
pub const TOLD: &str = "memory_told";
/// Asks what is right instead of a memory that holds no more.
pub const ASKS_INSTEAD: &str = "memory_asks_instead";

/// What to do about a wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handed {
    Say(Said),
    /// Everything about the customer is to be erased, as they confirmed; this is the last they hear.
    Erase(Said),
    /// A person is called: we can't tell whether all of it is theirs.
    CallPerson,
}

/// What to say, and what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub text: String,
    pub kind: &'static str,
}

/// What a customer says in the chat, which may be about their memory.
#[derive(Debug, Clone, Copy)]
pub struct Remark<'a> {
    pub org: OrgId,
    pub customer: CustomerId,
    pub asker: Option<Asker>,
    pub conversation: ConversationId,
    pub message: Option<MessageId>,
    pub text: &'a str,
    pub language: Language,
    pub earlier: Earlier<'a>,
}

/// What came before: our last message, its kind, and when it was.
#[derive(Debug, Clone, Copy, Default)]
pub struct Earlier<'a> {
    pub kind: Option<&'a str>,
    pub said: Option<&'a str>,
    pub at: Option<DateTime<Utc>>,
}

/// What a customer is told who writes between their "yes, erase it all" and the erasure.
pub fn being_erased(language: Language) -> Said {
    let text = match language {
        Language::En => {
            "Everything about you is being erased right now. In a minute you can write to us as somebody new."
        }
        Language::Zh => "正在清除您的全部资料。一分钟后您可以重新联系我们，就像第一次一样。",
    };
    Said { text: text.to_owned(), kind: DONE }
}

/// Answers what a customer asks of their memory; `None`: they ask nothing of it.
pub async fn hand(app: &App, remark: &Remark<'_>) -> Result<Option<Handed>> {
    let Remark { org, customer, asker, text, language, earlier, .. } = *remark;
    let said =
        |en: &str, zh: &str, kind| Said { text: if language == Language::Zh { zh } else { en }.to_owned(), kind };
    let say = |en: &str, zh: &str, kind| Some(Handed::Say(said(en, zh, kind)));
    // Our question stands: yes or no.
    if let Some(asks @ (ASKS_FORGET | ASKS_FORGET_ME)) = earlier.kind {
        if !is_yes(text) {
            if is_no(text) {
                return Ok(say("All right, I keep it.", "好的，我会继续保留。", DONE));
            }
        } else if asks == ASKS_FORGET_ME {
            let said = said(
                "Done: everything about you is being erased now. This conversation goes with it. Take care!",
                "好的，您的全部资料现在就会被清除，这段对话也会一并删除。祝您一切顺利！",
                DONE,
            );
            return Ok(Some(Handed::Erase(said)));
        } else {
            // What was shown is what is forgotten, whatever was learned meanwhile.
            let shown: Vec<&str> =
                earlier.said.unwrap_or_default().lines().filter_map(|l| l.strip_prefix("- ")).collect();
            let memories = heard(app, org, customer, asker).await?;
            for memory in memories.iter().filter(|m| shown.contains(&in_a_line(m).as_str())) {
                match forget::forget(app, &By::assistant(org), customer, memory.id).await {
                    // It went with one that had taken its place.
                    Ok(()) | Err(Error::NotFound(_)) => {}
                    Err(e) => return Err(e),
                }
            }
            return Ok(say("Forgotten.", "已经忘掉了。", DONE));
        }
    }
    if let Some(handed) = still::answered(app, remark).await? {
        return Ok(Some(handed));
    }
    let Some(wish) = Hand::read(text, earlier.kind) else {
        // Nothing is asked: it is heard, and learned after the turn.
        return Ok(if read::only_tells(text) {
            say("Thank you, I'll keep that in mind. How can I help?", "好的，我记下了。请问有什么可以帮您？", TOLD)
        } else {
            None
        });
    };
    if wish == Hand::ForgetMe && asker.is_some_and(|a| !a.is_verified) {
        let accounts = customers::list_identities(app.read().await?.conn(), org, customer).await?;
        if accounts.len() > 1 {
            return Ok(Some(Handed::CallPerson));
        }
    }
    let memories = heard(app, org, customer, asker).await?;
    Ok(match wish {
        // "That's wrong, I live in Ipoh": the right one takes the place of the wrong one when it is learned.
        Hand::Wrong(_) if !read::facts(text, Writer::Customer).is_empty() => {
            say("Thank you, I'll remember it that way from now on.", "谢谢，我会按您说的更正。", DONE)
        }
        Hand::ForgetMe => say(
            "I can erase everything we have about you: our messages, what I remember and your contact data. This can't \
             be undone. Shall I? (yes / no)",
            "我可以清除我们保存的关于您的一切：聊天记录、我的记忆和您的联系资料。此操作无法撤销。确定要清除吗？（是 / 否）",
            ASKS_FORGET_ME,
        ),
        Hand::Show => Some(Handed::Say(Said { text: shown(&memories, language), kind: SHOWN })),
        Hand::Forget(what) | Hand::Wrong(what) => {
            let meant = meant_by(&memories, &what);
            let lines: Vec<String> =
                memories.iter().filter(|m| meant.contains(&m.id)).map(|m| format!("- {}", in_a_line(m))).collect();
            // "Forget the first one" of a talk about something else: an ordinary message.
            if lines.is_empty() && !what.is_empty() && !is_of_memory(text, earlier.kind) {
                None
            } else if lines.is_empty() {
                say("I remember nothing like that about you.", "我没有记住这样的信息。", DONE)
            } else {
                let lines = lines.join("\n");
                say(
                    &format!("Shall I forget this? (yes / no)\n{lines}"),
                    &format!("要忘掉下面的内容吗？（是 / 否）\n{lines}"),
                    ASKS_FORGET,
                )
            }
        }
    })
}

/// Whether a wish to forget is plainly about what we remember: "my …", or right after it was shown.
fn is_of_memory(text: &str, earlier: Option<&str>) -> bool {
    let folded = lexical::fold_text(text);
    earlier == Some(SHOWN) || folded.split(|c: char| !c.is_alphanumeric()).any(|w| w == "my") || folded.contains('我')
}

/// What may be told on this identity, the latest first.
async fn heard(app: &App, org: OrgId, customer: CustomerId, asker: Option<Asker>) -> Result<Vec<Memory>> {
    let mut all = store::list(app.read().await?.conn(), org, customer, Some(Status::Active), 200).await?;
    all.retain(|m| asker.is_none_or(|asker| asker.may_hear(m.identity_id)));
    Ok(all)
}

/// A memory as it stands in a list.
fn in_a_line(memory: &Memory) -> String {
    memory.content.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a customer reads of their memory.
fn shown(memories: &[Memory], language: Language) -> String {
    const MOST: usize = 20;
    let is_chinese = language == Language::Zh;
    if memories.is_empty() {
        return if is_chinese {
            "我还没有记住关于您的任何信息。"
        } else {
            "I remember nothing about you yet."
        }
        .into();
    }
    let mut text = String::from(if is_chinese {
        "我记得关于您的这些信息："
    } else {
        "This is what I remember about you:"
    });
    for memory in memories.iter().take(MOST) {
        text.push_str("\n- ");
        text.push_str(&in_a_line(memory));
    }
    text.push_str(if is_chinese {
        "\n如果有不对的，请告诉我（例如“忘记地址”），或者说“忘记我”清除全部。"
    } else {
        "\nIf something is wrong, tell me (\"forget my address\"), or say \"forget me\" to erase everything."
    });
    text
}

/// The memories that `what` means: by kind or by words; nothing said: the latest one.
fn meant_by(memories: &[Memory], what: &str) -> Vec<MemoryId> {
    if what.is_empty() {
        return memories.first().map(|m| m.id).into_iter().collect();
    }
    let key = supersede::key(what);
    let is_of_kind = |m: &Memory| {
        let names = [m.kind.word().replace('_', " "), m.kind.label(false).to_owned(), m.kind.label(true).to_owned()];
        names.iter().any(|name| {
            supersede::key(name) == key || (!name.is_ascii() && (what.contains(name.as_str()) || name.contains(what)))
        }) || (m.kind == Kind::City && (what.contains("live") || what.contains('住')))
            || (m.kind == Kind::Contact
                && (what.contains("phone") || what.contains("email") || what.contains("电话") || what.contains("邮箱")))
    };
    let by_kind: Vec<MemoryId> = memories.iter().filter(|m| is_of_kind(m)).map(|m| m.id).collect();
    if !by_kind.is_empty() {
        return by_kind;
    }
    let mut wanted = Vec::new();
    lexical::each_term(what, |term| wanted.push(term));
    memories
        .iter()
        .filter(|m| {
            let mut has = std::collections::HashSet::new();
            lexical::each_term(&m.content, |term| {
                has.insert(term);
            });
            !wanted.is_empty() && wanted.iter().filter(|t| has.contains(t)).count() * 2 > wanted.len()
        })
        .map(|m| m.id)
        .collect()
}
