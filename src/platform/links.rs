//! The links of a text, found as a chat would make them clickable, and the domains that they may lead to.

use std::{borrow::Cow, ops::Range};

use super::{language::is_han, lexical::fold};

/// Domains that links may lead to, with what is below them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Domains {
    /// Lower case, without a point before.
    names: Vec<String>,
    /// Whether any link may leave.
    any: bool,
}

impl Domains {
    /// The domains that `written` names: `shop.example`, `https://shop.example/help`, `*` for all.
    pub fn new<S: AsRef<str>>(written: impl IntoIterator<Item = S>) -> Self {
        let mut domains = Self::default();
        for one in written {
            let one = one.as_ref().trim().to_lowercase();
            if one == "*" {
                domains.any = true;
            } else {
                let host =
                    host_of(one.split_once("://").map_or(one.as_str(), |(_, rest)| rest)).trim_matches(['.', '*']);
                domains.names.extend((!host.is_empty()).then(|| host.to_owned()));
            }
        }
        domains
    }

    /// Whether a link may lead to `host`.
    pub fn allow(&self, host: &str) -> bool {
        let below =
            |name: &String| host.strip_suffix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        self.any || self.names.iter().any(below)
    }
}

/// A link in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its place, in bytes.
    pub range: Range<usize>,
    /// Lower case, without "www."; empty for what leads to no host ("javascript:…").
    pub host: String,
}

/// The links of a text, in its order. E-mail addresses are none.
pub fn find(text: &str) -> Vec<Link> {
    let folded: Vec<(usize, char)> = text.char_indices().filter_map(|(at, c)| Some((at, fold(c)?))).collect();
    let is_part = |c: char| (c.is_alphanumeric() && !is_han(c)) || "-._~:/?#@&*+=%".contains(c);
    let mut links = Vec::new();
    let mut at = 0;
    while at < folded.len() {
        // A host may be Chinese behind "://".
        let mut end = at;
        let mut after_scheme = false;
        while let Some((_, c)) = folded.get(end).filter(|(_, c)| is_part(*c) || after_scheme && is_han(*c)) {
            after_scheme |= *c == '/' && end > at && folded.get(end - 1).is_some_and(|(_, before)| *before == '/');
            end += 1;
        }
        let run = folded.get(at..end).unwrap_or_default();
        if let (Some((first, _)), false) = (run.first(), run.is_empty()) {
            let stop = folded.get(end).map_or(text.len(), |(byte, _)| *byte);
            let word: String = run.iter().map(|(_, c)| *c).collect();
            let written = text.get(*first..stop).unwrap_or_default();
            if let Some(host) = host(&word, written) {
                links.push(Link { range: *first..stop, host });
            }
        }
        at = end.max(at + 1);
    }
    links
}

/// The hosts of the links that `domains` do not allow.
pub fn foreign(text: &str, domains: &Domains) -> Vec<String> {
    find(text).into_iter().map(|link| link.host).filter(|host| !domains.allow(host)).collect()
}

/// The text with "[…]" for each link that `domains` do not allow.
pub fn without_foreign<'a>(text: &'a str, domains: &Domains) -> Cow<'a, str> {
    let mut kept = String::new();
    let mut from = 0;
    for link in find(text).into_iter().filter(|link| !domains.allow(&link.host)) {
        kept.push_str(text.get(from..link.range.start).unwrap_or_default());
        kept.push_str("[…]");
        from = link.range.end;
    }
    if from == 0 {
        return Cow::Borrowed(text);
    }
    kept.push_str(text.get(from..).unwrap_or_default());
    Cow::Owned(kept)
}

/// What stands between the scheme and the path, without user and port.
fn host_of(rest: &str) -> &str {
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default().trim_end_matches('.');
    host.strip_prefix("www.").unwrap_or(host)
}

