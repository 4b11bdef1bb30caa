//! What may have changed since it was said: the customer is asked, and what they answer is understood.
//!
//! Nothing is stored about the question: it is known by its words, which stand in our last message.

use super::{
    Asker, Kind, Memory, New, Recalled, Writer,
    fade::is_taken_up,
    hand::{ASKS_INSTEAD, DONE, Earlier, Handed, Said, TOLD, heard, is_no, is_yes},
    keep, read, store, supersede,
};
use crate::{
    app::{App, CustomerId, Job, OrgId},
    platform::{Result, language::Language},
};

/// What a customer is asked when `answer` takes up a memory that may have changed since, unless it asks already or their
/// `question` says it anew.
pub fn to_confirm(recalled: &[Recalled], question: &str, answer: &str, language: Language) -> Option<String> {
    let is_acted_on = |m: &Memory| is_taken_up(m, answer) && !is_taken_up(m, question);
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

/// The answer to our question whether a memory still holds, or to how it is now; `None`: the message is neither.
pub async fn answered(
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
        let kind = Kind::ALL.iter().copied().find(|kind| both.iter().any(|l| instead(*kind, *l).is_some_and(is)));
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
    let Some(meant) = memories.iter().find(|m| both.iter().any(|l| is(&still(m, *l)))) else {
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
    match (instead(meant.kind, language), language) {
        (Some(question), _) => say(question, ASKS_INSTEAD),
        (None, Language::En) => say("Thank you, I won't go by that any more. What else can I do for you?", DONE),
        (None, Language::Zh) => say("好的，我不再按这个来。请问还有什么可以帮您？", DONE),
    }
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
