//! Customers from a CSV file: what would happen, the import itself, and its undoing.

mod read;
mod undo;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use sqlx::FromRow;
use utoipa::ToSchema;

pub use undo::{Since, Undone, undo};

use super::{
    ActivityKind, Customer, NewActivity, edit,
    field::{self, Fields},
    store::{self, import as rows},
};
use crate::{
    app::{App, Changed, CustomerId, ImportId, OrgId, UserId},
    platform::{
        Error, Result, crypto,
        db::Conn,
        error::blocking,
        http::{Cursor, Page},
    },
    staff::{self, By, CustomerRead, CustomerSeePhone, audit},
};

/// The most lines a file has: they are added in one transaction.
const MOST_LINES: usize = 5000;

/// An import that was carried out.
#[derive(Debug, Clone, PartialEq, Eq, FromRow, Serialize, ToSchema)]
#[schema(as = CustomerImport)]
pub struct Import {
    pub id: ImportId,
    #[serde(skip)]
    pub org_id: OrgId,
    pub file_name: Option<String>,
    #[serde(skip)]
    pub content_hash: String,
    #[serde(skip)]
    pub idempotency_key: Option<String>,
    /// How many customers it made.
    pub added: i32,
    /// How many lines were of somebody known.
    pub duplicates: i32,
    /// How many lines could not be read.
    pub invalid: i32,
    /// How many customers its undoing removed.
    pub removed: i32,
    pub created_by: Option<UserId>,
    pub created_at: DateTime<Utc>,
    pub undone_by: Option<UserId>,
    pub undone_at: Option<DateTime<Utc>>,
}

/// What becomes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CustomerImportOutcome)]
pub enum Outcome {
    /// Would become a customer.
    New,
    /// Became one.
    Added,
    /// Is known already.
    Duplicate,
    /// Stands further up in the same file.
    Repeated,
    Invalid,
}

/// Why a line can't become a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CustomerImportFault)]
pub enum Fault {
    NameMissing,
    BadEmail,
    /// Some other value is refused; `reason` says which.
    BadValue,
}

/// A line of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = CustomerImportLine)]
pub struct Line {
    /// As an editor counts them, the header being 1.
    pub line: i64,
    pub name: String,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub outcome: Outcome,
    /// Who it is, for a duplicate within the asker's sight.
    pub known_id: Option<CustomerId>,
    pub known_name: Option<String>,
    /// The line that said it first, for a repeated one.
    pub first_line: Option<i64>,
    pub fault: Option<Fault>,
    /// The fault in words.
    pub reason: Option<String>,
}

/// What a file says, and what became of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = CustomerImportReport)]
pub struct Report {
    /// What was done; absent after a dry run.
    pub import: Option<Import>,
    /// The same file was imported before, and that was not undone.
    pub earlier: Option<Import>,
    /// Columns whose header says nothing to us: they are left out.
    pub unknown_columns: Vec<String>,
    pub lines: Vec<Line>,
}

/// A file to import.
#[derive(Debug, Clone)]
pub struct Order {
    pub csv: String,
    pub file_name: Option<String>,
    pub idempotency_key: Option<String>,
}

/// Somebody who has an address, a number or an account of those that a file names.
#[derive(Debug, FromRow)]
pub struct Known {
    /// Who they are now, if they were merged.
    pub id: CustomerId,
    pub name: String,
    pub is_visible: bool,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub wechat_id: Option<String>,
    pub created_at: DateTime<Utc>,
}

/// Whether a header says a field that every customer has.
pub(super) fn is_column(header: &str) -> bool {
    read::known(header).is_some()
}

/// What a file would do; nothing is changed.
pub async fn preview(app: &App, by: &By, order: &Order) -> Result<Report> {
    let judged = judged(app, by, order).await?;
    let mut reader = app.read().await?;
    let (report, _) = plan(reader.conn(), by, judged, None).await?;
    Ok(report)
}

