//! The two sides of BM25 as sparse vectors.

use super::each_term;

/// BM25: how soon repeating a word stops adding to a passage's score.
pub const K1: f32 = 1.2;
/// BM25: how much a passage pays for being longer than the average.
pub const B: f32 = 0.6;

/// A vector with few entries: `indices` are sorted and unique.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SparseVector {
    pub indices: Vec<u32>,
    pub values: Vec<f32>,
}

impl SparseVector {
    /// From `(index, value)` pairs in any order; the values of equal indices are added.
    pub fn from_pairs(mut pairs: Vec<(u32, f32)>) -> Self {
        pairs.sort_unstable_by_key(|(index, _)| *index);
        let mut vector = Self { indices: Vec::with_capacity(pairs.len()), values: Vec::with_capacity(pairs.len()) };
        for (index, value) in pairs {
            match (vector.indices.last(), vector.values.last_mut()) {
                (Some(last), Some(sum)) if *last == index => *sum += value,
                _ => {
                    vector.indices.push(index);
                    vector.values.push(value);
                }
            }
        }
        vector
    }

    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// The dot product.
    pub fn dot(&self, other: &Self) -> f32 {
        let mut sum = 0.0;
        let mut theirs = other.indices.iter().zip(&other.values).peekable();
        for (index, value) in self.indices.iter().zip(&self.values) {
            while theirs.next_if(|(i, _)| *i < index).is_some() {}
            if let Some((_, v)) = theirs.next_if(|(i, _)| *i == index) {
                sum += value * v;
            }
        }
        sum
    }
}

/// The term-frequency side of BM25 for a passage made of `fields`, each counting `weight` times, with its length in
/// tokens (that of the fields times their weight, as `average_length` must have been taken too).
/// Its dot product with a [`query_vector`] is the BM25 score.
pub fn document_vector(fields: &[(&str, f32)], average_length: f32) -> (SparseVector, u32) {
    let mut pairs: Vec<(u32, f32)> = Vec::with_capacity(fields.iter().map(|(text, _)| text.len() / 3).sum());
    for (text, weight) in fields {
        each_term(text, |id| pairs.push((id, *weight)));
    }
    let length: f32 = pairs.iter().map(|(_, weight)| weight).sum();
    let mut vector = SparseVector::from_pairs(pairs);
    let norm = K1 * (1.0 - B + B * length / average_length.max(1.0));
    for value in &mut vector.values {
        *value = *value * (K1 + 1.0) / (*value + norm);
    }
    (vector, length.round() as u32)
}

/// The inverse document frequency of a term that `document_frequency` of `entries` passages hold. A small collection
/// is taken for one of a hundred passages: with three of them, a word that one holds is no less telling than in a
/// hundred, and a word of the question that none holds does not outweigh all others.
pub fn idf(document_frequency: u64, entries: u64) -> f32 {
    const FEW: u64 = 100;
    let (df, n) = (document_frequency as f64, entries.max(document_frequency).max(FEW) as f64);
    (1.0 + (n - df + 0.5) / (df + 0.5)).ln() as f32
}

/// The query side of BM25: one entry per term with its weight, which is its [`idf`] times what the caller makes of it.
pub fn query_vector(terms: &[(u32, f32)]) -> SparseVector {
    let mut terms = terms.to_vec();
    terms.sort_unstable_by_key(|(id, _)| *id);
    terms.dedup_by_key(|(id, _)| *id);
    SparseVector::from_pairs(terms)
}
