//! One order for both engines.

use std::{cmp::Ordering, collections::HashMap};

use uuid::Uuid;

use super::{Decayed, Hit};

/// So many equals past the end are looked at; beyond, the engine's choice stands.
const MOST_EQUALS: usize = 4096;

/// Sorts by `lexical`, then `dense`, both falling, then id.
pub fn sort(hits: &mut [Hit]) {
    hits.sort_by(|a, b| falling(a.lexical, b.lexical).then(falling(a.dense, b.dense)).then(a.id.cmp(&b.id)));
}

/// How many to ask an engine for when `limit` are wanted: a few more, to see whether equals continue past the end.
pub fn first_ask(limit: usize) -> usize {
    limit.saturating_add(8)
}

/// The first `limit` of `found`, of equals those with the smaller ids. Complete are its first `asked`: so many the
/// engine was asked for. An `Err` says how many to ask for instead: equals continue past what it gave, so which of them
/// belong in is not known yet.
pub fn best(mut found: Vec<(Uuid, f32)>, limit: usize, asked: usize) -> Result<Vec<(Uuid, f32)>, usize> {
    found.sort_by(|a, b| falling(a.1, b.1).then(a.0.cmp(&b.0)));
    if let (Some(inside), Some(end)) = (found.get(limit.saturating_sub(1)), found.get(asked.saturating_sub(1)))
        && step(inside.1) == step(end.1)
        && asked < limit.saturating_add(MOST_EQUALS)
    {
        return Err(asked.saturating_mul(4));
    }
    found.truncate(limit);
    Ok(found)
}

/// How many candidates age is looked at for.
pub fn candidates(limit: usize) -> usize {
    limit.saturating_mul(4).max(200)
}

/// The best `limit` of aged points.
pub fn decayed(mut found: Vec<(Uuid, f32)>, limit: usize) -> Vec<Decayed> {
    found.sort_by(|a, b| falling(a.1, b.1).then(a.0.cmp(&b.0)));
    found.into_iter().take(limit).map(|(id, score)| Decayed { id, score }).collect()
}

/// One list of the best `limit` by words and the best `limit` by meaning. Each list may hold more than its best, to
/// give a score to what the other brought up. `Err` as in [`best`].
pub fn union(
    by_words: Vec<(Uuid, f32)>,
    by_meaning: Vec<(Uuid, f32)>,
    limit: usize,
    asked: usize,
) -> Result<Vec<Hit>, usize> {
    let lexical: HashMap<Uuid, f32> = by_words.iter().copied().collect();
    let dense: HashMap<Uuid, f32> = by_meaning.iter().copied().collect();
    let mut ids: Vec<Uuid> = best(by_words, limit, asked)?.into_iter().map(|(id, _)| id).collect();
    ids.extend(best(by_meaning, limit, asked)?.into_iter().map(|(id, _)| id));
    ids.sort_unstable();
    ids.dedup();
    let score = |of: &HashMap<Uuid, f32>, id| of.get(&id).copied().unwrap_or(0.0);
    let mut hits: Vec<Hit> =
        ids.into_iter().map(|id| Hit { id, lexical: score(&lexical, id), dense: score(&dense, id) }).collect();
    sort(&mut hits);
    Ok(hits)
}

fn falling(a: f32, b: f32) -> Ordering {
    step(b).cmp(&step(a))
}

/// Engines add up the words of a vector in different orders, so the last digits of a score are noise.
fn step(score: f32) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "saturates, and scores are far smaller")]
    let step = (f64::from(score) * 1e4).round() as i64;
    step
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(id: u128, lexical: f32, dense: f32) -> Hit {
        Hit { id: Uuid::from_u128(id), lexical, dense }
    }

    #[test]
    fn equals_stand_in_the_order_of_their_ids() {
        let mut hits = [hit(3, 1.0, 0.0), hit(1, 0.999_999_9, 0.0), hit(2, 1.0, 0.5), hit(4, 7.0, 0.0)];
        sort(&mut hits);
        assert_eq!(hits.map(|h| h.id.as_u128()), [4, 2, 1, 3]);
    }

    #[test]
    fn a_tie_across_the_end_asks_for_more() {
        let found = |scores: &[f32]| scores.iter().zip(1..).map(|(s, id)| (Uuid::from_u128(id), *s)).collect();
        assert_eq!(best(found(&[3.0, 2.0, 2.0]), 2, 3), Err(12));
        assert_eq!(best(found(&[3.0, 2.0, 1.0]), 2, 3).unwrap().len(), 2);
        assert_eq!(best(found(&[3.0, 2.0, 2.0]), 2, 4).unwrap().len(), 2, "there is nothing more to come");
        assert_eq!(best(found(&[]), 2, 3), Ok(vec![]));
    }
}
