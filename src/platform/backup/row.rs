//! A row as a line of JSON, and back.

use std::{borrow::Cow, collections::BTreeMap};

use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde_json::value::RawValue;
use sqlx::types::Json;
use uuid::Uuid;

use super::catalog::{Column, Kind, Table};
use crate::platform::{Error, Result};

/// A column's value, typed so that NULL has the column's type too.
pub enum Value {
    Uuid(Option<Uuid>),
    Text(Option<String>),
    Json(Option<Json<Box<RawValue>>>),
    Time(Option<DateTime<Utc>>),
    Date(Option<NaiveDate>),
    Boolean(Option<bool>),
    Integer(Option<i32>),
    BigInteger(Option<i64>),
    Float(Option<f64>),
    Bytes(Option<Vec<u8>>),
}

/// Reads the value at `$at` of a row of either database.
macro_rules! read {
    ($row:ident, $kind:expr, $at:expr) => {{
        use $crate::platform::backup::{catalog::Kind, row::Value};
        match $kind {
            Kind::Uuid => $row.try_get($at).map(Value::Uuid),
            Kind::Text => $row.try_get($at).map(Value::Text),
            Kind::Json => $row.try_get($at).map(Value::Json),
            Kind::Time => $row.try_get($at).map(Value::Time),
            Kind::Date => $row.try_get($at).map(Value::Date),
            Kind::Boolean => $row.try_get($at).map(Value::Boolean),
            Kind::Integer => $row.try_get($at).map(Value::Integer),
            Kind::BigInteger => $row.try_get($at).map(Value::BigInteger),
            Kind::Float => $row.try_get($at).map(Value::Float),
            Kind::Bytes => $row.try_get($at).map(Value::Bytes),
        }
    }};
}
pub(super) use read;

/// Binds a value in a list of either database.
macro_rules! bind {
    ($list:ident, $value:expr) => {{
        use $crate::platform::backup::row::Value;
        match $value {
            Value::Uuid(v) => $list.push_bind(v),
            Value::Text(v) => $list.push_bind(v),
            Value::Json(v) => $list.push_bind(v),
            Value::Time(v) => $list.push_bind(v),
            Value::Date(v) => $list.push_bind(v),
            Value::Boolean(v) => $list.push_bind(v),
            Value::Integer(v) => $list.push_bind(v),
            Value::BigInteger(v) => $list.push_bind(v),
            Value::Float(v) => $list.push_bind(v),
            Value::Bytes(v) => $list.push_bind(v),
        };
    }};
}
pub(super) use bind;

impl Value {
    /// The value as JSON; `None` for NULL.
    fn json(&self) -> Result<Option<Cow<'_, str>>> {
        fn text(value: &impl serde::Serialize) -> Result<String> {
            Ok(serde_json::to_string(value)?)
        }
        let json = match self {
            Self::Json(Some(Json(raw))) => return Ok(Some(one_line(raw)?)),
            Self::Uuid(v) => v.as_ref().map(text),
            Self::Text(v) => v.as_ref().map(text),
            Self::Json(None) => None,
            Self::Time(v) => v.map(|v| text(&v.to_rfc3339_opts(SecondsFormat::Micros, true))),
            Self::Date(v) => v.as_ref().map(text),
            Self::Boolean(v) => v.as_ref().map(text),
            Self::Integer(v) => v.as_ref().map(text),
            Self::BigInteger(v) => v.as_ref().map(text),
            // JSON has no words for what is not a number.
            Self::Float(v) => v.map(|v| if v.is_finite() { text(&v) } else { text(&v.to_string()) }),
            Self::Bytes(v) => v.as_ref().map(|v| text(&BASE64.encode(v))),
        };
        Ok(json.transpose()?.map(Cow::Owned))
    }

    /// From what `json` gave.
    fn parse(kind: Kind, raw: Option<&RawValue>) -> Result<Self, serde_json::Error> {
        fn of<T: serde::de::DeserializeOwned>(raw: Option<&RawValue>) -> Result<Option<T>, serde_json::Error> {
            raw.map(|r| serde_json::from_str(r.get())).transpose()
        }
        Ok(match kind {
            Kind::Uuid => Self::Uuid(of(raw)?),
            Kind::Text => Self::Text(of(raw)?),
            Kind::Json => Self::Json(raw.map(|r| Json(r.to_owned()))),
            Kind::Time => Self::Time(of(raw)?),
            Kind::Date => Self::Date(of(raw)?),
            Kind::Boolean => Self::Boolean(of(raw)?),
            Kind::Integer => Self::Integer(of(raw)?),
            Kind::BigInteger => Self::BigInteger(of(raw)?),
            // serde_json's own reading may be off by the last bit.
            Kind::Float => {
                let number = |r: &RawValue| r.get().trim_matches('"').parse().map_err(serde::de::Error::custom);
                Self::Float(raw.map(number).transpose()?)
            }
            Kind::Bytes => {
                let bytes = |text: String| BASE64.decode(text).map_err(serde::de::Error::custom);
                Self::Bytes(of(raw)?.map(bytes).transpose()?)
            }
        })
    }

    /// PostgreSQL can't hold the character U+0000, which SQLite takes: it becomes the sign for "unreadable".
    fn without_nul(self) -> Result<Self> {
        Ok(match self {
            Self::Text(Some(text)) if text.contains('\0') => Self::Text(Some(text.replace('\0', "\u{fffd}"))),
            Self::Json(Some(Json(raw))) if raw.get().contains("\\u0000") => {
                let mut value: serde_json::Value = serde_json::from_str(raw.get())?;
                replace_nul(&mut value);
                Self::Json(Some(Json(RawValue::from_string(value.to_string())?)))
            }
            other => other,
        })
    }
}

