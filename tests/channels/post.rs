//! A post office: a mailbox over IMAP and a counter over SMTP, strict about what their protocols say. The mailbox may be
//! looked at only; whoever would mark or change a mail is a fault.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use frontdesk::platform::Clock;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufStream},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

pub const ADDRESS: &str = "help@shop.example";
pub const PASSWORD: &str = "a pass\\word \"of\" programs";

/// What the counter does with a mail instead of taking it.
#[derive(Debug, Clone, Copy)]
pub enum Does {
    /// Says this to the recipient's address.
    Says(&'static str),
    /// Takes the mail and hangs up before it says so.
    TakesAndHangsUp,
}

#[derive(Default)]
pub struct Kept {
    pub validity: u32,
    /// Number, when it was taken, and the mail.
    pub mails: Vec<(u32, DateTime<Utc>, String)>,
    pub sent: Vec<String>,
    /// When, where the office has a clock.
    pub times: Vec<Option<DateTime<Utc>>>,
    pub clock: Option<Clock>,
    pub script: VecDeque<Does>,
    /// What happens to the next mails to one address.
    pub scripts: HashMap<String, VecDeque<Does>>,
    pub refuses_password: bool,
    pub faults: Vec<String>,
    pub looks: usize,
    pub fetched: usize,
}

#[derive(Clone)]
pub struct Post {
    pub imap: u16,
    pub smtp: u16,
    kept: Arc<Mutex<Kept>>,
}

/// How the office speaks.
#[derive(Clone)]
pub enum Encrypted {
    Not,
    FromTheStart(TlsAcceptor),
    WhenAsked(TlsAcceptor),
}

/// Anything that lines go over.
pub trait Line: AsyncRead + AsyncWrite + Unpin + Send + 'static {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Line for T {}

async fn serve_mailbox(socket: TcpStream, kept: Arc<Mutex<Kept>>, how: Encrypted) {
    match how {
        Encrypted::Not => drop(mailbox(socket, kept, true, false).await),
        Encrypted::FromTheStart(tls) => {
            if let Ok(socket) = tls.accept(socket).await {
                mailbox(socket, kept, true, false).await;
            }
        }
        Encrypted::WhenAsked(tls) => {
            if let Some(socket) = mailbox(socket, kept.clone(), true, true).await
                && let Ok(socket) = tls.accept(socket).await
            {
                mailbox(socket, kept, false, false).await;
            }
        }
    }
}

async fn serve_counter(socket: TcpStream, kept: Arc<Mutex<Kept>>, how: Encrypted) {
    match how {
        Encrypted::Not => drop(counter(socket, kept, true, false).await),
        Encrypted::FromTheStart(tls) => {
            if let Ok(socket) = tls.accept(socket).await {
                counter(socket, kept, true, false).await;
            }
        }
        Encrypted::WhenAsked(tls) => {
            if let Some(socket) = counter(socket, kept.clone(), true, true).await
                && let Ok(socket) = tls.accept(socket).await
            {
                counter(socket, kept, false, false).await;
            }
        }
    }
}

impl Post {
    pub async fn start() -> Self {
        Self::speaking(Encrypted::Not).await
    }

    pub async fn speaking(how: Encrypted) -> Self {
        let kept = Arc::new(Mutex::new(Kept { validity: 7, ..Kept::default() }));
        let (imap, smtp) =
            (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let ports = (imap.local_addr().unwrap().port(), smtp.local_addr().unwrap().port());
        let (shared, speaks) = (kept.clone(), how.clone());
        tokio::spawn(async move {
            while let Ok((socket, _)) = imap.accept().await {
                tokio::spawn(serve_mailbox(socket, shared.clone(), speaks.clone()));
            }
        });
        let shared = kept.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = smtp.accept().await {
                tokio::spawn(serve_counter(socket, shared.clone(), how.clone()));
            }
        });
        Self { imap: ports.0, smtp: ports.1, kept }
    }

    pub fn config(&self) -> Value {
        json!({"address": ADDRESS, "name": "Shop", "password": PASSWORD,
            "imap_host": "127.0.0.1", "imap_port": self.imap, "imap_security": "none",
            "smtp_host": "127.0.0.1", "smtp_port": self.smtp, "smtp_security": "none"})
    }

