//! Our words in the client's.

use qdrant_client::{
    Payload,
    qdrant::{
        self as qdrant, Condition as NativeCondition, CreateCollectionBuilder, CreateFieldIndexCollectionBuilder,
        DecayParamsExpressionBuilder, Distance, Expression, FieldType, Formula, FormulaBuilder, HnswConfigDiffBuilder,
        IntegerIndexParamsBuilder, KeywordIndexParamsBuilder, NamedVectors, OptimizersConfigDiffBuilder, PointId,
        PointStruct, PrefetchQuery, PrefetchQueryBuilder, Query, Range, ScoredPoint, SparseIndexConfigBuilder,
        SparseVectorParamsBuilder, SparseVectorsConfigBuilder, VectorParamsBuilder, VectorsConfigBuilder,
        point_id::PointIdOptions, vectors_config,
    },
};
use uuid::Uuid;

use crate::platform::vectors::{Condition, DENSE, Decay, Filter, KEYWORDS, LEXICAL, NUMBERS, Point, Shape};

/// A collection like those of the engine in this process.
pub fn definition(name: String, shape: Shape) -> CreateCollectionBuilder {
    let mut lexical = SparseVectorsConfigBuilder::default();
    let index = SparseIndexConfigBuilder::default().on_disk(true);
    lexical.add_named_vector_params(LEXICAL, SparseVectorParamsBuilder::default().index(index));
    let mut definition = CreateCollectionBuilder::new(name)
        .sparse_vectors_config(lexical)
        .on_disk_payload(true)
        .hnsw_config(HnswConfigDiffBuilder::default().on_disk(true))
        .optimizers_config(OptimizersConfigDiffBuilder::default().indexing_threshold(500));
    if let Some(dimensions) = shape.dense_dimensions {
        let mut dense = VectorsConfigBuilder::default();
        dense.add_named_vector_params(DENSE, VectorParamsBuilder::new(dimensions, Distance::Cosine).on_disk(true));
        definition = definition.vectors_config(dense);
    }
    definition
}

/// Its indexes.
pub fn indexes(name: &str) -> Vec<qdrant::CreateFieldIndexCollection> {
    let keywords = KEYWORDS.into_iter().map(|field| {
        CreateFieldIndexCollectionBuilder::new(name, field, FieldType::Keyword)
            .field_index_params(KeywordIndexParamsBuilder::default().on_disk(true))
    });
    let numbers = NUMBERS.into_iter().map(|field| {
        CreateFieldIndexCollectionBuilder::new(name, field, FieldType::Integer)
            .field_index_params(IntegerIndexParamsBuilder::new(true, true).on_disk(true))
    });
    keywords.chain(numbers).map(|index| index.wait(true).build()).collect()
}

/// What a collection was made for.
pub fn shape_of(info: &qdrant::CollectionInfo) -> Shape {
    let vectors = info.config.as_ref().and_then(|c| c.params.as_ref()).and_then(|p| p.vectors_config.as_ref());
    let dense = match vectors.and_then(|v| v.config.as_ref()) {
        Some(vectors_config::Config::ParamsMap(params)) => params.map.get(DENSE),
        _ => None,
    };
    Shape { dense_dimensions: dense.map(|d| d.size) }
}

/// What was found.
pub fn scores(points: Vec<ScoredPoint>) -> Vec<(Uuid, f32)> {
    points.into_iter().filter_map(|point| Some((uuid(point.id?)?, point.score))).collect()
}

/// Ours are all UUIDs.
pub fn uuid(id: PointId) -> Option<Uuid> {
    match id.point_id_options? {
        PointIdOptions::Uuid(text) => text.parse().ok(),
        PointIdOptions::Num(_) => None,
    }
}

/// A point to store.
pub fn point(point: Point) -> PointStruct {
    let lexical = qdrant::Vector::new_sparse(point.lexical.indices, point.lexical.values);
    let mut vectors = NamedVectors::default().add_vector(LEXICAL, lexical);
    if let Some(dense) = point.dense {
        vectors = vectors.add_vector(DENSE, qdrant::Vector::new_dense(dense));
    }
    PointStruct::new(point.id, vectors, Payload::from(point.fields))
}

/// Which points to look at; `None` for all.
pub fn filter(filter: &Filter) -> Option<qdrant::Filter> {
    if filter.must.is_empty() && filter.without.is_empty() {
        return None;
    }
    let without = (!filter.without.is_empty()).then(|| NativeCondition::has_id(filter.without.iter().copied()));
    Some(qdrant::Filter {
        must: filter.must.iter().map(condition).collect(),
        must_not: without.into_iter().collect(),
        ..Default::default()
    })
}

fn condition(ours: &Condition) -> NativeCondition {
    match ours {
        Condition::OneOf { field, words } => NativeCondition::matches(*field, words.clone()),
        Condition::Between { field, from, to, or_absent } => {
            #[expect(clippy::cast_precision_loss, reason = "seconds and counts are far below 2^53")]
            let bound = |n: Option<i64>| n.map(|n| n as f64);
            let within =
                NativeCondition::range(*field, Range { lt: None, gt: None, gte: bound(*from), lte: bound(*to) });
            if *or_absent { qdrant::Filter::should([NativeCondition::is_empty(*field), within]).into() } else { within }
        }
        Condition::Ids(ids) => NativeCondition::has_id(ids.iter().copied()),
    }
}

/// The `limit` nearest to `query`.
pub fn prefetch(using: &str, query: &Query, filter: Option<&qdrant::Filter>, limit: u64) -> PrefetchQuery {
    PrefetchQuery {
        filter: filter.cloned(),
        ..PrefetchQueryBuilder::default().query(query.clone()).using(using).limit(limit).build()
    }
}

/// The weighed sum of the scores, one per prefetch, times the decay.
pub fn decay(decay: &Decay, weights: &[f32]) -> Formula {
    let scores = weights
        .iter()
        .enumerate()
        .map(|(index, weight)| Expression::mult_with([Expression::constant(*weight), Expression::score_idx(index)]));
    // A constant is a single-precision number, too coarse for a time in seconds: two of them are exact.
    let (coarse, fine) = decay.split_now();
    let decayed = DecayParamsExpressionBuilder::new(Expression::variable(decay.field))
        .target(Expression::sum_with([Expression::constant(coarse), Expression::constant(fine)]))
        .midpoint(0.5)
        .scale(decay.half_life_s)
        .build();
    let formula =
        FormulaBuilder::new(Expression::mult_with([Expression::sum_with(scores), Expression::exp_decay(decayed)]));
    let formula = formula.add_default(decay.field, decay.now);
    (0..weights.len()).fold(formula, |f, index| f.add_default(format!("$score[{index}]"), 0.0)).build()
}
