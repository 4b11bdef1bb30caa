//! What is new in a mail: without the history below it and without a signature. What the customer answers to stands in
//! the conversation already.

use std::sync::LazyLock;

use regex::Regex;

#[expect(clippy::unwrap_used, reason = "the pattern stands here and a test compiles it")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap()
}

/// Lines with which mail programs begin the history, in English and Chinese; each may be broken in two or three.
static HISTORY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?m)^[ \t>*]*(?:",
        // Gmail, Apple Mail, Thunderbird: “On Mon, 2 Mar 2026 at 09:00, Shop <a@b> wrote:”
        r"On\b[^\n]{6,200}(?:\n[^\n]{0,200}){0,2}?\bwrote:[ \t]*$",
        // 163 in English: “At 2026-03-02 16:30:00, "Shop" <a@b> wrote:”
        r"|At \d{4}-\d{2}-\d{2}\b[^\n]{0,200}(?:\n[^\n]{0,200})?\bwrote:[ \t]*$",
        // Gmail and Apple Mail in Chinese: “Shop <a@b> 于2026年3月2日周一 09:00写道：”, “在 2026年3月2日，…写道：”
        r"|[^\n]{0,200}(?:于|在)[^\n]{0,20}\d{4}[^\n]{2,160}(?:\n[^\n]{0,200}){0,2}?(?:写道|寫道|写到)\s*[:：][ \t]*$",
        // Outlook, in both languages, with or without a line above it
        r"|-{2,}[ \t]*(?:Original Message|Original Appointment|原始邮件|原始郵件|原邮件|回复的原邮件|Replied Message|回复邮件)[ \t]*-{2,}",
        r"|\*?(?:From|发件人|寄件者|寄件人)\*?[ \t]*[:：][^\n]*\n(?:[ \t>]*\n)?[ \t>]*\*?(?:Sent|Date|To|发送时间|寄件日期|日期|收件人)\*?[ \t]*[:：]",
        r"|_{20,}[ \t]*$",
        r")"
    ))
});

/// Lines with which programs sign by themselves.
static SIGNATURE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?m)^(?:-- ?$",
        r"|(?:Sent|Get Outlook) (?:from|for) (?:my |Mail |Outlook |Yahoo |iOS|Android)[^\n]{0,60}$",
        r"|(?:发自|来自|發自)[^\n。]{1,40}$",
        r")"
    ))
});

/// Where a customer passes on what somebody else wrote: that is what they want to show.
static FORWARDED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?mi)^[ \t]*-{3,}[ \t]*(?:Forwarded message|Forwarded by|转发邮件信息|转发的邮件|轉寄郵件)")
});

/// Marks of the history in HTML, by the programs that write them.
const IN_HTML: [&str; 11] = [
    "<div class=\"gmail_quote",
    "<div class=\"gmail_extra",
    "<blockquote type=\"cite\"",
    "<div class=\"moz-cite-prefix\"",
    "<div id=\"divrplyfwdmsg\"",
    "<div id=\"appendonsend\"",
    "<hr id=\"stopspelling\"",
    "<div class=\"yahoo_quoted",
    "<includetail>",
    "<div id=\"mail-editor-reference-message-container\"",
    "<blockquote id=\"isreplycontent\"",
];

/// The part of a text that is new, and what was cut off. A mail that is nothing but history is new as a whole, and so
/// is one that passes something on.
pub(super) fn newest(text: &str) -> (String, String) {
    let text = text.replace("\r\n", "\n");
    let all = || (text.trim().to_string(), String::new());
    let begins = HISTORY.find(&text).map_or(text.len(), |m| m.start());
    if FORWARDED.find(&text).is_some_and(|m| m.start() < begins) {
        return all();
    }
    let (new, history) = parted(&text);
    let signed = SIGNATURE.find_iter(&new).find(|m| !new.get(..m.start()).unwrap_or_default().trim().is_empty());
    let new = signed.and_then(|m| new.get(..m.start())).unwrap_or(&new).trim();
    if new.is_empty() { all() } else { (new.to_string(), history) }
}

/// What somebody wrote and what they answer to, which may stand above, below and between.
fn parted(text: &str) -> (String, String) {
    let (mut new, mut history) = (Vec::new(), Vec::new());
    let mut rest = text;
    let mut part = |text| {
        let (quoted, own): (Vec<&str>, Vec<&str>) = str::lines(text).partition(|line| is_quoted(line));
        new.extend(own);
        quoted
    };
    while let Some(head) = HISTORY.find(rest) {
        history.extend(part(rest.get(..head.start()).unwrap_or_default()));
        let end = rest.get(head.end()..).and_then(|below| below.find('\n')).map_or(rest.len(), |n| head.end() + n + 1);
        let (above, below) = rest.split_at(end);
        // Where its lines are marked, it ends with them; where they are not, nobody knows its end.
        if !below.lines().find(|line| !line.trim().is_empty()).is_some_and(is_quoted) {
            history.extend(rest.get(head.start()..).unwrap_or_default().lines());
            rest = "";
            break;
        }
        history.extend(above.get(head.start()..).unwrap_or_default().lines());
        rest = below;
    }
    history.extend(part(rest));
    new.dedup_by(|line, before| line.is_empty() && before.is_empty());
    (new.join("\n"), history.join("\n").trim().to_string())
}

fn is_quoted(line: &str) -> bool {
    line.trim_start().starts_with('>')
}

