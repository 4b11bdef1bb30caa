//! A Qdrant server over gRPC.

use serde_json::Value;
use uuid::Uuid;

use super::{Filter, Hit, Point, Search, Shape};
use crate::platform::error::{Error, Result};

/// A server's address and our names on it.
pub struct Server {}

impl Server {
    pub(super) fn open(_url: &str, _api_key: Option<&str>, _prefix: &str) -> Result<Self> {
        Err(Error::Invalid("vectors.url: not yet".into()))
    }
    pub(super) fn describe(&self) -> String {
        String::new()
    }
    pub(super) async fn create(&self, _collection: &str, _shape: Shape) -> Result<()> {
        Ok(())
    }
    pub(super) async fn drop_collection(&self, _collection: &str) -> Result<()> {
        Ok(())
    }
    pub(super) async fn collections(&self) -> Result<Vec<String>> {
        Ok(vec![])
    }
    pub(super) async fn upsert(&self, _collection: &str, _points: Vec<Point>) -> Result<()> {
        Ok(())
    }
    pub(super) async fn delete(&self, _collection: &str, _ids: &[Uuid]) -> Result<()> {
        Ok(())
    }
    pub(super) async fn delete_where(&self, _collection: &str, _filter: Filter) -> Result<()> {
        Ok(())
    }
    pub(super) async fn flush(&self, _collection: &str) -> Result<()> {
        Ok(())
    }
    pub(super) async fn optimize(&self, _collection: &str) -> Result<()> {
        Ok(())
    }
    pub(super) async fn count(&self, _collection: &str) -> Result<usize> {
        Ok(0)
    }
    pub(super) async fn ids(&self, _collection: &str, _field: Option<&str>) -> Result<Vec<(Uuid, Option<Value>)>> {
        Ok(vec![])
    }
    pub(super) async fn search(&self, _collection: &str, _search: Search) -> Result<Vec<Hit>> {
        Ok(vec![])
    }
    pub(super) async fn health(&self) -> Result<()> {
        Ok(())
    }
}
