//! Rows for every table there is, so that a test sees tables that were added after it was written.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Days, Duration, NaiveDate, Utc};
use frontdesk::{
    both,
    platform::{
        backup::catalog::{self, Kind, Table},
        db::{Conn, Db},
    },
};
use serde_json::json;
use sqlx::{QueryBuilder, Row, types::Json};
use uuid::Uuid;

use super::app::monday;

/// Puts `count` rows into every table. What a row must not lack is filled; the rest in every other row.
pub async fn fill(db: &Db, count: usize) {
    let tables = catalog::tables(db.read().await.unwrap().conn()).await.unwrap();
    let mut keys: HashMap<&str, Vec<Uuid>> = HashMap::new();
    for table in &tables {
        for n in 0..count {
            let id = Uuid::now_v7();
            let mut tx = db.begin().await.unwrap();
            insert(tx.conn(), table, n, id, &keys).await;
            tx.commit().await.unwrap();
            keys.entry(&table.name).or_default().push(id);
        }
    }
}

async fn insert(c: Conn<'_>, table: &Table, n: usize, id: Uuid, keys: &HashMap<&str, Vec<Uuid>>) {
    both!(c, c => {
        let mut query = QueryBuilder::<DB>::new(format!("INSERT INTO \"{}\" (", table.name));
        let mut names = query.separated(", ");
        for column in &table.columns {
            names.push(format!("\"{}\"", column.name));
        }
        query.push(") VALUES (");
        let mut values = query.separated(", ");
        for column in &table.columns {
            let refers_to = table.references.iter().find(|r| r.column == column.name);
            let there = refers_to.map(|r| keys.get(r.table.as_str()).and_then(|ids| ids.get(n)).copied());
            if !column.required && (n % 2 == 1 || there == Some(None)) {
                values.push("NULL");
                continue;
            }
            let m = n as i64;
            match column.kind {
                Kind::Uuid => match there {
                    Some(key) => values.push_bind(key.unwrap()),
                    None if column.name == "id" => values.push_bind(id),
                    None => values.push_bind(Uuid::now_v7()),
                },
                Kind::Text => values.push_bind(format!("{n} {} \"it's\"\n\t\\ 退款 🛟 {id}", column.name)),
                Kind::Json => values.push_bind(Json(json!({"z": [1, 0.1, null, true], "a": {"中文": "\"\n"}, "n": id}))),
                Kind::Time => values.push_bind(monday() + Duration::microseconds(m * 1_234_567)),
                Kind::Date => values.push_bind(monday().date_naive() + Days::new(n as u64)),
                Kind::Boolean => values.push_bind(n.is_multiple_of(2)),
                Kind::Integer => values.push_bind(i32::MAX - n as i32),
                Kind::BigInteger => values.push_bind(i64::MAX - m),
                Kind::Float => values.push_bind(0.1 + 0.2 + m as f64),
                Kind::Bytes => values.push_bind(vec![0u8, 255, n as u8]),
            };
        }
        query.push(")");
        query.build().execute(c).await.map(|_| ())
    })
    .unwrap_or_else(|e| panic!("{}: {e}", table.name));
}

/// Everything in the database: table → rows, each as one line that both databases give alike.
pub async fn everything(db: &Db) -> BTreeMap<String, BTreeSet<String>> {
    let mut reader = db.read().await.unwrap();
    let mut all = BTreeMap::new();
    for table in catalog::tables(reader.conn()).await.unwrap() {
        all.insert(table.name.clone(), rows(reader.conn(), &table).await);
    }
    all
}

async fn rows(c: Conn<'_>, table: &Table) -> BTreeSet<String> {
    both!(c, c => {
        let mut query = QueryBuilder::<DB>::new("SELECT ");
        let mut names = query.separated(", ");
        for column in &table.columns {
            names.push(format!("\"{}\"", column.name));
        }
        query.push(format!(" FROM \"{}\"", table.name));
        let rows = query.build().fetch_all(c).await.unwrap();
        rows.iter().map(|row| {
            table.columns.iter().enumerate().map(|(at, column)| {
                let value = match column.kind {
                    Kind::Uuid => format!("{:?}", row.get::<Option<Uuid>, _>(at)),
                    Kind::Text => format!("{:?}", row.get::<Option<String>, _>(at)),
                    // PostgreSQL orders the keys.
                    Kind::Json => format!("{:?}", row.get::<Option<Json<Sorted>>, _>(at)),
                    Kind::Time => format!("{:?}", row.get::<Option<DateTime<Utc>>, _>(at)),
                    Kind::Date => format!("{:?}", row.get::<Option<NaiveDate>, _>(at)),
                    Kind::Boolean => format!("{:?}", row.get::<Option<bool>, _>(at)),
                    Kind::Integer => format!("{:?}", row.get::<Option<i32>, _>(at)),
                    Kind::BigInteger => format!("{:?}", row.get::<Option<i64>, _>(at)),
                    Kind::Float => format!("{:?}", row.get::<Option<f64>, _>(at)),
                    Kind::Bytes => format!("{:?}", row.get::<Option<Vec<u8>>, _>(at)),
                };
                format!("{}={value} ", column.name)
            }).collect::<String>()
        }).collect()
    })
}

/// JSON whose objects are ordered by key.
#[derive(Debug, serde::Deserialize)]
#[serde(untagged)]
#[allow(dead_code, reason = "read by Debug")]
enum Sorted {
    Object(BTreeMap<String, Sorted>),
    List(Vec<Sorted>),
    Leaf(serde_json::Value),
}
