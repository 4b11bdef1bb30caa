//! Settings: defaults → `frontdesk.toml` → `FRONTDESK_…` → flags. An unknown key is an error with a suggestion.

mod sections;

use std::path::{Path, PathBuf};

use figment::{
    Figment,
    providers::{Format, Serialized, Toml},
    value::{Dict, Value},
};
use serde::{Deserialize, Serialize};

pub use sections::*;

use crate::platform::{
    error::{Error, Result},
    http, mail, net, telemetry,
};

/// Everything that can be set. `frontdesk.sample.toml` explains each key.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub server: Server,
    pub sign_in: SignIn,
    pub database: Database,
    pub vectors: Vectors,
    pub redis: Redis,
    pub files: FileStore,
    pub model: Model,
    pub assistant: Assistant,
    pub ingest: Ingest,
    pub notify: Notify,
    pub log: Log,
}

/// Variables of ours that are not settings of `frontdesk.toml`.
const OTHER_VARIABLES: [&str; 6] = [
    "FRONTDESK_DATA_DIR",
    "FRONTDESK_CONFIG",
    "FRONTDESK_SECRET_KEY",
    "FRONTDESK_ADMIN_EMAIL",
    "FRONTDESK_ADMIN_PASSWORD_FILE",
    "FRONTDESK_ORG",
];

/// Schemes of Redis's addresses.
const REDIS: [&str; 4] = ["redis", "rediss", "redis+unix", "unix"];

