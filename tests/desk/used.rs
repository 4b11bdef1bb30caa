//! What answers rest on, what was never needed, and where documents contradict one another.

use axum::http::StatusCode;
use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use super::{WARRANTY, each};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_are_told_by_how_many_answers_rest_on_them() {
    each(|shop| async move {
        shop.learns("warranty.md", WARRANTY).await;
        shop.learns("museum.md", "# Museum\n\nOur museum shows forty old coffee mills from Vienna.\n").await;
        let mei = shop.user("mei", "agent").await;
        for customer in ["Ana", "Bo"] {
            shop.says(customer, "How long is the warranty of a grinder?").await;
            shop.settle().await;
            assert!(shop.reached(customer)[0].contains("24 months"));
        }
        let told = shop.call_as(&mei, "GET", "/api/knowledge/use", None).await;
        assert_eq!((told.status, &told.body["answers"]), (StatusCode::OK, &json!(2)), "{told:?}");
        let documents = told.body["documents"].as_array().unwrap();
        let counted: Vec<(&Value, &Value)> = documents.iter().map(|d| (&d["answers"], &d["passages_cited"])).collect();
        assert_eq!(counted, [(&json!(2), &json!(1)), (&json!(0), &json!(0))], "{documents:?}");
        assert!(documents[0]["last_cited_at"].is_string() && documents[1]["last_cited_at"].is_null());
        shop.app.clock.advance(Duration::days(91));
        let later = shop.call("GET", "/api/knowledge/use", None).await.body;
        assert_eq!((&later["answers"], &later["documents"][0]["answers"]), (&json!(0), &json!(0)), "{later}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_is_as_old_as_its_content() {
    each(|shop| async move {
        let learnt = shop.learns("warranty.md", WARRANTY).await;
        let changed = async || {
            let told = shop.call("GET", "/api/knowledge/use", None).await.body;
            told["documents"][0]["changed_at"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap()
        };
        let first = changed().await;
        shop.app.clock.advance(Duration::days(1));
        let path = format!("/api/documents/{}", learnt["id"].as_str().unwrap());
        let held = shop.call("PATCH", &path, Some(json!({"valid_until": "2027-03-01T00:00:00Z"}))).await;
        assert_eq!(held.status, StatusCode::OK, "{held:?}");
        assert_eq!(changed().await, first, "how long it holds is not what it says");
        shop.learns("warranty.md", &WARRANTY.replace("24", "36")).await;
        assert!(changed().await >= first + Duration::days(1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_that_say_two_things_of_one_subject_are_named() {
    each(|shop| async move {
        let returns =
            |days: u8| format!("# Returns\n\nUnopened grinders can be returned within {days} days of delivery.\n");
        shop.learns("shop.md", &returns(30)).await;
        shop.learns("terms.md", &returns(14)).await;
        shop.learns("warranty.md", WARRANTY).await;
        let found = shop.call("GET", "/api/knowledge/contradictions", None).await.body;
        assert_eq!(found.as_array().unwrap().len(), 1, "{found}");
        let mut says = [found[0]["one"]["says"].as_str().unwrap(), found[0]["other"]["says"].as_str().unwrap()];
        says.sort_unstable();
        assert_eq!(says, ["14 days", "30 days"]);
        assert_eq!(found[0]["one"]["title"], "Returns");
        // Corrected, it is gone.
        shop.learns("terms.md", &returns(30)).await;
        assert_eq!(shop.call("GET", "/api/knowledge/contradictions", None).await.body, json!([]));
    })
    .await;
}
