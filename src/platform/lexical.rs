//! Our own tokens, and the sparse vectors made from them: one tokenizer for the whole product.
//!
//! Chinese becomes single characters and pairs of neighbours, with traditional characters folded onto simplified
//! ones; English is stemmed; numbers, prices, dates, phone numbers and model codes are kept whole and also split
//! ("iPhone15" is found by "iPhone 15", "满300减50" by "满300"). Case, accents and full-width forms fold.
//! Tokens are hashed to a `u32` while the text is read, so that ingestion allocates nothing per token.

mod fold;
mod vector;

use std::{cell::RefCell, sync::LazyLock};

use qdrant_rust_stemmers::{Algorithm, Stemmer};

pub use fold::{fold, fold_text};
pub use vector::{B, K1, SparseVector, document_vector, idf, query_vector};

use super::language::is_han;

/// The version of these rules. An index made by another version must be built anew.
pub const TOKENIZER: &str = "lexical-1";

/// What a token is, which decides how much its match says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A stemmed word.
    Word,
    /// A word that carries no topic ("the", "what"): never indexed.
    Stop,
    /// A number, its thousands separators and trailing zeros taken out.
    Number,
    /// A code, date, phone number or hyphenated word, written together.
    Whole,
    /// One Chinese character.
    Char,
    /// Two neighbouring Chinese characters.
    Pair,
    /// A number or code with the Chinese character beside it ("15天").
    Bridge,
}

/// One token of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// The hash that stands for the token in vectors and frequencies.
    pub id: u32,
    pub kind: Kind,
    /// Where it stands in the text, in bytes.
    pub start: usize,
    pub end: usize,
}

/// The stable id of a token in its folded form ("refund", "退款").
pub fn term_id(token: &str) -> u32 {
    finish(hash(token.as_bytes()))
}

/// Calls `each` for every token that is indexed, in the order of the text; repeated tokens are repeated.
pub fn each_term(text: &str, mut each: impl FnMut(u32)) {
    scan(text, |token| {
        if token.kind != Kind::Stop {
            each(token.id);
        }
    });
}

/// The terms of a text, in order and as often as they stand there.
pub fn term_ids(text: &str) -> Vec<u32> {
    let mut ids = Vec::new();
    each_term(text, |id| ids.push(id));
    ids
}

/// The tokens of a text with their places, words without a topic included.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(text.len() / 3);
    scan(text, |token| tokens.push(token));
    tokens
}

/// The stem of a folded word.
pub fn stem(word: &str) -> String {
    STEMMER.with(|stemmer| stemmer.stem(word).into_owned())
}

/// English words without a topic. Negations are not among them: they turn an answer around.
const STOP: &str = "a an the and or but if of at by for with about into to from in on as is am are was were be been \
    being do does did doing done has have had having i me my we our ours you your yours he him his she her hers it its \
    they them their theirs this that these those there here what which who whom whose when where why how can could \
    will would shall should may might must than then so such too very just also any some please th st nd rd";

const SLOTS: usize = 1 << 13;

#[derive(Clone, Copy)]
struct Slot {
    word: u64,
    id: u32,
    is_stop: bool,
}

thread_local! {
    static STEMMER: Stemmer = Stemmer::create(Algorithm::English);
    // Text repeats its words: a direct-mapped cache from a word's hash to its stem's id saves most of the stemming.
    static STEMS: RefCell<Vec<Slot>> = RefCell::new(vec![Slot { word: 0, id: 0, is_stop: false }; SLOTS]);
}

static STOP_IDS: LazyLock<Vec<u64>> = LazyLock::new(|| {
    let mut ids: Vec<u64> = STOP.split_whitespace().map(|word| hash(word.as_bytes())).collect();
    ids.sort_unstable();
    ids
});

const SEED: u64 = 0xcbf2_9ce4_8422_2325;

fn step(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
}

fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(SEED, |h, b| step(h, *b))
}

fn hash_char(h: u64, c: char) -> u64 {
    let mut bytes = [0; 4];
    c.encode_utf8(&mut bytes).bytes().fold(h, step)
}

fn finish(mut h: u64) -> u32 {
    h ^= h >> 33;
    h = h.wrapping_mul(0xff51_afd7_ed55_8ccd);
    h ^= h >> 33;
    h as u32
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Letter,
    Digit,
    /// Written without spaces: Chinese, Japanese, Korean, Thai …
    Dense,
    Mark,
    Space,
    Other,
}

