//! `channel`: connect the places where customers write, see how they are, test, pause.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use frontdesk::platform::{Error, Result, crypto};
use serde_json::{Map, Value, json};

use super::{Context, client::Client};

#[derive(Subcommand)]
pub enum Channel {
    /// Connect a channel
    ///
    /// Kinds: whatsapp_cloud, wecom_kf, wechat_oa, telegram, email, web, webhook; and, unofficial (WhatsApp may ban the
    /// number): waha, evolution, gateway. docs/channels/ says what each needs.
    Add(Box<Add>),
    /// Show the channels and how they are
    List {
        /// Print them as one JSON array
        #[arg(long)]
        json: bool,
    },
    /// Ask the platform whether a channel works
    Test {
        /// As `channel list` shows it
        id: String,
        /// Print the findings as JSON
        #[arg(long)]
        json: bool,
    },
    /// Send nothing over a channel until it is resumed; what comes in is kept
    Pause {
        /// As `channel list` shows it
        id: String,
    },
    /// Let a paused channel go on
    Resume {
        /// As `channel list` shows it
        id: String,
    },
    /// Remove a channel: nothing comes in or goes out any more, its secrets are gone, its conversations stay
    Remove {
        /// As `channel list` shows it
        id: String,
    },
    /// Change a setting of a channel, like a new token: KEY=VALUE, an empty value takes it away
    Set {
        /// As `channel list` shows it
        id: String,
        /// The settings, as `channel add --help` names them, with underscores
        #[arg(required = true, value_name = "KEY=VALUE")]
        values: Vec<String>,
    },
}

#[derive(Args)]
pub struct Add {
    /// One of the kinds above
    kind: String,
    /// What agents see it called
    #[arg(long)]
    name: Option<String>,
    /// Another address than the platform's own
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// WhatsApp: the number's id at Meta
    #[arg(long)]
    phone_number_id: Option<String>,
    /// WhatsApp, WeChat official account: the app's secret
    #[arg(long)]
    app_secret: Option<String>,
    /// WhatsApp: what you type into Meta's page
    #[arg(long)]
    verify_token: Option<String>,
    /// WhatsApp: the system user's token
    #[arg(long)]
    access_token: Option<String>,
    /// WhatsApp: the version of Meta's interface
    #[arg(long)]
    graph_version: Option<String>,
    /// WeCom: the company's id
    #[arg(long)]
    corp_id: Option<String>,
    /// WeCom: the application's secret; webhook: the shared secret
    #[arg(long)]
    secret: Option<String>,
    /// WeChat official account: its app id
    #[arg(long)]
    app_id: Option<String>,
    /// WeCom, WeChat: the callback's token; gateway, evolution: what both sides show (made up when it is not given)
    #[arg(long)]
    token: Option<String>,
    /// WeCom, WeChat: the 43 characters
    #[arg(long)]
    encoding_aes_key: Option<String>,
    /// WAHA, Evolution: the server's key
    #[arg(long)]
    api_key: Option<String>,
    /// WAHA: the key of the webhook's signature
    #[arg(long)]
    hmac_key: Option<String>,
    /// WAHA: the session [default: default]
    #[arg(long)]
    session: Option<String>,
    /// Evolution: the instance
    #[arg(long)]
    instance: Option<String>,
    /// Telegram: what BotFather gave
    #[arg(long)]
    bot_token: Option<String>,
    /// Telegram: the webhook's secret token
    #[arg(long)]
    secret_token: Option<String>,
    /// E-mail: what customers write to
    #[arg(long)]
    address: Option<String>,
    /// E-mail: where mails are received
    #[arg(long, value_name = "HOST")]
    imap_host: Option<String>,
    /// E-mail: where mails are sent
    #[arg(long, value_name = "HOST")]
    smtp_host: Option<String>,
    /// E-mail: as whom to sign in [default: the address]
    #[arg(long)]
    user: Option<String>,
    /// E-mail: the password, or the one that the provider gives to programs
    #[arg(long)]
    password: Option<String>,
    /// Webhook: where our messages go
    #[arg(long, value_name = "URL")]
    send_url: Option<String>,
    /// Anything else from docs/channels, as KEY=VALUE (the value as JSON, or as text)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    #[arg(long)]
    json: bool,
}

impl Add {
    fn config(&self) -> Result<Value> {
        let mut config = Map::new();
        let given = [
            ("base_url", &self.base_url),
            ("phone_number_id", &self.phone_number_id),
            ("app_secret", &self.app_secret),
            ("verify_token", &self.verify_token),
            ("access_token", &self.access_token),
            ("graph_version", &self.graph_version),
            ("corp_id", &self.corp_id),
            ("secret", &self.secret),
            ("app_id", &self.app_id),
            ("token", &self.token),
            ("encoding_aes_key", &self.encoding_aes_key),
            ("api_key", &self.api_key),
            ("hmac_key", &self.hmac_key),
            ("session", &self.session),
            ("instance", &self.instance),
            ("bot_token", &self.bot_token),
            ("secret_token", &self.secret_token),
            ("address", &self.address),
            ("imap_host", &self.imap_host),
            ("smtp_host", &self.smtp_host),
            ("user", &self.user),
            ("password", &self.password),
            ("send_url", &self.send_url),
        ];
        for (key, value) in given {
            if let Some(value) = value {
                config.insert(key.into(), json!(value));
            }
        }
        for pair in &self.set {
            let (key, value) = key_value(pair)?;
            config.insert(key.into(), value);
        }
        Ok(Value::Object(config))
    }

    /// What everyone may see: for the website everything that is no secret.
    fn settings(&self, config: &mut Value) -> Value {
        let (true, Some(all)) = (self.kind == "web", config.as_object_mut()) else { return json!({}) };
        let secret = all.shift_remove("identity_secret");
        let settings = std::mem::take(all);
        all.extend(secret.map(|secret| ("identity_secret".to_string(), secret)));
        Value::Object(settings)
    }
}

