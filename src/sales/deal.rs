//! Deals: added, changed, moved through the stages, won and lost. Each is told on the customer's timeline.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::types::Json;
use utoipa::ToSchema;

use super::{Deal, Stage, StageKind, StageTotal, pipeline, store};
use crate::{
    app::{App, Changed, CustomerId, DealId, PipelineId, StageId, UserId},
    customers::{self, ActivityKind, NewActivity},
    platform::{
        Error, Result,
        db::Conn,
        http::{Cursor, Page, given},
    },
    staff::{self, By, CustomerRead, audit, difference},
};

/// A deal to add.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDeal {
    pub customer_id: CustomerId,
    /// The default pipeline when absent.
    pub pipeline_id: Option<PipelineId>,
    /// The key of an open stage; the first one when absent.
    pub stage: Option<String>,
    #[serde(flatten)]
    pub change: DealChange,
}

/// What to set on a deal. What is absent stays; `null` clears.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct DealChange {
    pub title: Option<String>,
    /// In minor units of `currency` (cents, fen).
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<i64>)]
    pub amount: Option<Option<i64>>,
    /// As in ISO 4217; CNY when never set.
    pub currency: Option<String>,
    /// 0 to 100; the stage's when never set.
    pub probability: Option<i32>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>, format = Date)]
    pub expected_close_date: Option<Option<NaiveDate>>,
    /// The asker when never set.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<UserId>)]
    pub owner_id: Option<Option<UserId>>,
    #[schema(value_type = Option<Vec<Object>>)]
    pub products: Option<Vec<Value>>,
    pub competitors: Option<Vec<String>>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub notes: Option<Option<String>>,
}

/// The largest amount, so that a sum of many still fits.
const MOST: i64 = 1_000_000_000_000_000;

impl DealChange {
    fn apply(self, deal: &mut Deal, now: DateTime<Utc>) -> Result<()> {
        if let Some(title) = self.title {
            deal.title = title.trim().to_string();
        }
        if deal.title.is_empty() || deal.title.chars().count() > 500 {
            return Err(Error::Invalid("title: 1 to 500 characters".into()));
        }
        if let Some(amount) = self.amount {
            if amount.is_some_and(|a| !(0..=MOST).contains(&a)) {
                return Err(Error::Invalid("amount: minor units, from zero to 10^15".into()));
            }
            deal.amount = amount;
        }
        if let Some(currency) = self.currency {
            if currency.len() != 3 || !currency.bytes().all(|b| b.is_ascii_uppercase()) {
                return Err(Error::Invalid("currency: three letters like CNY or EUR".into()));
            }
            deal.currency = currency;
        }
        if let Some(probability) = self.probability {
            deal.probability = percent(probability)?;
        }
        if let Some(date) = self.expected_close_date {
            deal.expected_close_date = date;
        }
        if let Some(owner) = self.owner_id {
            deal.owner_id = owner;
        }
        if let Some(products) = self.products {
            deal.products = Json(products);
        }
        if let Some(competitors) = self.competitors {
            deal.competitors = Json(competitors);
        }
        if let Some(notes) = self.notes {
            deal.notes = notes.map(|n| n.trim().to_string()).filter(|n| !n.is_empty());
        }
        let size = serde_json::to_string(&(&deal.products, &deal.competitors, &deal.notes))?.len();
        if size > 64 * 1024 {
            return Err(Error::Invalid("products, competitors and notes are too long".into()));
        }
        deal.updated_at = now;
        Ok(())
    }
}

fn percent(probability: i32) -> Result<i32> {
    if (0..=100).contains(&probability) { Ok(probability) } else { Err(Error::Invalid("probability: 0 to 100".into())) }
}

