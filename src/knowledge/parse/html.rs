//! Web pages → Markdown: the article if there is one, else the whole body.

use dom_smoothie::{Config, Readability};
use htmd::HtmlToMarkdown;

use super::{Failure, Parsed, Part, encoding::decode_as, text::clean};

/// An article shorter than this share of the body's text is not the page's content but one of its boxes.
const ARTICLE_SHARE: f64 = 0.4;

/// Reads a page.
pub(super) fn page(bytes: &[u8]) -> Result<Parsed, Failure> {
    let html = without_hidden(&decode_as(bytes, declared(bytes).as_deref())?);
    let whole = markdown(&html)?;
    let config = Config { keep_classes: false, ..Config::default() };
    let article = Readability::new(html.as_str(), None, Some(config)).ok().map(|mut page| {
        let title = page.get_article_title().trim().to_string();
        let article = page.parse().ok().map(|a| a.content.to_string());
        (title, article)
    });
    let (title, article) = article.unwrap_or_default();
    let article = article.map(|html| markdown(&html)).transpose()?;
    let text = match article {
        Some(article) if article.len() as f64 >= ARTICLE_SHARE * whole.len() as f64 => article,
        _ => whole,
    };
    let title = Some(title).filter(|t| !t.is_empty());
    Ok(Parsed { title, parts: vec![Part::Markdown(text)] })
}

/// The page without what its readers don't see: what stands there is not for them.
fn without_hidden(html: &str) -> String {
    let page = dom_query::Document::from(html);
    page.select("[hidden]").remove();
    for node in page.select("[style]").nodes() {
        let style: String = node.attr("style").unwrap_or_default().chars().filter(|c| !c.is_whitespace()).collect();
        let is_hidden = style.to_ascii_lowercase().split(';').any(|rule| {
            matches!(rule.split_once(':'), Some(("display", value)) if value.starts_with("none"))
                || matches!(rule.split_once(':'), Some(("visibility", value)) if value.starts_with("hidden"))
                || matches!(rule.split_once(':'), Some(("font-size" | "opacity", value))
                    if value.trim_end_matches(|c: char| !c.is_ascii_digit()).parse() == Ok(0.0))
        });
        if is_hidden {
            node.remove_from_parent();
        }
    }
    page.html().to_string()
}

/// HTML as Markdown, without what is no content.
pub(super) fn markdown(html: &str) -> Result<String, Failure> {
    let converter = HtmlToMarkdown::builder()
        .skip_tags(vec![
            "head", "script", "style", "noscript", "nav", "footer", "iframe", "svg", "form", "button", "template",
            "aside", "img", "video", "audio", "canvas",
        ])
        .build();
    Ok(clean(&converter.convert(html).map_err(|_| Failure::Corrupt)?))
}

/// The encoding that the page names in its first kilobyte.
fn declared(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(bytes.get(..1024.min(bytes.len()))?).to_ascii_lowercase();
    let after = head.split_once("charset=")?.1.trim_start_matches(['"', '\'', ' ']);
    let name: String = after.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(html: &[u8]) -> (Option<String>, String) {
        let parsed = page(html).unwrap();
        match parsed.parts.into_iter().next().unwrap() {
            Part::Markdown(text) => (parsed.title, text),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_page_becomes_its_article_with_headings_lists_and_tables() {
        let html = "<html><head><title>Returns | Shop</title><script>var a=1</script></head><body><nav>Home Cart</nav>
            <main><h1>Returns</h1><p>You may return goods within 30 days of delivery, unused and in their box.</p>
            <h2>Costs</h2><ul><li>Free above 50 EUR</li><li>Else 4.90 EUR</li></ul>
            <table><thead><tr><th>Country</th><th>Days</th></tr></thead><tbody><tr><td>DE</td><td>3</td></tr></tbody></table>
            </main><footer>© Shop</footer></body></html>";
        let (title, text) = text(html.as_bytes());
        assert!(title.unwrap().contains("Returns"));
        assert!(
            text.contains("within 30 days") && text.contains("## Costs") && text.contains("Free above 50 EUR"),
            "{text}"
        );
        assert!(text.contains("| DE"), "{text}");
        assert!(!text.contains("Cart") && !text.contains("var a"), "{text}");
    }

    #[test]
    fn what_a_page_hides_is_not_read() {
        let page = "<html><body><h1>Lamp</h1><p>It costs 89.</p><p hidden>one</p><div style='display : none'>two</div>\
            <p style=\"color:#fff; font-size: 0px\">three</p><p style='opacity:0'>four</p><!-- five -->\
            <p style='font-size:0.9em'>It is blue.</p></body></html>";
        let (_, text) = text(page.as_bytes());
        assert!(text.contains("89") && text.contains("blue"), "{text}");
        assert!(!["one", "two", "three", "four", "five"].iter().any(|hidden| text.contains(hidden)), "{text}");
    }

    #[test]
    fn a_page_names_its_encoding() {
        let page = "<html><head><meta charset=\"gb2312\"><title>退货</title></head><body><p>七天无理由退货。</p></body></html>";
        let (title, text) = text(&encoding_rs::GB18030.encode(page).0);
        assert_eq!(title.as_deref(), Some("退货"));
        assert!(text.contains("七天无理由退货"));
    }
}
