//! `serve`: opens the data directory, starts the workers, listens, and winds down in order.

use std::{net::SocketAddr, process::ExitCode, sync::Arc, time::Duration};

use frontdesk::{
    app::{App, Config},
    assistants, demo, erasure, inbox, knowledge, memory,
    platform::{Error, Result, telemetry},
    staff::{self, FirstStart},
    web, worker,
};

use super::{
    Context,
    lock::{self, Running},
};

/// How long running jobs and open requests may take to end.
const GRACE: Duration = Duration::from_secs(20);
/// How long after a vector server that is away it is asked again.
const AGAIN: Duration = Duration::from_secs(5);

pub async fn serve(context: &Context, listen: Option<String>, with_demo: bool) -> Result<ExitCode> {
    let mut config = context.config()?;
    if let Some(listen) = listen {
        config.server.listen = listen;
    }
    telemetry::start_logs(&config.log.filter, config.log.json);
    let mut lock = lock::alone(&context.data_dir, "start this one")?;
    let address: SocketAddr = config
        .server
        .listen
        .parse()
        .map_err(|_| Error::Invalid(format!("'{}' is not an address like 127.0.0.1:8080", config.server.listen)))?;
    // Before anything else: a port in use must not cost a migration.
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .map_err(|e| Error::Invalid(format!("cannot listen on {address}: {e}; is another server running there?")))?;
    let address = listener.local_addr()?;
    config.server.listen = address.to_string(); // port 0 became a real one
    let app = context.open(config).await?;
    prepare(&app).await?;
    worker::start(&app).await?;
    if with_demo {
        demo::open(&app).await?;
    }
    let url = format!("http://{address}");
    let loopback = if address.ip().is_unspecified() { format!("http://127.0.0.1:{}", address.port()) } else { url };
    lock.announce(&Running { pid: std::process::id(), url: loopback.clone(), token: app.local_token.clone() })?;
    greet(&app, &loopback, with_demo).await?;

    let router = web::router(app.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let stopping = app.stopping.clone();
    let server = tokio::spawn(async move {
        axum::serve(listener, router).with_graceful_shutdown(async move { stopping.cancelled().await }).await
    });
    asked_to_stop().await;
    println!("Stopping …");
    app.stopping.cancel();
    // Streams end by themselves when the process is stopping; a client that hangs does not hold us.
    let _ = tokio::time::timeout(GRACE, server).await;
    wind_down(&app).await;
    drop(lock);
    println!("Stopped. Everything is kept in {}.", context.data_dir.display());
    Ok(ExitCode::SUCCESS)
}

/// What must be there before anything is answered: roles, the default organisation, its channel, what the last process
/// took in, a whole index.
pub async fn prepare(app: &Arc<App>) -> Result<()> {
    let org = staff::ensure_org(app, staff::DEFAULT_ORG, "My company").await?;
    inbox::ensure_web_channel(app, org).await?;
    inbox::bring_in(app).await?;
    erasure::apply(app).await?;
    assistants::model::refresh(app).await?;
    match reconcile(app).await {
        Err(error @ Error::Unavailable { .. }) => {
            tracing::error!(error = %error.chain(), "the search index can't be looked at yet: serving without it until it can");
            let app = app.clone();
            app.clone().spawn(async move { reconcile_later(&app).await });
            Ok(())
        }
        done => done,
    }
}

async fn reconcile(app: &App) -> Result<()> {
    knowledge::index::reconcile(app).await?;
    memory::reconcile(app).await
}

/// Tries until the vector server answers: meanwhile nothing is found, and people are called.
async fn reconcile_later(app: &App) {
    loop {
        tokio::select! {
            () = app.stopping.cancelled() => return,
            () = tokio::time::sleep(AGAIN) => {}
        }
        match reconcile(app).await {
            Ok(()) => {
                tracing::info!("the search index is whole");
                return;
            }
            Err(Error::Unavailable { .. }) => {}
            Err(error) => tracing::error!(error = %error.chain(), "the search index can't be brought in line"),
        }
    }
}

/// Ends the workers after the jobs they run, and closes what is open.
pub async fn wind_down(app: &App) {
    app.stopping.cancel();
    app.tasks.close();
    if tokio::time::timeout(GRACE, app.tasks.wait()).await.is_err() {
        tracing::warn!("some work did not end in time; it goes on at the next start");
    }
    app.close().await;
}

async fn asked_to_stop() {
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}

async fn greet(app: &Arc<App>, url: &str, with_demo: bool) -> Result<()> {
    let public = app.config.server.public_url.as_deref().unwrap_or(url).trim_end_matches('/').to_string();
    println!("Frontdesk {} is ready.", env!("CARGO_PKG_VERSION"));
    println!();
    println!("  Chat page    {public}/chat{}", if with_demo { "   (the demo company)" } else { "" });
    println!("  API          {public}/openapi.json");
    let org = staff::ensure_org(app, staff::DEFAULT_ORG, "My company").await?;
    let variable = |name: &str| std::env::vars().find(|(n, _)| n == name).map(|(_, v)| v);
    let file = variable("FRONTDESK_ADMIN_PASSWORD_FILE").map(std::path::PathBuf::from);
    match staff::first_start(app, org, variable("FRONTDESK_ADMIN_EMAIL").as_deref(), file.as_deref()).await? {
        FirstStart::HasAdmin => {}
        FirstStart::AdminMade { email } => println!("  First admin  {email}, with the password of the file"),
        FirstStart::SetUp { link } => println!("  First admin  {link}\n               (works once, within 24 hours)"),
    }
    if with_demo && let Some(demo) = staff::find_org(app, staff::DEMO_ORG).await? {
        // Its own organisation: who looks after the demo company sees nothing else.
        if let FirstStart::SetUp { link } = staff::first_start(app, demo.id, None, None).await? {
            println!("  Demo admin   {link}\n               (for the console of the demo company)");
        }
    }
    println!("  Runs on      {}", runs_on(app, &app.config));
    println!();
    println!("Ctrl-C stops it.");
    Ok(())
}

fn runs_on(app: &App, config: &Config) -> String {
    let database = if app.db.is_pg() { "PostgreSQL" } else { "SQLite" };
    let vectors = if config.vectors.url.is_some() { "Qdrant server" } else { "Qdrant Edge" };
    format!("{database} · {vectors} · {}", app.model.describe())
}
