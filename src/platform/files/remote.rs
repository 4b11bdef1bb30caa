//! A store that speaks S3: Amazon's, MinIO, Cloudflare R2, Aliyun OSS, Tencent COS and others.

use std::{path::Path, sync::Arc, time::Duration};

use futures::TryStreamExt;
use object_store::{
    Attribute, Attributes, ClientOptions, Error as StoreError, ObjectStore, ObjectStoreExt, RetryConfig,
    aws::AmazonS3Builder, buffered::BufWriter, path::Path as Key,
};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::platform::{
    crypto::hex,
    error::{Error, Result},
};

/// What a file's hash is called among its metadata.
const SHA256: &str = "sha256";
/// Larger files go in several parts; the store's own lower bound is 5 MiB.
const PART: usize = 8 << 20;
/// How long one request may take, a part up or a whole file down.
const REQUEST: Duration = Duration::from_secs(300);
/// How long a store that fails is tried again before that is said: jobs try again by themselves.
const RETRIES: Duration = Duration::from_secs(10);
/// How long the question may take whether the store is there.
const GLANCE: Duration = Duration::from_secs(5);

/// Where the store is and how it is entered.
#[derive(Debug)]
pub struct Place<'a> {
    pub bucket: &'a str,
    /// `None`: Amazon's own, by the region.
    pub endpoint: Option<&'a str>,
    pub region: &'a str,
    pub access_key: &'a str,
    /// Put before every key, when the bucket holds other things too.
    pub prefix: &'a str,
    /// The bucket stands in the endpoint's name, and not in the path.
    pub is_virtual_hosted: bool,
}

/// The store.
#[derive(Clone)]
pub struct Remote {
    store: Arc<dyn ObjectStore>,
    prefix: String,
}

impl Remote {
    pub fn open(place: &Place<'_>, secret_key: &str) -> Result<Self> {
        let is_plain = place.endpoint.is_some_and(|e| e.starts_with("http://"));
        let client = ClientOptions::new()
            .with_timeout(REQUEST)
            .with_connect_timeout(Duration::from_secs(5))
            .with_allow_http(is_plain);
        let retries = RetryConfig { max_retries: 3, retry_timeout: RETRIES, ..RetryConfig::default() };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(place.bucket)
            .with_region(place.region)
            .with_access_key_id(place.access_key)
            .with_secret_access_key(secret_key)
            .with_virtual_hosted_style_request(place.is_virtual_hosted)
            // Not every store that speaks S3 takes many deletions in one request.
            .with_disable_bulk_delete(true)
            .with_retry(retries)
            .with_client_options(client);
        if let Some(endpoint) = place.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        let store = builder.build().map_err(|e| Error::Invalid(format!("the file store can't be used: {e}")))?;
        let prefix = match place.prefix.trim_matches('/') {
            "" => String::new(),
            prefix => format!("{prefix}/"),
        };
        Ok(Self { store: Arc::new(store), prefix })
    }

    fn key(&self, path: &str) -> Key {
        Key::from(format!("{}{path}", self.prefix))
    }

    /// Streams the file at `from` to `path`, with its hash beside it.
    pub(super) async fn put(&self, path: &str, from: &Path) -> Result<()> {
        let mut attributes = Attributes::new();
        attributes.insert(Attribute::Metadata(SHA256.into()), hash(from).await?.into());
        let mut file = tokio::fs::File::open(from).await?;
        let mut writer = BufWriter::with_capacity(self.store.clone(), self.key(path), PART).with_attributes(attributes);
        if let Err(e) = tokio::io::copy(&mut file, &mut writer).await {
            // Parts that were sent cost until somebody throws them away.
            let _ = writer.abort().await;
            return Err(unavailable(e));
        }
        // From here on it throws them away by itself.
        writer.shutdown().await.map_err(unavailable)
    }

    /// Streams the file at `path` to `to`; false if there is none. Bytes that are not those that were put are an error.
    pub(super) async fn get(&self, path: &str, to: &Path) -> Result<bool> {
        let found = match self.store.get(&self.key(path)).await {
            Err(StoreError::NotFound { .. }) => return Ok(false),
            other => other.map_err(unavailable)?,
        };
        let expected = found.attributes.get(&Attribute::Metadata(SHA256.into())).map(|hash| hash.to_string());
        let size = found.meta.size;
        let mut file = tokio::fs::File::create(to).await?;
        let (mut sum, mut hash) = (0, Sha256::new());
        let mut chunks = found.into_stream();
        while let Some(chunk) = chunks.try_next().await.map_err(unavailable)? {
            sum += chunk.len() as u64;
            hash.update(&chunk);
            file.write_all(&chunk).await?;
        }
        file.flush().await?;
        if sum != size || expected.is_some_and(|expected| expected != hex(&hash.finalize())) {
            return Err(Error::Internal(anyhow::anyhow!(
                "the file store gave other bytes for {path} than it was given"
            )));
        }
        Ok(true)
    }

    pub(super) async fn remove(&self, path: &str) -> Result<()> {
        match self.store.delete(&self.key(path)).await {
            Err(StoreError::NotFound { .. }) | Ok(()) => Ok(()),
            Err(e) => Err(unavailable(e)),
        }
    }

    /// The paths of the files below `dir`.
    pub(super) async fn list(&self, dir: &str) -> Result<Vec<String>> {
        let below = self.key(dir);
        let found: Vec<_> = self.store.list(Some(&below)).try_collect().await.map_err(unavailable)?;
        let paths = found.iter().filter_map(|o| o.location.as_ref().strip_prefix(&self.prefix));
        Ok(paths.map(String::from).collect())
    }

    /// Whether the store can be asked for something.
    pub(super) async fn health(&self) -> Result<()> {
        let none = self.key("is-anybody-there");
        match tokio::time::timeout(GLANCE, self.store.head(&none)).await {
            Ok(Err(StoreError::NotFound { .. }) | Ok(_)) => Ok(()),
            Ok(Err(e)) => Err(unavailable(e)),
            Err(e) => Err(unavailable(e)),
        }
    }
}

async fn hash(path: &Path) -> Result<String> {
    let mut file = tokio::fs::File::open(path).await?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        let n = file.read(&mut buffer).await?;
        if n == 0 {
            return Ok(hex(&hash.finalize()));
        }
        hash.update(buffer.get(..n).unwrap_or_default());
    }
}

fn unavailable(source: impl Into<anyhow::Error>) -> Error {
    Error::Unavailable { service: "the file store", source: source.into() }
}
