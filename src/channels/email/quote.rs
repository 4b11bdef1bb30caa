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

/// The part of a text that is new, and what was cut off. A mail that is nothing but history is new as a whole.
pub(super) fn newest(text: &str) -> (String, String) {
    let text = text.replace("\r\n", "\n");
    let end = match FORWARDED.find(&text) {
        Some(_) => text.len(),
        None => HISTORY.find(&text).map_or(text.len(), |m| m.start()),
    };
    let (head, tail) = text.split_at(end);
    // Answers between the lines stay, what they answer goes.
    let kept: Vec<&str> = head.lines().filter(|line| !line.trim_start().starts_with('>')).collect();
    let kept = kept.join("\n");
    let signed = SIGNATURE.find_iter(&kept).find(|m| !kept.get(..m.start()).unwrap_or_default().trim().is_empty());
    let kept = signed.and_then(|m| kept.get(..m.start())).unwrap_or(&kept).trim();
    if kept.is_empty() {
        return (text.trim().to_string(), String::new());
    }
    (kept.to_string(), tail.trim().to_string())
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
            ("> Which one?\nThe large one.\n> And when?\nTomorrow.", "The large one.\nTomorrow."),
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
