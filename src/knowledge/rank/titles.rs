//! What the titles of documents list, and which part of it is meant.

use super::asked::Asked;
use crate::{
    knowledge::wants,
    platform::lexical::{self, Kind, Token},
};

/// Of what a part of a document's title names, the share that the question names too, for the part that fits best:
/// "Delivery: times and fees" is about fees, "Shipping restrictions" only half about shipping.
pub(super) fn named_by(asked: &Asked, headline: &str) -> f32 {
    let title = headline.split(super::PATH).next().unwrap_or_default();
    let share = |part: &str| {
        let tokens = lexical::tokens(part);
        let sorts = wants::sort_words(part);
        let is_sort = |t: &Token| sorts.iter().any(|r| t.start < r.end && r.start < t.end);
        let is_topic = |t: &&Token| matches!(t.kind, Kind::Word | Kind::Char | Kind::Number) && !is_sort(t);
        let of_topic = || tokens.iter().filter(is_topic);
        let asks = |id: u32| asked.terms.iter().any(|t| t.id == id || t.synonyms.contains(&id));
        of_topic().filter(|t| asks(t.id)).count() as f32 / of_topic().count().max(1) as f32
    };
    parts_of(title).map(share).fold(0.0, f32::max)
}

/// Of the words of a title that lists several things, those of the things that `heading` is not about, if it is about one
/// of them.
pub(super) fn of_other_parts(title: &str, heading: &str) -> Vec<u32> {
    // One character is shared by words that have nothing in common: "电热水壶" and "电饭煲".
    let words = |text: &str| -> Vec<u32> {
        let tokens = lexical::tokens(text).into_iter().filter(|t| !matches!(t.kind, Kind::Char | Kind::Stop));
        tokens.map(|t| t.id).collect()
    };
    let in_heading = words(heading);
    let (own, others): (Vec<&str>, Vec<&str>) =
        parts_of(title).partition(|part| words(part).iter().any(|id| in_heading.contains(id)));
    if own.is_empty() {
        return Vec::new();
    }
    let own = lexical::term_ids(&own.join(" "));
    others.into_iter().flat_map(lexical::term_ids).filter(|id| !own.contains(id)).collect()
}

/// The things that a title lists: "Delivery: times and fees" are three.
fn parts_of(title: &str) -> impl Iterator<Item = &str> {
    let marks = [":", "：", "、", "与", "和", "&", ",", "，", "(", "（", " and "];
    let mut rest = Some(title);
    std::iter::from_fn(move || {
        let text = rest?;
        let next = marks.iter().filter_map(|mark| text.find(mark).map(|at| (at, mark.len()))).min();
        let (part, after) =
            next.map_or((text, None), |(at, len)| (text.get(..at).unwrap_or_default(), text.get(at + len..)));
        rest = after;
        Some(part)
    })
    .filter(|part| !part.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn under_the_heading_of_one_part_the_title_speaks_of_no_other() {
        // One character of a Chinese word is not the word.
        let others = of_other_parts("电热水壶与电饭煲", "电热水壶 KT-120");
        let ids = lexical::term_ids;
        assert!(
            ids("饭煲").iter().all(|id| others.contains(id)) && !others.iter().any(|id| ids("电热水壶").contains(id))
        );
        assert_eq!(of_other_parts("Delivery and tracking", "If nobody is at home"), Vec::<u32>::new());
    }
}
