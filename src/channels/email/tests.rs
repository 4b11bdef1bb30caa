use super::*;
use crate::channels::{Address, Body, FileFacts, Inbound, Outbound};
use serde_json::json;

fn channel() -> Email {
    Email::open(&json!({"address": "help@shop.example", "name": "Shop", "imap_host": "imap.shop.example",
        "smtp_host": "smtp.shop.example", "password": "p"}))
    .unwrap()
}

fn hear(head: &str, body: &str) -> Event {
    let mail = format!(
        "Message-ID: <m1@ana.example>\r\nFrom: =?utf-8?B?5a6J5aic?= <Ana@Ana.example>\r\nTo: help@shop.example\r\n\
         Date: Mon, 2 Mar 2026 09:00:00 +0000\r\n{head}\r\n\r\n{body}"
    );
    let place = read::Place { validity: 7, uid: 3 };
    let mail = read::take_apart(mail.as_bytes(), place, "help@shop.example", false).unwrap();
    channel().parse(&mail.raw().unwrap().payload).unwrap()
}

fn message(head: &str, body: &str) -> Inbound {
    match hear(head, body) {
        Event::Message(m) => m,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_mail_is_read_in_any_encoding_with_its_subject_and_sender() {
    let m = message(
        "Subject: =?gb2312?B?ts+158HL?=\r\nContent-Type: text/plain; charset=gb18030\r\nContent-Transfer-Encoding: base64",
        "xOO6ww==",
    );
    assert_eq!(
        (m.sender.as_str(), m.sender_name.as_deref(), m.kind.as_str()),
        ("ana@ana.example", Some("安娜"), "email")
    );
    assert_eq!(m.text, "断电了\n\n你好");
    let m = message(
        "Subject: Re: Lid\r\nIn-Reply-To: <x@shop.example>\r\nReferences: <a@shop.example> <x@shop.example>",
        "It fits.",
    );
    assert_eq!(m.text, "It fits.", "an answer needs no subject");
    assert_eq!(m.metadata["mail"]["references"], json!(["a@shop.example", "x@shop.example", "m1@ana.example"]));
    let m = message(
        "Subject: Lid\r\nContent-Type: text/html; charset=utf-8",
        "<p>When does<br>it come?</p><div class=\"gmail_quote\">old</div>",
    );
    assert_eq!(m.text, "Lid\n\nWhen does\nit come?");
}

#[test]
fn files_of_a_mail_wait_in_the_mailbox_and_logos_do_not_count() {
    let body = "--x\r\nContent-Type: text/plain\r\n\r\nSee here.\r\n\
        --x\r\nContent-Type: image/png\r\nContent-ID: <logo>\r\nContent-Disposition: inline\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n\
        --x\r\nContent-Type: application/pdf; name=\"=?utf-8?B?5Y+R56WoLnBkZg==?=\"\r\nContent-Disposition: attachment\r\n\r\n%PDF-1\r\n\
        --x\r\nContent-Type: image/jpeg\r\nContent-Disposition: attachment; filename=\"lid.jpg\"\r\n\r\nabc\r\n--x--\r\n";
    let m = message("Subject: Bill\r\nContent-Type: multipart/mixed; boundary=x", body);
    let (first, more) = (m.media.unwrap(), m.more_media);
    assert_eq!((first.filename.as_deref(), first.mime_type.as_deref()), (Some("发票.pdf"), Some("application/pdf")));
    assert_eq!((first.id.as_deref(), more.len(), more[0].filename.as_deref()), (Some("7:3:1"), 1, Some("lid.jpg")));
}

#[test]
fn what_only_programs_read_is_no_file() {
    let part = |kind: &str, content: &str| {
        format!("--x\r\nContent-Type: {kind}\r\nContent-Disposition: attachment\r\n\r\n{content}\r\n")
    };
    let body = [
        "--x\r\nContent-Type: text/plain\r\n\r\nHere is my bill.\r\n".to_string(),
        part("application/pkcs7-signature; name=smime.p7s", "MIAG"),
        part("application/pgp-signature; name=signature.asc", "-----BEGIN"),
        part("text/plain; name=ATT00001.txt", ""),
        part("application/ms-tnef; name=winmail.dat", "eJ8+"),
        "--x\r\nContent-Type: text/html\r\n\r\n<p>Is the burr covered?</p>\r\n--x--\r\n".to_string(),
    ];
    let m = message("Subject: Bill\r\nContent-Type: multipart/mixed; boundary=x", &body.concat());
    assert_eq!(m.text, "Bill\n\nHere is my bill.\n\nIs the burr covered?", "a text goes on behind a file");
    assert_eq!(m.media.unwrap().filename.as_deref(), Some("winmail.dat"), "it may hold what the customer sent");
    assert!(m.more_media.is_empty());
}

#[test]
fn a_subject_may_say_that_something_is_passed_on() {
    let body = "Is this yours?\r\n\r\n________________________________\r\nFrom: Bank\r\nSent: Monday\r\n\r\nPay 12.";
    for (subject, is_whole) in
        [("FW: Bill", true), ("=?utf-8?B?6L2s5Y+R77ya5Y+R56Wo?=", true), ("Re: Fwd: Bill", false), ("Forward", false)]
    {
        assert_eq!(message(&format!("Subject: {subject}"), body).text.contains("Pay 12."), is_whole, "{subject}");
    }
}

#[test]
fn an_answer_to_an_invitation_is_heard_when_somebody_says_something_with_it() {
    let calendar = "Content-Type: text/calendar; charset=utf-8; method=REPLY";
    assert!(matches!(hear(&format!("Subject: Accepted: Visit\r\n{calendar}"), "BEGIN:VCALENDAR"), Event::Nothing(_)));
    let both =
        format!("--x\r\nContent-Type: text/plain\r\n\r\nI come at ten.\r\n--x\r\n{calendar}\r\n\r\nBEGIN\r\n--x--\r\n");
    let m = message("Subject: Accepted: Visit\r\nContent-Type: multipart/alternative; boundary=x", &both);
    assert!(m.text.contains("I come at ten."));
    let asks = calendar.replace("REPLY", "REQUEST");
    assert_eq!(message(&format!("Subject: Visit\r\n{asks}"), "BEGIN:VCALENDAR").text, "Visit");
}

#[test]
fn what_nobody_wrote_is_never_answered() {
    for head in [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-generated",
        "Precedence: bulk",
        "List-Id: <news.example>",
        "List-Unsubscribe: <mailto:x@y.example>",
        "X-Auto-Response-Suppress: OOF, AutoReply",
        "X-Autoreply: yes",
        "Return-Path: <>",
        "Content-Type: multipart/report; report-type=delivery-status; boundary=x",
    ] {
        assert!(matches!(hear(&format!("Subject: x\r\n{head}"), "Hello"), Event::Nothing(_)), "{head}");
    }
    assert!(matches!(hear("Auto-Submitted: no\r\nSubject: x", "Hello"), Event::Message(_)));
    for (subject, is_somebody) in [
        ("Automatic reply: Order 12", false),
        ("=?utf-8?B?6Ieq5Yqo5Zue5aSNOiDorqLljZU=?=", false),
        ("Re: Automatic reply: Order 12", true),
        ("Out of office chairs?", true),
    ] {
        let heard = hear(&format!("Subject: {subject}"), "Hello");
        assert_eq!(matches!(heard, Event::Message(_)), is_somebody, "{subject}");
    }
    for (from, is_somebody) in [
        ("noreply@x.example", false),
        ("no-reply+12@x.example", false),
        ("MAILER-DAEMON@x.example", false),
        ("help@shop.example", false),
        ("norah@x.example", true),
        ("bouncer@x.example", true),
        ("postmasters@x.example", true),
    ] {
        let mail = format!("Message-ID: <m@x.example>\r\nFrom: {from}\r\nSubject: x\r\n\r\nHello");
        let place = read::Place { validity: 1, uid: 1 };
        let mail = read::take_apart(mail.as_bytes(), place, "help@shop.example", false).unwrap();
        assert_eq!(mail.automatic.is_none(), is_somebody, "{from}");
    }
}

#[test]
fn a_mail_that_came_back_says_which_of_ours_it_was() {
    let report = "--x\r\nContent-Type: text/plain\r\n\r\nIt could not be delivered.\r\n\
        --x\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; ana@ana.example\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 no such user\r\n\r\n\
        --x\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <our-part@shop.example>\r\nFrom: help@shop.example\r\nSubject: Re: x\r\n\r\nHello\r\n--x--\r\n";
    let head = "Content-Type: multipart/report; report-type=delivery-status; boundary=x\r\nSubject: Undelivered";
    match hear(head, report) {
        Event::Receipt(r) => {
            assert_eq!(r.external_id, "our-part@shop.example");
            assert!(r.failure.unwrap().why().contains("550 no such user"));
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(hear(head, &report.replace("Action: failed", "Action: delayed")), Event::Nothing(_)));
}

#[test]
fn a_mail_without_an_id_has_the_same_one_each_time() {
    let mail = b"From: ana@ana.example\r\nDate: Mon, 2 Mar 2026 09:00:00 +0000\r\nSubject: x\r\n\r\nHello";
    let id =
        |uid| read::take_apart(mail, read::Place { validity: 1, uid }, "help@shop.example", false).unwrap().message_id;
    assert_eq!(id(1), id(2));
    assert!(read::take_apart(b"no mail at all", read::Place { validity: 1, uid: 1 }, "a@b.example", false).is_none());
    assert!(
        read::take_apart(b"From: nobody\r\n\r\nx", read::Place { validity: 1, uid: 1 }, "a@b.example", false).is_none()
    );
}

fn outbound(by: &'static str, body: Body) -> Outbound {
    Outbound {
        id: "01-part".into(),
        conversation: "c".into(),
        recipient: Address::new("email", "ana@ana.example"),
        chat: None,
        by,
        body,
        file: None,
        link: None,
        sources: None,
        answers: Some("m1@ana.example".into()),
        about: Some(json!({"mail": {"subject": "断电了", "references": ["a@shop.example", "m1@ana.example"]}})),
        quotes: None,
    }
}

#[tokio::test]
async fn an_answer_goes_into_the_thread_and_says_that_a_machine_wrote_it() {
    let now = DateTime::from_timestamp(1_772_442_000, 0).unwrap();
    let written = channel().write(&outbound("assistant", Body::text("请检查插头。")), now).await.unwrap();
    let raw = String::from_utf8(written.formatted()).unwrap();
    for line in [
        "From: Shop <help@shop.example>",
        "To: ana@ana.example",
        "Message-ID: <01-part@shop.example>",
        "In-Reply-To: <m1@ana.example>",
        "References: <a@shop.example> <m1@ana.example>",
        "Auto-Submitted: auto-replied",
        "X-Auto-Response-Suppress: All",
        "Date: Mon, 02 Mar 2026 09:00:00 +0000",
    ] {
        assert!(raw.lines().any(|l| l == line), "{line} in\n{raw}");
    }
    let read = mail_parser::MessageParser::default().parse(raw.as_bytes()).unwrap();
    assert_eq!((read.subject(), read.body_text(0).unwrap().trim()), (Some("Re: 断电了"), "请检查插头。"));
    let by_a_person = channel().write(&outbound("agent", Body::text("Hello")), now).await.unwrap();
    assert!(!String::from_utf8(by_a_person.formatted()).unwrap().contains("Auto-Submitted"));
}

#[tokio::test]
async fn a_file_goes_as_an_attachment_with_its_name() {
    let path = std::env::temp_dir().join(format!("frontdesk-mail-{}", uuid::Uuid::now_v7()));
    std::fs::write(&path, b"%PDF-1 a bill").unwrap();
    let file = FileFacts {
        id: uuid::Uuid::nil(),
        name: "发票.pdf".into(),
        mime_type: "application/pdf".into(),
        size_bytes: 13,
        sha256: String::new(),
    };
    let body = Body::File { file, kind: FileKind::Document, text: "Your bill".into() };
    let m = Outbound { file: Some(path.clone()), ..outbound("agent", body) };
    let written = channel().write(&m, Utc::now()).await.unwrap();
    std::fs::remove_file(path).unwrap();
    let raw = written.formatted();
    let read = mail_parser::MessageParser::default().parse(&raw).unwrap();
    let attached = read.attachment(0).unwrap();
    use mail_parser::MimeHeaders;
    assert_eq!((attached.attachment_name(), attached.contents()), (Some("发票.pdf"), &b"%PDF-1 a bill"[..]));
}

#[test]
fn a_wrong_configuration_is_named_without_its_values() {
    let good = json!({"address": "help@shop.example", "imap_host": "imap.shop.example", "smtp_host": "smtp.shop.example", "password": "very secret"});
    assert!(Email::open(&good).is_ok());
    for (key, value) in [
        ("address", json!("nobody")),
        ("imap_host", json!("imap.shop.example:993")),
        ("smtp_host", json!("")),
        ("password", json!("")),
        ("imap_security", json!("none")),
        ("smtp_security", json!("maybe")),
        ("mailbox", json!("a\r\nb")),
        ("nonsense", json!(1)),
    ] {
        let mut config = good.clone();
        config[key] = value;
        let error = Email::open(&config).unwrap_err().to_string();
        assert!(error.contains("email channel") && !error.contains("very secret"), "{key}: {error}");
    }
}

#[test]
fn no_bent_mail_makes_the_parser_panic() {
    let sample = "Message-ID: <m1@ana.example>\r\nFrom: =?utf-8?B?5a6J5aic?= <ana@ana.example>\r\nSubject: =?gb2312?B?ts+158HL?=\r\n\
        References: <a@b.example> <c@d.example>\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/html; charset=gb18030\r\n\r\n\
        <p>On Mon, 2 Mar 2026 \u{4e8e} 2026\u{5e74} wrote:</p><blockquote type=\"cite\">old</blockquote>\r\n--x\r\nContent-Type: image/png; name*0=\"a\"\r\n\
        Content-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--x\r\nContent-Type: message/rfc822\r\n\r\n\
        From: b@c.example\r\n\r\n> quoted\r\n-- \r\nsigned\r\n--x--\r\n";
    let mut state = 0x5EEDu64;
    let mut below = |n: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % n.max(1)
    };
    let mut read = 0;
    for _ in 0..5000 {
        let mut bytes = sample.as_bytes().to_vec();
        for _ in 0..=below(6) {
            if bytes.len() < 2 {
                break;
            }
            let at = below(bytes.len());
            match below(4) {
                0 => bytes[at] = below(256) as u8,
                1 => drop(bytes.remove(at)),
                2 => bytes.truncate(at.max(1)),
                _ => bytes.splice(at..at, *b"\r\n--x\r\n").for_each(drop),
            }
        }
        let place = read::Place { validity: 1, uid: 1 };
        if let Some(mail) = read::take_apart(&bytes, place, "help@shop.example", false) {
            read += usize::from(channel().parse(&mail.raw().unwrap().payload).is_ok());
        }
        let _ = read::attachment(&bytes, below(4));
    }
    assert!(read > 500, "hardly anything bent was read: {read}");
}

#[test]
fn a_mail_that_the_library_gives_up_on_is_shown_by_its_head_and_stops_nothing() {
    let mail = b"From: Ana <ana@ana.example>\r\nSubject: A report\r\nMessage-ID: <m1@ana.example>\r\n\
        Content-Type: multipart/report; report-type=x; boundary=x\r\n\r\n--x\r\n\r\nno\r\n--x\r\n\
        Content-Type: tic-Code:  no\r\n--x\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <k@smtp; 550 no\r\n--x\r\n\
        Content-Type: message/rfc822\r\n\r\nMessage-ID: <k@shop.example>\r\n\r\nx\r\n--x--";
    assert!(read::parsed(mail).is_err(), "it can be taken apart by now: this test shows nothing any more");
    let kept = read::take_apart(mail, read::Place { validity: 1, uid: 1 }, "help@shop.example", false).unwrap();
    assert_eq!((kept.subject.as_str(), kept.from.as_str(), kept.is_cut), ("A report", "ana@ana.example", true));
}