    pub fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }

    /// Puts a mail into the mailbox.
    pub fn put(&self, at: DateTime<Utc>, mail: &str) {
        let mut kept = self.kept();
        let uid = kept.mails.last().map_or(1, |(uid, ..)| uid + 1);
        kept.mails.push((uid, at, mail.replace('\n', "\r\n")));
    }
}

/// The next line; `None`: whoever called has hung up.
async fn next_line<S: Line>(socket: &mut BufStream<S>) -> Option<String> {
    let mut line = String::new();
    let n = socket.read_line(&mut line).await.ok()?;
    (n > 0).then(|| line.trim_end_matches(['\r', '\n']).to_string())
}

async fn say<S: Line>(socket: &mut BufStream<S>, what: &[u8]) -> Option<()> {
    socket.write_all(what).await.ok()?;
    socket.flush().await.ok()
}

/// A mailbox over IMAP. Gives the line back when encryption was asked for, which it only `offers` before it is there.
async fn mailbox<S: Line>(socket: S, kept: Arc<Mutex<Kept>>, greets: bool, offers: bool) -> Option<S> {
    let mut socket = BufStream::new(socket);
    let (mut signed_in, mut open) = (false, false);
    if greets {
        say(&mut socket, b"* OK ready\r\n").await?;
    }
    while let Some(line) = next_line(&mut socket).await {
        if let (true, Some(tag)) = (offers, line.strip_suffix(" STARTTLS")) {
            say(&mut socket, format!("{tag} OK begin\r\n").as_bytes()).await?;
            return Some(socket.into_inner());
        }
        let (tag, command) = line.split_once(' ').unwrap_or((&line, ""));
        let upper = command.to_uppercase();
        let mut answer = Vec::new();
        {
            let mut kept = kept.lock().unwrap();
            let quoted = format!("\"{}\"", PASSWORD.replace('\\', "\\\\").replace('"', "\\\""));
            if upper.starts_with("LOGIN ") && !offers {
                signed_in = command == format!("LOGIN \"{ADDRESS}\" {quoted}") && !kept.refuses_password;
                let said = if signed_in { "OK welcome" } else { "NO [AUTHENTICATIONFAILED] wrong user or password" };
                answer.extend(format!("{tag} {said}\r\n").bytes());
            } else if upper == "EXAMINE \"INBOX\"" && signed_in {
                open = true;
                kept.looks += 1;
                let next = kept.mails.last().map_or(1, |(uid, ..)| uid + 1);
                answer.extend(
                    format!(
                        "* FLAGS (\\Seen)\r\n* {} EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY {}] x\r\n* OK [UIDNEXT {next}] x\r\n{tag} OK [READ-ONLY] done\r\n",
                        kept.mails.len(),
                        kept.validity
                    )
                    .bytes(),
                );
            } else if let (Some(query), true) = (command.strip_prefix("UID SEARCH "), open) {
                let found: Vec<String> = search(&kept.mails, query).iter().map(u32::to_string).collect();
                answer.extend(format!("* SEARCH {}\r\n{tag} OK done\r\n", found.join(" ")).bytes());
            } else if let (Some(wanted), true) = (command.strip_prefix("UID FETCH "), open) {
                match fetch(&mut kept, wanted) {
                    Some(found) => answer.extend([found, format!("{tag} OK done\r\n").into_bytes()].concat()),
                    None => {
                        kept.faults.push(line.clone());
                        answer.extend(format!("{tag} BAD not so\r\n").bytes());
                    }
                }
            } else if upper == "LOGOUT" {
                answer.extend(format!("* BYE\r\n{tag} OK bye\r\n").bytes());
            } else {
                kept.faults.push(line.clone());
                answer.extend(format!("{tag} BAD not now\r\n").bytes());
            }
        }
        say(&mut socket, &answer).await?;
    }
    None
}

fn search(mails: &[(u32, DateTime<Utc>, String)], query: &str) -> Vec<u32> {
    if let Some(from) = query.strip_prefix("UID ").and_then(|r| r.strip_suffix(":*")) {
        let from: u32 = from.parse().unwrap();
        // As the standard says: `*` is the last, also when it is before the first.
        let last = mails.last().map(|(uid, ..)| *uid);
        return mails.iter().map(|(uid, ..)| *uid).filter(|uid| *uid >= from || Some(*uid) == last).collect();
    }
    let since = query.strip_prefix("SINCE ").expect("a search that is known");
    let since = chrono::NaiveDate::parse_from_str(since, "%d-%b-%Y").unwrap();
    mails.iter().filter(|(_, at, _)| at.date_naive() >= since).map(|(uid, ..)| *uid).collect()
}

