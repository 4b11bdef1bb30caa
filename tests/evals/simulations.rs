//! The scripted customers of `evals/simulations`, without a model and with one.

use std::{collections::HashSet, path::Path};

use frontdesk::{
    app::Config,
    platform::{
        lexical,
        sentences::{self, Shape},
    },
    simulate,
};
use serde_json::{Value, json};

use crate::support::model::{Asked, FakeModel};

async fn play(config: Config) -> simulate::Report {
    simulate::run(config, &Path::new(env!("CARGO_MANIFEST_DIR")).join("evals/simulations")).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn simulated_customers_are_served_without_a_model() {
    let report = play(Config::default()).await;
    eprintln!("{report}");
    assert!(report.held == report.of && report.of >= 30, "{report}");
}

/// The sentence of the passages that shares most words with the question.
fn quoting_well(asked: &Asked) -> Value {
    let has = |key: &str| asked.schema.as_ref().is_some_and(|s| s["properties"].get(key).is_some());
    if has("facts") {
        return json!({"facts": []});
    }
    if has("question") {
        return json!({"question": asked.question()});
    }
    let words = |text: &str| {
        let mut words = HashSet::new();
        lexical::each_term(text, |id| {
            words.insert(id);
        });
        words
    };
    let question = words(&asked.question());
    let passages = asked.passages();
    let all = passages.iter().enumerate().flat_map(|(n, passage)| {
        let sentences = sentences::split(passage).into_iter().filter(|s| s.shape != Shape::Heading);
        sentences.map(move |s| (n + 1, &passage[s.range.clone()]))
    });
    let scored = all.map(|(n, text)| (words(text).intersection(&question).count(), n, text));
    match scored.max_by_key(|(shared, n, _)| (*shared, std::cmp::Reverse(*n))) {
        Some((2.., n, text)) => {
            json!({"kind": "answer", "sentences": [{"text": text, "citations": [{"passage": n, "quote": text}]}]})
        }
        _ => json!({"kind": "cannot_answer", "sentences": []}),
    }
}

/// With a model that quotes: what is played is the plumbing, not how well a model writes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn simulated_customers_are_served_with_a_model() {
    let fake = FakeModel::start().await;
    fake.answers(quoting_well);
    let report = play(Config { model: fake.chat_config(), ..Config::default() }).await;
    eprintln!("{report}");
    assert!(report.held == report.of && report.of >= 30, "{report}");
    assert!(fake.requests() > 0);
}
