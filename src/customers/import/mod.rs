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
        http::{Cursor, Page},
    },
    staff::{By, CustomerRead, CustomerSeePhone, audit},
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

/// Somebody who has the same address, number or account.
#[derive(Debug, FromRow)]
pub struct Known {
    pub id: CustomerId,
    pub name: String,
    pub is_visible: bool,
    /// It is the number alone by which they are the same.
    pub by_phone: bool,
}

/// What a file would do; nothing is changed.
pub async fn preview(app: &App, by: &By, order: &Order) -> Result<Report> {
    let mut reader = app.read().await?;
    let (report, _) = plan(reader.conn(), by, order, None, app.now()).await?;
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
    let mut tx = app.begin().await?;
    // Whoever presses at the same time with the same key waits here until the first is done.
    if !rows::insert(tx.conn(), &import).await? {
        let key = import.idempotency_key.as_deref().unwrap_or_default();
        let done = rows::find_by_key(tx.conn(), by.org, key).await?.ok_or(Error::NotFound("import"))?;
        return repeated(tx.conn(), by, order, &import, done, now).await;
    }
    let (mut report, new) = plan(tx.conn(), by, order, Some(&import), now).await?;
    for customer in &new {
        edit::check_owner(tx.conn(), by, customer).await?;
        store::insert(tx.conn(), customer).await?;
        let created = NewActivity::of(ActivityKind::Created, by.user).with(json!({"import_id": import.id}));
        store::activity(tx.conn(), by.org, customer.id, created, now).await?;
    }
    let ids: Vec<CustomerId> = new.iter().map(|c| c.id).collect();
    rows::mark(tx.conn(), by.org, import.id, &ids).await?;
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
async fn repeated(
    c: Conn<'_>,
    by: &By,
    order: &Order,
    asked: &Import,
    done: Import,
    now: DateTime<Utc>,
) -> Result<Report> {
    if done.content_hash != asked.content_hash {
        return Err(Error::Conflict("this idempotency_key was used for another file".into()));
    }
    let (mut report, _) = plan(c, by, order, Some(&done), now).await?;
    become_added(&mut report);
    report.import = Some(done);
    Ok(report)
}

/// What becomes of each line, and whom it would make. Who was made by `own` counts as new.
async fn plan(
    mut c: Conn<'_>,
    by: &By,
    order: &Order,
    own: Option<&Import>,
    now: DateTime<Utc>,
) -> Result<(Report, Vec<Customer>)> {
    let own_fields = field::load(c.again(), by.org).await?;
    let sheet = read::sheet(&order.csv, &own_fields)?;
    if sheet.rows.len() > MOST_LINES {
        return Err(Error::Invalid(format!("csv: at most {MOST_LINES} lines at once")));
    }
    let hash = crypto::sha256_hex(order.csv.as_bytes());
    let own_id = own.map(|i| i.id);
    let earlier = rows::find_same(c.again(), by.org, &hash, own_id).await?;
    let sight = by.under::<CustomerRead>().unwrap_or_else(|_| by.clone());
    let mut first = HashMap::new();
    let mut lines = Vec::with_capacity(sheet.rows.len());
    let mut new = Vec::new();
    for row in sheet.rows {
        let (line, made) = judge(by, row, &own_fields, &mut first, now);
        let (line, made) = match made {
            Some(customer) => match rows::known(c.again(), &customer, sight.visible(), own_id).await? {
                Some(known) => (line.of(known, by), None),
                None => (line, Some(customer)),
            },
            None => (line, None),
        };
        new.extend(made);
        lines.push(line);
    }
    Ok((Report { import: None, earlier, unknown_columns: sheet.unknown, lines }, new))
}

/// What a row says by itself and beside those above it; `first` keeps the line of each address, number and account.
fn judge(
    by: &By,
    row: read::Row,
    own: &Fields,
    first: &mut HashMap<(&'static str, String), i64>,
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
    let is_bad_email = line.email.as_ref().is_some_and(|e| {
        e.contains(char::is_whitespace) || !e.split_once('@').is_some_and(|(who, at)| !who.is_empty() && !at.is_empty())
    });
    let made = match row.fault {
        Some(reason) => Err((Fault::BadValue, Some(reason))),
        None if line.name.is_empty() => Err((Fault::NameMissing, None)),
        None if is_bad_email => Err((Fault::BadEmail, None)),
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
    let keys = [("email", &customer.email), ("phone", &customer.phone), ("wechat_id", &customer.wechat_id)];
    for (kind, key) in keys {
        let Some(key) = key else { continue };
        let said = *first.entry((kind, key.clone())).or_insert(row.line);
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
    fn of(mut self, known: Known, by: &By) -> Self {
        self.outcome = Outcome::Duplicate;
        if known.is_visible && (!known.by_phone || by.may::<CustomerSeePhone>()) {
            (self.known_id, self.known_name) = (Some(known.id), Some(known.name));
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