/// Adds a deal in an open stage.
pub async fn add(app: &App, by: &By, new: NewDeal) -> Result<Deal> {
    let now = app.now();
    let mut tx = app.begin().await?;
    let pipeline = match new.pipeline_id {
        Some(id) => id,
        None => pipeline::ensure(tx.conn(), by.org, now).await?,
    };
    let stages = store::stages_of(tx.conn(), by.org, pipeline).await?;
    if stages.is_empty() {
        return Err(Error::NotFound("pipeline"));
    }
    let stage = match &new.stage {
        Some(key) => stages.iter().find(|s| s.key == *key),
        None => stages.iter().find(|s| s.kind == StageKind::Open),
    };
    let stage = stage.filter(|s| s.kind == StageKind::Open);
    let stage = stage.ok_or_else(|| Error::Invalid("stage: a deal begins in an open stage of its pipeline".into()))?;
    let seen = by.under::<CustomerRead>()?.visible();
    let customer = new.customer_id;
    customers::lock(tx.conn(), by.org, customer, seen).await?.ok_or(Error::NotFound("customer"))?;
    let mut deal = Deal {
        id: DealId::new(),
        org_id: by.org,
        customer_id: customer,
        pipeline_id: pipeline,
        stage_id: stage.id,
        stage: stage.key.clone(),
        status: stage.kind,
        title: String::new(),
        amount: None,
        currency: "CNY".into(),
        probability: stage.probability,
        expected_close_date: None,
        actual_close_date: None,
        owner_id: by.user,
        products: Json(Vec::new()),
        competitors: Json(Vec::new()),
        loss_reason: None,
        notes: None,
        created_at: now,
        updated_at: now,
    };
    new.change.apply(&mut deal, now)?;
    check_owner(tx.conn(), by, &deal).await?;
    store::insert(tx.conn(), &deal).await?;
    tell(tx.conn(), by, &deal, ActivityKind::DealCreated, json!({"stage": deal.stage}), now).await?;
    audit(tx.conn(), now, by, "deal.create", ("deal", deal.id.0), difference(None, Some(&deal))).await?;
    tx.commit().await?;
    told(app, &deal).await;
    Ok(deal)
}

/// Changes a deal.
pub async fn edit(app: &App, by: &By, id: DealId, change: DealChange) -> Result<Deal> {
    let now = app.now();
    let mut tx = app.begin().await?;
    let before = store::lock(tx.conn(), by.org, id, by.visible()).await?.ok_or(Error::NotFound("deal"))?;
    let mut after = before.clone();
    change.apply(&mut after, now)?;
    check_owner(tx.conn(), by, &after).await?;
    let changes = difference(Some(&before), Some(&after));
    store::save(tx.conn(), &after).await?;
    let fields: Vec<&String> = changes.as_object().map(|c| c.keys().collect()).unwrap_or_default();
    if !fields.is_empty() {
        tell(tx.conn(), by, &after, ActivityKind::DealChanged, json!({"fields": fields}), now).await?;
    }
    audit(tx.conn(), now, by, "deal.edit", ("deal", id.0), changes).await?;
    tx.commit().await?;
    told(app, &after).await;
    Ok(after)
}

/// Where a deal should go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// To the stage of this key or id, with this probability instead of the stage's.
    To {
        stage: Target,
        probability: Option<i32>,
    },
    Win,
    /// With the reason.
    Lose(String),
}

/// A stage by its key or its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    Key(String),
    Id(StageId),
}