/// HTML without the history that its program marked; all of it when nothing else stands there.
pub(super) fn newest_html(html: &str) -> &str {
    let lower = html.to_ascii_lowercase();
    let end = IN_HTML.iter().filter_map(|mark| lower.find(mark)).min().unwrap_or(html.len());
    let head = html.get(..end).unwrap_or(html);
    let has_words = mail_parser::decoders::html::html_to_text(head).chars().any(char::is_alphanumeric);
    if has_words { head } else { html }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_history_below_an_answer_is_cut_off() {
        for (text, expected) in [
            (
                "Thanks!\n\nOn Mon, 2 Mar 2026 at 09:00, Shop <a@b.example> wrote:\n> The warranty is 24 months.\n",
                "Thanks!",
            ),
            (
                "Thanks!\n\nOn Mon, 2 Mar 2026 at 09:00, The Shop of\nMany Words <a@b.example> wrote:\n\n> Hello\n",
                "Thanks!",
            ),
            ("好的，谢谢\n\nShop <a@b.example> 于2026年3月2日周一 09:00写道：\n> 保修24个月\n", "好的，谢谢"),
            ("好的\n\n在 2026年3月2日，上午9:00，Shop <a@b.example> 写道：\n\n保修24个月", "好的"),
            ("收到。\n\n------------------ 原始邮件 ------------------\n发件人: \"Shop\" <a@b.example>;\n", "收到。"),
            ("OK\n\n-----Original Message-----\nFrom: Shop\nSent: Monday\n", "OK"),
            (
                "Fine.\n\nFrom: Shop <a@b.example>\nSent: Monday, March 2, 2026 9:00 AM\nTo: Ana\nSubject: Re: Lid\n\nHello",
                "Fine.",
            ),
            ("可以\n\n发件人：Shop <a@b.example>\n发送时间：2026年3月2日\n收件人：Ana\n主题：Re\n\n你好", "可以"),
            ("Yes\n________________________________\nFrom: Shop <a@b.example>\nSent: Monday\n", "Yes"),
            ("好的\n\nAt 2026-03-02 16:30:00, \"Shop\" <a@b.example> wrote:\n\n保修24个月", "好的"),
            ("At 2026 prices nobody wrote:\nwhy?", "At 2026 prices nobody wrote:\nwhy?"),
            ("> Which one?\nThe large one.\n> And when?\nTomorrow.", "The large one.\nTomorrow."),
            ("On 2 Mar 2026, Shop wrote:\n> Which one?\n> Regards\n\nThe large one.", "The large one."),
            (
                "Hi,\n\nOn 2 Mar 2026, Shop wrote:\n\n> Which one?\n\nThe large one.\n\n> And when?\n\nTomorrow.\n\n-- \nAna",
                "Hi,\n\nThe large one.\n\nTomorrow.",
            ),
            ("Thanks!\n\nOn 2 Mar 2026, Shop wrote:\n> Here.\n>\n> On 1 Mar 2026, Ana wrote:\n>> Where?\n", "Thanks!"),
            ("OK\n\nOn 2 Mar 2026, Shop wrote:\n\n---------- Forwarded message ---------\nFrom: Bank\n", "OK"),
            ("When does it come?\n\n-- \nAna Example\n+60 12 345", "When does it come?"),
            ("什么时候到？\n\n发自我的iPhone", "什么时候到？"),
            ("When?\n\nSent from my iPhone", "When?"),
            (
                "On Monday I wrote to you: no answer.\nWhere is it?",
                "On Monday I wrote to you: no answer.\nWhere is it?",
            ),
            ("在2026年我买了一台，现在坏了。", "在2026年我买了一台，现在坏了。"),
            (
                "The label says\nFrom: Penang\nI wanted Kuala Lumpur.",
                "The label says\nFrom: Penang\nI wanted Kuala Lumpur.",
            ),
        ] {
            assert_eq!(newest(text).0, expected, "{text}");
        }
    }

    #[test]
    fn what_is_passed_on_and_what_is_history_only_stays_whole() {
        let passed = "Is this right?\n\n---------- Forwarded message ---------\nFrom: Bank <x@y.example>\nDate: Monday\nSubject: Invoice\n\nPay 12.";
        assert_eq!(newest(passed).0, passed);
        let history = "On Mon, 2 Mar 2026 at 09:00, Shop <a@b.example> wrote:\n> Hello";
        assert_eq!(newest(history), (history.to_string(), String::new()));
        let signed =
            "Is this right?\n\n-- \nAna\n\n---------- Forwarded message ---------\nFrom: Bank <x@y.example>\n\nPay 12.";
        assert_eq!(newest(signed).0, signed);
        assert_eq!(newest("On 2 Mar 2026, Shop wrote:\n> Which?\n\nThis.").1, "On 2 Mar 2026, Shop wrote:\n> Which?");
        assert_eq!(newest("OK\n\n-----Original Message-----\nFrom: x").1, "-----Original Message-----\nFrom: x");
    }

    #[test]
    fn programs_mark_the_history_in_html() {
        for (html, expected) in [
            ("<p>Thanks</p><div class=\"gmail_quote\">old</div>", "<p>Thanks</p>"),
            ("<div>好的</div><includetail><div>old</div>", "<div>好的</div>"),
            ("<div class=\"gmail_quote\">only this</div>", "<div class=\"gmail_quote\">only this</div>"),
            ("<p>Nothing marked</p>", "<p>Nothing marked</p>"),
        ] {
            assert_eq!(newest_html(html), expected);
        }
    }
}