fn fetch(kept: &mut Kept, wanted: &str) -> Option<Vec<u8>> {
    let (uid, what) = wanted.split_once(' ')?;
    let uid: u32 = uid.parse().ok()?;
    let found = kept.mails.iter().position(|(of, ..)| *of == uid);
    let Some(n) = found else { return Some(Vec::new()) };
    let (_, at, mail) = &kept.mails[n];
    let n = n + 1;
    match what {
        "(UID RFC822.SIZE INTERNALDATE)" => {
            let at = at.format("%d-%b-%Y %H:%M:%S +0000");
            Some(format!("* {n} FETCH (UID {uid} RFC822.SIZE {} INTERNALDATE \"{at}\")\r\n", mail.len()).into_bytes())
        }
        "(UID BODY.PEEK[])" => {
            let head = format!("* {n} FETCH (UID {uid} BODY[] {{{}}}\r\n", mail.len());
            let answer = [head.as_bytes(), mail.as_bytes(), b")\r\n"].concat();
            kept.fetched += 1;
            Some(answer)
        }
        _ => None,
    }
}

/// A counter over SMTP; the same about encryption.
async fn counter<S: Line>(socket: S, kept: Arc<Mutex<Kept>>, greets: bool, offers: bool) -> Option<S> {
    let mut socket = BufStream::new(socket);
    let (mut signed_in, mut sender, mut recipients, mut hangs_up) = (false, false, 0, false);
    if greets {
        say(&mut socket, b"220 test ESMTP\r\n").await?;
    }
    while let Some(line) = next_line(&mut socket).await {
        if offers && line == "STARTTLS" {
            say(&mut socket, b"220 go on\r\n").await?;
            return Some(socket.into_inner());
        }
        let upper = line.to_uppercase();
        let mut does = None;
        if upper.starts_with("RCPT TO:") && sender {
            let mut kept = kept.lock().unwrap();
            let to = line.split(['<', '>']).nth(1).unwrap_or_default();
            does = kept.scripts.get_mut(to).and_then(VecDeque::pop_front);
            does = does.or_else(|| kept.script.pop_front());
        }
        let answer = if upper.starts_with("EHLO ") && offers {
            "250-test\r\n250 STARTTLS".to_string()
        } else if upper.starts_with("EHLO ") {
            "250-test\r\n250-AUTH PLAIN\r\n250 8BITMIME".to_string()
        } else if let (Some(given), false) = (line.strip_prefix("AUTH PLAIN "), offers) {
            let right = STANDARD.encode(format!("\0{ADDRESS}\0{PASSWORD}"));
            signed_in = given == right && !kept.lock().unwrap().refuses_password;
            if signed_in { "235 welcome".into() } else { "535 5.7.8 wrong user or password".into() }
        } else if upper.starts_with("MAIL FROM:<HELP@SHOP.EXAMPLE>") && signed_in {
            sender = true;
            "250 ok".into()
        } else if upper.starts_with("RCPT TO:") && sender {
            match does {
                Some(Does::Says(said)) => said.to_string(),
                other => {
                    hangs_up = other.is_some();
                    recipients += 1;
                    "250 ok".into()
                }
            }
        } else if upper == "DATA" && recipients > 0 {
            say(&mut socket, b"354 go on\r\n").await?;
            let mut mail = String::new();
            while let Some(line) = next_line(&mut socket).await {
                if line == "." {
                    break;
                }
                mail.push_str(line.strip_prefix('.').unwrap_or(&line));
                mail.push_str("\r\n");
            }
            {
                let mut kept = kept.lock().unwrap();
                let now = kept.clock.as_ref().map(Clock::now);
                kept.sent.push(mail);
                kept.times.push(now);
            }
            if hangs_up {
                return None;
            }
            (sender, recipients) = (false, 0);
            "250 taken".into()
        } else if upper == "QUIT" {
            say(&mut socket, b"221 bye\r\n").await?;
            return None;
        } else if upper == "RSET" || upper == "NOOP" {
            "250 ok".into()
        } else {
            kept.lock().unwrap().faults.push(line.clone());
            "503 not now".into()
        };
        say(&mut socket, format!("{answer}\r\n").as_bytes()).await?;
    }
    None
}
