//! Words that deny one another, from a short list of our own: "the largest" is not answered by what is said of the
//! smallest.

use std::{collections::HashMap, sync::LazyLock};

use super::synonyms::term_of;

/// By a term's id, those of its opposites.
static BY_ID: LazyLock<HashMap<u32, Vec<u32>>> = LazyLock::new(|| {
    let mut by_id: HashMap<u32, Vec<u32>> = HashMap::new();
    let lines = include_str!("opposites.txt").lines().filter(|line| !line.starts_with('#'));
    for (one, other) in lines.filter_map(|line| line.split_once(' ')) {
        let (one, other) = (term_of(one.trim()), term_of(other.trim()));
        by_id.entry(one).or_default().push(other);
        by_id.entry(other).or_default().push(one);
    }
    by_id
});

/// Whether `said` lacks one of `asked` and has its opposite, which is not asked for as well.
pub(super) fn is_opposed(asked: &[u32], said: &[u32]) -> bool {
    let denies = |word: &u32| {
        let opposites = BY_ID.get(word).map(Vec::as_slice).unwrap_or_default();
        opposites.iter().any(|other| said.contains(other) && !asked.contains(other)) && !said.contains(word)
    };
    asked.iter().any(denies)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::lexical;

    #[test]
    fn the_smallest_is_no_answer_to_the_largest() {
        let ids = |text: &str| lexical::tokens(text).iter().map(|t| t.id).collect::<Vec<u32>>();
        let opposed = |asked: &str, said: &str| is_opposed(&ids(asked), &ids(said));
        assert!(opposed("Which is the largest tent?", "The smallest tent is the TD-2."));
        assert!(opposed("最大的帐篷是哪款", "最小的帐篷是 TD-2。"));
        assert!(!opposed("Which is the largest tent?", "The largest tent is the TD-4, the smallest the TD-2."));
        assert!(!opposed("Is the smallest or the largest in stock?", "The smallest is in stock."));
    }
}
