//! The measures, pure.

use std::collections::HashMap;

use super::{Labelled, Latency, Report, Row};
use crate::platform::{language::is_han, lexical::fold_text};

/// Measures `rows` (in the order of `questions`) against what was labelled.
pub(super) fn measure(questions: &[Labelled], rows: &[Row]) -> Report {
    let mut report = Report {
        questions: questions.len(),
        answerable: questions.iter().filter(|q| q.answerable).count(),
        ..Report::default()
    };
    let pairs: Vec<(&Labelled, &Row)> = questions.iter().zip(rows).collect();
    ranking(&pairs, &mut report);
    answers(&pairs, &mut report);
    confidence(&pairs, &mut report);
    for (_, row) in &pairs {
        *report.decisions.entry(row.decision.clone()).or_default() += 1;
    }
    report.latency_ms = Latency::of(rows.iter().map(|r| r.duration_ms).collect());
    report
}

fn ranking(pairs: &[(&Labelled, &Row)], report: &mut Report) {
    let known: Vec<_> = pairs.iter().filter(|(q, _)| !q.relevant.is_empty()).collect();
    let found =
        |(q, row): &(&Labelled, &Row), k: usize| row.ranked.iter().take(k).filter(|id| q.relevant.contains(id)).count();
    let recall = |k: usize| mean(known.iter().map(|p| found(p, k) as f64 / p.0.relevant.len() as f64));
    let hit = |k: usize| mean(known.iter().map(|p| f64::from(u8::from(found(p, k) > 0))));
    report.recall_at_1 = recall(1);
    report.recall_at_5 = recall(5);
    report.recall_at_10 = recall(10);
    report.recall_at_20 = recall(20);
    report.hit_at_1 = hit(1);
    report.hit_at_5 = hit(5);
    report.mrr_at_10 = mean(known.iter().map(|(q, row)| {
        let first = row.ranked.iter().take(10).position(|id| q.relevant.contains(id));
        first.map_or(0.0, |rank| 1.0 / (rank + 1) as f64)
    }));
}

fn answers(pairs: &[(&Labelled, &Row)], report: &mut Report) {
    let is_answer = |row: &Row| row.decision == "answer";
    let is_right = |q: &Labelled, text: &str| q.answerable && holds(text, &q.answers);
    report.answered = mean(pairs.iter().map(|(_, row)| f64::from(u8::from(is_answer(row))))).unwrap_or(0.0);
    let can = || pairs.iter().filter(|(q, _)| q.answerable && !q.answers.is_empty());
    let share = |claim: bool| f64::from(u8::from(claim));
    report.answered_rightly = mean(can().map(|(q, row)| share(is_answer(row) && is_right(q, &row.answer))));
    let answered = pairs.iter().filter(|(q, row)| is_answer(row) && !(q.answerable && q.answers.is_empty()));
    report.wrong = mean(answered.map(|(q, row)| share(!is_right(q, &row.answer))));
    report.refused = mean(pairs.iter().filter(|(q, _)| !q.answerable).map(|(_, row)| share(!is_answer(row))));
    report.answer_token_f1 = mean(can().map(|(q, row)| token_f1(&row.answer, &q.answers)));
    report.evidence_token_f1 = mean(can().map(|(q, row)| token_f1(&row.evidence, &q.answers)));
    report.evidence_hit = mean(can().map(|(q, row)| share(holds(&row.evidence, &q.answers))));
}

fn confidence(pairs: &[(&Labelled, &Row)], report: &mut Report) {
    let answerable: Vec<(f64, bool)> = pairs.iter().map(|(q, row)| (row.confidence, q.answerable)).collect();
    let right = scored(pairs);
    report.auroc_answerable = auroc(&answerable);
    report.auroc_right = auroc(&right);
    report.calibration_error = calibration_error(&right);
    let mut kept: Vec<f64> = answerable.iter().filter(|(_, yes)| *yes).map(|(c, _)| *c).collect();
    kept.sort_by(f64::total_cmp);
    if let (Some(least), true) = (kept.get(kept.len() / 20), kept.len() < answerable.len()) {
        let refused = answerable.iter().filter(|(_, yes)| !yes).map(|(c, _)| f64::from(u8::from(c < least)));
        report.rejected_at_95 = mean(refused);
    }
}

/// How sure the assistant was of each best sentence, and whether it is right. Only questions of which that is known.
pub(super) fn scored(pairs: &[(&Labelled, &Row)]) -> Vec<(f64, bool)> {
    pairs
        .iter()
        .filter(|(q, _)| !q.answerable || !q.answers.is_empty())
        .map(|(q, row)| (row.confidence, q.answerable && holds(&row.evidence, &q.answers)))
        .collect()
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, n) = values.fold((0.0, 0usize), |(sum, n), v| (sum + v, n + 1));
    (n > 0).then(|| sum / n as f64)
}

/// A text in which only letters and digits count.
fn normalised(text: &str) -> String {
    fold_text(text).chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Whether `text` contains one of `answers`.
pub(super) fn holds(text: &str, answers: &[String]) -> bool {
    let text = normalised(text);
    answers.iter().map(|a| normalised(a)).any(|a| !a.is_empty() && text.contains(&a))
}

/// Words, and Chinese characters one by one.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut joins = false;
    for c in fold_text(text).chars() {
        if is_han(c) {
            words.push(c.to_string());
            joins = false;
        } else if c.is_alphanumeric() {
            match words.last_mut() {
                Some(word) if joins => word.push(c),
                _ => words.push(c.to_string()),
            }
            joins = true;
        } else {
            joins = false;
        }
    }
    words.retain(|w| !matches!(w.as_str(), "a" | "an" | "the"));
    words
}

