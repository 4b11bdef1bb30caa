//! A document's text → passages: along its headings, whole sentences, whole rows with their header.

mod blocks;
mod pack;
pub mod tokens;

use serde_json::{Value, json};

use super::parse::{Parsed, Part, Table};
use blocks::{Block, Blocks};
use pack::Packer;

/// A passage before it has an id.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// The headings it stands under, outermost first.
    pub heading_path: Vec<String>,
    pub content: String,
    pub tokens: usize,
    pub metadata: Value,
}

/// What a rows' question and answer columns may be called, folded to lower case.
const QUESTION: [&str; 10] =
    ["question", "questions", "q", "问题", "标准问题", "标准问", "常见问题", "提问", "問題", "faq"];
const ANSWER: [&str; 9] = ["answer", "answers", "a", "答案", "回答", "标准答案", "回复", "解答", "答覆"];

/// Splits a document into passages of about `passage_tokens`. A text that fits into one stays one.
pub fn split(parsed: &Parsed, passage_tokens: usize) -> Vec<Piece> {
    let mut packer = Packer::new(passage_tokens);
    for part in &parsed.parts {
        match part {
            Part::Markdown(text) => blocks(&mut packer, Blocks::of_markdown(text), parsed.title.as_deref()),
            Part::Text(text) => blocks(&mut packer, Blocks::of_text(text), None),
            Part::Entry { heading, text } => {
                packer.section(heading.iter().cloned().collect());
                blocks(&mut packer, Blocks::of_text(text), None);
            }
            Part::Table(table) => rows(&mut packer, table),
        }
    }
    packer.finish()
}

/// Adds blocks under their headings. A first heading that repeats the document's title adds nothing to it.
fn blocks(packer: &mut Packer, blocks: Blocks<'_>, title: Option<&str>) {
    let mut path: Vec<(usize, String)> = Vec::new();
    let mut bare: Option<String> = None;
    for block in blocks {
        if let Block::Heading { level, text } = &block {
            // A heading with nothing under it still says something (the title of a slide).
            let is_parent = path.last().is_some_and(|(above, _)| above < level);
            if let Some(heading) = bare.take().filter(|_| !is_parent) {
                packer.add(Block::Paragraph(&heading));
            }
            path.retain(|(above, _)| above < level);
            path.push((*level, text.clone()));
            let shown = path.iter().enumerate().filter(|(at, (_, text))| *at > 0 || title != Some(text.as_str()));
            packer.section(shown.map(|(_, (_, text))| text.clone()).collect());
            bare = Some(text.clone());
        } else {
            bare = None;
            packer.add(block);
        }
    }
    if let Some(heading) = bare {
        packer.add(Block::Paragraph(&heading));
    }
}

/// Adds a table row by row: question and answer tables give a passage a row, others as many rows as fit.
fn rows(packer: &mut Packer, table: &Table) {
    packer.section(table.name.iter().cloned().collect());
    let column = |names: &[&str]| table.header.iter().position(|h| names.contains(&h.trim().to_lowercase().as_str()));
    if let (Some(question), Some(answer)) = (column(&QUESTION), column(&ANSWER)) {
        for row in &table.rows {
            let (Some(q), Some(a)) = (row.get(question), row.get(answer)) else { continue };
            if q.is_empty() && a.is_empty() {
                continue;
            }
            let rest = row.iter().enumerate().filter(|(at, _)| *at != question && *at != answer);
            let rest: String = rest
                .filter_map(|(at, cell)| named(table.header.get(at), cell))
                .map(|line| format!("\n{line}"))
                .collect();
            packer.alone(&format!("{q}\n{a}{rest}"), json!({"kind": "faq", "question": q, "answer": a}));
        }
        return;
    }
    if table.rows.is_empty() {
        packer.add(Block::Paragraph(&table.header.join(" | ")));
    }
    if is_plain(table) {
        return blocks(packer, Blocks::of_markdown(&in_markdown(table)), None);
    }
    for row in &table.rows {
        let cells = row.iter().enumerate().filter_map(|(at, cell)| named(table.header.get(at), cell));
        packer.row(&format!("- {}", cells.collect::<Vec<_>>().join("; ")));
    }
}

