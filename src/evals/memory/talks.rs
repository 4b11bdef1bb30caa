//! Public sets of long talks, read into one form.

use std::{fs, path::Path};

use chrono::{DateTime, Duration, NaiveDate, NaiveTime, Utc};
use serde_json::Value;

use crate::{
    memory::times,
    platform::{Error, Result},
};

/// Everything that is remembered of one person, and questions about it.
#[derive(Debug, Clone)]
pub struct Talk {
    pub id: String,
    pub said: Vec<Said>,
    pub questions: Vec<Question>,
}

/// One thing said.
#[derive(Debug, Clone)]
pub struct Said {
    pub id: String,
    pub text: String,
    pub speaker: Option<String>,
    pub at: DateTime<Utc>,
    /// 0: of no talk.
    pub session: u32,
}

/// A question, and where its answer stands.
#[derive(Debug, Clone)]
pub struct Question {
    pub id: String,
    pub text: String,
    /// What was said before it: by the one who asks?
    pub before: Vec<(bool, String)>,
    pub evidence: Vec<String>,
    pub category: String,
}

impl Talk {
    pub fn begins(&self) -> DateTime<Utc> {
        self.said.iter().map(|s| s.at).min().unwrap_or_default()
    }

    /// The day after the last thing said.
    pub fn ends(&self) -> DateTime<Utc> {
        self.said.iter().map(|s| s.at).max().unwrap_or_default() + Duration::days(1)
    }
}

fn wrong(path: &Path, what: &str) -> Error {
    Error::Invalid(format!("{}: {what}", path.display()))
}

fn text(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|e| wrong(path, &e.to_string()))
}

/// LoCoMo: a list of samples with `conversation.session_<n>`, `session_<n>_date_time` and `qa`.
pub fn locomo(path: &Path) -> Result<Vec<Talk>> {
    let all: Value = serde_json::from_str(&text(path)?).map_err(|e| wrong(path, &e.to_string()))?;
    let samples = all.as_array().ok_or_else(|| wrong(path, "a list of samples is expected"))?;
    samples.iter().enumerate().map(|(number, sample)| sample_talk(path, number, sample)).collect()
}

fn sample_talk(path: &Path, number: usize, sample: &Value) -> Result<Talk> {
    let id = sample.get("sample_id").and_then(Value::as_str).map_or_else(|| number.to_string(), ToOwned::to_owned);
    let conversation = sample.get("conversation").ok_or_else(|| wrong(path, "a sample has no conversation"))?;
    let mut sessions: Vec<(u32, &Vec<Value>)> = conversation
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.strip_prefix("session_")?.parse().ok()?, value.as_array()?)))
        .collect();
    sessions.sort_by_key(|(number, _)| *number);
    let mut said = Vec::new();
    let mut last = DateTime::UNIX_EPOCH;
    for (session, turns) in sessions {
        let when = conversation.get(format!("session_{session}_date_time")).and_then(Value::as_str).unwrap_or_default();
        let mut at = moment(when).unwrap_or(last + Duration::days(1)).max(last);
        for turn in turns {
            let of = |key: &str| turn.get(key).and_then(Value::as_str).unwrap_or_default();
            let caption = of("blip_caption");
            let text = if caption.is_empty() { of("text").to_owned() } else { format!("{} [{caption}]", of("text")) };
            at += Duration::seconds(30);
            let speaker = Some(of("speaker").to_owned()).filter(|s| !s.is_empty());
            if !text.trim().is_empty() {
                said.push(Said { id: of("dia_id").to_owned(), text, speaker, at, session });
            }
        }
        last = at;
    }
    let questions = sample
        .get("qa")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .enumerate()
        .filter_map(|(at, qa)| {
            Some(Question {
                id: format!("{id}/{at}"),
                text: qa.get("question")?.as_str()?.to_owned(),
                before: Vec::new(),
                evidence: evidence(qa),
                category: format!("category {}", qa.get("category").and_then(Value::as_i64).unwrap_or(0)),
            })
        })
        .collect();
    Ok(Talk { id, said, questions })
}

/// Some lines name several turns in one text.
fn evidence(qa: &Value) -> Vec<String> {
    let listed = qa.get("evidence").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let mut evidence: Vec<String> = listed
        .flat_map(|text| text.split([';', ',', ' ']))
        .map(|id| id.trim().to_owned())
        .filter(|id| !id.is_empty())
        .collect();
    evidence.sort();
    evidence.dedup();
    evidence
}

