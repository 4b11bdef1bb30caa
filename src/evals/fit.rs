//! Fits confidence and its thresholds to labelled answers. Pure, and the same numbers every time.

use crate::{
    platform::language::Language,
    turn::confidence::{self, Calibration, Inputs, LanguageFit, Logistic, Risk},
};

/// A question that was asked, and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// Which set it is of.
    pub set: String,
    pub language: Language,
    pub inputs: Inputs,
    /// Whether the documents answer it.
    pub is_answerable: bool,
    /// Whether what would be sent answers it.
    pub is_right: bool,
    /// Set apart with its answer taken out of the documents: counts less, and is not counted among the answers sent.
    pub is_removed: bool,
}

/// What a question whose document was taken out counts for beside one as it was written: for whether the answer is there,
/// and for whether what is quoted answers. Such questions are easy to tell: with more of them, confidence in what is
/// written is too low; with none, it knows too little of what is not in the documents at all.
const REMOVED: f64 = 0.3;
const REMOVED_FOR_RIGHT: f64 = 0.1;
/// How strongly weights are held near zero (of inputs brought to variance 1).
const RIDGE: f64 = 10.0;
/// The share of wrong answers that a threshold is given for.
const RATES: [f64; 13] = [0.01, 0.02, 0.03, 0.05, 0.08, 0.1, 0.12, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5];
/// How sure a threshold must be of its rate: 1 - δ.
pub const DELTA: f64 = 0.05;

/// The models of both languages, without thresholds.
pub fn models(examples: &[Example]) -> Calibration {
    let mut sets: Vec<String> = examples.iter().map(|e| e.set.clone()).collect();
    sets.sort();
    sets.dedup();
    let of = |language: Language| {
        let own: Vec<&Example> = examples.iter().filter(|e| e.language == language).collect();
        LanguageFit {
            found: logistic(&own, REMOVED, |e| e.inputs.found().to_vec(), |e| e.is_answerable),
            right: logistic(&own, REMOVED_FOR_RIGHT, |e| e.inputs.right().to_vec(), |e| e.is_right),
        }
    };
    let questions = examples.iter().filter(|e| !e.is_removed).count();
    Calibration { fitted_on: sets, questions, en: of(Language::En), zh: of(Language::Zh), risks: Vec::new() }
}

/// The models, and thresholds from answers whose confidence came from models that did not see their question: five
/// parts, each judged by the other four.
pub fn calibrate(examples: &[Example]) -> Calibration {
    let mut calibration = models(examples);
    calibration.risks = risks(&out_of_fold(examples));
    calibration
}

/// The confidence of every question as written, by models fitted without its fifth of the questions.
pub fn out_of_fold(examples: &[Example]) -> Vec<(f64, bool)> {
    const PARTS: usize = 5;
    let mut scored = Vec::new();
    // The variants of a question stand at the same place of their round, so they fall into the same part.
    let part = |e: &Example, i: usize| place(examples, e, i) % PARTS;
    for held in 0..PARTS {
        let rest: Vec<Example> =
            examples.iter().enumerate().filter(|(i, e)| part(e, *i) != held).map(|(_, e)| e.clone()).collect();
        let fitted = models(&rest);
        let own = examples.iter().enumerate().filter(|(i, e)| part(e, *i) == held && !e.is_removed);
        scored.extend(own.map(|(_, e)| (confidence::of_inputs(&fitted, e.language, &e.inputs), e.is_right)));
    }
    scored
}

/// Where a question stands in its round of its set.
fn place(examples: &[Example], example: &Example, at: usize) -> usize {
    let first = examples.iter().position(|e| e.set == example.set).unwrap_or(0);
    let as_written = examples.iter().filter(|e| e.set == example.set && !e.is_removed).count().max(1);
    (at - first) % as_written
}

/// For each rate the lowest confidence for which it is proven, at 1 - δ, that no more of the answers are wrong.
///
/// Learn-then-Test with a fixed sequence (Angelopoulos, Bates, Candès, Jordan, Lei: "Learn then Test", 2021): from the
/// surest answers downwards, the claim "more than `rate` are wrong" is tested by the binomial tail until it can no longer
/// be rejected. It holds for questions like those of `scored`, drawn from the same source; others may differ.
pub fn risks(scored: &[(f64, bool)]) -> Vec<Risk> {
    let mut sorted = scored.to_vec();
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
    RATES
        .iter()
        .map(|rate| {
            let (confidence, count) = lowest(&sorted, *rate);
            Risk { rate: *rate, confidence, coverage: count as f64 / sorted.len().max(1) as f64 }
        })
        .collect()
}