/// Adds whom a file names and nobody knows, all of them or none. Safe to repeat: the same key returns what was done.
pub async fn import(app: &App, by: &By, order: &Order) -> Result<Report> {
    let now = app.now();
    let mut import = Import {
        id: ImportId::new(),
        org_id: by.org,
        file_name: edit::text("file_name", order.file_name.clone(), 200)?,
        content_hash: crypto::sha256_hex(order.csv.as_bytes()),
        idempotency_key: edit::text("idempotency_key", order.idempotency_key.clone(), 200)?,
        added: 0,
        duplicates: 0,
        invalid: 0,
        removed: 0,
        created_by: by.user,
        created_at: now,
        undone_by: None,
        undone_at: None,
    };
    // Nobody who writes waits for the file to be read.
    let judged = judged(app, by, order).await?;
    let mut tx = app.begin().await?;
    // Another import of the organisation may be adding the same people: whoever comes second sees them.
    staff::lock_org(tx.conn(), by.org).await?;
    if !rows::insert(tx.conn(), &import).await? {
        let key = import.idempotency_key.as_deref().unwrap_or_default();
        let done = rows::find_by_key(tx.conn(), by.org, key).await?.ok_or(Error::NotFound("import"))?;
        return repeated(tx.conn(), by, judged, &import, done).await;
    }
    let (mut report, new) = plan(tx.conn(), by, judged, Some(&import)).await?;
    // A file names no owner: all have the same.
    if let Some(customer) = new.first() {
        edit::check_owner(tx.conn(), by, customer).await?;
    }
    rows::insert_all(tx.conn(), import.id, &new).await?;
    let ids: Vec<CustomerId> = new.iter().map(|c| c.id).collect();
    let created = NewActivity::of(ActivityKind::Created, by.user).with(json!({"import_id": import.id}));
    store::activities(tx.conn(), by.org, &ids, &created, now).await?;
    count(&mut import, &report);
    rows::save(tx.conn(), &import).await?;
    let changes = json!({"file_name": import.file_name, "added": import.added, "duplicates": import.duplicates,
        "invalid": import.invalid});
    audit(tx.conn(), now, by, "customer_import.create", ("customer_import", import.id.0), changes).await?;
    tx.commit().await?;
    tell(app, by, ids.last()).await;
    become_added(&mut report);
    report.import = Some(import);
    Ok(report)
}

/// The imports, the latest first.
pub async fn list(app: &App, by: &By, after: Cursor, limit: i64) -> Result<Page<Import>> {
    let found = rows::list(app.read().await?.conn(), by.org, after, limit + 1).await?;
    Ok(Page::of(found, limit, |i| Cursor { at: i.created_at, id: i.id.0 }))
}

/// What was answered to this key before, as far as it can be told now.
async fn repeated(c: Conn<'_>, by: &By, judged: Judged, asked: &Import, done: Import) -> Result<Report> {
    if done.content_hash != asked.content_hash {
        return Err(Error::Conflict("this idempotency_key was used for another file".into()));
    }
    let (mut report, _) = plan(c, by, judged, Some(&done)).await?;
    become_added(&mut report);
    report.import = Some(done);
    Ok(report)
}

/// A file, read and judged by itself.
struct Judged {
    content_hash: String,
    unknown_columns: Vec<String>,
    lines: Vec<(Line, Option<Customer>)>,
}

async fn judged(app: &App, by: &By, order: &Order) -> Result<Judged> {
    let (now, by, csv) = (app.now(), by.clone(), order.csv.clone());
    let own = field::load(app.read().await?.conn(), by.org).await?;
    blocking(move || {
        let sheet = read::sheet(&csv, &own)?;
        if sheet.rows.len() > MOST_LINES {
            return Err(Error::Invalid(format!("csv: at most {MOST_LINES} lines at once")));
        }
        let mut first = HashMap::new();
        let lines = sheet.rows.into_iter().map(|row| judge(&by, row, &own, &mut first, now)).collect();
        Ok(Judged { content_hash: crypto::sha256_hex(csv.as_bytes()), unknown_columns: sheet.unknown, lines })
    })
    .await
}

/// What becomes of each line, and whom it would make. Who was made by `own` counts as new.
async fn plan(mut c: Conn<'_>, by: &By, judged: Judged, own: Option<&Import>) -> Result<(Report, Vec<Customer>)> {
    let own_id = own.map(|i| i.id);
    let earlier = rows::find_same(c.again(), by.org, &judged.content_hash, own_id).await?;
    let sight = by.under::<CustomerRead>().unwrap_or_else(|_| by.clone());
    let made: Vec<&Customer> = judged.lines.iter().filter_map(|(_, made)| made.as_ref()).collect();
    let known = Acquainted::of(rows::known(c, by.org, &made, sight.visible(), own_id).await?);
    let (mut lines, mut new) = (Vec::with_capacity(judged.lines.len()), Vec::new());
    for (line, made) in judged.lines {
        lines.push(match made.as_ref().and_then(|customer| known.find(customer)) {
            Some((known, by_phone)) => line.of(known, by_phone, by),
            None => {
                new.extend(made);
                line
            }
        });
    }
    Ok((Report { import: None, earlier, unknown_columns: judged.unknown_columns, lines }, new))
}

