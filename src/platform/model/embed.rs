//! Embeddings in batches: order restored, count, dimension and numbers checked.

use futures::{FutureExt, StreamExt, TryStreamExt};
use serde_json::{Value, json};

use super::{
    endpoint::{Api, Endpoint, Line},
    failure::Failure,
    wire,
};
use crate::platform::error::Result;

/// How many texts go into one request, and how many requests run side by side.
const BATCH: usize = 64;
const AT_ONCE: usize = 4;
/// Providers with a smaller limit refuse larger batches (DashScope takes 10).
const SMALL_BATCH: usize = 10;
/// Models read 8,000 tokens at most and many refuse more: that much is about 6,000 Chinese characters.
const LONGEST_TEXT: usize = 6_000;

/// What one provider was found to want.
#[derive(Debug, Clone, Copy, Default)]
pub struct Manner {
    has_small_batches: bool,
    /// The model can make shorter vectors and has to be told.
    says_dimensions: bool,
}

/// The vectors of `texts`, in their order.
pub async fn embed(endpoint: &Endpoint<Manner>, dimensions: u64, texts: &[String]) -> Result<Vec<Vec<f32>>> {
    // Boxed one by one: a stream that closes over borrowed batches is not `Send` for every lifetime.
    let requests: Vec<_> = texts.chunks(BATCH).map(|batch| embed_batch(endpoint, dimensions, batch).boxed()).collect();
    let batches: Vec<_> = futures::stream::iter(requests).buffered(AT_ONCE).try_collect().await?;
    Ok(batches.into_iter().flatten().collect())
}

async fn embed_batch(endpoint: &Endpoint<Manner>, dimensions: u64, batch: &[String]) -> Result<Vec<Vec<f32>>> {
    let made = endpoint.call("embed", async |line, call| {
        let mut manner = endpoint.learnt();
        let vectors = loop {
            match all(line, &endpoint.model, dimensions, manner, batch).await {
                Ok((vectors, tokens)) => {
                    call.prompt_tokens = tokens;
                    break vectors;
                }
                Err(failure) => manner = manner.after(&failure, batch.len()).ok_or(failure)?,
            }
        };
        endpoint.remember(manner);
        Ok(vectors)
    });
    let (vectors, _) = made.await?;
    Ok(vectors)
}

impl Manner {
    fn after(self, failure: &Failure, batch: usize) -> Option<Self> {
        match failure {
            Failure::WrongDimensions { .. } if !self.says_dimensions => Some(Self { says_dimensions: true, ..self }),
            Failure::Refused(refusal)
                if matches!(refusal.status, 400 | 413 | 422) && batch > SMALL_BATCH && !self.has_small_batches =>
            {
                Some(Self { has_small_batches: true, ..self })
            }
            _ => None,
        }
    }
}

async fn all(
    line: &Line,
    model: &str,
    dimensions: u64,
    manner: Manner,
    texts: &[String],
) -> Result<(Vec<Vec<f32>>, u64), Failure> {
    let (mut vectors, mut tokens) = (Vec::with_capacity(texts.len()), 0);
    for part in texts.chunks(if manner.has_small_batches { SMALL_BATCH } else { BATCH }) {
        let input: Vec<&str> = part.iter().map(|text| sendable(text)).collect();
        let body = if manner.says_dimensions {
            json!({"model": model, "input": input, "dimensions": dimensions})
        } else {
            json!({"model": model, "input": input})
        };
        let response = line.post(Api::Embeddings, &body).await?;
        tokens += wire::usage(&response).prompt_tokens;
        vectors.extend(read(&response, part.len(), dimensions)?);
    }
    Ok((vectors, tokens))
}

/// Providers refuse an empty text.
fn sendable(text: &str) -> &str {
    let text = text.char_indices().nth(LONGEST_TEXT).and_then(|(end, _)| text.get(..end)).unwrap_or(text);
    if text.trim().is_empty() { "-" } else { text }
}

fn read(response: &Value, count: usize, dimensions: u64) -> Result<Vec<Vec<f32>>, Failure> {
    let data = response.get("data").and_then(Value::as_array).ok_or(Failure::Malformed("no data"))?;
    if data.len() != count {
        return Err(Failure::Malformed("not one vector per text"));
    }
    let mut vectors: Vec<Option<Vec<f32>>> = vec![None; count];
    for (at, item) in data.iter().enumerate() {
        let index = match item.get("index") {
            Some(index) => index.as_u64().and_then(|i| usize::try_from(i).ok()),
            None => Some(at),
        };
        let place = index.and_then(|i| vectors.get_mut(i)).ok_or(Failure::Malformed("an index out of range"))?;
        if place.replace(vector(item, dimensions)?).is_some() {
            return Err(Failure::Malformed("an index twice"));
        }
    }
    vectors.into_iter().collect::<Option<Vec<_>>>().ok_or(Failure::Malformed("a vector is missing"))
}

fn vector(item: &Value, dimensions: u64) -> Result<Vec<f32>, Failure> {
    let numbers = item.get("embedding").and_then(Value::as_array).ok_or(Failure::Malformed("no embedding"))?;
    if numbers.len() as u64 != dimensions {
        return Err(Failure::WrongDimensions { wanted: dimensions, got: numbers.len() as u64 });
    }
    #[expect(clippy::cast_possible_truncation, reason = "vectors are kept in f32")]
    let vector: Vec<f32> = numbers.iter().map_while(Value::as_f64).map(|n| n as f32).collect();
    let is_usable =
        vector.len() == numbers.len() && vector.iter().all(|n| n.is_finite()) && vector.iter().any(|n| *n != 0.0);
    if is_usable { Ok(vector) } else { Err(Failure::Malformed("a vector of no use")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_come_back_in_the_order_of_their_texts() {
        let response = json!({"data": [
            {"index": 1, "embedding": [0.0, 1.0]},
            {"index": 0, "embedding": [1.0, 0.0]},
        ]});
        assert_eq!(read(&response, 2, 2), Ok(vec![vec![1.0, 0.0], vec![0.0, 1.0]]));
    }

    #[test]
    fn what_does_not_fit_is_no_embedding() {
        let good = json!({"index": 0, "embedding": [1.0, 0.0]});
        for (data, what) in [
            (json!([good]), "count"),
            (json!([good, good]), "the same index twice"),
            (json!([good, {"index": 2, "embedding": [1.0, 0.0]}]), "index out of range"),
            (json!([good, {"index": 1, "embedding": [1.0]}]), "dimension"),
            (json!([good, {"index": 1, "embedding": [0.0, 0.0]}]), "nothing but zeros"),
            (json!([good, {"index": 1, "embedding": [null, 1.0]}]), "not a number"),
            (json!([good, {"index": 1, "embedding": "AAAA"}]), "base64"),
            (json!("x"), "no list"),
        ] {
            assert!(read(&json!({"data": data}), 2, 2).is_err(), "{what}");
        }
    }

    #[test]
    fn long_texts_are_cut_at_a_character_and_empty_ones_filled() {
        assert_eq!(sendable(&"保".repeat(7_000)).chars().count(), LONGEST_TEXT);
        assert_eq!(sendable("short"), "short");
        assert_eq!(sendable("  "), "-");
    }
}