/// The lowest confidence that keeps `rate`, and how many are answered with it. `sorted` by falling confidence.
pub fn lowest(sorted: &[(f64, bool)], rate: f64) -> (Option<f64>, usize) {
    let mut best = (None, 0);
    let mut wrong = 0;
    // So few can't prove the rate even when all are right: the first claim tested is the first that can be rejected.
    let least = ((DELTA.ln() / (1.0 - rate).ln()).ceil() as usize).max(1);
    for (i, (confidence, is_right)) in sorted.iter().enumerate() {
        wrong += usize::from(!is_right);
        let count = i + 1;
        // Equal confidence is answered together; thresholds are tried every twentieth of what is there.
        let is_step = count % (sorted.len() / 40).max(1) == 0 || count == sorted.len();
        if sorted.get(count).is_some_and(|next| next.0 == *confidence) || count < least || !is_step {
            continue;
        }
        // A fixed sequence ends at its first failure.
        if binomial_tail(wrong, count, rate) > DELTA {
            break;
        }
        best = (Some(*confidence), count);
    }
    best
}

/// How often, over 200 random halves, a threshold from one half keeps `rate` on the other, and the mean share answered.
pub fn splits(scored: &[(f64, bool)], rate: f64) -> (f64, f64) {
    const SPLITS: u64 = 200;
    let mut kept = 0.0;
    let mut coverage = 0.0;
    for split in 0..SPLITS {
        let mut next = random(split);
        let (mut known, fresh): (Vec<_>, Vec<_>) = scored.iter().copied().partition(|_| next() < 0.5);
        known.sort_by(|a, b| b.0.total_cmp(&a.0));
        let threshold = lowest(&known, rate).0.unwrap_or(f64::INFINITY);
        let answered = fresh.iter().filter(|(confidence, _)| *confidence >= threshold);
        let (count, wrong) = answered.fold((0usize, 0usize), |(n, w), (_, right)| (n + 1, w + usize::from(!right)));
        kept += f64::from(u8::from(wrong as f64 <= rate * count as f64));
        coverage += count as f64 / fresh.len().max(1) as f64;
    }
    (kept / SPLITS as f64, coverage / SPLITS as f64)
}