/// By what two customers are the same: what an address, a number or an account is, and which.
type Key = (&'static str, String);

fn keys(email: &Option<String>, phone: &Option<String>, wechat_id: &Option<String>) -> impl Iterator<Item = Key> {
    let all = [("email", email.clone()), ("phone", phone.clone()), ("wechat_id", wechat_id.clone())];
    all.into_iter().filter_map(|(kind, key)| Some((kind, key?)))
}

/// Those who are known, by what they are known by.
struct Acquainted {
    all: Vec<Known>,
    /// Who had it first.
    first: HashMap<Key, usize>,
}

impl Acquainted {
    fn of(all: Vec<Known>) -> Self {
        let mut first = HashMap::new();
        for (at, known) in all.iter().enumerate() {
            for key in keys(&known.email, &known.phone, &known.wechat_id) {
                first.entry(key).or_insert(at);
            }
        }
        Self { all, first }
    }

    /// Who a customer is, and whether they are the same by the number alone.
    fn find(&self, of: &Customer) -> Option<(&Known, bool)> {
        let at = keys(&of.email, &of.phone, &of.wechat_id).filter_map(|key| self.first.get(&key)).min()?;
        let known = self.all.get(*at)?;
        let is_same = |one: &Option<String>, other: &Option<String>| one.is_some() && one == other;
        Some((known, !is_same(&known.email, &of.email) && !is_same(&known.wechat_id, &of.wechat_id)))
    }
}

/// What a row says by itself and beside those above it; `first` keeps the line of each address, number and account.
fn judge(
    by: &By,
    row: read::Row,
    own: &Fields,
    first: &mut HashMap<Key, i64>,
    now: DateTime<Utc>,
) -> (Line, Option<Customer>) {
    let mut line = Line {
        line: row.line,
        name: row.change.name.clone().unwrap_or_default(),
        email: row.change.email.clone().flatten(),
        phone: row.change.phone.clone().flatten(),
        outcome: Outcome::New,
        known_id: None,
        known_name: None,
        first_line: None,
        fault: None,
        reason: None,
    };
    let made = match row.fault {
        Some(reason) => Err((Fault::BadValue, Some(reason))),
        None if line.name.is_empty() => Err((Fault::NameMissing, None)),
        None if edit::email(line.email.clone()).is_err() => Err((Fault::BadEmail, None)),
        None => edit::made(by, row.change, now)
            .and_then(|customer| own.accept(&customer.custom_fields).map(|()| customer))
            .map_err(|e| (Fault::BadValue, Some(e.to_string()))),
    };
    let customer = match made {
        Ok(customer) => customer,
        Err((fault, reason)) => {
            line.outcome = Outcome::Invalid;
            (line.fault, line.reason) = (Some(fault), reason);
            return (line, None);
        }
    };
    for key in keys(&customer.email, &customer.phone, &customer.wechat_id) {
        let said = *first.entry(key).or_insert(row.line);
        if said != row.line {
            line.first_line = line.first_line.or(Some(said));
        }
    }
    if line.first_line.is_some() {
        line.outcome = Outcome::Repeated;
        return (line, None);
    }
    (line, Some(customer))
}

impl Line {
    /// The line of somebody known. Who may not see them, or not by their number, learns only that.
    fn of(mut self, known: &Known, by_phone: bool, by: &By) -> Self {
        self.outcome = Outcome::Duplicate;
        if known.is_visible && (!by_phone || by.may::<CustomerSeePhone>()) {
            (self.known_id, self.known_name) = (Some(known.id), Some(known.name.clone()));
        }
        self
    }
}

fn become_added(report: &mut Report) {
    for line in report.lines.iter_mut().filter(|l| l.outcome == Outcome::New) {
        line.outcome = Outcome::Added;
    }
}

fn count(import: &mut Import, report: &Report) {
    let of = |outcomes: &[Outcome]| {
        let count = report.lines.iter().filter(|l| outcomes.contains(&l.outcome)).count();
        i32::try_from(count).unwrap_or(i32::MAX)
    };
    import.added = of(&[Outcome::New]);
    import.duplicates = of(&[Outcome::Duplicate, Outcome::Repeated]);
    import.invalid = of(&[Outcome::Invalid]);
}

/// One customer's change renews every list of customers: not each of thousands is told.
async fn tell(app: &App, by: &By, any: Option<&CustomerId>) {
    if let Some(id) = any {
        app.changed(by.org, Changed::Customer { id: *id }).await;
    }
}
