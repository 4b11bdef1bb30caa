//! What a memory says of the customer: its kind, and what follows from it.

use serde::{Deserialize, Serialize};

use super::strength;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $category:ident, $importance:literal, $days:literal,
       $slot:ident, $en:literal, $zh:literal;)*) => {
        /// What is known.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema,
        )]
        #[serde(rename_all = "snake_case")]
        #[sqlx(type_name = "text", rename_all = "snake_case")]
        #[schema(as = MemoryKind)]
        pub enum Kind {
            $($(#[$doc])* $name,)*
        }

        impl Kind {
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// A stable word for programs.
            pub fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            pub fn category(self) -> Category {
                match self { $(Self::$name => Category::$category,)* }
            }

            /// How much a new one matters: 0 to 1.
            pub fn importance(self) -> f64 {
                match self { $(Self::$name => $importance,)* }
            }

            /// How stable a new one is, in days: see [`strength`].
            pub fn stability(self) -> f64 {
                match self { $(Self::$name => $days,)* }
            }

            /// How many there can be at a time.
            pub fn slot(self) -> Slot {
                match self { $(Self::$name => Slot::$slot,)* }
            }

            /// The words a person reads before the value.
            pub fn label(self, is_chinese: bool) -> &'static str {
                match self { $(Self::$name => if is_chinese { $zh } else { $en },)* }
            }
        }
    };
}

/// The seed's categories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = MemoryCategory)]
pub enum Category {
    Preference,
    Need,
    Event,
    Personal,
    Insight,
}

/// How many memories of a kind hold at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// One: a new one closes the old one.
    One,
    /// One for each thing it is about (a shoe size beside a shirt size).
    OneEach,
    /// As many as there are different values.
    Many,
}

// The days are those after which nine tenths of the strength are left; half of it is after nine times as many. So who
// somebody is stays for years, a preference is half as strong after six months, an order after two, a mood after a day;
// a promise does not fade at all before it is kept.
kinds! {
    Name = "name", Personal, 0.9, 200.0, One, "name", "姓名";
    AddressForm = "address_form", Preference, 0.9, 200.0, One, "wants to be called", "希望的称呼";
    Language = "language", Preference, 0.8, 150.0, One, "speaks", "使用语言";
    Contact = "contact", Personal, 0.7, 80.0, OneEach, "can be reached at", "联系方式";
    City = "city", Personal, 0.7, 80.0, One, "lives in", "所在城市";
    Address = "address", Personal, 0.7, 80.0, One, "address", "地址";
    Size = "size", Personal, 0.7, 60.0, OneEach, "size", "尺码";
    Allergy = "allergy", Personal, 0.95, 300.0, Many, "allergic to", "过敏";
    Diet = "diet", Preference, 0.8, 120.0, Many, "diet", "饮食";
    Health = "health", Personal, 0.7, 60.0, Many, "health", "健康";
    Family = "family", Personal, 0.6, 150.0, Many, "family", "家庭";
    Pet = "pet", Personal, 0.5, 120.0, Many, "pet", "宠物";
    Birthday = "birthday", Personal, 0.7, 400.0, One, "birthday", "生日";
    Job = "job", Personal, 0.5, 80.0, One, "works as", "职业";
    Device = "device", Personal, 0.6, 40.0, Many, "has", "使用设备";
    Order = "order", Event, 0.6, 7.0, Many, "order", "订单";
    Ticket = "ticket", Event, 0.6, 7.0, Many, "ticket", "工单";
    Purchase = "purchase", Event, 0.5, 15.0, Many, "bought", "买过";
    Complaint = "complaint", Event, 0.6, 14.0, Many, "complained", "投诉";
    Appointment = "appointment", Event, 0.6, 4.0, Many, "appointment", "约定时间";
    Deadline = "deadline", Need, 0.6, 4.0, Many, "needs it by", "截止时间";
    Promise = "promise", Event, 0.95, 400.0, Many, "we promised", "我们承诺";
    Preference = "preference", Preference, 0.6, 20.0, Many, "prefers", "偏好";
    Dislike = "dislike", Preference, 0.6, 20.0, Many, "does not want", "不喜欢";
    Need = "need", Need, 0.5, 5.0, Many, "looks for", "需要";
    Mood = "mood", Insight, 0.3, 0.11, One, "mood", "情绪";
    /// Anything else: said in a talk, or written by a person.
    Note = "note", Event, 0.4, 15.0, Many, "note", "备注";
}

impl Kind {
    /// The kind that `word` names.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.word() == word)
    }

    /// Who the customer is: always shown to the assistant.
    pub fn is_identity(self) -> bool {
        matches!(self, Self::Name | Self::AddressForm | Self::Language | Self::Allergy | Self::City)
    }

    /// What may have changed since: the assistant asks before it acts on an old one.
    pub fn goes_stale(self) -> bool {
        matches!(self, Self::City | Self::Address | Self::Contact | Self::Size | Self::Device | Self::Job)
    }

    /// Whether a new one is long-term at once: said once, it is taken to last.
    pub fn is_lasting(self) -> bool {
        self.stability() >= 20.0
    }

    /// What a day leaves of a new one.
    pub fn decay_factor(self) -> f64 {
        strength::decay_factor(self.stability())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_somebody_is_lasts_years_a_preference_months_and_a_mood_a_day() {
        let half_after = |kind: Kind| {
            let left = |days: f64| strength::retention(days, kind.stability());
            (1..4000).map(f64::from).find(|days| left(*days) <= 0.5).unwrap_or(4000.0)
        };
        for kind in [Kind::Name, Kind::Allergy, Kind::Family, Kind::Birthday] {
            assert!(half_after(kind) >= 3.0 * 365.0, "{kind:?}");
        }
        for kind in [Kind::Preference, Kind::Dislike] {
            assert!((60.0..=365.0).contains(&half_after(kind)), "{kind:?}");
        }
        assert_eq!(half_after(Kind::Mood), 1.0);
        assert!(half_after(Kind::Order) < half_after(Kind::Preference));
    }
}