/// Numbers from 0 to 1 that look random and are the same every time.
fn random(seed: u64) -> impl FnMut() -> f64 {
    let mut state = (seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// The probability of at most `wrong` wrong ones among `count` when each is wrong with probability `rate`.
pub fn binomial_tail(wrong: usize, count: usize, rate: f64) -> f64 {
    let mut term = (count as f64 * (1.0 - rate).ln()).exp();
    let mut sum = term;
    for k in 1..=wrong {
        term *= (count - k + 1) as f64 / k as f64 * rate / (1.0 - rate);
        sum += term;
    }
    sum.min(1.0)
}

/// A logistic model by Newton's method, its weights held near zero.
fn logistic(
    examples: &[&Example],
    removed: f64,
    inputs: impl Fn(&Example) -> Vec<f64>,
    label: impl Fn(&Example) -> bool,
) -> Logistic {
    let rows: Vec<Vec<f64>> = examples.iter().map(|e| inputs(e)).collect();
    let Some(width) = rows.first().map(Vec::len) else { return Logistic::default() };
    let weights: Vec<f64> = examples.iter().map(|e| if e.is_removed { removed } else { 1.0 }).collect();
    let total: f64 = weights.iter().sum();
    let at = |row: &Vec<f64>, j: usize| row.get(j).copied().unwrap_or(0.0);
    let mean: Vec<f64> =
        (0..width).map(|j| rows.iter().zip(&weights).map(|(r, w)| w * at(r, j)).sum::<f64>() / total).collect();
    let spread: Vec<f64> = (0..width)
        .map(|j| {
            let m = at(&mean, j);
            let squares: f64 = rows.iter().zip(&weights).map(|(r, w)| w * (at(r, j) - m).powi(2)).sum();
            (squares / total).sqrt().max(1e-6)
        })
        .collect();
    let scaled: Vec<Vec<f64>> = rows
        .iter()
        .map(|r| std::iter::once(1.0).chain((0..width).map(|j| (at(r, j) - at(&mean, j)) / at(&spread, j))).collect())
        .collect();
    let mut beta = vec![0.0; width + 1];
    for _ in 0..50 {
        let mut gradient = vec![0.0; width + 1];
        let mut hessian = vec![vec![0.0; width + 1]; width + 1];
        for ((row, weight), example) in scaled.iter().zip(&weights).zip(examples) {
            let z: f64 = row.iter().zip(&beta).map(|(x, b)| x * b).sum();
            let p = 1.0 / (1.0 + (-z).exp());
            let error = weight * (p - f64::from(u8::from(label(example))));
            for ((x, g), line) in row.iter().zip(gradient.iter_mut()).zip(hessian.iter_mut()) {
                *g += error * x;
                for (y, h) in row.iter().zip(line.iter_mut()) {
                    *h += weight * p * (1.0 - p) * x * y;
                }
            }
        }
        for (j, ((g, line), b)) in gradient.iter_mut().zip(hessian.iter_mut()).zip(&beta).enumerate() {
            let held = if j == 0 { 1e-6 } else { RIDGE };
            *g += held * b;
            if let Some(h) = line.get_mut(j) {
                *h += held;
            }
        }
        let step = solve(hessian, gradient);
        let size: f64 = step.iter().map(|s| s.abs()).sum();
        beta.iter_mut().zip(&step).for_each(|(b, s)| *b -= s);
        if size < 1e-9 {
            break;
        }
    }
    let raw: Vec<f64> = (0..width).map(|j| at(&beta, j + 1) / at(&spread, j)).collect();
    let shift: f64 = raw.iter().zip(&mean).map(|(w, m)| w * m).sum();
    let rounded = |x: f64| (x * 1e4).round() / 1e4;
    Logistic { intercept: rounded(at(&beta, 0) - shift), weights: raw.into_iter().map(rounded).collect() }
}

/// Solves `matrix · x = vector` by elimination.
fn solve(mut matrix: Vec<Vec<f64>>, mut vector: Vec<f64>) -> Vec<f64> {
    let n = vector.len();
    for column in 0..n {
        let cell = |m: &Vec<Vec<f64>>, r: usize| m.get(r).and_then(|l| l.get(column)).copied().unwrap_or(0.0);
        let pivot =
            (column..n).max_by(|a, b| cell(&matrix, *a).abs().total_cmp(&cell(&matrix, *b).abs())).unwrap_or(column);
        matrix.swap(column, pivot);
        vector.swap(column, pivot);
        let (Some(line), Some(value)) = (matrix.get(column).cloned(), vector.get(column).copied()) else { continue };
        let divisor = line.get(column).copied().filter(|d| d.abs() > 1e-12).unwrap_or(1e-12);
        for row in 0..n {
            if row == column {
                continue;
            }
            let by = cell(&matrix, row) / divisor;
            if let Some(target) = matrix.get_mut(row) {
                target.iter_mut().zip(&line).for_each(|(t, l)| *t -= by * l);
            }
            if let Some(target) = vector.get_mut(row) {
                *target -= by * value;
            }
        }
    }
    let diagonal =
        |i: usize| matrix.get(i).and_then(|l| l.get(i)).copied().filter(|d| d.abs() > 1e-12).unwrap_or(1e-12);
    vector.iter().enumerate().map(|(i, v)| v / diagonal(i)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(score: f64, is_right: bool) -> Example {
        let inputs =
            Inputs { score, normalised: score / 4.0, within: score / 4.0, kind: 0.0, margin: 0.1, negated: 0.0 };
        Example {
            set: "s".into(),
            language: Language::En,
            inputs,
            is_answerable: is_right,
            is_right,
            is_removed: false,
        }
    }

    #[test]
    fn a_known_slope_is_found_again() {
        let mut next = random(7);
        let examples: Vec<Example> = (0..4000)
            .map(|_| {
                let score = 4.0 * next();
                example(score, next() < 1.0 / (1.0 + (-(3.0 * score - 6.0)).exp()))
            })
            .collect();
        let calibration = models(&examples);
        for score in [1.0_f64, 2.0, 3.0] {
            let expected = 1.0 / (1.0 + (-(3.0 * score - 6.0)).exp());
            let found = confidence::found(&calibration, Language::En, &example(score, true).inputs);
            assert!((found - expected).abs() < 0.05, "{score}: {found} instead of {expected}");
        }
    }

    #[test]
    fn the_binomial_tail_is_the_sum_of_its_terms() {
        assert!((binomial_tail(0, 10, 0.1) - 0.9f64.powi(10)).abs() < 1e-12);
        assert!((binomial_tail(1, 3, 0.5) - 0.5).abs() < 1e-12);
        assert!((binomial_tail(5, 5, 0.3) - 1.0).abs() < 1e-12);
    }

    /// The promise of the risk dial: on fresh questions of the same kind the share of wrong answers stays below the rate
    /// in at least 95 of 100 cases.
    #[test]
    fn thresholds_keep_their_rate_on_fresh_questions() {
        for rate in [0.05, 0.1, 0.2] {
            let mut kept = 0;
            for split in 0..200 {
                let mut next = random(1000 + split);
                let mut draw = |n: usize| -> Vec<(f64, bool)> {
                    (0..n)
                        .map(|_| {
                            let confidence = next();
                            (confidence, next() < 0.2 + 0.8 * confidence.powf(0.7))
                        })
                        .collect()
                };
                let mut known = draw(500);
                known.sort_by(|a, b| b.0.total_cmp(&a.0));
                let threshold = lowest(&known, rate).0.unwrap_or(1.1);
                let fresh = draw(20_000);
                let sent: Vec<_> = fresh.iter().filter(|(c, _)| *c >= threshold).collect();
                let wrong = sent.iter().filter(|(_, right)| !right).count();
                kept += usize::from(wrong as f64 <= rate * sent.len().max(1) as f64);
            }
            assert!(kept >= 190, "{rate}: kept {kept} times of 200");
        }
    }

    #[test]
    fn too_few_labels_promise_nothing() {
        let few: Vec<(f64, bool)> = (0..20).map(|i| (f64::from(i) / 20.0, true)).collect();
        let risks = risks(&few);
        assert!(risks.iter().filter(|r| r.rate < 0.1).all(|r| r.confidence.is_none()));
        assert!(risks.iter().any(|r| r.rate >= 0.2 && r.confidence.is_some()));
    }
}
