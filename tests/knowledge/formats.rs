//! Each format and encoding: what goes in is found again.

use frontdesk::knowledge::{Document, Status, store::passages};

use super::room::{find, fixture_bytes, found, ingested, shop, upload, work};
use crate::{on_each_database, support::app::TestApp};

async fn text_of(app: &TestApp, document: &Document) -> String {
    let mut reader = app.read().await.unwrap();
    let rows = passages::of_document(reader.conn(), document.org_id, document.id, -1, 500).await.unwrap();
    rows.iter().map(|p| format!("[{}] {}", p.heading_path.0.join(" > "), p.content)).collect::<Vec<_>>().join("\n---\n")
}

/// Ingests a file and wants each of `said` in its passages.
async fn says(app: &TestApp, name: &str, bytes: &[u8], said: &[&str]) -> Document {
    let org = shop(app).await;
    let document = ingested(app, org, name, bytes).await;
    assert_eq!(document.processing_status, Status::Completed, "{name}: {:?}", document.error_message);
    let text = text_of(app, &document).await;
    for words in said {
        assert!(text.contains(words), "{name}: '{words}' is missing in\n{text}");
    }
    document
}

on_each_database! {
    async fn texts_in_every_encoding(app: TestApp) {
        let text = "# 退货政策\n\n自签收之日起七天内可以无理由退货。\n\n## 运费\n\n运费由买家承担，满 199 元包邮。\n";
        let said = ["自签收之日起七天内可以无理由退货。", "[运费] 运费由买家承担，满 199 元包邮。"];
        let utf16: Vec<u8> = [0xFF, 0xFE].into_iter().chain(text.replace("七天", "七日").encode_utf16().flat_map(u16::to_le_bytes)).collect();
        let document = says(&app, "returns.md", text.as_bytes(), &said).await;
        assert_eq!(document.title, "退货政策");
        says(&app, "gb.md", &encoding_rs::GB18030.encode(&text.replace("买家", "顾客")).0, &["运费由顾客承担"]).await;
        says(&app, "utf16.txt", &utf16, &["自签收之日起七日内"]).await;
        says(&app, "notes.txt", b"\xEF\xBB\xBFWe open at nine.", &["] We open at nine."]).await;
    }

    async fn pages_and_tables(app: TestApp) {
        let page = "<html><head><title>Delivery</title></head><body><nav>Home</nav><article><h1>Delivery</h1>
            <p>Parcels to Austria take two to three working days and cost 6.90 EUR, whatever they weigh.</p>
            <h2>Islands</h2><p>Parcels to islands take five working days longer than others.</p></article></body></html>";
        let document = says(&app, "delivery.html", page.as_bytes(), &["two to three working days", "Islands] Parcels to islands"]).await;
        assert_eq!(document.title, "Delivery");
        says(&app, "faq.csv", "问题,答案\n多久发货？,48小时内。\n能开发票吗？,可以。\n".as_bytes(), &["多久发货？\n48小时内。\n---"]).await;
        says(&app, "stock.csv", b"Article;Price\nCup;3.50\nPlate;7\n", &["| Article | Price |\n|---|---|\n| Cup | 3.50 |\n| Plate | 7 |"]).await;
        says(&app, "faq.json", br#"{"faqs":[{"question":"Is it loud?","answer":"No, 20 dB."}]}"#, &["Is it loud?\nNo, 20 dB."]).await;
        says(&app, "articles.jsonl", b"{\"title\":\"Care\",\"text\":\"Wipe it dry.\"}\n{\"title\":\"Bulb\",\"text\":\"Use E27.\"}\n", &["[Care] Wipe it dry.", "[Bulb] Use E27."]).await;
    }

    async fn office_files(app: TestApp) {
        let document = says(&app, "warranty.docx", &fixture_bytes("warranty.docx"),
            &["What is covered] The warranty covers lamps for twenty-four months", "Batteries", "电池] 电池保修十二个月", "| Battery"]).await;
        assert_eq!(document.title, "Warranty terms");
        says(&app, "faq.xlsx", &fixture_bytes("faq.xlsx"),
            &["[常见问题] 多久发货？\n下单后48小时内发货。", "[Stock] | Article | Price | In stock |\n|---|---|---|\n| Lamp 0 | 0 | yes |\n| Lamp 1 | 10.5"]).await;
        says(&app, "plans.pptx", &fixture_bytes("plans.pptx"),
            &["The premium plan answers within two hours.", "市区内免费上门安装"]).await;
    }

    async fn pdfs_in_english_and_chinese(app: TestApp) {
        let document = says(&app, "prices.pdf", &fixture_bytes("prices-en.pdf"),
            &["Shipping is free above 50 EUR", "LM-2050", "159.00 EUR", "Schools and libraries receive ten percent"]).await;
        assert_eq!(document.title, "Price list 2026");
        says(&app, "returns.pdf", &fixture_bytes("returns-zh.pdf"),
            &["自签收之日起七天内，商品未使用且包装完好的，可以申请无理由退货。", "400-820-1234", "台灯保修二十四个月"]).await;
        says(&app, "members.pdf", &fixture_bytes("embedded-zh.pdf"), &["企业会员每月可以免费更换一次灯罩"]).await;
    }

    async fn what_was_ingested_is_found(app: TestApp) {
        let org = shop(&app).await;
        ingested(&app, org, "a.md", "# Returns\n\nRefunds take five working days.".as_bytes()).await;
        ingested(&app, org, "b.md", "# 配送\n\n偏远地区需要加收十元运费。".as_bytes()).await;
        assert!(found(&app, org, "How long does a refund take?").await[0].contains("five working days"));
        assert!(found(&app, org, "偏远地区的运费是多少？").await[0].contains("加收十元"));
    }

    async fn an_upload_is_pending_until_its_job_is_done(app: TestApp) {
        let org = shop(&app).await;
        let added = upload(&app, org, "a.md", b"Refunds take five days.").await;
        assert_eq!(added.document.processing_status, Status::Pending);
        assert!(found(&app, org, "refunds").await.is_empty());
        work(&app).await;
        assert_eq!(find(&app, org, &added.document).await.processing_status, Status::Completed);
    }
}
