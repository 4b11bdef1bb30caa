//! Finds the JSON object in what a model wrote: fences, text around, thoughts, trailing commas, single quotes.
//!
//! It never completes what was cut off: an object that doesn't end is no object.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// The object in `text` that has most of the `wanted` keys (the last of those that have as many: models think first
/// and answer last). `None` when no object has any.
pub fn object(text: &str, wanted: &[&str]) -> Option<Value> {
    if let Ok(Value::Object(map)) = serde_json::from_str::<Value>(text.trim())
        && score(&map, wanted) > 0
    {
        return Some(Value::Object(map));
    }
    let text = without_thoughts(text);
    let mut best: Option<(usize, Map<String, Value>)> = None;
    let mut from = 0;
    // A hostile or looping reply may hold thousands of braces: each start costs a scan, so they are counted.
    for _ in 0..64 {
        let Some(start) = text.get(from..).and_then(|rest| rest.find('{')).map(|at| from + at) else { break };
        let Some(candidate) = text.get(start..) else { break };
        if let Some((map, length)) = leading_object(candidate) {
            let keys = score(&map, wanted);
            if keys > 0 && best.as_ref().is_none_or(|(most, _)| keys >= *most) {
                best = Some((keys, map));
            }
            from = start + length.max(1);
        } else {
            from = start + 1;
        }
    }
    best.map(|(_, map)| Value::Object(map))
}

/// `text` without `<think>…</think>` blocks; an unclosed block is all thought, a lone `</think>` ends one that the
/// prompt opened.
pub fn without_thoughts(text: &str) -> Cow<'_, str> {
    let Some(end) = text.rfind("</think>") else {
        return match text.find("<think>") {
            Some(start) => Cow::Borrowed(text.get(..start).unwrap_or_default()),
            None => Cow::Borrowed(text),
        };
    };
    let after = text.get(end + "</think>".len()..).unwrap_or_default();
    let before = text.find("<think>").and_then(|start| text.get(..start)).unwrap_or_default();
    if before.trim().is_empty() { Cow::Borrowed(after) } else { Cow::Owned(format!("{before}{after}")) }
}

fn score(map: &Map<String, Value>, wanted: &[&str]) -> usize {
    if wanted.is_empty() { 1 } else { wanted.iter().filter(|key| map.contains_key(**key)).count() }
}

/// The object that `text` begins with, and how many bytes it takes.
fn leading_object(text: &str) -> Option<(Map<String, Value>, usize)> {
    let mut strict = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    if let Some(Ok(Value::Object(map))) = strict.next() {
        return Some((map, strict.byte_offset()));
    }
    let mut parser = Parser { text, at: 0 };
    match parser.value(0)? {
        Value::Object(map) => Some((map, parser.at)),
        _ => None,
    }
}

/// JSON as models write it: single-quoted strings, unquoted keys, trailing commas, `//` comments, Python's words,
/// line breaks inside strings.
struct Parser<'a> {
    text: &'a str,
    at: usize,
}

const DEEPEST: usize = 32;