/// Whether every column has a name, and no cell is a text of its own.
fn is_plain(table: &Table) -> bool {
    const MOST_COLUMNS: usize = 12;
    const LONGEST: usize = 120;
    (2..=MOST_COLUMNS).contains(&table.header.len())
        && table.header.iter().all(|name| !name.trim().is_empty())
        && table.rows.iter().flatten().all(|cell| cell.chars().count() <= LONGEST)
}

/// A table as it stands in Markdown, whatever it came from: tables are read in one way.
fn in_markdown(table: &Table) -> String {
    let line = |cells: &[String]| {
        let cells = (0..table.header.len()).map(|at| cells.get(at).map_or("", String::as_str));
        let cells = cells.map(|cell| cell.replace('|', "/").split_whitespace().collect::<Vec<_>>().join(" "));
        format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
    };
    let mut text = line(&table.header);
    text += &format!("|{}\n", "---|".repeat(table.header.len()));
    text.extend(table.rows.iter().map(|row| line(row)));
    text
}

/// `header: cell`; `None` for an empty cell.
fn named(header: Option<&String>, cell: &str) -> Option<String> {
    match header.map(|h| h.trim()) {
        _ if cell.trim().is_empty() => None,
        Some(header) if !header.is_empty() => Some(format!("{header}: {cell}")),
        _ => Some(cell.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn markdown(text: &str, tokens: usize) -> Vec<Piece> {
        split(&Parsed { title: None, parts: vec![Part::Markdown(text.into())] }, tokens)
    }

    #[test]
    fn headings_become_the_path_and_sections_stay_apart() {
        let pieces =
            markdown("# Shop\nHello.\n\n## Returns\nThirty days.\n\n### Costs\nFree.\n\n## Hours\n9 to 18.", 320);
        let seen: Vec<String> =
            pieces.iter().map(|p| format!("{}: {}", p.heading_path.join(" > "), p.content)).collect();
        assert_eq!(
            seen,
            ["Shop: Hello.", "Shop > Returns: Thirty days.", "Shop > Returns > Costs: Free.", "Shop > Hours: 9 to 18.",]
        );
    }

    #[test]
    fn a_short_text_is_one_passage_and_a_long_one_is_cut_between_sentences() {
        let sentence = "The parcel usually arrives within three working days after it has left the warehouse. ";
        assert_eq!(markdown(&sentence.repeat(5), 320).len(), 1);
        let pieces = markdown(&sentence.repeat(100), 320);
        assert!(pieces.len() > 4, "{}", pieces.len());
        for piece in &pieces {
            assert!(piece.tokens <= 400 && piece.tokens > 100, "{}", piece.tokens);
            assert!(piece.content.ends_with("warehouse."), "{}", piece.content);
        }
    }

    #[test]
    fn chinese_without_spaces_is_cut_between_sentences() {
        let pieces = markdown(&"自签收之日起七天内商品未使用的可以申请无理由退货，运费由买家承担。".repeat(60), 200);
        assert!(pieces.len() > 3);
        assert!(pieces.iter().all(|p| p.content.ends_with("承担。") && p.tokens <= 250), "{pieces:?}");
    }

    /// Many minutes if the time grew with the square of the length.
    #[test]
    fn a_long_text_without_an_end_of_a_sentence_takes_no_longer_than_its_length() {
        for shape in ["kettle ", "letters", "水壶的内胆", "一，二"] {
            let text = shape.repeat(600_000 / shape.len());
            let parsed = Parsed { title: None, parts: vec![Part::Text(text.clone())] };
            let pieces = split(&parsed, 320);
            let kept: usize = pieces.iter().map(|p| p.content.chars().filter(|c| !c.is_whitespace()).count()).sum();
            assert_eq!(kept, text.chars().filter(|c| !c.is_whitespace()).count(), "{shape}");
            assert!(pieces.iter().all(|p| p.tokens <= 400), "{shape}");
        }
    }

    #[test]
    fn one_endless_word_is_still_cut() {
        let pieces = markdown(&"x".repeat(20_000), 320);
        assert!(pieces.len() > 3 && pieces.iter().all(|p| p.tokens <= 400));
        assert_eq!(pieces.iter().map(|p| p.content.len()).sum::<usize>(), 20_000);
    }

    #[test]
    fn a_long_table_keeps_its_header_on_every_passage_and_rows_stay_whole() {
        let mut table = "| Model | Price |\n| --- | --- |\n".to_string();
        for n in 0..200 {
            table += &format!("| LM-{n} | {n}.00 EUR |\n");
        }
        let pieces = markdown(&format!("# Prices\n\n{table}"), 320);
        assert!(pieces.len() > 3);
        for piece in &pieces {
            assert!(piece.content.starts_with("| Model | Price |\n| --- | --- |\n| LM-"), "{}", piece.content);
            assert!(piece.content.ends_with(" |"));
            assert_eq!(piece.metadata["kind"], "table");
        }
    }

    #[test]
    fn a_question_and_answer_table_gives_a_passage_a_row() {
        let table = Table {
            name: None,
            header: vec!["问题".into(), "答案".into(), "分类".into()],
            rows: vec![
                vec!["多久发货？".into(), "48小时内。".into(), "物流".into()],
                vec!["能开发票吗？".into(), "可以。".into(), String::new()],
            ],
        };
        let pieces = split(&Parsed { title: None, parts: vec![Part::Table(table)] }, 320);
        assert_eq!(pieces.len(), 2);
        assert_eq!(pieces[0].content, "多久发货？\n48小时内。\n分类: 物流");
        assert_eq!(pieces[1].metadata["answer"], "可以。");
    }

    #[test]
    fn other_tables_pack_whole_rows_below_the_names_of_their_columns() {
        let rows = (0..100).map(|n| vec![format!("Cup {n}"), format!("{n} EUR"), "in stock".into()]).collect();
        let table =
            Table { name: Some("Cups".into()), header: vec!["Name".into(), "Price".into(), "Stock".into()], rows };
        let pieces = split(&Parsed { title: None, parts: vec![Part::Table(table)] }, 200);
        assert!(pieces.len() > 5);
        for piece in &pieces {
            assert!(piece.content.starts_with("| Name | Price | Stock |\n|---|---|---|\n| Cup "), "{}", piece.content);
            assert_eq!(piece.heading_path, ["Cups"]);
        }
        assert!(pieces[0].content.contains("| Cup 0 | 0 EUR | in stock |\n| Cup 1 |"));
    }

    #[test]
    fn a_row_with_a_text_in_it_names_its_columns_itself() {
        let rows =
            vec![vec!["Cup".into(), "Holds coffee. ".repeat(20).trim().into()], vec!["Plate".into(), String::new()]];
        let table = Table { name: None, header: vec!["Name".into(), "About".into()], rows };
        let pieces = split(&Parsed { title: None, parts: vec![Part::Table(table)] }, 320);
        let lines: Vec<&str> = pieces[0].content.lines().collect();
        assert!(lines[0].starts_with("- Name: Cup; About: Holds coffee."), "{lines:?}");
        assert_eq!(lines[1], "- Name: Plate");
    }

    #[test]
    fn a_heading_without_text_is_kept_as_text() {
        let pieces = markdown("# Agenda\n\n## Welcome\n\n## Prices\n\nFrom 9 EUR.", 320);
        let seen: Vec<&str> = pieces.iter().map(|p| p.content.as_str()).collect();
        assert_eq!(seen, ["Welcome", "From 9 EUR."]);
    }

    #[test]
    fn code_and_lists_are_not_taken_for_headings_or_tables() {
        let pieces = markdown("Run:\n\n```\n# not a heading\n| a | b |\n```\n\n- one\n- two", 320);
        assert_eq!(pieces.len(), 1);
        assert!(pieces[0].content.contains("# not a heading\n| a | b |\n```\n\n- one\n- two"));
    }
}