fn class(c: char) -> Class {
    match u32::from(c) {
        0..0x80 if c.is_ascii_alphabetic() => Class::Letter,
        0..0x80 if c.is_ascii_digit() => Class::Digit,
        0x20 | 0x09 | 0xA0 | 0x3000 => Class::Space,
        0..0x80 => Class::Other,
        0x300..0x370 => Class::Mark,
        0xFF10..=0xFF19 => Class::Digit,
        0x3040..0x3100 | 0x31F0..0x3200 | 0xAC00..0xD7A4 | 0x0E01..0x0E5B => Class::Dense,
        _ if is_han(c) => Class::Dense,
        _ if c.is_alphabetic() => Class::Letter,
        _ => Class::Other,
    }
}

/// One stretch of letters or of digits inside a run.
#[derive(Clone, Copy)]
struct Part {
    from: usize,
    to: usize,
    start: usize,
    end: usize,
    is_number: bool,
}

/// Letters and digits up to the next space, with what joins them ("SF-2026-001", "1,200.50", "don't").
#[derive(Default)]
struct Run {
    folded: String,
    parts: Vec<Part>,
    /// Digits joined by nothing but thousands commas and at most one decimal point.
    is_plain_number: bool,
}

/// Calls `each` for every token of `text`, those without a topic included.
pub fn scan(text: &str, mut each: impl FnMut(Token)) {
    // What a Chinese character or number may pair with: its hash, its place, and whether it is a character.
    let mut before: Option<(u64, usize, usize, bool)> = None;
    let mut run = Run::default();
    let mut rest = text.char_indices();
    while let Some((start, c)) = rest.clone().next() {
        match class(c) {
            Class::Dense => {
                rest.next();
                let end = start + c.len_utf8();
                let c = fold(c).unwrap_or(c);
                let own = hash_char(SEED, c);
                each(Token { id: finish(own), kind: Kind::Char, start, end });
                if let Some((previous, from, previous_end, is_char)) = before {
                    let kind = if is_char { Kind::Pair } else { Kind::Bridge };
                    if previous_end == start || (!is_char && is_blank(text, previous_end, start)) {
                        each(Token { id: finish(hash_char(previous, c)), kind, start: from, end });
                    }
                }
                before = Some((own, start, end, true));
            }
            Class::Letter | Class::Digit => {
                let end = read_run(text, start, &mut run);
                while rest.clone().next().is_some_and(|(at, _)| at < end) {
                    rest.next();
                }
                let bridge = emit_run(text, &run, start, end, &mut each);
                if let (Some((previous, from, previous_end, true)), Some(_)) = (before, bridge)
                    && (previous_end == start || is_blank(text, previous_end, start))
                {
                    let id = finish(run.folded.bytes().fold(previous, step));
                    each(Token { id, kind: Kind::Bridge, start: from, end });
                }
                before = bridge.map(|own| (own, start, end, false));
            }
            Class::Mark | Class::Space | Class::Other => {
                rest.next();
            }
        }
    }
}

fn is_blank(text: &str, from: usize, to: usize) -> bool {
    text.get(from..to).is_some_and(|gap| gap.len() <= 3 && gap.chars().all(|c| class(c) == Class::Space))
}

/// Reads the run that begins at `start` into `run`; returns where it ends.
fn read_run(text: &str, start: usize, run: &mut Run) -> usize {
    run.folded.clear();
    run.parts.clear();
    run.is_plain_number = true;
    let mut end = start;
    let mut points = 0;
    let mut at = start;
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let next = at + c.len_utf8();
        let kind = class(c);
        match kind {
            Class::Letter | Class::Digit => {
                let is_number = kind == Class::Digit;
                let from = run.folded.len();
                let continues = run.parts.last().is_some_and(|p| p.end == at && p.is_number == is_number);
                if let Some(folded) = fold(c) {
                    run.folded.push(folded);
                }
                let to = run.folded.len();
                match run.parts.last_mut() {
                    Some(part) if continues => (part.to, part.end) = (to, next),
                    _ => run.parts.push(Part { from, to, start: at, end: next, is_number }),
                }
                run.is_plain_number &= is_number;
                end = next;
            }
            Class::Mark => {
                if let Some(part) = run.parts.last_mut().filter(|p| p.end == at) {
                    part.end = next;
                }
                end = next;
            }
            _ => {
                let after = text.get(next..).and_then(|rest| rest.chars().next()).map(class);
                let last_is_number = run.parts.last().is_some_and(|p| p.is_number);
                let joins = match (c, after) {
                    (',', Some(Class::Digit)) => last_is_number && is_thousands(text, next),
                    ('.', Some(Class::Digit)) if last_is_number => {
                        points += 1;
                        true
                    }
                    ('-' | '_' | '/' | ':', Some(Class::Digit | Class::Letter))
                        if !matches!(c, '/' | ':') || (last_is_number && after == Some(Class::Digit)) =>
                    {
                        run.is_plain_number = false;
                        true
                    }
                    ('.' | '\'' | '’' | '@' | '&', Some(Class::Letter)) if !last_is_number => {
                        run.is_plain_number = false;
                        if matches!(c, '\'' | '’') {
                            run.folded.push('\'');
                        }
                        true
                    }
                    _ => false,
                };
                if !joins {
                    break;
                }
                if c == '.' && last_is_number {
                    run.folded.push('.');
                }
            }
        }
        at = next;
    }
    run.is_plain_number &= points <= 1;
    end
}

