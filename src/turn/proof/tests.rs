use super::*;
use crate::{
    app::FaqId,
    knowledge::{FoundFaq, SourceId},
    turn::Citation,
};

fn evidence(text: &str) -> (Evidence, SourceId) {
    let source = SourceId::Faq(FaqId::new());
    let faq = FoundFaq { source, question: String::new(), answer: text.into(), similarity: 1.0, agreement: 1.0 };
    (Evidence { faqs: vec![faq], ..Evidence::default() }, source)
}

fn findings(text: &str, passage: &str) -> Vec<Unproven> {
    let (evidence, source) = evidence(passage);
    let citation = Citation { source, quote: String::new() };
    unproven(&Sentence { text: text.into(), citations: vec![citation] }, &evidence)
}

const REFUNDS: &str = "We check a returned parcel within 3 working days after it arrives. The refund is started within 5 working days after the check. Refunds to Visa cards may take 7–14 days. We do not refund shipping fees. Call +65 6555 0142 or write to help@shop.example. Details: https://shop.example/returns. Opening hours: Monday to Friday, 9:00–18:00. The KT-170 costs S$89.";
const REFUNDS_ZH: &str = "退货到仓后 2 个工作日内验收，验收通过后 24 小时内发起退款，原路退回。信用卡 7–14 天到账。运费不予退还。中国大陆由中通快递配送，满 199 元包邮。客服电话 400-000-0142，周一至周五 9:00–21:00。活动截至 2026 年 3 月 31 日。保修期内可能收取检测费。";

#[test]
fn truthful_sentences_stay() {
    for (text, passage) in [
        ("A returned parcel is checked within three business days.", REFUNDS),
        ("The refund starts within 5 working days after we checked the parcel.", REFUNDS),
        ("On a Visa card it may take 7 to 14 days.", REFUNDS),
        ("Shipping fees are not refunded.", REFUNDS),
        ("You can call 6555 0142.", REFUNDS),
        ("See shop.example/returns for details.", REFUNDS),
        ("We are open Monday to Friday from 9 am to 6 pm.", REFUNDS),
        ("The KT-170 costs $89.", REFUNDS),
        ("我们会在两个工作日内验收退货。", REFUNDS_ZH),
        ("信用卡退款需要7到14天到账。", REFUNDS_ZH),
        ("运费不退。", REFUNDS_ZH),
        ("满199元免运费。", REFUNDS_ZH),
        ("活动到2026年3月31日结束。", REFUNDS_ZH),
        ("客服电话是4000000142。", REFUNDS_ZH),
        ("退货验收在到仓后 2 個工作日內完成。", REFUNDS_ZH),
        ("The refund is started within 24 hours after the check.", REFUNDS_ZH),
    ] {
        assert_eq!(findings(text, passage), [], "{text}");
    }
}

#[test]
fn lies_are_cut() {
    for (text, passage) in [
        ("A returned parcel is checked within 2 working days.", REFUNDS),
        ("The refund is started within 5 days after the check.", REFUNDS),
        ("Refunds to Visa cards may take 7–21 days.", REFUNDS),
        ("We refund shipping fees.", REFUNDS),
        ("Call +65 6555 0143.", REFUNDS),
        ("See https://shop-example.com/returns.", REFUNDS),
        ("Write to support@shop.example.", REFUNDS),
        ("We are open Monday to Saturday, 9:00–18:00.", REFUNDS),
        ("We are open Monday to Friday, 9:00–20:00.", REFUNDS),
        ("The KT-120 costs S$89.", REFUNDS),
        ("The KT-170 costs ¥89.", REFUNDS),
        ("Refunds to Visa cards will take 7–14 days, guaranteed.", REFUNDS),
        ("Refunds to Mastercard and Visa cards may take 7–14 days.", REFUNDS),
        ("Refunds to Visa cards will take 7–14 days.", REFUNDS),
        ("退货到仓后 3 个工作日内验收。", REFUNDS_ZH),
        ("验收通过后 24 天内发起退款。", REFUNDS_ZH),
        ("运费予以退还。", REFUNDS_ZH),
        ("由顺丰快递配送。", REFUNDS_ZH),
        ("满 199 元不包邮。", REFUNDS_ZH),
        ("客服电话 400-000-0124。", REFUNDS_ZH),
        ("活动截至 2026 年 4 月 30 日。", REFUNDS_ZH),
        ("保证 24 小时内发起退款。", REFUNDS_ZH),
        ("周六也可以拨打客服电话。", REFUNDS_ZH),
        ("保修期内会收取检测费。", REFUNDS_ZH),
    ] {
        assert_ne!(findings(text, passage), [], "{text}");
    }
}

#[test]
fn each_family_is_named() {
    assert!(matches!(findings("It takes 6 working days to check a parcel.", REFUNDS)[..], [Unproven::Duration(_)]));
    assert!(matches!(findings("The KT-170 costs S$99.", REFUNDS)[..], [Unproven::Number(_)]));
    assert!(matches!(findings("Details: https://evil.example/x", REFUNDS)[..], [Unproven::Link(_), ..]));
    assert!(matches!(findings("We refund shipping fees.", REFUNDS)[..], [Unproven::Negation(_)]));
}

#[test]
fn citations_must_exist_and_say_what_they_are_said_to() {
    let (evidence, source) = evidence(REFUNDS);
    let check = |quote: &str, source| {
        let citation = Citation { source, quote: quote.into() };
        unproven(&Sentence { text: "We do not refund shipping fees.".into(), citations: vec![citation] }, &evidence)
    };
    assert_eq!(check("We do **not** refund shipping fees", source), []);
    assert!(matches!(check("Shipping is refunded in full", source)[..], [Unproven::Citation(_)]));
    assert!(matches!(check("", SourceId::Faq(FaqId::new()))[..], [Unproven::Citation(_)]));
}

#[test]
fn a_number_from_elsewhere_in_the_passage_proves_nothing() {
    let (evidence, source) = evidence(
        "Refunds take 5 days. They go back to your card. Gift cards are never paid out. Ask us first. Repairs take 21 days.",
    );
    let citation = Citation { source, quote: "Refunds take 5 days.".into() };
    let lie = Sentence { text: "Refunds are made in 21 days.".into(), citations: vec![citation] };
    assert_ne!(unproven(&lie, &evidence), []);
}

#[test]
fn words_without_a_claim_need_no_proof_and_claims_do() {
    let (evidence, _) = evidence(REFUNDS);
    let say = |text: &str| unproven(&Sentence { text: text.into(), citations: vec![] }, &evidence);
    assert_eq!(say("Happy to help!"), []);
    assert_eq!(say("如有其他问题，随时告诉我。"), []);
    assert_ne!(say("We also sell insurance."), []);
    assert_ne!(say("Happy to help: refunds take 2 days."), []);
}

#[test]
fn table_cells_take_their_unit_from_the_header() {
    let (evidence, source) = evidence("| Model | Price (CNY) |\n|---|---|\n| KT-120 | 229 |\n| KT-170 | 349 |");
    let citation = Citation { source, quote: "| KT-120 | 229 |".into() };
    let say = |text: &str| unproven(&Sentence { text: text.into(), citations: vec![citation.clone()] }, &evidence);
    assert_eq!(say("The KT-120 costs 229 CNY."), []);
    assert_ne!(say("The KT-120 costs 229 USD."), []);
}