/// The host that a run of characters leads to; `None` if it is no link. `written`: the run before it was folded.
fn host(word: &str, written: &str) -> Option<String> {
    let word = word
        .trim_end_matches(['.', ':', '?', '*', '~', '-', '&', '='])
        .trim_start_matches(['*', '_', '~', '-', ':', '.']);
    if ["javascript:", "vbscript:", "data:text/", "data:image/", "file:"].iter().any(|scheme| word.contains(scheme)) {
        return Some(String::new());
    }
    if let Some((_, rest)) = word.split_once("://") {
        return Some(host_of(rest.trim_start_matches('/')).to_owned());
    }
    let (bare, is_explicit) = match (word.strip_prefix("//"), word.strip_prefix("www.")) {
        (Some(rest), _) | (_, Some(rest)) => (rest, true),
        _ => (word, false),
    };
    let authority = bare.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return None; // an e-mail address
    }
    let host = host_of(bare);
    let labels: Vec<&str> = host.split('.').collect();
    if labels.len() == 4 && labels.iter().all(|l| l.parse::<u8>().is_ok()) {
        return Some(host.to_owned());
    }
    let top = labels.last().copied().unwrap_or_default();
    let is_name = labels.len() >= 2
        && labels.iter().all(|l| !l.is_empty() && l.chars().all(|c| c.is_alphanumeric() || c == '-'))
        && top.chars().count() >= 2
        && top.chars().all(char::is_alphabetic)
        && labels.iter().any(|l| l.chars().count() >= 2);
    let is_file = matches!(top, "pdf" | "docx" | "xlsx" | "csv" | "txt" | "md" | "svg" | "png" | "jpg" | "jpeg");
    // "It is done.Then you wait": a space was forgotten.
    let is_glued = labels.len() == 2
        && host == bare
        && written.split('.').nth(1).is_some_and(|next| {
            let mut letters = next.chars();
            letters.next().is_some_and(char::is_uppercase) && letters.all(|c| !c.is_uppercase())
        });
    (is_explicit && !host.is_empty() || is_name && !is_file && !is_glued).then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(text: &str) -> Vec<String> {
        find(text).into_iter().map(|l| l.host).collect()
    }

    #[test]
    fn what_a_chat_would_make_clickable_is_a_link() {
        for (text, host) in [
            ("See https://shop.example/help.", "shop.example"),
            ("See (HTTPS://www.Shop.Example).", "shop.example"),
            ("[here](http://a.example:8080/x?y=z)", "a.example"),
            ("详见www.deng.example。", "deng.example"),
            ("详见ｈｔｔｐｓ：／／ｗｉｄｅ．ｅｘａｍｐｌｅ。", "wide.example"),
            ("https://例子.中国/", "例子.中国"),
            ("bit.ly/3Lmp0x", "bit.ly"),
            ("http://203.0.113.9/w", "203.0.113.9"),
            ("203.0.113.9/w", "203.0.113.9"),
            ("https://shop.example@trick.example/help", "trick.example"),
            ("//scheme.example/x", "scheme.example"),
            ("[x](javascript:alert(1))", ""),
        ] {
            assert_eq!(hosts(text), [host], "{text}");
        }
        for text in [
            "It takes 2.5 hours.",
            "At 9 a.m. e.g. on Monday",
            "help@shop.example",
            "see notes.pdf",
            "It is done.Then wait",
            "1/2",
            "and/or",
            "v1.2",
        ] {
            assert_eq!(hosts(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn a_domain_allows_what_is_below_it_and_nothing_that_looks_like_it() {
        let own = Domains::new(["https://shop.example/"]);
        assert!(own.allow("shop.example") && own.allow("help.shop.example"));
        for foreign in ["shop.example.evil.example", "myshop.example", "", "example"] {
            assert!(!own.allow(foreign), "{foreign}");
        }
        assert!(Domains::new(["*"]).allow("any.example") && !Domains::default().allow("any.example"));
        assert_eq!(without_foreign("a https://b.example c shop.example", &own), "a […] c shop.example");
        assert_eq!(without_foreign("nothing here", &own), "nothing here");
    }
}
