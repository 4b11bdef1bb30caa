//! Which answer a question wants, learnt from the questions that companies list under each answer.
//!
//! Multinomial logistic regression over the words of a question, weighed by how rare they are, trained by stochastic
//! gradient descent with a falling step and few rounds, which is all the regularisation it needs. Where an answer has
//! one question only there is nothing to learn that likeness does not see.

use std::collections::{BTreeMap, HashMap};

use crate::platform::lexical;

/// From how many questions an answer on, on average.
const QUESTIONS_AN_ANSWER: usize = 3;
/// The most weights (words times answers): 16 MB.
const WEIGHTS: usize = 4 << 20;
/// How often each question is looked at. The numbers were chosen on CLINC150's and Banking77's questions, where from 5
/// to 20 rounds and steps from 1 to 2 accuracy stays within 0.4 points.
const ROUNDS: usize = 10;
/// The first step, and by how much of a round's number it falls.
const STEP: f32 = 1.0;
const FALL: f32 = 0.3;
/// An answer's own share changes more slowly than what its words say.
const INTERCEPT_STEP: f32 = 0.1;

/// What was learnt from questions and their answers. The same questions in the same order teach the same.
#[derive(Debug)]
pub struct Classifier {
    answers: HashMap<String, usize>,
    /// By term: its row of weights, and how rare it is.
    terms: HashMap<u32, (usize, f32)>,
    /// A row of one weight per answer for each term.
    weights: Vec<f32>,
    intercepts: Vec<f32>,
}

impl Classifier {
    /// Learns from `(question, answer)`. `None` where the answers have too few questions, or there are too many words
    /// and answers.
    pub fn learn(listed: &[(String, String)]) -> Option<Self> {
        let mut answers: HashMap<String, usize> = HashMap::new();
        for (_, answer) in listed {
            let next = answers.len();
            answers.entry(answer.clone()).or_insert(next);
        }
        if answers.len() < 2 || listed.len() < answers.len() * QUESTIONS_AN_ANSWER {
            return None;
        }
        let questions: Vec<Vec<u32>> = listed.iter().map(|(question, _)| term_ids(question)).collect();
        let mut frequencies: BTreeMap<u32, u64> = BTreeMap::new();
        questions.iter().flatten().for_each(|term| *frequencies.entry(*term).or_default() += 1);
        let count = answers.len();
        if frequencies.len() * count > WEIGHTS {
            return None;
        }
        let rarity = |df: u64| lexical::idf(df, listed.len() as u64);
        let terms = frequencies.iter().enumerate().map(|(row, (term, df))| (*term, (row, rarity(*df)))).collect();
        let mut classifier =
            Self { answers, terms, weights: vec![0.0; frequencies.len() * count], intercepts: vec![0.0; count] };
        let examples: Vec<(Vec<(usize, f32)>, usize)> = questions
            .iter()
            .zip(listed)
            .filter_map(|(terms, (_, answer))| Some((classifier.read(terms), *classifier.answers.get(answer)?)))
            .collect();
        classifier.train(&examples);
        Some(classifier)
    }