fn key_value(pair: &str) -> Result<(&str, Value)> {
    let (key, value) = pair.split_once('=').ok_or_else(|| Error::Invalid(format!("{pair}: expected KEY=VALUE")))?;
    Ok((key.trim(), serde_json::from_str(value).unwrap_or_else(|_| json!(value))))
}

pub async fn channel(context: &Context, command: Channel) -> Result<ExitCode> {
    let client = Client::open(context).await?;
    let outcome = run(&client, command).await;
    client.close().await;
    outcome
}

async fn run(client: &Client, command: Channel) -> Result<ExitCode> {
    match command {
        Channel::Add(new) => add(client, &new).await,
        Channel::List { json } => list(client, json).await,
        Channel::Test { id, json } => test(client, &id, json).await,
        Channel::Pause { id } => say(client, "POST", &id, "/pause", None, "is paused").await,
        Channel::Resume { id } => say(client, "POST", &id, "/resume", None, "goes on").await,
        Channel::Remove { id } => {
            client.call("DELETE", &format!("/api/channels/{id}"), None).await?;
            println!("{id} is removed; take its address out at the platform too.");
            Ok(ExitCode::SUCCESS)
        }
        Channel::Set { id, values } => {
            let mut config = Map::new();
            for pair in &values {
                let (key, value) = key_value(pair)?;
                config.insert(key.into(), if value == json!("") { Value::Null } else { value });
            }
            say(client, "PATCH", &id, "", Some(json!({"config": config})), "is changed").await
        }
    }
}

async fn add(client: &Client, new: &Add) -> Result<ExitCode> {
    let mut config = new.config()?;
    // Both sides must show the same token: one that nobody chose is made and told once.
    let made =
        (matches!(new.kind.as_str(), "gateway" | "evolution") && config.get("token").is_none()).then(crypto::token);
    if let (Some(token), Some(all)) = (&made, config.as_object_mut()) {
        all.insert("token".into(), json!(token));
    }
    let settings = new.settings(&mut config);
    let name = new.name.clone().unwrap_or_else(|| new.kind.clone());
    let body = json!({"platform": new.kind, "name": name, "config": config, "settings": settings});
    let added = client.call("POST", "/api/channels", Some(body)).await?;
    let of = |key: &str| added.get(key).cloned().unwrap_or(Value::Null);
    if new.json {
        let mut told = json!({"id": of("id"), "kind": new.kind, "webhook_path": of("webhook_path")});
        if let (Some(token), Some(all)) = (&made, told.as_object_mut()) {
            all.insert("token".into(), json!(token));
        }
        println!("{told}");
        return Ok(ExitCode::SUCCESS);
    }
    println!("Connected {name} as {}.", of("id").as_str().unwrap_or_default());
    if let Some(path) = of("webhook_path").as_str() {
        println!("The platform delivers to <your address>{path}");
    }
    if let Some(token) = made {
        println!("Its token, shown only now: {token}");
    }
    if of("unofficial") == json!(true) {
        println!("This is an unofficial way into WhatsApp: it breaks WhatsApp's terms and the number may be banned.");
    }
    if new.kind == "whatsapp_cloud" {
        println!("Meta bills messages after a free tier, and wants assistants to serve the business's own customers.");
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(client: &Client, as_json: bool) -> Result<ExitCode> {
    let all = client.call("GET", "/api/channels", None).await?;
    if as_json {
        let named = |channel: &Value| {
            let mut channel = channel.clone();
            let kind = channel.get("platform").cloned().unwrap_or_default();
            if let Some(fields) = channel.as_object_mut() {
                fields.insert("kind".into(), kind);
            }
            channel
        };
        println!("{}", all.as_array().into_iter().flatten().map(named).collect::<Value>());
        return Ok(ExitCode::SUCCESS);
    }
    for channel in all.as_array().into_iter().flatten() {
        let of = |key: &str| channel.get(key).and_then(Value::as_str).unwrap_or_default().to_string();
        let unofficial = if channel.get("unofficial") == Some(&json!(true)) { " (unofficial)" } else { "" };
        println!("{}  {}{unofficial}  {}  {}", of("id"), of("platform"), of("name"), of("status"));
        for (what, key) in [
            ("last message", "last_inbound_at"),
            ("connection", "connection"),
            ("quality", "quality"),
            ("token ends", "token_expires_at"),
            ("problem", "error"),
        ] {
            if !of(key).is_empty() {
                println!("    {what}: {}", of(key));
            }
        }
        if of("error").is_empty() && !of("last_error").is_empty() {
            println!("    last problem: {} ({})", of("last_error"), of("last_error_at"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn test(client: &Client, id: &str, as_json: bool) -> Result<ExitCode> {
    let found = client.call("POST", &format!("/api/channels/{id}/test"), Some(json!({}))).await?;
    let ok = found.get("ok") == Some(&json!(true));
    if as_json {
        println!("{found}");
    } else {
        let detail = found.get("detail").and_then(Value::as_str).unwrap_or_default();
        println!("{} {detail}", if ok { "✓" } else { "✗" });
    }
    Ok(if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn say(
    client: &Client,
    method: &str,
    id: &str,
    below: &str,
    body: Option<Value>,
    what: &str,
) -> Result<ExitCode> {
    let body = body.or_else(|| Some(json!({})));
    let channel = client.call(method, &format!("/api/channels/{id}{below}"), body).await?;
    println!("{} {what}.", channel.get("name").and_then(Value::as_str).unwrap_or(id));
    Ok(ExitCode::SUCCESS)
}