/// "1:56 pm on 8 May, 2023".
fn moment(text: &str) -> Option<DateTime<Utc>> {
    let any = NaiveDate::from_ymd_opt(2023, 1, 1)?;
    let day = times::find(&text.replace(',', ""), any).last()?.from;
    let (clock, rest) = text.split_once(' ').unwrap_or((text, ""));
    let hour = clock.split_once(':').and_then(|(h, m)| Some((h.parse::<u32>().ok()?, m.parse::<u32>().ok()?)));
    let (hour, minute) = hour.unwrap_or((12, 0));
    let hour = hour % 12 + if rest.trim_start().to_lowercase().starts_with("pm") { 12 } else { 0 };
    Some(day.and_time(NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or_default()).and_utc())
}

/// MADial-Bench: memories by person, and dialogues during which some of them should come to mind. What was said before
/// the first of the turns to be tested is the question.
pub fn madial(path: &Path) -> Result<Vec<Talk>> {
    let name = path.file_name().and_then(|n| n.to_str()).ok_or_else(|| wrong(path, "a file is expected"))?;
    let (dialogues, memories) = if name.contains("dialogue") {
        (path.to_path_buf(), path.with_file_name(name.replace("dialogue", "memory")))
    } else {
        (path.with_file_name(name.replace("memory", "dialogue")), path.to_path_buf())
    };
    let mut talks: Vec<Talk> = Vec::new();
    for value in lines(&memories)? {
        for (key, memory) in value.as_object().into_iter().flatten() {
            let of = |field: &str| memory.get(field).and_then(Value::as_str).unwrap_or_default();
            let talk = of_person(&mut talks, memory);
            let at =
                of("time").parse::<NaiveDate>().map_or(DateTime::UNIX_EPOCH, |d| d.and_time(NaiveTime::MIN).and_utc());
            if !of("event").is_empty() {
                talk.said.push(Said { id: key.clone(), text: of("event").to_owned(), speaker: None, at, session: 0 });
            }
        }
    }
    for talk in &mut talks {
        talk.said.sort_by_key(|s| s.at);
    }
    for (number, dialogue) in lines(&dialogues)?.iter().enumerate() {
        let turn = dialogue.pointer("/test-turn/0").and_then(Value::as_u64).and_then(|t| usize::try_from(t).ok());
        let spoken = dialogue.get("dialogue").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let mut before: Vec<(bool, String)> = spoken.take(turn.unwrap_or(usize::MAX)).filter_map(line).collect();
        let Some((_, text)) = before.pop() else { continue };
        let id = dialogue.get("id").and_then(Value::as_u64).map_or(number.to_string(), |id| id.to_string());
        let relevant = dialogue.get("relevant-id").and_then(Value::as_array).into_iter().flatten();
        let evidence = relevant.filter_map(Value::as_u64).map(|id| id.to_string()).collect();
        let category = "dialogues".to_owned();
        of_person(&mut talks, dialogue).questions.push(Question { id, text, before, evidence, category });
    }
    Ok(talks)
}

fn of_person<'a>(talks: &'a mut Vec<Talk>, value: &Value) -> &'a mut Talk {
    let id = value.get("user-id").map(ToString::to_string).unwrap_or_default();
    let at = talks.iter().position(|t| t.id == id).unwrap_or_else(|| {
        talks.push(Talk { id, said: Vec::new(), questions: Vec::new() });
        talks.len() - 1
    });
    #[expect(clippy::indexing_slicing, reason = "found or pushed just now")]
    &mut talks[at]
}

/// `<Name>:"words"`; the assistant is the other side.
fn line(text: &str) -> Option<(bool, String)> {
    let (name, words) = text.trim().strip_prefix('<')?.split_once('>')?;
    let words = words.trim().trim_start_matches([':', '：']).trim().trim_matches(['"', '“', '”']).trim();
    (!words.is_empty()).then(|| (!name.eq_ignore_ascii_case("assistant"), words.to_owned()))
}

/// The values of a file that is a list, or has one value in each line.
fn lines(path: &Path) -> Result<Vec<Value>> {
    let text = text(path)?;
    if let Ok(Value::Array(all)) = serde_json::from_str(&text) {
        return Ok(all);
    }
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| serde_json::from_str(line).map_err(|e| wrong(path, &format!("line {}: {e}", number + 1))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_as_the_set_writes_it() {
        assert_eq!(moment("1:56 pm on 8 May, 2023").unwrap().to_rfc3339(), "2023-05-08T13:56:00+00:00");
        assert_eq!(moment("12:09 am on 13 September, 2023").unwrap().to_rfc3339(), "2023-09-13T00:09:00+00:00");
    }

    #[test]
    fn a_line_has_a_speaker() {
        assert_eq!(line("<Ada>:\"今天很开心\"\n"), Some((true, "今天很开心".into())));
        assert_eq!(line("<Assistant>: \"Well done\""), Some((false, "Well done".into())));
        assert_eq!(line("<BOD>\n"), None);
    }
}
