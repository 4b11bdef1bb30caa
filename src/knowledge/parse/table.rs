//! CSV, and JSON that is a table, a list of texts, or anything else.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::{Failure, Parsed, Part, Table, text::clean};

/// Reads comma-, semicolon- or tab-separated values; the first row is the header.
pub(super) fn csv(text: &str) -> Parsed {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter(text))
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let rows = reader.records().filter_map(Result::ok).map(|row| row.iter().map(clean).collect()).collect();
    Parsed { title: None, parts: from_rows(None, rows).map(Part::Table).into_iter().collect() }
}

/// A table from raw rows: empty ones dropped, short ones filled, the first one being the header.
pub(super) fn from_rows(name: Option<String>, rows: Vec<Vec<String>>) -> Option<Table> {
    let mut rows = rows.into_iter().filter(|row| row.iter().any(|cell| !cell.trim().is_empty()));
    let mut header = rows.next()?;
    let mut rows: Vec<Vec<String>> = rows.collect();
    let width = rows.iter().map(Vec::len).chain([header.len()]).max().unwrap_or_default();
    header.resize(width, String::new());
    for row in &mut rows {
        row.resize(width, String::new());
    }
    Some(Table { name, header, rows })
}

/// The separator that the first line has most of.
fn delimiter(text: &str) -> u8 {
    let line = text.lines().find(|l| !l.trim().is_empty()).unwrap_or_default();
    let count = |d: u8| line.bytes().filter(|b| *b == d).count();
    [b',', b'\t', b';', b'|'].into_iter().rev().max_by_key(|d| count(*d)).unwrap_or(b',')
}

const TEXT_KEYS: [&str; 5] = ["text", "content", "body", "正文", "内容"];
const HEADING_KEYS: [&str; 5] = ["title", "heading", "name", "标题", "题目"];

/// Reads one JSON value, or one per line.
pub(super) fn json(text: &str) -> Result<Parsed, Failure> {
    let value = match serde_json::from_str::<Value>(text) {
        Ok(value) => value,
        Err(_) => {
            let lines: Result<Vec<Value>, _> =
                text.lines().filter(|l| !l.trim().is_empty()).map(serde_json::from_str).collect();
            Value::Array(lines.map_err(|_| Failure::Corrupt)?)
        }
    };
    Ok(match value {
        Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_object) => objects(items),
        // {"faqs": [{…}, …]} is the list with a wrapper.
        Value::Object(mut map)
            if map.len() == 1
                && map
                    .values()
                    .all(|v| v.as_array().is_some_and(|a| !a.is_empty() && a.iter().all(Value::is_object))) =>
        {
            match map.values_mut().next().map(Value::take) {
                Some(Value::Array(items)) => objects(items),
                _ => Parsed::default(),
            }
        }
        Value::Object(map) => record(map),
        other => {
            let mut out = String::new();
            outline(&mut out, &other, 0);
            Parsed { title: None, parts: vec![Part::Text(clean(&out))] }
        }
    })
}

/// One object: its title, its lists of plain objects as tables, everything else as an outline.
fn record(map: Map<String, Value>) -> Parsed {
    let titled = HEADING_KEYS.iter().find(|k| map.len() > 1 && map.get(**k).is_some_and(Value::is_string));
    let title = titled.and_then(|k| map.get(*k)).map(cell).filter(|t| !t.is_empty());
    let mut parts = Vec::new();
    let mut rest = Map::new();
    for (key, value) in map {
        match value {
            Value::String(_) if titled.is_some_and(|k| *k == key) => {}
            Value::Array(items) if !items.is_empty() && items.iter().all(is_flat) => {
                take_outline(&mut parts, &mut rest);
                parts.extend(objects(items).parts.into_iter().map(|part| match part {
                    Part::Table(table) => Part::Table(Table { name: Some(key.clone()), ..table }),
                    other => other,
                }));
            }
            value => {
                rest.insert(key, value);
            }
        }
    }
    take_outline(&mut parts, &mut rest);
    Parsed { title, parts }
}

fn take_outline(parts: &mut Vec<Part>, rest: &mut Map<String, Value>) {
    if !rest.is_empty() {
        let mut out = String::new();
        outline(&mut out, &Value::Object(std::mem::take(rest)), 0);
        parts.push(Part::Text(clean(&out)));
    }
}

/// Whether it is an object of words, numbers and lists of such: a row of a table.
fn is_flat(value: &Value) -> bool {
    let is_plain = |v: &Value| !v.is_object() && !v.is_array();
    value.as_object().is_some_and(|map| {
        map.values().all(|v| is_plain(v) || v.as_array().is_some_and(|items| items.iter().all(is_plain)))
    })
}

