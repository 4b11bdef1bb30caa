//! The sentences of several passages in one order.

use super::read::Read;

/// A sentence of one of the passages that were read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pick {
    /// Which passage, in the order given.
    pub passage: usize,
    /// Which of its [`Read::sentences`].
    pub sentence: usize,
    pub score: f32,
}

/// What it counts for a sentence to stand at the beginning of a document that is titled with the question.
const LEAD: f32 = 0.25;

/// The sentences of the first passages, best first.
pub fn picks(reads: &[&Read]) -> Vec<Pick> {
    let mut picks: Vec<Pick> = reads
        .iter()
        .take(3)
        .enumerate()
        .flat_map(|(passage, read)| {
            read.sentences.iter().take(6).enumerate().map(move |(sentence, scored)| Pick {
                passage,
                sentence,
                score: scored.score + 0.1 * read.score + if scored.fits >= 0.0 { LEAD * read.lead } else { 0.0 },
            })
        })
        .collect();
    picks.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.passage.cmp(&b.passage)).then(a.sentence.cmp(&b.sentence)));
    picks
}
