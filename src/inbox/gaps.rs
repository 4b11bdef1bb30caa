//! Gaps: questions that went to a person because the documents did not answer them, those that are alike together.

use std::collections::HashSet;

use chrono::{DateTime, Duration, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::store::overview::{self as store, Unanswered};
use crate::{
    app::{App, ConversationId},
    platform::{Result, lexical},
    staff::By,
};

/// How far back is looked.
const SPAN: Duration = Duration::days(90);
/// How many questions are looked at, the latest.
const MOST: i64 = 2000;
/// Questions are alike from this share of common words on (Jaccard).
const ALIKE: f64 = 0.4;

/// Questions that are alike.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Gap {
    /// The latest of them, in the customer's words.
    pub question: String,
    /// How often it was asked.
    pub count: i64,
    pub last_asked_at: DateTime<Utc>,
    /// What an agent answered, the latest one: the draft of an FAQ.
    pub answer: Option<String>,
    /// `nothing_found`, `unsure` or `unproven`.
    pub reason: String,
    /// The conversations, the latest first.
    pub conversations: Vec<ConversationId>,
    /// Other ways in which it was asked, at most five.
    pub variants: Vec<String>,
}

/// The gaps of the last ninety days, the most asked first.
pub async fn gaps(app: &App, by: &By) -> Result<Vec<Gap>> {
    let rows = store::unanswered(app.read().await?.conn(), by.org, app.now() - SPAN, MOST).await?;
    Ok(cluster(rows))
}

/// Puts each question to the first cluster whose first question it resembles.
fn cluster(rows: Vec<Unanswered>) -> Vec<Gap> {
    let mut clusters: Vec<(HashSet<u32>, Gap)> = Vec::new();
    for row in rows {
        let Some(question) = row.question.map(|q| q.trim().to_string()).filter(|q| !q.is_empty()) else { continue };
        let mut words = HashSet::new();
        lexical::each_term(&question, |term| {
            words.insert(term);
        });
        let Some((_, gap)) = clusters.iter_mut().find(|(of, _)| similarity(of, &words) >= ALIKE) else {
            let gap = Gap {
                question,
                count: 1,
                last_asked_at: row.created_at,
                answer: row.answer,
                reason: row.reason.unwrap_or_default(),
                conversations: vec![row.conversation_id],
                variants: Vec::new(),
            };
            clusters.push((words, gap));
            continue;
        };
        if gap.conversations.contains(&row.conversation_id)
            && (gap.question == question || gap.variants.contains(&question))
        {
            continue; // the same words in the same conversation are one question
        }
        gap.count += 1;
        gap.answer = gap.answer.take().or(row.answer);
        if !gap.conversations.contains(&row.conversation_id) {
            gap.conversations.push(row.conversation_id);
        }
        if gap.question != question && gap.variants.len() < 5 && !gap.variants.contains(&question) {
            gap.variants.push(question);
        }
    }
    let mut gaps: Vec<Gap> = clusters.into_iter().map(|(_, gap)| gap).collect();
    gaps.sort_by(|a, b| b.count.cmp(&a.count).then(b.last_asked_at.cmp(&a.last_asked_at)));
    gaps
}

fn similarity(a: &HashSet<u32>, b: &HashSet<u32>) -> f64 {
    let common = a.intersection(b).count();
    let all = a.len() + b.len() - common;
    if all == 0 { 0.0 } else { common as f64 / all as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(question: &str, answer: Option<&str>) -> Unanswered {
        Unanswered {
            conversation_id: ConversationId::new(),
            reason: Some("nothing_found".into()),
            created_at: DateTime::UNIX_EPOCH,
            question: Some(question.into()),
            answer: answer.map(Into::into),
        }
    }

    #[test]
    fn the_same_question_in_other_words_is_one_gap_with_the_agents_answer() {
        let gaps = cluster(vec![
            asked("Do you ship to Iceland?", None),
            asked("do you also ship to Iceland", Some("Yes, by sea.")),
            asked("可以开增值税发票吗？", None),
            asked("能开增值税发票吗", None),
            asked("能不能开增值税发票？", None),
        ]);
        let told: Vec<_> = gaps.iter().map(|g| (g.question.as_str(), g.count, g.answer.as_deref())).collect();
        assert_eq!(told, [("可以开增值税发票吗？", 3, None), ("Do you ship to Iceland?", 2, Some("Yes, by sea."))]);
    }
}
