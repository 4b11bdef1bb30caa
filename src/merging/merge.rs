//! Makes one of two customers, and shows before what it will be.

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::types::Json;
use utoipa::ToSchema;

use super::{
    Counts, Merge, Moved,
    profile::{self, Field},
    store,
};
use crate::{
    app::{App, Changed, CustomerId, Job, MergeId, OrgId},
    customers::{self, ActivityKind, Customer, NewActivity, phone},
    inbox, memory,
    platform::{Error, Result, db::Conn},
    sales,
    staff::{By, CustomerSeePhone, audit},
};

/// When it is looked once more for what was being written at the moment of the merge: a turn, a memory.
pub(super) const SETTLES_AFTER: Duration = Duration::seconds(60);

/// Who is merged.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CustomerMergeOrder)]
pub struct Order {
    /// The customer who becomes part of this one.
    pub from: CustomerId,
    /// The fields whose value is taken from them although this one has its own: `email`, `custom_fields.size` …
    #[serde(default)]
    pub take: Vec<String>,
}

/// What a merge would make.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = MergePreview)]
pub struct Preview {
    pub into_name: String,
    pub from_name: String,
    /// Where at least one of the two says something.
    pub fields: Vec<Field>,
    /// What would move.
    pub moves: Counts,
}

/// Why two customers can't become one.
fn refusal(from: &Customer, into: &Customer) -> Option<&'static str> {
    if from.id == into.id {
        Some("a customer can't be merged with themselves")
    } else if from.merged_into == Some(into.id) {
        Some("the customer was merged into this one already")
    } else if from.merged_into.is_some() || into.merged_into.is_some() {
        Some("one of the two was merged into another customer already: merge that one")
    } else {
        None
    }
}

/// Two customers who may become one, held until the transaction ends.
async fn both(mut c: Conn<'_>, by: &By, into: CustomerId, from: CustomerId) -> Result<(Customer, Customer)> {
    let (target, source) =
        customers::lock_two(c.again(), by.org, (into, from), by.visible()).await?.ok_or(Error::NotFound("customer"))?;
    if let Some(why) = refusal(&source, &target) {
        return Err(Error::Conflict(why.into()));
    }
    if store::is_erased(c, by.org, into, from).await? {
        return Err(Error::Conflict("one of the two is being erased".into()));
    }
    Ok((target, source))
}

/// Shows what merging would make; nothing is written.
pub async fn preview(app: &App, by: &By, into: CustomerId, order: Order) -> Result<Preview> {
    let mut tx = app.begin().await?;
    let (target, source) = both(tx.conn(), by, into, order.from).await?;
    let mut fields = profile::compare(&target, &source, &order.take)?;
    if !by.may::<CustomerSeePhone>() {
        for field in fields.iter_mut().filter(|f| f.field == "phone") {
            for side in [&mut field.into, &mut field.from] {
                if let Some(number) = side.as_str() {
                    *side = Value::String(phone::masked(number));
                }
            }
        }
    }
    let moves = store::count(tx.conn(), by.org, order.from).await?;
    Ok(Preview { into_name: target.name, from_name: source.name, fields, moves })
}

/// Merges `order.from` into `into`: what hangs on them, and what `into` lacks in its profile.
pub async fn merge(app: &App, by: &By, into: CustomerId, order: Order) -> Result<Merge> {
    let (now, org, from) = (app.now(), by.org, order.from);
    let mut tx = app.begin().await?;
    let (target, source) = both(tx.conn(), by, into, from).await?;
    let filled = profile::taken(&profile::compare(&target, &source, &order.take)?);
    let mut moved = gather(tx.conn(), org, from, into, now).await?;
    moved.person.customers = customers::point(tx.conn(), org, from, into, now).await?;
    customers::fill(tx.conn(), &target, profile::forward(&filled), now).await?;
    let merge = Merge {
        id: MergeId::new(),
        org_id: org,
        from_id: from,
        into_id: into,
        moved: Json(moved),
        filled: Json(filled),
        merged_by: by.user,
        merged_at: now,
        undone_by: None,
        undone_at: None,
        erased_at: None,
    };
    store::insert(tx.conn(), &merge).await?;
    // Ids only: what is written here must not outlive who it is about.
    let told = NewActivity::of(ActivityKind::Merged, by.user).with(json!({"merge_id": merge.id, "customer_id": from}));
    customers::activity(tx.conn(), org, into, told, now).await?;
    let fields: Vec<&String> = merge.filled.keys().collect();
    let changes = json!({"from_id": from, "merge_id": merge.id, "taken": fields, "moved": merge.moved.count()});
    audit(tx.conn(), now, by, "customer.merge", ("customer", into.0), changes).await?;
    audit(tx.conn(), now, by, "customer.merge", ("customer", from.0), json!({"merged_into": [null, into]})).await?;
    Job::SettleMerge { org, merge: merge.id }.push_at(tx.conn(), org, now, now + SETTLES_AFTER).await?;
    tx.commit().await?;
    tell(app, &merge).await;
    Ok(merge)
}

/// Moves what hangs on `from` to `into`, room by room; returns what. Safe to repeat: what is there by then comes along.
pub(super) async fn gather(
    mut c: Conn<'_>,
    org: OrgId,
    from: CustomerId,
    into: CustomerId,
    now: DateTime<Utc>,
) -> Result<Moved> {
    Ok(Moved {
        person: customers::join(c.again(), org, from, into).await?,
        deals: sales::join(c.again(), org, from, into).await?,
        conversations: inbox::join(c.again(), org, from, into, now).await?,
        memories: memory::join(c, org, from, into, now).await?,
    })
}

/// Tells every page what changed.
pub(super) async fn tell(app: &App, merge: &Merge) {
    let org = merge.org_id;
    app.wake(org).await;
    app.changed(org, Changed::Customer { id: merge.from_id }).await;
    app.changed(org, Changed::Customer { id: merge.into_id }).await;
    for id in &merge.moved.conversations {
        app.changed(org, Changed::Conversation { id: *id }).await;
    }
    for id in &merge.moved.deals {
        app.changed(org, Changed::Deal { id: *id }).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_two_who_stand_for_themselves_become_one() {
        let now = DateTime::UNIX_EPOCH;
        let into = Customer::named(OrgId::new(), "Ana".into(), now);
        let from = Customer::named(into.org_id, "Anna".into(), now);
        assert_eq!(refusal(&from, &into), None);
        assert!(refusal(&into, &into).is_some());
        let merged = Customer { merged_into: Some(into.id), ..from.clone() };
        assert!(refusal(&merged, &into).is_some() && refusal(&into, &merged).is_some());
        let elsewhere = Customer { merged_into: Some(CustomerId::new()), ..from };
        assert!(refusal(&elsewhere, &into).is_some());
    }
}
