//! What a message shows that is neither text nor file, in one shape for people to read: a place, a business card, an
//! order, a form. It stands in the message's metadata as `card`.

use serde::Serialize;
use serde_json::{Value, json};

use super::{Inbound, text_at};

/// How many lines people are shown, and how long each may be.
const LINES: usize = 40;
const CHARACTERS: usize = 300;

/// A title, further lines, and where more of it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Card {
    pub title: String,
    pub lines: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl Card {
    pub fn new(title: impl Into<String>, lines: impl IntoIterator<Item = String>) -> Self {
        let lines = lines.into_iter().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty());
        Self { title: title.into().trim().to_owned(), lines: lines.take(LINES).collect(), url: None }
    }

    /// The same with an address, if it is one of the web.
    pub fn at(self, url: impl Into<String>) -> Self {
        let url = url.into();
        Self { url: Some(url).filter(|url| url.starts_with("https://") || url.starts_with("http://")), ..self }
    }

    /// A place: its name, where it is, and a map.
    pub fn place(latitude: Option<&Value>, longitude: Option<&Value>, name: &str, lines: Vec<String>) -> Self {
        let number = |v: Option<&Value>| v.and_then(|v| v.as_f64().or_else(|| v.as_str()?.trim().parse().ok()));
        let (Some(latitude), Some(longitude)) = (number(latitude), number(longitude)) else {
            return Self::new(name, lines);
        };
        let place = format!("{latitude}, {longitude}");
        let map =
            format!("https://www.openstreetmap.org/?mlat={latitude}&mlon={longitude}#map=16/{latitude}/{longitude}");
        match name.trim() {
            "" => Self::new(place, lines),
            name => Self::new(name, lines.into_iter().chain([place])),
        }
        .at(map)
    }

    /// Business cards, as vCards (RFC 6350; 2.1 and 3.0 look alike here).
    pub fn people<'a>(vcards: impl IntoIterator<Item = &'a str>) -> Self {
        let people: Vec<(String, String)> = vcards.into_iter().map(person).collect();
        let names: Vec<&str> = people.iter().map(|(name, _)| name.as_str()).filter(|name| !name.is_empty()).collect();
        let lines = people.iter().map(|(name, reached)| match people.len() {
            1 => reached.clone(),
            _ => format!("{name}: {reached}"),
        });
        Self::new(names.join(", "), lines)
    }

    /// The fields of an object, a line for each that holds a text, a number or a list of them.
    pub fn fields(title: impl Into<String>, of: &Value) -> Self {
        let shown = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
            Value::Array(all) => {
                let all: Vec<&str> = all.iter().filter_map(Value::as_str).collect();
                (!all.is_empty()).then(|| all.join(", "))
            }
            _ => None,
        };
        let fields = of.as_object().into_iter().flatten();
        Self::new(
            title,
            fields.filter_map(|(name, value)| Some(format!("{}: {}", name.replace('_', " "), shown(value)?))),
        )
    }
}

/// The name on a vCard, and its numbers and addresses.
fn person(vcard: &str) -> (String, String) {
    let (mut name, mut reached) = (String::new(), Vec::new());
    for line in vcard.lines() {
        let Some((property, value)) = line.split_once(':') else { continue };
        // "item1.TEL;waid=60125558829" is a TEL.
        let property = property.split(';').next().unwrap_or_default();
        match property.rsplit('.').next().unwrap_or_default().to_ascii_uppercase().as_str() {
            "FN" => name = value.trim().replace("\\,", ","),
            "TEL" | "EMAIL" => reached.push(value.trim().trim_start_matches("tel:").to_owned()),
            "ORG" | "TITLE" => reached.push(value.trim().trim_matches(';').replace(';', ", ")),
            _ => {}
        }
    }
    (name, reached.join(", "))
}

impl Inbound {
    /// The same with something to look at.
    pub(super) fn showing(self, card: &Card) -> Self {
        let cut = |text: &String| text.chars().take(CHARACTERS).collect::<String>();
        let card = Card { title: cut(&card.title), lines: card.lines.iter().map(cut).collect(), url: card.url.clone() };
        self.with("card", json!(card))
    }

    /// A link with its title and description, as platforms share them.
    pub(super) fn showing_link(self, title: &str, description: &str, url: &str) -> Self {
        self.showing(&Card::new(title, [description.to_owned()]).at(url))
    }
}

/// The texts at these pointers that are not empty.
pub(super) fn texts(of: &Value, pointers: &[&str]) -> Vec<String> {
    pointers.iter().filter_map(|p| text_at(of, p)).filter(|t| !t.is_empty()).map(std::borrow::Cow::into_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_show_who_it_is_and_how_they_are_reached() {
        let wang =
            "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:老王\r\nitem1.TEL;waid=8613900139000:+86 139 0013 9000\r\nEND:VCARD";
        let card = Card::people([wang]);
        assert_eq!((card.title.as_str(), card.lines), ("老王", vec!["+86 139 0013 9000".to_owned()]));
        let two = Card::people([wang, "FN:Li\nEMAIL:li@example.com"]);
        assert_eq!((two.title.as_str(), two.lines.len()), ("老王, Li", 2));
        assert_eq!(two.lines[1], "Li: li@example.com");
        assert_eq!(Card::people(["no card at all"]), Card::new("", []));
    }

    #[test]
    fn a_place_has_a_map_and_what_is_no_place_none() {
        let place = Card::place(Some(&json!("5.4")), Some(&json!(100.25)), "", Vec::new());
        assert_eq!((place.title.as_str(), place.lines.len()), ("5.4, 100.25", 0));
        assert!(place.url.unwrap().contains("mlat=5.4&mlon=100.25"));
        assert_eq!(Card::place(Some(&json!("x")), None, "Shop", Vec::new()).url, None);
        assert_eq!(Card::new("a", []).at("javascript:alert(1)").url, None);
    }

    #[test]
    fn fields_are_lines_and_what_is_deep_is_left_out() {
        let card = Card::fields("Form", &json!({"first_name": "Ana", "age": 3, "all": ["a", "b"], "deep": {"x": 1}}));
        assert_eq!(card.lines, ["first name: Ana", "age: 3", "all: a, b"]);
    }
}