impl Config {
    /// Reads the settings. `file` must exist when given; without it, `frontdesk.toml` in `data_dir` or in the working
    /// directory is taken when there is one. `variables` are the process's.
    pub fn load(
        file: Option<&Path>,
        data_dir: &Path,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self> {
        let file = match file {
            Some(path) if !path.is_file() => {
                return Err(Error::Invalid(format!("{}: no such configuration file", path.display())));
            }
            Some(path) => Some(path.to_path_buf()),
            None => {
                [data_dir.join("frontdesk.toml"), PathBuf::from("frontdesk.toml")].into_iter().find(|p| p.is_file())
            }
        };
        let mut figment = Figment::from(Serialized::defaults(Self::default()));
        if let Some(path) = &file {
            figment = figment.merge(Toml::file_exact(path));
        }
        figment.extract::<Self>().map_err(|e| Error::Invalid(explain(&e, file.as_deref())))?;
        // The file is right: what is wrong now stands in a variable.
        figment = figment.merge(Serialized::defaults(Self::from_variables(variables)?));
        let config: Self = figment.extract().map_err(|e| Error::Invalid(explain(&e, None)))?;
        config.check()?;
        Ok(config)
    }

    /// `FRONTDESK_MODEL_API_KEY=…` is `model.api_key`, and so on for every key there is.
    fn from_variables(variables: impl IntoIterator<Item = (String, String)>) -> Result<Dict> {
        let keys = Self::keys();
        let mut sections = Dict::new();
        for (name, text) in variables {
            if !name.starts_with("FRONTDESK_")
                || name.starts_with("FRONTDESK_TEST_")
                || OTHER_VARIABLES.contains(&&*name)
            {
                continue;
            }
            let Some((section, key)) = keys.iter().find(|(s, k)| name == variable(s, k)) else {
                // Written without its section it is meant all the same.
                let same = keys.iter().find(|(_, k)| name == format!("FRONTDESK_{}", k.to_uppercase()));
                let known = keys.iter().map(|(s, k)| variable(s, k)).chain(OTHER_VARIABLES.map(String::from));
                let hint = same.map_or_else(|| suggestion(&name, known), |(s, k)| did_you_mean(&variable(s, k)));
                return Err(Error::Invalid(format!("{name}: no such setting{hint}")));
            };
            let value = match (section.as_str(), key.as_str()) {
                ("server", "trusted_proxies") | ("notify", "email_to") => Value::from(
                    text.split(',').map(str::trim).filter(|t| !t.is_empty()).map(String::from).collect::<Vec<_>>(),
                ),
                // A secret or a name stays what was written, even if it looks like a number.
                _ if is_text(section, key) => Value::from(text),
                _ => number_or_text(text),
            };
            let entry = sections.entry(section.clone()).or_insert_with(|| Value::from(Dict::new()));
            if let Value::Dict(_, dict) = entry {
                dict.insert(key.clone(), value);
            }
        }
        Ok(sections)
    }

    /// Every `(section, key)`.
    pub fn keys() -> Vec<(String, String)> {
        let Ok(serde_json::Value::Object(sections)) = serde_json::to_value(Self::default()) else {
            return Vec::new();
        };
        sections
            .iter()
            .flat_map(|(section, keys)| {
                keys.as_object().into_iter().flat_map(|k| k.keys()).map(|key| (section.clone(), key.clone()))
            })
            .collect()
    }

    fn check(&self) -> Result<()> {
        let wrong = |text: String| Err(Error::Invalid(text));
        if self.server.listen.parse::<std::net::SocketAddr>().is_err() {
            return wrong(format!("server.listen: '{}' is not an address like 127.0.0.1:8080", self.server.listen));
        }
        for (key, address) in [
            ("server.public_url", &self.server.public_url),
            ("vectors.url", &self.vectors.url),
            ("model.base_url", &self.model.base_url),
            ("model.embedding_base_url", &self.model.embedding_base_url),
            ("files.s3_endpoint", &self.files.s3_endpoint),
        ] {
            if let Some(text) = address
                && !net::is_web_address(text)
            {
                return wrong(format!("{key}: '{text}' is not an address like https://example.com"));
            }
        }
        let has_keys = self.files.s3_access_key.is_some() && self.files.s3_secret_key.is_some();
        if self.files.s3_bucket.is_some() && !has_keys {
            return wrong("files.s3_bucket needs files.s3_access_key and files.s3_secret_key beside it".into());
        }
        if self.files.s3_bucket.is_none() && (has_keys || self.files.s3_endpoint.is_some()) {
            return wrong("files.s3_bucket is missing: where should files be put away?".into());
        }
        self.check_notify()?;
        if let Some(url) = &self.redis.url
            && !url::Url::parse(url.expose()).is_ok_and(|u| REDIS.contains(&u.scheme()))
        {
            return wrong("redis.url: an address like redis://:password@host:6379 is wanted".into());
        }
        if let Some(proxy) = self.server.trusted_proxies.iter().find(|p| http::network(p).is_none()) {
            return wrong(format!("server.trusted_proxies: '{proxy}' is no address or network like 10.0.0.0/8"));
        }
        if !telemetry::is_filter(&self.log.filter) {
            return wrong(format!("log.filter: '{}' is not a filter like info,frontdesk=debug", self.log.filter));
        }
        for (key, value, least, most) in [
            ("server.upload_limit_mb", self.server.upload_limit_mb, 1, 10_000),
            ("database.max_connections", self.database.max_connections.into(), 2, 1000),
            ("assistant.passages", self.assistant.passages as u64, 1, 20),
            ("model.embedding_dimensions", self.model.embedding_dimensions, 1, 65_536),
            ("model.timeout_s", self.model.timeout_s, 1, 600),
            ("model.breaker_failures", self.model.breaker_failures.into(), 1, 1000),
            ("ingest.timeout_s", self.ingest.timeout_s, 1, 3600),
            ("ingest.memory_mb", self.ingest.memory_mb, 64, 1 << 20),
        ] {
            if !(least..=most).contains(&value) {
                return wrong(format!("{key}: between {least} and {most}"));
            }
        }
        if let Some(url) = &self.database.url
            && !url.expose().starts_with("postgres://")
            && !url.expose().starts_with("postgresql://")
        {
            return wrong("database.url: only postgres://… is taken (leave it out for SQLite)".into());
        }
        if !(0.001..=0.5).contains(&self.assistant.max_error_rate) {
            return wrong(
                "assistant.max_error_rate: a share between 0.001 and 0.5, as 0.2 for one wrong answer in five".into(),
            );
        }
        if !(64..=2000).contains(&self.ingest.passage_tokens) {
            return wrong("ingest.passage_tokens: between 64 and 2000".into());
        }
        let can_embed = self.model.base_url.is_some() || self.model.embedding_base_url.is_some();
        if self.model.base_url.is_none() && self.model.chat_model.is_some()
            || !can_embed && self.model.embedding_model.is_some()
        {
            return wrong("model.base_url is missing: where should the model be called?".into());
        }
        Ok(())
    }

    fn check_notify(&self) -> Result<()> {
        let notify = &self.notify;
        if let Some(url) = &notify.smtp_url {
            mail::check_url(url.expose())?;
        } else if !notify.email_to.is_empty() {
            return Err(Error::Invalid("notify.smtp_url is missing: which server sends the mails?".into()));
        }
        for address in notify.email_to.iter().chain(&notify.email_from) {
            mail::check_address(address).map_err(|e| Error::Invalid(format!("notify: {e}")))?;
        }
        // The address is a secret: it is not repeated.
        if let Some(url) = &notify.webhook_url
            && !net::is_web_address(url.expose())
        {
            return Err(Error::Invalid("notify.webhook_url is not an address like https://example.com/hook".into()));
        }
        Ok(())
    }
}

fn variable(section: &str, key: &str) -> String {
    format!("FRONTDESK_{}_{}", section.to_uppercase(), key.to_uppercase())
}

fn is_text(section: &str, key: &str) -> bool {
    let defaults = serde_json::to_value(Config::default()).unwrap_or_default();
    matches!(
        defaults.pointer(&format!("/{section}/{key}")),
        Some(serde_json::Value::String(_) | serde_json::Value::Null)
    )
}

fn number_or_text(text: String) -> Value {
    if let Ok(flag) = text.parse::<bool>() {
        Value::from(flag)
    } else if let Ok(number) = text.parse::<i64>() {
        Value::from(number)
    } else if let Ok(number) = text.parse::<f64>() {
        Value::from(number)
    } else {
        Value::from(text)
    }
}

/// What is wrong, where, in words; never the value, which may be a secret.
fn explain(error: &figment::Error, file: Option<&Path>) -> String {
    use figment::error::Kind;
    let Some(first) = error.clone().into_iter().next() else {
        return "the settings can't be read".to_owned();
    };
    let key = match (file, first.path.as_slice()) {
        (None, [section, key]) => variable(section, key),
        (_, path) => path.join("."),
    };
    let place = file.map_or_else(String::new, |f| format!("{}: ", f.display()));
    match &first.kind {
        Kind::UnknownField(field, known) => {
            let whole = if key.is_empty() || key == *field { field.clone() } else { key };
            // Above the first section stand no settings: one there is meant in its section.
            let all = if whole == *field { Config::keys() } else { Vec::new() };
            let same = all.iter().find(|(_, k)| k == field).map(|(s, _)| format!(" ('{field}' belongs below [{s}])"));
            let hint = same.unwrap_or_else(|| suggestion(field, known.iter().map(|k| (*k).to_string())));
            format!("{place}{whole}: no such setting{hint}")
        }
        Kind::UnknownVariant(_, known) => format!("{place}{key}: one of {} is wanted", known.join(", ")),
        Kind::InvalidType(_, wanted) | Kind::InvalidValue(_, wanted) => {
            format!("{place}{key}: {} is wanted", in_words(wanted))
        }
        // A parser's words come with the line that it stumbled over: its first line says where, its last what.
        Kind::Message(text) => {
            let lines: Vec<&str> = text.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
            let where_ = lines.first().copied().unwrap_or_default();
            match lines.as_slice() {
                [_, .., what] => format!("{place}{where_}: {what}"),
                _ => format!("{place}{where_}"),
            }
        }
        _ => format!("{place}{key}: this value can't be taken"),
    }
}

/// What a type of ours is called where settings are written.
fn in_words(wanted: &str) -> &str {
    match wanted {
        "u64" | "u32" | "usize" | "i64" => "a whole number",
        "f64" => "a number",
        "a boolean" | "bool" => "true or false",
        "a string" | "string" | "path string" => "a text in quotes",
        "a sequence" => "a list",
        other => other,
    }
}

fn suggestion(name: &str, known: impl Iterator<Item = String>) -> String {
    known
        .map(|k| (strsim::damerau_levenshtein(name, &k), k))
        .min()
        .filter(|(distance, k)| *distance <= k.len().div_ceil(3))
        .map_or_else(String::new, |(_, k)| did_you_mean(&k))
}

fn did_you_mean(name: &str) -> String {
    format!(" (did you mean '{name}'?)")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(toml: &str, variables: &[(&str, &str)]) -> Result<Config> {
        let dir = std::env::temp_dir().join(format!("frontdesk-config-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("frontdesk.toml"), toml).unwrap();
        let loaded = Config::load(None, &dir, variables.iter().map(|(k, v)| (k.to_string(), v.to_string())));
        std::fs::remove_dir_all(dir).unwrap();
        loaded
    }

    #[test]
    fn later_sources_win() {
        let toml = "[model]\nbase_url = 'http://127.0.0.1:1'\nchat_model = 'a'\ntimeout_s = 5";
        let config = load(toml, &[("FRONTDESK_MODEL_CHAT_MODEL", "42"), ("FRONTDESK_MODEL_API_KEY", "123")]).unwrap();
        assert_eq!(config.model.chat_model.as_deref(), Some("42"));
        assert_eq!(config.model.timeout_s, 5);
        assert_eq!(config.model.api_key.unwrap().expose(), "123");
        assert_eq!(config.assistant.pause_ms, 1200);
    }

    #[test]
    fn an_unknown_key_is_an_error_that_suggests_the_right_one() {
        let error = load("[server]\nlisten_adress = 'x'\nlisen = 'y'", &[]).unwrap_err().to_string();
        assert!(error.contains("no such setting"), "{error}");
        let error = load("[assistant]\npause_sm = 3", &[]).unwrap_err().to_string();
        assert!(error.contains("did you mean 'pause_ms'"), "{error}");
        let error = load("", &[("FRONTDESK_MODEL_APIKEY", "sk-secret")]).unwrap_err().to_string();
        assert!(error.contains("did you mean 'FRONTDESK_MODEL_API_KEY'") && !error.contains("sk-secret"), "{error}");
        let error = load("", &[("FRONTDESK_LISTEN", "127.0.0.1:1")]).unwrap_err().to_string();
        assert!(error.contains("did you mean 'FRONTDESK_SERVER_LISTEN'"), "{error}");
        let error = load("listen = '127.0.0.1:1'", &[]).unwrap_err().to_string();
        assert!(error.contains("belongs below [server]"), "{error}");
    }

    #[test]
    fn a_secret_is_never_printed() {
        let config = load("[model]\nbase_url='http://x.test'\napi_key = 'sk-verysecret'", &[]).unwrap();
        assert!(!format!("{config:?}").contains("verysecret"));
        assert!(!serde_json::to_string(&config).unwrap().contains("verysecret"));
        for broken in
            ["[model]\napi_key = 'sk-verysecret", "[model]\napi_key = [\"sk-verysecret\"]", "[model]\napi_key = 31415"]
        {
            let error = load(broken, &[]).unwrap_err().to_string();
            assert!(!error.contains("verysecret") && !error.contains("31415"), "{error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_in_one_sentence_and_at_its_place() {
        let said = |toml: &str, variables: &[(&str, &str)]| load(toml, variables).unwrap_err().to_string();
        let error = said("[model]\ntimeout_s = 'soon'", &[]);
        assert!(error.contains("frontdesk.toml: model.timeout_s: a whole number is wanted"), "{error}");
        let error = said("", &[("FRONTDESK_MODEL_TIMEOUT_S", "soon")]);
        assert!(error.starts_with("FRONTDESK_MODEL_TIMEOUT_S: a whole number"), "{error}");
        for (toml, key) in [
            ("[notify]\nsmtp_url = 'nonsense'", "notify.smtp_url"),
            ("[notify]\nemail_to = ['a@example.com']", "notify.smtp_url"),
            ("[notify]\nsmtp_url = 'smtp://localhost'\nemail_to = ['nobody']", "notify"),
            ("[notify]\nwebhook_url = 'not an address'", "notify.webhook_url"),
            ("[redis]\nurl = 'http://localhost'", "redis.url"),
            ("[log]\nfilter = 'a=b=c=!!'", "log.filter"),
            ("[server]\ntrusted_proxies = ['the next room']", "server.trusted_proxies"),
            ("[assistant]\npassages = 0", "assistant.passages"),
            ("[model]\nchat_model = 'm'\nembedding_base_url = 'http://x.test'", "model.base_url"),
        ] {
            let error = said(toml, &[]);
            assert!(error.contains(key), "{toml}: {error}");
        }
        load("[server]\ntrusted_proxies = ['10.0.0.0/8', '127.0.0.1', '::1']", &[]).unwrap();
    }

    #[test]
    fn the_sample_parses_and_names_every_key() {
        let sample = include_str!("../../frontdesk.sample.toml");
        // Every setting stands in it commented out; uncommented, the whole must parse.
        let uncommented: String = sample
            .lines()
            .map(|l| l.strip_prefix("#= ").unwrap_or(l))
            .fold(String::new(), |text, line| text + line + "\n");
        load(&uncommented, &[]).unwrap();
        let table: toml::Table = uncommented.parse().unwrap();
        for (section, key) in Config::keys() {
            assert!(
                table.get(&section).and_then(|s| s.get(&key)).is_some(),
                "frontdesk.sample.toml does not explain {section}.{key}"
            );
        }
    }
}
