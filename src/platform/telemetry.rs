//! Logs and metrics. Never message text, names, numbers or tokens in either.

use std::sync::LazyLock;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::{EnvFilter, fmt};

/// Whether `filter` is one that [`start_logs`] understands.
pub fn is_filter(filter: &str) -> bool {
    EnvFilter::try_new(filter).is_ok()
}

/// Starts logging to standard error: `filter` as in `info,frontdesk=debug`, as text or as JSON lines.
pub fn start_logs(filter: &str, json: bool) {
    // The vector engine tells its inner life at every start; `filter` may ask for it again.
    let filter = format!("qdrant_edge=error,{filter}");
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let logs = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // A second start (tests) keeps the first.
    let _ = if json { logs.json().try_init() } else { logs.try_init() };
}

/// The metrics of this process, collected from the first call on.
pub fn metrics() -> &'static PrometheusHandle {
    static METRICS: LazyLock<PrometheusHandle> = LazyLock::new(|| {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        let _ = metrics::set_global_recorder(recorder);
        handle
    });
    &METRICS
}

/// A phone number or address for a log: the last two characters only.
pub fn masked(text: &str) -> String {
    let tail: String = text.chars().rev().take(2).collect::<Vec<_>>().into_iter().rev().collect();
    format!("…{tail}")
}
