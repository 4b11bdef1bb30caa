//! A CSV file of customers, read: which column is which, and what each line says. Knows no database.

use serde_json::{Map, Value};

use super::super::{
    edit::CustomerChange,
    field::{Field, Fields},
};
use crate::platform::{Error, Result};

/// The headers we know, in lower case, for each field.
const COLUMNS: &[(&str, &[&str])] = &[
    ("name", &["name", "customer", "姓名", "名称", "客户"]),
    ("type", &["type", "类型"]),
    ("email", &["email", "e-mail", "mail", "邮箱"]),
    ("phone", &["phone", "telephone", "mobile", "电话", "手机"]),
    ("wechat_id", &["wechat", "wechat_id", "微信号", "微信"]),
    ("dingtalk_id", &["dingtalk", "dingtalk_id", "钉钉号", "钉钉"]),
    ("language", &["language", "语言"]),
    ("company_name", &["company", "company_name", "公司"]),
    ("company_credit_code", &["company_credit_code", "统一社会信用代码"]),
    ("company_industry", &["industry", "company_industry", "行业"]),
    ("company_size", &["company_size", "公司规模"]),
    ("company_website", &["website", "company_website", "网站"]),
    ("company_address", &["address", "company_address", "地址"]),
    ("gender", &["gender", "性别"]),
    ("region_province", &["province", "region_province", "省份"]),
    ("region_city", &["city", "region_city", "城市"]),
    ("stage", &["stage", "阶段"]),
    ("score", &["score", "评分"]),
    ("remark", &["remark", "notes", "备注"]),
];

/// What a file says.
#[derive(Debug)]
pub(super) struct Sheet {
    pub unknown: Vec<String>,
    pub rows: Vec<Row>,
}

/// What a line says.
#[derive(Debug)]
pub(super) struct Row {
    pub line: i64,
    pub change: CustomerChange,
    /// A value that is of the wrong kind.
    pub fault: Option<String>,
}

/// What a column is of.
#[derive(Clone, Copy)]
enum Column<'a> {
    Known(&'static str),
    Own(&'a Field),
}

/// Reads a file, whose first line says what its columns are; `own` are the organisation's fields.
pub(super) fn sheet(text: &str, own: &Fields) -> Result<Sheet> {
    // The reader counts lines as an editor does only where each ends with one character.
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter(&text))
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let wrong = |e: csv::Error| Error::Invalid(format!("csv: {e}"));
    let header = reader.headers().map_err(wrong)?.clone();
    let columns: Vec<Option<Column<'_>>> = header.iter().map(|h| column(h, own)).collect();
    if !columns.iter().any(|c| matches!(c, Some(Column::Known("name")))) {
        return Err(Error::Invalid(
            "csv: the first line must name the columns, one of them \"name\" or \"姓名\"".into(),
        ));
    }
    let unknown = header.iter().zip(&columns).filter(|(h, c)| c.is_none() && !h.is_empty());
    let unknown = unknown.map(|(h, _)| h.chars().take(100).collect()).collect();
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(wrong)?;
        if record.iter().all(str::is_empty) {
            continue;
        }
        let line = record.position().map_or(0, |p| i64::try_from(p.line()).unwrap_or_default());
        rows.push(row(line, &columns, &record));
    }
    Ok(Sheet { unknown, rows })
}

fn row(line: i64, columns: &[Option<Column<'_>>], record: &csv::StringRecord) -> Row {
    let (mut values, mut own) = (Map::new(), Map::new());
    for (column, cell) in columns.iter().zip(record).filter(|(_, cell)| !cell.is_empty()) {
        let cell = plain(cell);
        match column {
            Some(Column::Known(field)) if !values.contains_key(*field) => {
                values.insert((*field).to_string(), value(field, cell));
            }
            Some(Column::Own(field)) if !own.contains_key(&field.key) => {
                own.insert(field.key.clone(), field.read(cell));
            }
            _ => {}
        }
    }
    if !values.contains_key("type") && values.contains_key("company_name") {
        values.insert("type".into(), "enterprise".into());
    }
    if !own.is_empty() {
        values.insert("custom_fields".into(), Value::Object(own));
    }
    let name = values.get("name").and_then(Value::as_str).map(String::from);
    match serde_json::from_value::<CustomerChange>(Value::Object(values)) {
        Ok(change) => Row { line, change, fault: None },
        Err(e) => {
            Row { line, change: CustomerChange { name, ..CustomerChange::default() }, fault: Some(e.to_string()) }
        }
    }
}

/// What a header names, whatever its case: one of ours, or a field of the organisation's own.
fn column<'a>(header: &str, own: &'a Fields) -> Option<Column<'a>> {
    known(header).map(Column::Known).or_else(|| own.named(header).map(Column::Own))
}

/// The field of every customer that a header names.
pub(super) fn known(header: &str) -> Option<&'static str> {
    let header = header.to_lowercase();
    COLUMNS.iter().find(|(_, names)| names.contains(&header.as_str())).map(|(field, _)| *field)
}

/// Numbers are numbers; words that stand for themselves are written in lower case.
fn value(field: &str, cell: &str) -> Value {
    match field {
        "score" => cell.parse::<i32>().map_or_else(|_| cell.into(), Value::from),
        "stage" | "type" => cell.to_lowercase().into(),
        _ => cell.into(),
    }
}

/// Spreadsheets, and our own export, put an apostrophe before what could be taken for a formula.
fn plain(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| rest.starts_with(['=', '+', '-', '@'])).unwrap_or(cell)
}

/// The separator that the first line has most of.
fn delimiter(text: &str) -> u8 {
    let head = text.lines().next().unwrap_or_default();
    let count = |d: u8| head.bytes().filter(|b| *b == d).count();
    [b'\t', b';', b','].into_iter().max_by_key(|d| count(*d)).unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(text: &str) -> Result<Sheet> {
        super::sheet(text, &Fields::default())
    }

    #[test]
    fn headers_are_read_in_both_languages_and_unknown_ones_are_told() {
        let read =
            sheet("\u{feff}姓名;E-Mail;Shoe size;电话\r\n\"Li; Na\";li@example.com;38;138 0013 8000\r\n;;;\r\nBo\r\n");
        let sheet = read.unwrap();
        assert_eq!(sheet.unknown, ["Shoe size"]);
        let told: Vec<_> = sheet.rows.iter().map(|r| (r.line, r.change.name.as_deref().unwrap())).collect();
        assert_eq!(told, [(2, "Li; Na"), (4, "Bo")]);
        assert_eq!(sheet.rows[0].change.phone, Some(Some("138 0013 8000".into())));
    }

    #[test]
    fn a_file_without_names_is_refused_and_a_wrong_value_is_its_lines_fault() {
        assert!(sheet("email\na@example.com\n").is_err());
        assert!(sheet("").is_err());
        let read = sheet("name,score,stage\nAna,many,\nBo,3,LOST\n").unwrap();
        assert!(read.rows[0].fault.is_some() && read.rows[0].change.name.as_deref() == Some("Ana"));
        assert!(read.rows[1].fault.is_none() && read.rows[1].change.score == Some(3));
    }

    #[test]
    fn what_our_export_makes_harmless_comes_back_as_it_was() {
        let read = sheet("name,phone\n'=Ana,'+8613800138000\n'tis,1\n").unwrap();
        assert_eq!(read.rows[0].change.name.as_deref(), Some("=Ana"));
        assert_eq!(read.rows[0].change.phone, Some(Some("+8613800138000".into())));
        assert_eq!(read.rows[1].change.name.as_deref(), Some("'tis"));
    }
}
