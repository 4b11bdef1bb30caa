//! The customer's hand on their memory, in the chat: what do you know about me, that's wrong, forget that, forget me.

use super::{Asker, Kind, Memory, New, Status, Writer, fade, forget, keep, read, store, supersede};
use crate::{
    app::{App, CustomerId, Job, MemoryId, OrgId},
    customers,
    platform::{Error, Result, language::Language, lexical},
    staff::By,
};

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

/// What a reply was, so that the next message is understood; stored with it.
pub const SHOWN: &str = "memory_shown";
pub const ASKS_FORGET: &str = "memory_asks_forget";
pub const ASKS_FORGET_ME: &str = "memory_asks_forget_me";
pub const DONE: &str = "memory_done";
pub const TOLD: &str = "memory_told";
/// Asks what is right instead of a memory that holds no more.
pub const ASKS_INSTEAD: &str = "memory_asks_instead";

/// What there is one of: its kinds are asked for when the old one holds no more.
const ONE_OF: [Kind; 4] = [Kind::City, Kind::Address, Kind::Contact, Kind::Size];

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

/// What came before: our last message and its kind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Earlier<'a> {
    pub kind: Option<&'a str>,
    pub said: Option<&'a str>,
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
pub async fn hand(
    app: &App,
    org: OrgId,
    customer: CustomerId,
    asker: Option<Asker>,
    text: &str,
    earlier: Earlier<'_>,
    language: Language,
) -> Result<Option<Handed>> {
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
    if let Some(handed) = still_holds(app, (org, customer), asker, text, earlier, language).await? {
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

/// The answer to our question whether a memory still holds, or to how it is now; `None`: the message is neither.
async fn still_holds(
    app: &App,
    (org, customer): (OrgId, CustomerId),
    asker: Option<Asker>,
    text: &str,
    earlier: Earlier<'_>,
    language: Language,
) -> Result<Option<Handed>> {
    let asked = earlier.said.unwrap_or_default().trim_end();
    let is = |question: &str| asked.ends_with(question);
    let both = [Language::En, Language::Zh];
    let say = |text: &str, kind| Ok(Some(Handed::Say(Said { text: text.to_owned(), kind })));
    let thanks = match language {
        Language::En => "Thank you, I'll keep that in mind. Is there anything else I can do?",
        Language::Zh => "好的，我记下了。请问还有什么可以帮您？",
    };
    if earlier.kind == Some(ASKS_INSTEAD) {
        let kind = ONE_OF.into_iter().find(|kind| both.iter().any(|l| is(fade::instead(*kind, *l))));
        // What the rules read is learned after the turn, as from any message.
        let Some((kind, value)) = kind.zip(bare(text)).filter(|_| read::facts(text, Writer::Customer).is_empty())
        else {
            return Ok(None);
        };
        let new =
            New { kind, language, speaker: None, identity: asker.map(|a| a.identity), ..New::note(value, app.now()) };
        let mut tx = app.begin().await?;
        keep::keep(tx.conn(), org, customer, &[new], app.now()).await?;
        Job::IndexMemories { org, customer }.push(tx.conn(), org, app.now()).await?;
        tx.commit().await?;
        app.wake(org).await;
        return say(thanks, TOLD);
    }
    let (yes, no) = (is_yes(text), is_no(text));
    if !yes && !no {
        return Ok(None);
    }
    let memories = heard(app, org, customer, asker).await?;
    let Some(meant) = memories.iter().find(|m| both.iter().any(|l| is(&fade::still(m, *l)))) else {
        return Ok(None);
    };
    let now = app.now();
    let mut tx = app.begin().await?;
    let Some(known) = store::find(tx.conn(), org, customer, meant.id).await? else { return Ok(None) };
    if yes {
        store::save(tx.conn(), &supersede::restated(&known, now)).await?;
        tx.commit().await?;
        return say(thanks, TOLD);
    }
    keep::close(tx.conn(), org, &[known], now).await?;
    Job::IndexMemories { org, customer }.push(tx.conn(), org, now).await?;
    tx.commit().await?;
    app.wake(org).await;
    let kind = if ONE_OF.contains(&meant.kind) { ASKS_INSTEAD } else { DONE };
    say(fade::instead(meant.kind, language), kind)
}

/// A short answer that is a value and nothing else: "Ipoh", "in Ipoh now", "我在怡保".
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
    for lead in ["i'm ", "i am ", "it's ", "it is ", "now ", "in ", "at ", "我", "现在", "在", "是"] {
        let folded = value.get(..lead.len()).map(str::to_lowercase);
        if folded.as_deref() == Some(lead) {
            value = value.get(lead.len()..).unwrap_or_default().trim_start();
        }
    }
    let value = value.strip_suffix(" now").unwrap_or(value).trim();
    (!value.is_empty() && value.split_whitespace().count() <= 10).then(|| value.to_owned())
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

fn plain(text: &str) -> String {
    lexical::fold_text(text).chars().filter(|c| c.is_alphanumeric() || *c == ' ').collect::<String>().trim().to_owned()
}

fn is_yes(text: &str) -> bool {
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

fn is_no(text: &str) -> bool {
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
