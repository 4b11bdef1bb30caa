//! What is wrong with a channel, and when it is over.

use serde_json::json;

use crate::{graph::Does, support::app::databases, whatsapp::Whatsapp};

const ANA: &str = "60123456789";
const QUESTION: &str = "How long is the warranty of a grinder?";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alarm_ends_with_good_news_about_itself_only() {
    for on in databases() {
        let w = Whatsapp::open(on).await;
        let admin = w.shop.user("boss", "admin").await;
        let told = async |kind: &str| {
            let all = w.shop.call_as(&admin, "GET", "/api/notifications", None).await.body;
            all["items"].as_array().unwrap().iter().filter(|n| n["type"] == kind).count()
        };
        let error = async || w.channel().await["error"].as_str().unwrap_or_default().to_string();
        let quality = async |event: &str| {
            w.deliver("phone_number_quality_update", json!({"event": event, "current_limit": "TIER_1K"})).await;
            w.shop.settle().await;
        };
        let template = async |event: &str| {
            let change = json!({"event": event, "message_template_name": "order_shipped"});
            w.deliver("message_template_status_update", change).await;
            w.shop.settle().await;
        };
        quality("FLAGGED").await;
        template("PAUSED").await;
        assert_eq!((told("channel_alarm").await, told("channel_mended").await), (2, 0));
        // A message that goes out says nothing about either.
        w.says(ANA, "wamid.1", QUESTION).await;
        w.shop.settle().await;
        assert_eq!(w.graph.reached(ANA).len(), 1);
        let both = error().await;
        assert!(both.contains("quality") && both.contains("order_shipped"), "{both}");
        assert_eq!(told("channel_mended").await, 0);
        // Nor does the end of a stop.
        w.graph.then(Does::Refuses(190));
        w.says(ANA, "wamid.2", QUESTION).await;
        w.shop.settle().await;
        assert!(error().await.contains("token"));
        w.pass(61).await;
        assert_eq!((error().await, w.graph.reached(ANA).len()), (both, 2));
        assert_eq!((told("channel_alarm").await, told("channel_mended").await), (3, 1));
        template("APPROVED").await;
        let left = error().await;
        assert!(left.contains("quality") && !left.contains("order_shipped"), "{left}");
        quality("UNFLAGGED").await;
        quality("UPGRADE").await;
        assert_eq!((error().await.as_str(), told("channel_mended").await), ("", 3));
        assert!(w.channel().await["connection"].is_null(), "there is no link to a phone");
        assert_eq!(w.graph.kept().faults, Vec::<String>::new());
    }
}
