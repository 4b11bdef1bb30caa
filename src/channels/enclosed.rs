//! A file inside a JSON answer, in base64 under the key `base64`: decoded as it comes, never held.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::platform::{Error, Result};

const KEY: &[u8] = b"\"base64\"";

/// Where in the answer we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// So many bytes of the key stand.
    Key(usize),
    Colon,
    Quote,
    Text,
    /// Within the text, after a backslash.
    Escape,
    End,
}

/// Reads the answer piece by piece.
#[derive(Debug)]
pub struct Enclosed {
    at: At,
    /// Not yet decoded: up to three characters wait for the fourth.
    waiting: Vec<u8>,
}

impl Enclosed {
    pub fn new() -> Self {
        Self { at: At::Key(0), waiting: Vec::new() }
    }

    /// What `chunk` adds to the file.
    pub fn take(&mut self, chunk: &[u8]) -> Result<Vec<u8>> {
        for &byte in chunk {
            self.at = match (self.at, byte) {
                (At::Key(n), byte) if KEY.get(n) == Some(&byte) => {
                    if n + 1 == KEY.len() {
                        At::Colon
                    } else {
                        At::Key(n + 1)
                    }
                }
                (At::Key(_), byte) => At::Key(usize::from(byte == b'"')),
                (At::Colon | At::Quote, b' ' | b'\t' | b'\r' | b'\n') => self.at,
                (At::Colon, b':') => At::Quote,
                (At::Quote, b'"') => At::Text,
                // It was a value, or there is no text.
                (At::Colon | At::Quote, byte) => At::Key(usize::from(byte == b'"')),
                (At::Text, b'"') => At::End,
                (At::Text, b'\\') => At::Escape,
                (At::Text, byte) => {
                    self.waiting.push(byte);
                    At::Text
                }
                (At::Escape, b'/') => {
                    self.waiting.push(b'/');
                    At::Text
                }
                (At::Escape, b'n' | b'r') => At::Text,
                (At::Escape, _) => return Err(none()),
                (At::End, _) => At::End,
            };
        }
        let ready = self.waiting.len() / 4 * 4;
        let decoded = STANDARD.decode(self.waiting.get(..ready).unwrap_or_default()).map_err(|_| none())?;
        self.waiting.drain(..ready);
        Ok(decoded)
    }

    /// Whether all of it came.
    pub fn finish(self) -> Result<()> {
        if self.at == At::End && self.waiting.is_empty() { Ok(()) } else { Err(none()) }
    }
}

fn none() -> Error {
    Error::Invalid("the gateway sent no file".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(answer: &str, piece: usize) -> Result<Vec<u8>> {
        let mut enclosed = Enclosed::new();
        let mut all = Vec::new();
        for chunk in answer.as_bytes().chunks(piece) {
            all.extend(enclosed.take(chunk)?);
        }
        enclosed.finish().map(|()| all)
    }

    #[test]
    fn a_file_is_the_same_however_its_answer_is_cut() {
        let file: Vec<u8> = (0..=255u8).cycle().take(1000).collect();
        let text = STANDARD.encode(&file).replace('/', "\\/");
        let answer = format!("{{\"mediaType\":\"base64\", \"size\": 3, \"base64\" : \"{text}\",\"more\":\"x\"}}");
        for piece in 1..answer.len() {
            assert_eq!(read(&answer, piece).unwrap(), file, "in pieces of {piece}");
        }
    }

    #[test]
    fn an_answer_without_a_whole_file_is_none() {
        for answer in
            ["", "{}", r#"{"base64":null}"#, r#"{"base64":"QUJD"#, r#"{"base64":"QUJ"}"#, r#"{"base64":"Q J="}"#]
        {
            assert!(read(answer, 3).is_err(), "{answer}");
        }
        assert_eq!(read(r#"{"base64":""}"#, 3).unwrap(), b"");
    }
}
