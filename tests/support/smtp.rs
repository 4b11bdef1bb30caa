//! A mail server that takes mail and keeps it; strict about the order of commands.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

/// The mails that were taken, as they came over the wire.
pub type Mails = Arc<Mutex<Vec<String>>>;

/// Serves on loopback; its `smtp://` address.
pub async fn serve(mails: Mails) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(talk(socket, mails.clone()));
        }
    });
    url
}

async fn talk(socket: tokio::net::TcpStream, mails: Mails) {
    let (read, mut write) = socket.into_split();
    let mut lines = BufReader::new(read).lines();
    let (mut sender, mut recipients) = (false, 0);
    let _ = write.write_all(b"220 test ESMTP\r\n").await;
    while let Ok(Some(line)) = lines.next_line().await {
        let command = line.to_uppercase();
        let answer = if command.starts_with("EHLO") || command.starts_with("HELO") {
            "250 test"
        } else if command.starts_with("MAIL FROM:") {
            sender = true;
            "250 ok"
        } else if command.starts_with("RCPT TO:") && sender {
            recipients += 1;
            "250 ok"
        } else if command == "DATA" && recipients > 0 {
            let _ = write.write_all(b"354 go on\r\n").await;
            let mut mail = String::new();
            while let Ok(Some(line)) = lines.next_line().await {
                if line == "." {
                    break;
                }
                mail.push_str(&line);
                mail.push('\n');
            }
            mails.lock().unwrap().push(mail);
            (sender, recipients) = (false, 0);
            "250 taken"
        } else if command == "QUIT" {
            let _ = write.write_all(b"221 bye\r\n").await;
            return;
        } else if command == "RSET" || command == "NOOP" {
            "250 ok"
        } else {
            "503 not now"
        };
        let _ = write.write_all(format!("{answer}\r\n").as_bytes()).await;
    }
}