fn replace_nul(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::String(text) => *text = text.replace('\0', "\u{fffd}"),
        serde_json::Value::Array(items) => items.iter_mut().for_each(replace_nul),
        serde_json::Value::Object(fields) => {
            *fields = std::mem::take(fields)
                .into_iter()
                .map(|(key, mut value)| {
                    replace_nul(&mut value);
                    (key.replace('\0', "\u{fffd}"), value)
                })
                .collect();
        }
        _ => {}
    }
}

/// JSON as it is, unless somebody stored it over several lines.
fn one_line(raw: &RawValue) -> Result<Cow<'_, str>> {
    if raw.get().contains(['\n', '\r']) {
        return Ok(Cow::Owned(serde_json::from_str::<serde_json::Value>(raw.get())?.to_string()));
    }
    Ok(Cow::Borrowed(raw.get()))
}

/// Adds a row to `lines`.
pub fn write<'a>(row: impl Iterator<Item = (&'a Column, Value)>, lines: &mut Vec<u8>) -> Result<()> {
    let mut before = b'{';
    for (column, value) in row {
        if let Some(json) = value.json()? {
            lines.push(before);
            before = b',';
            serde_json::to_writer(&mut *lines, &column.name)?;
            lines.push(b':');
            lines.extend_from_slice(json.as_bytes());
        }
    }
    if before == b'{' {
        lines.push(b'{');
    }
    lines.extend_from_slice(b"}\n");
    Ok(())
}

/// The values of a line, in the order of the table's columns.
pub fn parse(line: &str, table: &Table, for_pg: bool) -> Result<Vec<Value>> {
    let wrong = |why: String| Error::Invalid(format!("the backup is damaged: a row of {}: {why}", table.name));
    let fields: BTreeMap<String, &RawValue> = serde_json::from_str(line).map_err(|e| wrong(e.to_string()))?;
    if let Some(unknown) = fields.keys().find(|name| table.columns.iter().all(|c| c.name != **name)) {
        return Err(wrong(format!("this program knows no column {unknown}")));
    }
    let values = table.columns.iter().map(|column| {
        let value = Value::parse(column.kind, fields.get(&column.name).copied())
            .map_err(|e| wrong(format!("{}: {e}", column.name)))?;
        if for_pg { value.without_nul() } else { Ok(value) }
    });
    values.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(kind: Kind) -> Table {
        let columns = vec![Column { name: "it".into(), kind, required: false }];
        Table { name: "things".into(), columns, references: Vec::new() }
    }

    fn line(value: Value) -> String {
        let kind = Kind::Text;
        let table = table(kind);
        let mut lines = Vec::new();
        write(table.columns.iter().zip([value]), &mut lines).unwrap();
        String::from_utf8(lines).unwrap()
    }

    fn back(kind: Kind, line: &str, for_pg: bool) -> Value {
        parse(line, &table(kind), for_pg).unwrap().remove(0)
    }

    #[test]
    fn a_row_is_one_line_and_null_is_left_out() {
        assert_eq!(line(Value::Text(None)), "{}\n");
        assert_eq!(line(Value::Text(Some("a\n\"b\"".into()))), "{\"it\":\"a\\n\\\"b\\\"\"}\n");
        let pretty = RawValue::from_string("{\n \"b\": 1,\n \"a\": null\n}".into()).unwrap();
        assert_eq!(line(Value::Json(Some(Json(pretty)))), "{\"it\":{\"b\":1,\"a\":null}}\n");
    }

    #[test]
    fn a_column_of_json_null_is_not_a_column_without_value() {
        let null = line(Value::Json(Some(Json(RawValue::from_string("null".into()).unwrap()))));
        assert!(matches!(back(Kind::Json, &null, false), Value::Json(Some(_))));
        assert!(matches!(back(Kind::Json, "{}", false), Value::Json(None)));
    }

    #[test]
    fn numbers_come_back_to_the_last_bit() {
        for number in [0.1 + 0.2, f64::MIN_POSITIVE, 1e308, -0.0, 5.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let Value::Float(Some(read)) = back(Kind::Float, &line(Value::Float(Some(number))), false) else {
                panic!("no number")
            };
            assert_eq!(read.to_bits(), number.to_bits(), "{number}");
        }
    }

    #[test]
    fn bytes_come_back() {
        let bytes = vec![0, 255, 10, 34];
        let Value::Bytes(Some(read)) = back(Kind::Bytes, &line(Value::Bytes(Some(bytes.clone()))), false) else {
            panic!("no bytes")
        };
        assert_eq!(read, bytes);
        assert!(parse(r#"{"it":"no base64!"}"#, &table(Kind::Bytes), false).is_err());
    }

    #[test]
    fn what_postgresql_cannot_hold_is_replaced() {
        let Value::Text(Some(text)) = back(Kind::Text, r#"{"it":"a\u0000b"}"#, true) else { panic!("no text") };
        assert_eq!(text, "a\u{fffd}b");
        let Value::Json(Some(Json(raw))) = back(Kind::Json, r#"{"it":{"a\u0000":["\\u0000","\u0000"]}}"#, true) else {
            panic!("no JSON")
        };
        assert_eq!(raw.get(), "{\"a\u{fffd}\":[\"\\\\u0000\",\"\u{fffd}\"]}");
    }

    #[test]
    fn a_row_that_does_not_fit_is_refused() {
        let refused = |line: &str| parse(line, &table(Kind::Integer), false).err().unwrap().to_string();
        assert_eq!(
            refused(r#"{"that":1}"#),
            "the backup is damaged: a row of things: this program knows no column that"
        );
        assert!(refused(r#"{"it":"x"}"#).starts_with("the backup is damaged: a row of things: it: "));
    }
}
