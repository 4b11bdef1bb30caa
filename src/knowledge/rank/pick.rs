//! The sentences of several passages in one order.

use super::read::{Read, Scored};

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

/// From how many passages sentences are picked.
pub const QUOTED: usize = 3;

/// From how many bytes on a sentence says something by itself: eight Chinese characters, four English words.
const SAYS: usize = 24;

/// Whether a sentence can be an answer: it holds something of the question, or is long enough to say something under a
/// title that does. "updated: 2026-10-01" under "Showroom" is none to "Do you have a showroom?".
fn says_something(scored: &Scored) -> bool {
    scored.own > 0.0 || scored.fits > 0.0 || scored.range.len() >= SAYS
}

/// The sentences of the first passages, best first.
pub fn picks(reads: &[&Read]) -> Vec<Pick> {
    let mut picks: Vec<Pick> = reads
        .iter()
        .take(QUOTED)
        .enumerate()
        .flat_map(|(passage, read)| {
            let sentences = read.sentences.iter().take(6).enumerate().filter(|(_, scored)| says_something(scored));
            sentences.map(move |(sentence, scored)| Pick {
                passage,
                sentence,
                score: scored.score + 0.1 * read.score + if scored.fits >= 0.0 { LEAD * read.lead } else { 0.0 },
            })
        })
        .collect();
    picks.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.passage.cmp(&b.passage)).then(a.sentence.cmp(&b.sentence)));
    picks
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Asked, Text, read},
        *,
    };

    #[test]
    fn what_holds_nothing_of_the_question_and_says_nothing_is_never_picked() {
        let asked = Asked::read("Do you have a showroom?");
        let text = "updated: 2026-10-01\n\nOurs is open every day from ten to six.\n";
        let passage = Text { title: "Showroom and drop-off points", is_first: true, content: text, lexical: 1.0 };
        let read = read(&asked, passage);
        let picked: Vec<&str> =
            picks(&[&read]).iter().map(|p| &text[read.sentences[p.sentence].range.clone()]).collect();
        assert_eq!(picked.iter().map(|p| p.trim()).collect::<Vec<_>>(), ["Ours is open every day from ten to six."]);
    }
}