fn is_thousands(text: &str, at: usize) -> bool {
    let mut following = text.get(at..).unwrap_or_default().chars();
    (0..3).all(|_| following.next().is_some_and(|c| class(c) == Class::Digit))
        && !following.next().is_some_and(|c| class(c) == Class::Digit)
}

/// Emits the tokens of a run. Returns the hash by which a neighbouring Chinese character may pair with it: only runs
/// with a digit, since a unit or a counter belongs to its number.
fn emit_run(text: &str, run: &Run, start: usize, end: usize, each: &mut impl FnMut(Token)) -> Option<u64> {
    let folded = run.folded.as_str();
    if run.is_plain_number {
        let number = match folded.split_once('.') {
            Some((whole, decimals)) if decimals.bytes().all(|b| b == b'0') => whole,
            Some(_) => folded.trim_end_matches('0'),
            None => folded,
        };
        let own = hash(number.as_bytes());
        each(Token { id: finish(own), kind: Kind::Number, start, end });
        if text.get(end..).is_some_and(|rest| rest.starts_with(['%', '％'])) {
            each(Token { id: finish(step(own, b'%')), kind: Kind::Whole, start, end: end + 1 });
        }
        return Some(hash(folded.as_bytes()));
    }
    if let [only] = run.parts.as_slice() {
        each(word(folded, only.start, end));
        return None;
    }
    // Apostrophes belong to English words, not to codes.
    if let Some((head, tail)) = folded.split_once('\'')
        && run.parts.iter().all(|p| !p.is_number)
    {
        let (head, negates) = match (head.strip_suffix('n'), tail) {
            (Some("ca"), "t") => ("can", true),
            (Some("wo"), "t") => ("will", true),
            (Some(verb), "t") => (verb, true),
            _ => (head, false),
        };
        each(word(head, start, end));
        if negates {
            each(word("not", start, end));
        } else if !matches!(tail, "s" | "re" | "ve" | "ll" | "d" | "m" | "t") {
            each(word(tail, start, end));
        }
        return None;
    }
    let has_number = run.parts.iter().any(|p| p.is_number);
    let whole = if has_number && folded.contains('.') {
        hash(folded.as_bytes())
    } else {
        folded.bytes().filter(|b| *b != b'.').fold(SEED, step)
    };
    each(Token { id: finish(whole), kind: Kind::Whole, start, end });
    for part in &run.parts {
        let Some(piece) = folded.get(part.from..part.to) else { continue };
        let piece = piece.trim_matches(['.', '\'']);
        if part.is_number {
            let bare = piece.trim_start_matches('0');
            let number = if piece.len() <= 2 && !bare.is_empty() { bare } else { piece };
            each(Token { id: term_id(number), kind: Kind::Number, start: part.start, end: part.end });
        } else if piece.chars().nth(1).is_some() {
            each(word(piece, part.start, part.end));
        }
    }
    has_number.then_some(hash(folded.as_bytes()))
}