impl Deal {
    /// Takes the step: to which stage of `stages` the deal goes, and what changes with it. A deal that was won or lost
    /// may be opened again by moving it to an open stage.
    pub fn step(&mut self, step: Step, stages: &[Stage], now: DateTime<Utc>) -> Result<ActivityKind> {
        let of_kind = |kind| stages.iter().find(|s| s.kind == kind);
        let (stage, told) = match &step {
            Step::To { stage: Target::Key(key), .. } => {
                (stages.iter().find(|s| s.key == *key), ActivityKind::DealMoved)
            }
            Step::To { stage: Target::Id(id), .. } => (stages.iter().find(|s| s.id == *id), ActivityKind::DealMoved),
            Step::Win => (of_kind(StageKind::Won), ActivityKind::DealWon),
            Step::Lose(_) => (of_kind(StageKind::Lost), ActivityKind::DealLost),
        };
        let stage = stage.ok_or_else(|| Error::Invalid("stage: there is no such stage in this pipeline".into()))?;
        if told == ActivityKind::DealMoved && stage.kind != StageKind::Open {
            return Err(Error::Invalid("stage: win or lose the deal instead".into()));
        }
        if stage.id == self.stage_id {
            return Err(Error::Conflict(format!("the deal is in the stage '{}' already", stage.key)));
        }
        if stage.kind != StageKind::Open && self.status != StageKind::Open {
            return Err(Error::Conflict("the deal is closed already: move it to an open stage first".into()));
        }
        self.probability = stage.probability;
        self.loss_reason = None;
        match step {
            Step::To { probability: Some(probability), .. } => self.probability = percent(probability)?,
            Step::To { .. } | Step::Win => {}
            Step::Lose(reason) => {
                let reason = reason.trim();
                if reason.is_empty() || reason.chars().count() > 500 {
                    return Err(Error::Invalid("reason: say in 1 to 500 characters why it was lost".into()));
                }
                self.loss_reason = Some(reason.into());
            }
        }
        self.stage_id = stage.id;
        self.stage.clone_from(&stage.key);
        self.status = stage.kind;
        self.actual_close_date = (stage.kind != StageKind::Open).then(|| now.date_naive());
        self.updated_at = now;
        Ok(told)
    }
}

/// Moves a deal, wins it or loses it. Of two who do it at once, the second sees what the first did.
pub async fn step(app: &App, by: &By, id: DealId, step: Step) -> Result<Deal> {
    let now = app.now();
    let mut tx = app.begin().await?;
    let before = store::lock(tx.conn(), by.org, id, by.visible()).await?.ok_or(Error::NotFound("deal"))?;
    let stages = store::stages_of(tx.conn(), by.org, before.pipeline_id).await?;
    let mut after = before.clone();
    let kind = after.step(step, &stages, now)?;
    store::save(tx.conn(), &after).await?;
    let change = json!({
        "from": before.stage, "to": after.stage, "amount": after.amount, "currency": after.currency,
        "reason": after.loss_reason,
    });
    tell(tx.conn(), by, &after, kind, change, now).await?;
    let action = match kind {
        ActivityKind::DealWon => "deal.win",
        ActivityKind::DealLost => "deal.lose",
        _ => "deal.move",
    };
    audit(tx.conn(), now, by, action, ("deal", id.0), difference(Some(&before), Some(&after))).await?;
    tx.commit().await?;
    told(app, &after).await;
    Ok(after)
}

/// Which deals; what is absent doesn't matter.
#[derive(Debug, Clone, Default)]
pub struct Sought {
    pub pipeline: Option<PipelineId>,
    /// A stage's key.
    pub stage: Option<String>,
    pub status: Option<StageKind>,
    pub customer: Option<CustomerId>,
    pub owner: Option<UserId>,
}

/// A page of the deals the asker may see, the newest first.
pub async fn list(app: &App, by: &By, sought: Sought, after: Cursor, limit: i64) -> Result<Page<Deal>> {
    let mut reader = app.read().await?;
    let rows = store::list(reader.conn(), by.org, by.visible(), &sought, after, limit + 1).await?;
    Ok(Page::of(rows, limit, |d| Cursor { at: d.created_at, id: d.id.0 }))
}

/// What the deals the asker may see come to, by stage and currency, in the order of the stages.
pub async fn totals(app: &App, by: &By, sought: Sought) -> Result<Vec<StageTotal>> {
    store::totals(app.read().await?.conn(), by.org, by.visible(), &sought).await
}

/// One deal.
pub async fn find(app: &App, by: &By, id: DealId) -> Result<Deal> {
    store::find(app.read().await?.conn(), by.org, id, by.visible()).await?.ok_or(Error::NotFound("deal"))
}

async fn check_owner(c: Conn<'_>, by: &By, deal: &Deal) -> Result<()> {
    match deal.owner_id {
        Some(owner) if Some(owner) != by.user && !staff::is_member(c, by.org, owner).await? => {
            Err(Error::Invalid("owner_id: there is no such user".into()))
        }
        _ => Ok(()),
    }
}

