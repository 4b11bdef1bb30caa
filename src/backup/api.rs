//! A backup over HTTP: as a stream, while everything goes on.

use std::{io, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;
use tokio::{runtime::Handle, sync::mpsc};
use tokio_stream::wrappers::ReceiverStream;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    app::App,
    platform::{Error, Result, http::Json},
    staff::{BackupRun, Can, audit},
};

/// How long the receiver may take nothing before the backup is given up: it holds a snapshot open, which makes the
/// database grow.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Debug, Deserialize, ToSchema)]
pub struct BackupBody {
    /// Also put the master key in. Whoever has the file can then open every channel's secrets.
    #[serde(default)]
    pub with_key: bool,
}

/// Take a backup of the whole installation, every organisation's.
///
/// The answer is the file; `frontdesk restore` takes it. A stream that ends early is no backup, and `restore` says so.
#[utoipa::path(post, path = "/api/backup", tag = "backup", request_body = BackupBody, responses((status = 200, description = "a gzipped tar archive", content_type = "application/gzip", body = Vec<u8>)))]
pub async fn take(State(app): State<Arc<App>>, by: Can<BackupRun>, Json(body): Json<BackupBody>) -> Result<Response> {
    let mut tx = app.begin().await?;
    let changes = json!({"with_key": body.with_key});
    audit(tx.conn(), app.now(), &by, "backup.take", ("backup", Uuid::now_v7()), changes).await?;
    tx.commit().await?;
    let name = format!("frontdesk-{}.tar.gz", app.now().format("%Y-%m-%d"));
    // Begun before the answer, so that a failure still gets its status.
    let snapshot = super::begin(&app).await?;
    let (chunks, received) = mpsc::channel(4);
    let pipe = io::BufWriter::with_capacity(64 << 10, Pipe { to: chunks.clone(), on: Handle::current() });
    app.spawn({
        let app = app.clone();
        async move {
            let written = tokio::select! {
                written = super::write(&app, snapshot, pipe, body.with_key) => written,
                () = app.stopping.cancelled() => Err(Error::Internal(anyhow::anyhow!("the process is stopping"))),
            };
            if let Err(error) = written {
                tracing::error!(error = %error.chain(), "backup failed");
                // Breaks the stream off: without it the receiver would take the beginning for the whole.
                let _ = chunks.send_timeout(Err(io::Error::other("the backup failed")), PATIENCE).await;
            }
        }
    });
    let headers = [
        (header::CONTENT_TYPE, "application/gzip".to_string()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    Ok((headers, Body::from_stream(ReceiverStream::new(received))).into_response())
}

/// The writing end of the answer, for a thread that may block.
struct Pipe {
    to: mpsc::Sender<io::Result<Bytes>>,
    on: Handle,
}

impl io::Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let chunk = Bytes::copy_from_slice(bytes);
        match self.on.block_on(self.to.send_timeout(Ok(chunk), PATIENCE)) {
            Ok(()) => Ok(bytes.len()),
            Err(_) => Err(io::Error::new(io::ErrorKind::BrokenPipe, "nobody takes the backup")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
