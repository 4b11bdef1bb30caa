//! Our words in the engine's.

use std::collections::HashMap;

use qdrant_edge::{
    self as qdrant, DecayKind, Expression, FieldCondition, Formula, IsEmptyCondition, JsonPath, PointId,
    PointStructPersisted, Range, ScoringQuery, VectorPersisted, VectorStructPersisted,
    external::ordered_float::OrderedFloat,
};
use uuid::Uuid;

use super::shard::Engine;
use crate::platform::{
    error::{Error, Result},
    vectors::{Condition, DENSE, Decay, Filter, LEXICAL, Point, SparseVector},
};

/// A field's name.
pub fn path(field: &str) -> Result<JsonPath> {
    field.parse().map_err(|()| Error::Invalid(format!("'{field}' cannot be a filter field")))
}

/// A sparse vector to search with.
pub fn sparse(vector: SparseVector) -> Result<qdrant::SparseVector> {
    qdrant::SparseVector::new(vector.indices, vector.values).map_err(|e| Error::Invalid(e.to_string()))
}

/// A point to store.
pub fn point(point: Point) -> PointStructPersisted {
    let lexical = qdrant::SparseVector { indices: point.lexical.indices, values: point.lexical.values };
    let mut vectors = HashMap::from([(LEXICAL.into(), VectorPersisted::Sparse(lexical))]);
    if let Some(dense) = point.dense {
        vectors.insert(DENSE.into(), VectorPersisted::Dense(dense));
    }
    PointStructPersisted {
        id: PointId::Uuid(point.id),
        vector: VectorStructPersisted::Named(vectors),
        payload: Some(qdrant::Payload(point.fields)),
    }
}

/// Which points of a collection a filter lets through.
pub enum Passing {
    Some(qdrant::Filter),
    None,
}

/// The filter as far as it matters in this collection: a field that no point has decides for all at once.
pub fn filter(filter: &Filter, of: &Engine) -> Result<Passing> {
    let mut must = Vec::with_capacity(filter.must.len());
    for ours in &filter.must {
        match ours {
            Condition::OneOf { field, .. } | Condition::Between { field, or_absent: false, .. }
                if !of.may_have(field) =>
            {
                return Ok(Passing::None);
            }
            Condition::Between { field, or_absent: true, .. } if !of.may_have(field) => {}
            ours => must.push(condition(ours)?),
        }
    }
    Ok(Passing::Some(qdrant::Filter {
        should: None,
        min_should: None,
        must: (!must.is_empty()).then_some(must),
        must_not: (!filter.without.is_empty()).then(|| vec![has_id(&filter.without)]),
    }))
}

fn condition(ours: &Condition) -> Result<qdrant::Condition> {
    Ok(match ours {
        Condition::OneOf { field, words } => {
            qdrant::Condition::Field(FieldCondition::new_match(path(field)?, words.clone().into()))
        }
        Condition::Between { field, from, to, or_absent } => {
            #[expect(clippy::cast_precision_loss, reason = "seconds and counts are far below 2^53")]
            let bound = |n: Option<i64>| n.map(|n| OrderedFloat(n as f64));
            let range = Range { lt: None, gt: None, gte: bound(*from), lte: bound(*to) };
            let within = qdrant::Condition::Field(FieldCondition::new_range(path(field)?, range));
            if *or_absent {
                let absent = qdrant::Condition::IsEmpty(IsEmptyCondition::from(path(field)?));
                qdrant::Condition::Filter(qdrant::Filter {
                    should: Some(vec![absent, within]),
                    min_should: None,
                    must: None,
                    must_not: None,
                })
            } else {
                within
            }
        }
        Condition::Ids(ids) => has_id(ids),
    })
}

/// One of these points.
fn has_id(ids: &[Uuid]) -> qdrant::Condition {
    qdrant::Condition::HasId(ids.iter().map(|id| PointId::Uuid(*id)).collect())
}

/// The weighed sum of the scores, one per prefetch, times the decay.
pub fn decay(decay: &Decay, weights: &[f32]) -> Result<ScoringQuery> {
    let scores = weights.iter().enumerate().map(|(index, weight)| {
        Expression::Mult(vec![Expression::Constant(*weight), Expression::Variable(format!("$score[{index}]"))])
    });
    // A constant is a single-precision number, too coarse for a time in seconds: two of them are exact.
    let (coarse, fine) = decay.split_now();
    let decayed = Expression::Decay {
        kind: DecayKind::Exp,
        x: Box::new(Expression::Variable(decay.field.into())),
        target: Some(Box::new(Expression::Sum(vec![Expression::Constant(coarse), Expression::Constant(fine)]))),
        midpoint: Some(0.5),
        scale: Some(decay.half_life_s),
    };
    let mut defaults: HashMap<String, serde_json::Value> =
        (0..weights.len()).map(|index| (format!("$score[{index}]"), 0.into())).collect();
    defaults.insert(decay.field.into(), decay.now.into());
    let formula = Formula { formula: Expression::Mult(vec![Expression::Sum(scores.collect()), decayed]), defaults };
    Ok(ScoringQuery::Formula(formula.try_into().map_err(super::shard::failed)?))
}