async fn tell(
    c: Conn<'_>,
    by: &By,
    deal: &Deal,
    kind: ActivityKind,
    mut details: Value,
    now: DateTime<Utc>,
) -> Result<()> {
    if let Some(fields) = details.as_object_mut() {
        fields.insert("deal_id".into(), json!(deal.id));
    }
    let entry = NewActivity::of(kind, by.user).titled(&deal.title).with(details);
    customers::activity(c, by.org, deal.customer_id, entry, now).await.map(|_| ())
}

async fn told(app: &App, deal: &Deal) {
    app.changed(deal.org_id, Changed::Deal { id: deal.id }).await;
    app.changed(deal.org_id, Changed::Customer { id: deal.customer_id }).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::OrgId;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_772_442_000, 0).unwrap()
    }

    fn pipeline() -> Vec<Stage> {
        let id = PipelineId::new();
        let stage = |(position, (key, probability, kind)): (i32, (&str, i32, StageKind))| Stage {
            id: StageId::new(),
            pipeline_id: id,
            key: key.into(),
            name: key.into(),
            position,
            probability,
            kind,
        };
        let stages = [
            ("initial", 20, StageKind::Open),
            ("proposal", 60, StageKind::Open),
            ("won", 100, StageKind::Won),
            ("lost", 0, StageKind::Lost),
        ];
        (0..).zip(stages).map(stage).collect()
    }

    fn deal(stages: &[Stage]) -> Deal {
        Deal {
            id: DealId::new(),
            org_id: OrgId::new(),
            customer_id: CustomerId::new(),
            pipeline_id: stages[0].pipeline_id,
            stage_id: stages[0].id,
            stage: "initial".into(),
            status: StageKind::Open,
            title: "Twenty licences".into(),
            amount: Some(100_000),
            currency: "CNY".into(),
            probability: 20,
            expected_close_date: None,
            actual_close_date: None,
            owner_id: None,
            products: Json(Vec::new()),
            competitors: Json(Vec::new()),
            loss_reason: None,
            notes: None,
            created_at: now(),
            updated_at: now(),
        }
    }

    fn to(key: &str) -> Step {
        Step::To { stage: Target::Key(key.into()), probability: None }
    }

    #[test]
    fn a_deal_takes_the_probability_of_its_stage_unless_it_is_set() {
        let stages = pipeline();
        let mut deal = deal(&stages);
        assert_eq!(deal.step(to("proposal"), &stages, now()).unwrap(), ActivityKind::DealMoved);
        assert_eq!((deal.stage.as_str(), deal.probability), ("proposal", 60));
        let back = Step::To { stage: Target::Id(stages[0].id), probability: Some(35) };
        deal.step(back, &stages, now()).unwrap();
        assert_eq!((deal.stage.as_str(), deal.probability), ("initial", 35));
    }

    #[test]
    fn a_deal_is_lost_with_a_reason_and_may_be_opened_again() {
        let stages = pipeline();
        let mut deal = deal(&stages);
        assert!(deal.clone().step(Step::Lose(" ".into()), &stages, now()).is_err());
        deal.step(Step::Lose("too dear".into()), &stages, now()).unwrap();
        assert_eq!((deal.status, deal.probability), (StageKind::Lost, 0));
        assert_eq!(deal.loss_reason.as_deref(), Some("too dear"));
        assert_eq!(deal.actual_close_date, Some(now().date_naive()));
        assert!(matches!(deal.clone().step(Step::Win, &stages, now()), Err(Error::Conflict(_))));
        deal.step(to("initial"), &stages, now()).unwrap();
        assert_eq!((deal.status, deal.loss_reason, deal.actual_close_date), (StageKind::Open, None, None));
    }

    #[test]
    fn a_closing_stage_is_reached_by_winning_or_losing_only() {
        let stages = pipeline();
        let mut deal = deal(&stages);
        assert!(matches!(deal.step(to("won"), &stages, now()), Err(Error::Invalid(_))));
        assert!(matches!(deal.step(to("nowhere"), &stages, now()), Err(Error::Invalid(_))));
        assert!(matches!(deal.step(to("initial"), &stages, now()), Err(Error::Conflict(_))));
        deal.step(Step::Win, &stages, now()).unwrap();
        assert_eq!((deal.stage.as_str(), deal.probability), ("won", 100));
    }
}