    fn train(&mut self, examples: &[(Vec<(usize, f32)>, usize)]) {
        let mut order: Vec<usize> = (0..examples.len()).collect();
        // A fixed sequence: two processes learn the same. Knuth's constants for a 64-bit linear congruential generator.
        let mut state = 1u64;
        let mut seen = 0usize;
        for _ in 0..ROUNDS {
            for at in (1..order.len()).rev() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                order.swap(at, ((state >> 33) as usize) % (at + 1));
            }
            for (question, answer) in order.iter().filter_map(|at| examples.get(*at)) {
                let step = STEP / (1.0 + FALL * seen as f32 / examples.len() as f32);
                seen += 1;
                let mut wrong_by = self.shares(question);
                if let Some(own) = wrong_by.get_mut(*answer) {
                    *own -= 1.0;
                }
                let count = wrong_by.len();
                for (row, value) in question {
                    let weights = self.weights.get_mut(row * count..(row + 1) * count).unwrap_or_default();
                    weights.iter_mut().zip(&wrong_by).for_each(|(weight, by)| *weight -= step * value * by);
                }
                let intercepts = self.intercepts.iter_mut().zip(&wrong_by);
                intercepts.for_each(|(intercept, by)| *intercept -= INTERCEPT_STEP * step * by);
            }
        }
    }

    /// How probable it is that `question` wants `answer`, for each answer it knows: together 1.
    pub fn probabilities(&self, question: &str) -> Probabilities<'_> {
        Probabilities { answers: &self.answers, shares: self.shares(&self.read(&term_ids(question))) }
    }

    /// The rows of the terms it knows, with their weights in a vector of length 1.
    fn read(&self, terms: &[u32]) -> Vec<(usize, f32)> {
        let mut known: Vec<(usize, f32)> = terms.iter().filter_map(|term| self.terms.get(term)).copied().collect();
        let length = known.iter().map(|(_, value)| value * value).sum::<f32>().sqrt().max(f32::EPSILON);
        known.iter_mut().for_each(|(_, value)| *value /= length);
        known
    }

    /// By answer, the softmax of the weights of what was asked.
    fn shares(&self, question: &[(usize, f32)]) -> Vec<f32> {
        let mut sums = self.intercepts.clone();
        let count = sums.len();
        for (row, value) in question {
            let weights = self.weights.get(row * count..(row + 1) * count).unwrap_or_default();
            sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += value * weight);
        }
        let most = sums.iter().copied().fold(f32::MIN, f32::max);
        sums.iter_mut().for_each(|sum| *sum = (*sum - most).exp());
        let all: f32 = sums.iter().sum();
        sums.iter_mut().for_each(|sum| *sum /= all);
        sums
    }
}

/// What a [`Classifier`] makes of one question.
#[derive(Debug)]
pub struct Probabilities<'a> {
    answers: &'a HashMap<String, usize>,
    shares: Vec<f32>,
}

impl Probabilities<'_> {
    /// 0 for an answer that was not known when it learnt.
    pub fn of(&self, answer: &str) -> f32 {
        self.answers.get(answer).and_then(|at| self.shares.get(*at)).copied().unwrap_or_default()
    }
}

fn term_ids(text: &str) -> Vec<u32> {
    let mut ids: Vec<u32> = lexical::tokens(text).into_iter().map(|token| token.id).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(question, answer)| ((*question).to_owned(), (*answer).to_owned())).collect()
    }

    const LISTED: [(&str, &str); 9] = [
        ("How do I reset my password?", "password"),
        ("I forgot my password", "password"),
        ("忘记密码怎么办", "password"),
        ("Where is my parcel?", "parcel"),
        ("my parcel is late", "parcel"),
        ("包裹还没到", "parcel"),
        ("Do you deliver to Penang?", "zones"),
        ("can you send it to Ipoh", "zones"),
        ("可以寄到槟城吗", "zones"),
    ];

    #[test]
    fn what_several_questions_share_decides() {
        let classifier = Classifier::learn(&listed(&LISTED)).unwrap();
        for (question, answer) in [
            ("reset the password please", "password"),
            ("我的包裹在哪里", "parcel"),
            ("do you deliver to Ipoh?", "zones"),
        ] {
            let probable = classifier.probabilities(question);
            let sum: f32 = ["password", "parcel", "zones"].iter().map(|a| probable.of(a)).sum();
            assert!(probable.of(answer) > 0.5, "{question}: {}", probable.of(answer));
            assert!((sum - 1.0).abs() < 1e-5);
            assert_eq!(probable.of("unknown"), 0.0);
        }
    }

    #[test]
    fn the_same_questions_teach_the_same() {
        let [a, b] = [(); 2].map(|()| Classifier::learn(&listed(&LISTED)).unwrap());
        assert_eq!(a.weights, b.weights);
        assert_eq!(a.intercepts, b.intercepts);
    }

    #[test]
    fn with_one_question_an_answer_there_is_nothing_to_learn() {
        assert!(Classifier::learn(&listed(&[("a b", "1"), ("c d", "2"), ("e f", "3")])).is_none());
        assert!(Classifier::learn(&listed(&LISTED[..3])).is_none(), "one answer is no choice");
        assert!(Classifier::learn(&[]).is_none());
    }
}