/// The best F1 of the words of `text` against those of an answer.
fn token_f1(text: &str, answers: &[String]) -> f64 {
    let mine = words(text);
    answers
        .iter()
        .map(|answer| {
            let gold = words(answer);
            let mut left: HashMap<&str, usize> = HashMap::new();
            for word in &gold {
                *left.entry(word).or_default() += 1;
            }
            let mut common = 0usize;
            for word in &mine {
                if let Some(n) = left.get_mut(word.as_str()).filter(|n| **n > 0) {
                    *n -= 1;
                    common += 1;
                }
            }
            if common == 0 { 0.0 } else { 2.0 * common as f64 / (mine.len() + gold.len()) as f64 }
        })
        .fold(0.0, f64::max)
}

/// The probability that a positive scores above a negative; ties count half. `None` without both.
pub(super) fn auroc(scored: &[(f64, bool)]) -> Option<f64> {
    let mut sorted = scored.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let positives = sorted.iter().filter(|(_, yes)| *yes).count() as f64;
    let negatives = sorted.len() as f64 - positives;
    if positives == 0.0 || negatives == 0.0 {
        return None;
    }
    let mut ranks = 0.0;
    let mut before = 0usize;
    for tied in sorted.chunk_by(|a, b| a.0 == b.0) {
        let rank = before as f64 + (tied.len() as f64 + 1.0) / 2.0;
        ranks += rank * tied.iter().filter(|(_, yes)| *yes).count() as f64;
        before += tied.len();
    }
    Some((ranks - positives * (positives + 1.0) / 2.0) / (positives * negatives))
}

/// The mean distance of confidence from the share that is right, over ten bins weighed by their size.
pub(super) fn calibration_error(scored: &[(f64, bool)]) -> Option<f64> {
    let mut bins = vec![(0.0, 0.0, 0.0); 10];
    for (confidence, right) in scored {
        if let Some((sum, rights, n)) = bins.get_mut(((confidence * 10.0) as usize).min(9)) {
            *sum += confidence;
            *rights += f64::from(u8::from(*right));
            *n += 1.0;
        }
    }
    let distance: f64 = bins.iter().map(|(sum, rights, _)| (sum - rights).abs()).sum();
    (!scored.is_empty()).then(|| distance / scored.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auroc_counts_pairs_in_the_right_order() {
        assert_eq!(auroc(&[(0.9, true), (0.1, false)]), Some(1.0));
        assert_eq!(auroc(&[(0.1, true), (0.9, false)]), Some(0.0));
        assert_eq!(auroc(&[(0.5, true), (0.5, false)]), Some(0.5));
        assert_eq!(auroc(&[(0.5, true)]), None);
    }

    #[test]
    fn an_answer_is_right_if_it_contains_a_gold_answer() {
        let gold = vec!["THB 390".to_owned()];
        assert!(holds("Thailand; Express: THB 390.", &gold));
        assert!(!holds("Thailand; Express: THB 190.", &gold));
        assert!(holds("需要３个工作日", &["3 个工作日".to_owned()]));
    }

    #[test]
    fn token_f1_is_the_squad_measure_with_chinese_by_characters() {
        assert_eq!(token_f1("the five days", &["five days".to_owned()]), 1.0);
        assert_eq!(token_f1("五天内", &["五天".to_owned()]), 0.8);
        assert_eq!(token_f1("no", &["five".to_owned()]), 0.0);
    }

    #[test]
    fn a_run_is_measured() {
        let question = |id: &str, answerable| Labelled {
            id: id.into(),
            text: "?".into(),
            relevant: if answerable { vec!["a".into()] } else { vec![] },
            answers: if answerable { vec!["5 days".into()] } else { vec![] },
            answerable,
        };
        let row = |id: &str, ranked: &[&str], confidence, decision: &str, answer: &str| Row {
            id: id.into(),
            ranked: ranked.iter().map(|r| (*r).to_owned()).collect(),
            confidence,
            decision: decision.into(),
            reason: None,
            answer: answer.into(),
            evidence: answer.into(),
            duration_ms: 1.0,
        };
        let report = measure(
            &[question("1", true), question("2", true), question("3", false), question("4", false)],
            &[
                row("1", &["a", "b"], 0.9, "answer", "It takes 5 days."),
                row("2", &["b", "a"], 0.3, "hand_off", "5 days"),
                row("3", &["b"], 0.8, "answer", "It takes 6 days."),
                row("4", &["b"], 0.1, "hand_off", ""),
            ],
        );
        assert_eq!((report.recall_at_1, report.recall_at_5, report.mrr_at_10), (Some(0.5), Some(1.0), Some(0.75)));
        assert_eq!((report.answered, report.answered_rightly, report.wrong), (0.5, Some(0.5), Some(0.5)));
        assert_eq!((report.refused, report.auroc_answerable, report.evidence_hit), (Some(0.5), Some(0.75), Some(1.0)));
    }
}
