//! The scripted customers of `evals/simulations`, without a model and with one.

use std::path::Path;

use frontdesk::{app::Config, simulate};

use crate::support::model::FakeModel;

async fn play(config: Config) -> simulate::Report {
    simulate::run(config, &Path::new(env!("CARGO_MANIFEST_DIR")).join("evals/simulations")).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn simulated_customers_are_served_without_a_model() {
    let report = play(Config::default()).await;
    eprintln!("{report}");
    assert!(report.held == report.of && report.of >= 30, "{report}");
}

/// A model that quotes: what is played is the plumbing, not how well it writes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn simulated_customers_are_served_with_a_model() {
    let fake = FakeModel::start().await;
    let report = play(Config { model: fake.chat_config(), ..Config::default() }).await;
    eprintln!("{report}");
    assert!(report.held == report.of && report.of >= 30, "{report}");
    assert!(fake.requests() > 0);
}
