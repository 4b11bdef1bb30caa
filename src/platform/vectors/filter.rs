//! Which points may be found, in words both engines understand.

use uuid::Uuid;

/// Conditions that must all hold. The default lets everything through.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    pub(super) must: Vec<Condition>,
    pub(super) without: Vec<Uuid>,
}

/// One condition on one field.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// The field is (or, being a list, contains) one of these words. No words: nothing matches.
    OneOf { field: &'static str, words: Vec<String> },
    /// The field lies between the two, both included; an open end has no bound. A point without the field passes
    /// only if `or_absent`.
    Between { field: &'static str, from: Option<i64>, to: Option<i64>, or_absent: bool },
    /// The point is one of these.
    Ids(Vec<Uuid>),
}

impl Filter {
    /// Lets everything through.
    pub fn all() -> Self {
        Self::default()
    }

    pub fn and(mut self, condition: Condition) -> Self {
        self.must.push(condition);
        self
    }

    /// The field is one of these words.
    pub fn one_of<W: Into<String>>(self, field: &'static str, words: impl IntoIterator<Item = W>) -> Self {
        self.and(Condition::OneOf { field, words: words.into_iter().map(Into::into).collect() })
    }

    /// The field is this word.
    pub fn is(self, field: &'static str, word: impl Into<String>) -> Self {
        self.one_of(field, [word])
    }

    /// The field lies between the two, both included; an open end has no bound.
    pub fn between(self, field: &'static str, from: Option<i64>, to: Option<i64>) -> Self {
        self.and(Condition::Between { field, from, to, or_absent: false })
    }

    /// Like [`between`](Self::between), or there is no such field.
    pub fn between_or_absent(self, field: &'static str, from: Option<i64>, to: Option<i64>) -> Self {
        self.and(Condition::Between { field, from, to, or_absent: true })
    }

    /// Valid at `now` (Unix seconds): `valid_from` is absent or not later, `valid_until` is absent or later.
    pub fn valid_at(self, now: i64) -> Self {
        self.between_or_absent("valid_from", None, Some(now)).between_or_absent(
            "valid_until",
            Some(now.saturating_add(1)),
            None,
        )
    }

    /// Only these points.
    pub fn ids(self, ids: impl IntoIterator<Item = Uuid>) -> Self {
        self.and(Condition::Ids(ids.into_iter().collect()))
    }

    /// None of these points.
    pub fn without(mut self, ids: impl IntoIterator<Item = Uuid>) -> Self {
        self.without.extend(ids);
        self
    }
}