/// A list of objects: texts with headings if they look so, else a table of all their keys.
fn objects(items: Vec<Value>) -> Parsed {
    let maps: Vec<Map<String, Value>> = items
        .into_iter()
        .filter_map(|item| match item {
            Value::Object(map) => Some(map),
            _ => None,
        })
        .collect();
    let key_of = |keys: &[&str]| {
        keys.iter().find(|k| maps.iter().all(|m| m.get(**k).is_some_and(Value::is_string))).map(|k| (*k).to_string())
    };
    if let Some(text_key) = key_of(&TEXT_KEYS) {
        let heading_key = key_of(&HEADING_KEYS);
        let entry = |map: &Map<String, Value>| Part::Entry {
            heading: heading_key
                .as_ref()
                .and_then(|k| map.get(k))
                .and_then(Value::as_str)
                .map(str::trim)
                .map(String::from),
            text: clean(map.get(&text_key).and_then(Value::as_str).unwrap_or_default()),
        };
        return Parsed { title: None, parts: maps.iter().map(entry).collect() };
    }
    let mut header: Vec<String> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for key in maps.iter().flat_map(Map::keys) {
        if seen.insert(key) {
            header.push(key.clone());
        }
    }
    let rows = maps.iter().map(|m| header.iter().map(|k| m.get(k).map(cell).unwrap_or_default()).collect()).collect();
    Parsed { title: None, parts: vec![Part::Table(Table { name: None, header, rows })] }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => clean(text),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(", "),
        Value::Object(map) => map.iter().map(|(k, v)| format!("{k}: {}", cell(v))).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// Nested values as indented `key: value` lines. The parser bounds the depth.
fn outline(out: &mut String, value: &Value, depth: usize) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                if value.is_object()
                    || value.as_array().is_some_and(|a| a.iter().any(|v| v.is_object() || v.is_array()))
                {
                    let _ = writeln!(out, "{indent}{key}:");
                    outline(out, value, depth + 1);
                } else {
                    let _ = writeln!(out, "{indent}{key}: {}", cell(value));
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                outline(out, item, depth);
                if item.is_object() {
                    out.push('\n');
                }
            }
        }
        other => {
            let _ = writeln!(out, "{indent}{}", cell(other));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_of_any_separator_keeps_quotes_line_breaks_and_short_rows() {
        let parsed = csv("名称;价格;说明\n茶杯;39;\"蓝色\n可微波\"\n\n杯垫;9\n");
        let Part::Table(table) = &parsed.parts[0] else { panic!() };
        assert_eq!(table.header, ["名称", "价格", "说明"]);
        assert_eq!(table.rows, [["茶杯", "39", "蓝色\n可微波"], ["杯垫", "9", ""]]);
    }

    #[test]
    fn json_is_a_table_a_list_of_texts_or_an_outline() {
        let Part::Table(table) = &json(r#"[{"q":"a","n":1},{"q":"b","x":[1,2]}]"#).unwrap().parts[0] else { panic!() };
        assert_eq!((table.header.join(" "), table.rows[1].join("|")), ("q n x".into(), "b||1, 2".into()));
        let lines =
            json("{\"id\":1,\"title\":\"T\",\"text\":\"body\"}\n{\"id\":2,\"title\":\"U\",\"text\":\"more\"}\n")
                .unwrap();
        assert_eq!(lines.parts[1], Part::Entry { heading: Some("U".into()), text: "more".into() });
        let outline = json(r#"{"shop":{"name":"Lumen","hours":["9-18"]},"vat":true}"#).unwrap();
        assert_eq!(outline.parts, [Part::Text("shop:\n  name: Lumen\n  hours: 9-18\nvat: true".into())]);
        let stores = r#"{"title":"Stores","note":"Closed on Mondays.","places":[{"name":"Penang","sells":["tea","pots"]}],"x":1}"#;
        let stores = json(stores).unwrap();
        assert_eq!(stores.title.as_deref(), Some("Stores"));
        let [Part::Text(note), Part::Table(places), Part::Text(rest)] = stores.parts.as_slice() else { panic!() };
        assert_eq!(
            (note.as_str(), places.name.as_deref(), rest.as_str()),
            ("note: Closed on Mondays.", Some("places"), "x: 1")
        );
        assert_eq!(
            (places.header.join("|"), places.rows[0].join("|")),
            ("name|sells".into(), "Penang|tea, pots".into())
        );
        assert_eq!(json("{\"a\": "), Err(Failure::Corrupt));
    }
}