/// The token of one folded word.
fn word(folded: &str, start: usize, end: usize) -> Token {
    let key = hash(folded.as_bytes());
    STEMS.with_borrow_mut(|slots| {
        let Some(slot) = slots.get_mut(key as usize % SLOTS) else {
            return Token { id: finish(key), kind: Kind::Word, start, end };
        };
        if slot.word != key {
            let is_stop = STOP_IDS.binary_search(&key).is_ok();
            let id = STEMMER.with(|stemmer| finish(hash(stemmer.stem(folded).as_bytes())));
            *slot = Slot { word: key, id, is_stop };
        }
        Token { id: slot.id, kind: if slot.is_stop { Kind::Stop } else { Kind::Word }, start, end }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(text: &str) -> Vec<u32> {
        let mut ids = Vec::new();
        each_term(text, |id| ids.push(id));
        ids
    }

    fn finds(query: &str, text: &str) {
        let text_ids = ids(text);
        let missing: Vec<_> = tokens(query)
            .into_iter()
            .filter(|t| !matches!(t.kind, Kind::Stop | Kind::Whole | Kind::Bridge) && !text_ids.contains(&t.id))
            .map(|t| query[t.start..t.end].to_owned())
            .collect();
        assert!(missing.is_empty(), "{query:?} in {text:?}: {missing:?}");
    }

    #[test]
    fn the_same_thing_written_differently_is_found() {
        for (query, text) in [
            ("refunds", "How to refund"),
            ("國際運費", "国际运费"),
            ("ＩＰＨＯＮＥ１５", "iPhone 15"),
            ("iphone 15", "iPhone15 Pro Max 256G"),
            ("256g", "iPhone15 Pro Max 256G"),
            ("café résumé", "cafe resume"),
            ("1200", "¥1,200.00"),
            ("2026年1月5日", "2026年01月05日".replace("01", "1").replace("05", "5").as_str()),
            ("SF-2026-001", "sf2026001 SF 2026 001"),
            ("满300减50", "全场满300减50元"),
            ("tenant's", "the tenants"),
        ] {
            finds(query, text);
        }
    }

    #[test]
    fn numbers_and_codes_stay_whole_and_are_split() {
        assert!(ids("SF-2026-001").contains(&term_id("sf2026001")));
        assert!(ids("call 400-800-1234").contains(&term_id("4008001234")));
        assert!(ids("iPhone15").contains(&term_id("iphone15")));
        assert!(ids("满 300 减 50").contains(&term_id("满300")));
        assert!(ids("满300减50").contains(&term_id("300减")));
        assert!(ids("a 50% share").contains(&term_id("50%")));
        assert_eq!(ids("1,200.50"), [term_id("1200.5")]);
        assert_ne!(ids("iPhone 15"), ids("iPhone 14"));
        assert_eq!(ids("3,5"), [term_id("3"), term_id("5")]);
    }

    #[test]
    fn negations_are_kept_and_other_empty_words_dropped() {
        assert_eq!(ids("can you not"), [term_id("not")]);
        assert_eq!(ids("don't"), ids("do not"));
        assert_eq!(ids("can't"), ids("cannot").iter().map(|_| term_id("not")).collect::<Vec<_>>());
        assert!(ids("what is the").is_empty());
        assert_eq!(ids("不支持"), [term_id("不"), term_id("支"), term_id("不支"), term_id("持"), term_id("支持")]);
    }

    #[test]
    fn tokens_know_their_place() {
        let text = "请问 iPhone15 保修多久？ It's 3.5 kg";
        for token in tokens(text) {
            assert!(text.get(token.start..token.end).is_some(), "{token:?}");
        }
        let pair = tokens("退款").into_iter().find(|t| t.kind == Kind::Pair).unwrap();
        assert_eq!((pair.start, pair.end), (0, 6));
    }

    #[test]
    fn scores_are_bm25() {
        let (short, length) = document_vector(&[("refund", 1.0)], 10.0);
        let (long, _) = document_vector(&[("refund one two three four five six seven", 1.0)], 10.0);
        assert_eq!(length, 1);
        let query = query_vector(&[(term_id("refund"), idf(2, 10))]);
        assert!(short.dot(&query) > long.dot(&query));
        let expected = idf(2, 10) * (K1 + 1.0) / (1.0 + K1 * (1.0 - B + B * 0.1));
        assert!((short.dot(&query) - expected).abs() < 1e-5);
        assert!(idf(1, 100) > idf(50, 100) && idf(100, 100) > 0.0);
    }

    proptest::proptest! {
        #[test]
        fn any_text_gives_tokens_within_it(text in "\\PC{0,60}") {
            for token in tokens(&text) {
                proptest::prop_assert!(text.get(token.start..token.end).is_some(), "{:?} in {:?}", token, text);
            }
        }
    }
}
