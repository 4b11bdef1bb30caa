//! What speaks for and against there being an answer, as numbers that confidence is made of.

use super::{asked::Asked, pick::Pick, read::Read};

/// What the first passages and their sentences say about whether the question is answered at all.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Features {
    /// The best score of a passage.
    pub score: f32,
    /// Of the best passage: see [`Read`].
    pub normalised: f32,
    pub coverage: f32,
    pub exact: f32,
    pub pairs: f32,
    pub title: f32,
    pub rarest_missing: f32,
    pub names_missing: f32,
    /// Of the best sentence: see [`Scored`](super::Scored).
    pub own: f32,
    pub within: f32,
    pub sentence_pairs: f32,
    pub fits: f32,
    /// The same where the kind that is asked for is told by its unit; else 0.
    pub kind: f32,
    /// The rarity of the rarest term that the sentence and its title lack, as a share of the rarest term's.
    pub sentence_missing: f32,
    /// How far the best passage stands before the next of another text.
    pub margin: f32,
    /// How far the best sentence stands before the next.
    pub sentence_margin: f32,
    /// The share of the question's weight that no passage knows.
    pub unknown: f32,
    /// How many words of topic the question has.
    pub words: f32,
    /// The question says "not" and the sentence does not, or the sentence says the opposite of what is asked for. "Not" in
    /// the sentence alone is an answer ("We do not take cheques").
    pub negated: f32,
}

impl Features {
    /// From what was read, best passage first, and the [`picks`](super::picks()) among it.
    pub fn of(asked: &Asked, reads: &[&Read], picks: &[Pick]) -> Self {
        let known = |pick: &Pick| {
            let read = reads.get(pick.passage)?;
            Some((read, read.sentences.get(pick.sentence)?))
        };
        let Some((read, sentence)) = picks.first().and_then(known) else {
            return Self { unknown: 1.0, ..Self::default() };
        };
        let best = picks.first().map_or(0.0, |p| p.score);
        let next = picks.get(1).map_or(0.0, |p| p.score);
        let next_read =
            reads.iter().map(|r| r.score).filter(|s| *s < reads.first().map_or(0.0, |r| r.score)).fold(0.0, f32::max);
        let top = reads.first().map_or(0.0, |r| r.score);
        let total = asked.best_weight.max(f32::EPSILON);
        let unknown: f32 = asked.terms.iter().filter(|t| t.document_frequency == 0).map(|t| t.weight).sum();
        Self {
            score: top,
            normalised: reads.iter().map(|r| r.normalised).fold(0.0, f32::max),
            coverage: read.coverage,
            exact: read.exact,
            pairs: read.pairs,
            title: read.title,
            rarest_missing: read.rarest_missing,
            names_missing: read.names_missing,
            own: sentence.own,
            within: sentence.within,
            sentence_pairs: sentence.pairs,
            fits: sentence.fits,
            kind: if asked.wants.has_unit() { sentence.fits } else { 0.0 },
            sentence_missing: sentence.missing,
            margin: if top > 0.0 { (top - next_read) / top } else { 0.0 },
            sentence_margin: best - next,
            unknown: unknown / total,
            words: asked.topic_terms() as f32,
            negated: f32::from(asked.is_negated && !sentence.is_negated || sentence.is_opposed),
        }
    }
}