impl Parser<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn eat(&mut self, c: char) -> bool {
        let is_next = self.peek() == Some(c);
        if is_next {
            self.at += c.len_utf8();
        }
        is_next
    }

    fn blanks(&mut self) {
        loop {
            while self.peek().is_some_and(char::is_whitespace) {
                self.next();
            }
            if !self.rest().starts_with("//") {
                return;
            }
            while self.peek().is_some_and(|c| c != '\n') {
                self.next();
            }
        }
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > DEEPEST {
            return None;
        }
        self.blanks();
        match self.peek()? {
            '{' => self.map(depth),
            '[' => self.list(depth),
            '"' | '\'' | '“' => self.string().map(Value::String),
            _ => self.word(),
        }
    }

    fn map(&mut self, depth: usize) -> Option<Value> {
        self.next();
        let mut map = Map::new();
        loop {
            self.blanks();
            if self.eat('}') {
                return Some(Value::Object(map));
            }
            let key = match self.peek()? {
                '"' | '\'' | '“' => self.string()?,
                _ => self.name()?,
            };
            self.blanks();
            if !self.eat(':') && !self.eat('：') {
                return None;
            }
            let value = self.value(depth + 1)?;
            map.insert(key, value);
            self.blanks();
            if !self.eat(',') && !self.eat('，') && self.peek() != Some('}') {
                return None;
            }
        }
    }

    fn list(&mut self, depth: usize) -> Option<Value> {
        self.next();
        let mut list = Vec::new();
        loop {
            self.blanks();
            if self.eat(']') {
                return Some(Value::Array(list));
            }
            list.push(self.value(depth + 1)?);
            self.blanks();
            if !self.eat(',') && !self.eat('，') && self.peek() != Some(']') {
                return None;
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        let open = self.next()?;
        let close = if open == '“' { '”' } else { open };
        let mut text = String::new();
        loop {
            match self.next()? {
                // An apostrophe inside a single-quoted string ('it's') ends nothing.
                '\'' if close == '\'' && !self.ends_here() => text.push('\''),
                c if c == close => return Some(text),
                '\\' => text.push(self.escape()?),
                c => text.push(c),
            }
        }
    }

    /// Whether what follows a quote is what follows a string.
    fn ends_here(&self) -> bool {
        matches!(self.rest().trim_start().chars().next(), None | Some(',' | ':' | '}' | ']' | '，' | '：'))
    }

    fn escape(&mut self) -> Option<char> {
        Some(match self.next()? {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'u' => {
                let high = self.code_unit()?;
                if (0xD800..0xDC00).contains(&high) && self.rest().starts_with("\\u") {
                    self.at += 2;
                    let low = self.code_unit()?;
                    char::decode_utf16([high, low]).next()?.unwrap_or(char::REPLACEMENT_CHARACTER)
                } else {
                    char::from_u32(u32::from(high)).unwrap_or(char::REPLACEMENT_CHARACTER)
                }
            }
            c => c,
        })
    }

    fn code_unit(&mut self) -> Option<u16> {
        let unit = u16::from_str_radix(self.rest().get(..4)?, 16).ok()?;
        self.at += 4;
        Some(unit)
    }

    fn name(&mut self) -> Option<String> {
        let name: String = self.rest().chars().take_while(|c| c.is_alphanumeric() || *c == '_' || *c == '-').collect();
        self.at += name.len();
        (!name.is_empty()).then_some(name)
    }

    fn word(&mut self) -> Option<Value> {
        let word: String = self
            .rest()
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | '_'))
            .collect();
        self.at += word.len();
        match word.as_str() {
            "true" | "True" => Some(Value::Bool(true)),
            "false" | "False" => Some(Value::Bool(false)),
            "null" | "None" | "undefined" => Some(Value::Null),
            number => serde_json::from_str(number).ok().filter(Value::is_number),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn finds_the_object_however_it_is_wrapped() {
        let expected = json!({"kind": "answer", "text": "it's 5 € “net”"});
        for text in [
            r#"{"kind": "answer", "text": "it's 5 € “net”"}"#,
            "```json\n{\"kind\": \"answer\", \"text\": \"it's 5 € “net”\"}\n```",
            "Sure! Here is the JSON you asked for:\n```\n{\"kind\":\"answer\",\"text\":\"it's 5 € “net”\"}\n```\nAnything else?",
            "<think>The user wants {\"kind\": \"clarify\"}…</think>{\"kind\":\"answer\",\"text\":\"it's 5 € “net”\"}",
            "thinking aloud {x} </think>\n{\"kind\":\"answer\",\"text\":\"it's 5 € “net”\"}",
            "{'kind': 'answer', 'text': 'it's 5 € “net”',}",
            "{kind: \"answer\", // the kind\n \"text\": \"it's 5 € “net”\",}",
            "好的，结果如下：{\"kind\"：\"answer\"，\"text\"：\"it's 5 € “net”\"}",
            "{\"kind\": \"answer\", \"text\": \"it's 5 \\u20ac “net”\",\n}",
        ] {
            assert_eq!(object(text, &["kind"]), Some(expected.clone()), "{text}");
        }
    }

    #[test]
    fn what_was_cut_off_is_no_object() {
        for text in [
            r#"{"kind": "answer", "sentences": [{"text": "Refunds take"#,
            r#"{"kind": "answer""#,
            r#"{"kind": "answer","#,
            "```json\n{\"kind\": \"answer\", \"sentences\": []",
            "<think>hm, {\"kind\": \"answer\"}",
            "I'm sorry, I can't do that.",
            "",
            "{}",
            "[1, 2]",
        ] {
            assert_eq!(object(text, &["kind"]), None, "{text}");
        }
    }

    #[test]
    fn of_several_objects_the_last_with_most_wanted_keys_counts() {
        let text = r#"First {"kind":"clarify"} then {"a":1}, finally {"kind":"answer","sentences":[]} {"b":2}"#;
        assert_eq!(object(text, &["kind", "sentences"]), Some(json!({"kind":"answer","sentences":[]})));
    }

    #[test]
    fn many_braces_cost_no_more_than_a_moment() {
        let text = "{\"a\":[".repeat(20_000);
        assert_eq!(object(&text, &["kind"]), None);
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "\\PC{0,200}") {
            let _ = object(&text, &["kind"]);
        }

        #[test]
        fn whatever_json_there_is_comes_back_whole(text in "\\PC{0,40}", before in "[a-z .\n]{0,20}", after in "[a-z .\n}]{0,20}") {
            let value = json!({"kind": text, "list": [{"quote": text}, 1.5, null, true]});
            let wrapped = format!("{before}{value}{after}");
            prop_assert_eq!(object(&wrapped, &["kind"]), Some(value));
        }
    }
}
