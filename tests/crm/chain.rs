//! The audit log's chain: what somebody does to its rows behind the program's back shows, on both databases.

use frontdesk::{
    app::OrgId,
    both,
    platform::db::Conn,
    staff::{self, By},
};
use serde_json::{Value, json};

use crate::{on_each_database, support::app::TestApp};

/// What somebody with a hand in the database does.
async fn by_hand(app: &TestApp, sql: &'static str) {
    let mut tx = app.begin().await.unwrap();
    let changed = both!(tx.conn(), c => sqlx::query(sql).execute(c).await.map(|r| r.rows_affected())).unwrap();
    assert!(changed > 0, "{sql}");
    tx.commit().await.unwrap();
}

on_each_database! {
    async fn the_audit_log_shows_what_was_done_to_it_by_hand(app: TestApp) {
        let admin = crate::shop(&app, "default").await.colleague("Ana", &["admin"]).await;
        staff::ensure_org(&app, "other", "Other").await.unwrap();
        let verified = async || admin.get("/api/audit-logs/verify").await.ok();
        let before = verified().await;
        assert_eq!((&before["lines"], &before["head"]), (&json!(0), &Value::Null));
        assert!(before["waiting"].as_i64().unwrap() > 0, "{before}");

        for n in 0..6 {
            let new = json!({"name": format!("Customer {n}"), "phone": format!("+6012345678{n}")});
            admin.post("/api/customers", new).await.ok();
        }
        staff::seal_all(&app).await.unwrap();
        assert_eq!(staff::seal_all(&app).await.unwrap(), 0, "a line is sealed once");
        let whole = verified().await;
        let lines = whole["lines"].as_i64().unwrap();
        assert!(lines >= 7, "{whole}");
        assert_eq!((&whole["waiting"], &whole["broken"], &whole["erased"]), (&json!(0), &Value::Null, &json!(0)));

        // It goes on where it ended.
        admin.post("/api/customers", json!({"name": "Nan", "phone": "+60123456799"})).await.ok();
        assert_eq!(verified().await["waiting"], 1);
        staff::seal_all(&app).await.unwrap();
        let longer = verified().await;
        assert_eq!(longer["lines"], lines + 1);
        assert_ne!(longer["head"], whole["head"]);

        // Erasing a customer empties what it says of them, and breaks nothing.
        let found = admin.get("/api/customers?search=Customer%200").await.ok();
        let customer = found["items"][0]["id"].as_str().unwrap().to_string();
        let asked = admin.post(&format!("/api/customers/{customer}/erase"), json!({})).await;
        assert!(asked.status.is_success(), "{asked:?}");
        frontdesk::worker::run_due(&app.app).await.unwrap();
        staff::seal_all(&app).await.unwrap();
        let erased = verified().await;
        assert_eq!(erased["broken"], Value::Null, "{erased}");
        assert!(erased["erased"].as_i64().unwrap() > 0, "{erased}");

        // Each of these, and back.
        let broken = async |fault: &str, place: i64| {
            let found = verified().await;
            assert_eq!(found["broken"], json!({"seq": place, "fault": fault}), "{found}");
            assert_eq!(found["lines"], place - 1);
        };
        by_hand(&app, "UPDATE audit_logs SET action = 'customer.view' WHERE seq = 4").await;
        broken("altered", 4).await;
        by_hand(&app, "UPDATE audit_logs SET action = 'customer.create' WHERE seq = 4").await;
        assert_eq!(verified().await["broken"], Value::Null, "the action was customer.create");
        by_hand(&app, "UPDATE audit_logs SET changes = '{\"name\": [null, \"Nobody\"]}' WHERE seq = 5").await;
        broken("changes_altered", 5).await;
        // Nor does it pass for erased, with another line's seal over that or none.
        for odd in [
            "UPDATE audit_logs SET changes = '{\"erased\": true}' WHERE seq = 5",
            "UPDATE audit_logs SET erased_seal = (SELECT MIN(erased_seal) FROM audit_logs) WHERE seq = 5",
            "UPDATE audit_logs SET changes = '{\"erased\": true, \"name\": [null, \"Nobody\"]}' WHERE seq = 5",
        ] {
            by_hand(&app, odd).await;
            broken("changes_altered", 5).await;
        }
        by_hand(&app, "UPDATE audit_logs SET seq = 1000 WHERE seq = 3").await;
        broken("missing", 3).await;
        by_hand(&app, "UPDATE audit_logs SET seq = 3 WHERE seq = 1000").await;
        by_hand(&app, "DELETE FROM audit_logs WHERE seq = 2").await;
        broken("missing", 2).await;
        // What is written from here on is sealed all the same.
        admin.post("/api/customers", json!({"name": "Zoe"})).await.ok();
        assert!(staff::seal_all(&app).await.unwrap() > 0);
        broken("missing", 2).await;

        let agent = crate::shop(&app, "default").await.colleague("Bo", &["agent"]).await;
        assert_eq!(agent.get("/api/audit-logs/verify").await.error(), "forbidden");
    }

    async fn what_lost_its_seals_gets_none_at_its_place_again(app: TestApp) {
        let admin = crate::shop(&app, "default").await.colleague("Ana", &["admin"]).await;
        for n in 0..6 {
            admin.post("/api/customers", json!({"name": format!("Customer {n}")})).await.ok();
        }
        let lines = staff::seal_all(&app).await.unwrap();
        let unseal = "UPDATE audit_logs SET seq = NULL, changes_hash = NULL, seal = NULL, changes = '{}' WHERE seq >= 4";
        by_hand(&app, unseal).await;
        let missing = json!({"seq": 4, "fault": "missing"});
        assert_eq!(admin.get("/api/audit-logs/verify").await.ok()["broken"], missing);
        // They are sealed where they stand now, behind all that ever was.
        assert_eq!(staff::seal_all(&app).await.unwrap(), lines - 3);
        admin.post("/api/customers", json!({"name": "Zoe"})).await.ok();
        assert_eq!(staff::seal_all(&app).await.unwrap(), 1);
        let found = admin.get("/api/audit-logs/verify").await.ok();
        assert_eq!((&found["broken"], &found["lines"]), (&missing, &json!(3)), "{found}");
    }

    async fn what_is_cut_off_at_the_end_is_missed(app: TestApp) {
        let admin = crate::shop(&app, "default").await.colleague("Ana", &["admin"]).await;
        for n in 0..4 {
            admin.post("/api/customers", json!({"name": format!("Customer {n}")})).await.ok();
        }
        staff::seal_all(&app).await.unwrap();
        by_hand(&app, "DELETE FROM audit_logs WHERE seq > 3").await;
        let missing = json!({"seq": 4, "fault": "missing"});
        assert_eq!(admin.get("/api/audit-logs/verify").await.ok()["broken"], missing);
        admin.post("/api/customers", json!({"name": "Zoe"})).await.ok();
        assert_eq!(staff::seal_all(&app).await.unwrap(), 1);
        assert_eq!(admin.get("/api/audit-logs/verify").await.ok()["broken"], missing);
    }

    async fn a_backlog_is_sealed_in_parts_and_one_organisations_trouble_is_its_own(app: TestApp) {
        let (one, two) = (crate::shop(&app, "default").await, crate::shop(&app, "other").await);
        let org: OrgId = one.get("/api/organization").await.ok()["id"].as_str().unwrap().parse().unwrap();
        let mut tx = app.begin().await.unwrap();
        for _ in 0..700 {
            let by = By::system(org);
            staff::audit(tx.conn(), app.now(), &by, "test", ("organization", org.0), json!({})).await.unwrap();
        }
        tx.commit().await.unwrap();
        let parts = [staff::seal_all(&app).await.unwrap(), staff::seal_all(&app).await.unwrap()];
        assert_eq!((parts, staff::seal_all(&app).await.unwrap()), ([500, 200], 0));
        assert_eq!(one.get("/api/audit-logs/verify").await.ok()["lines"], 700);

        by_hand(&app, "UPDATE audit_logs SET seq = 9223372036854775807 WHERE seq = 700").await;
        one.post("/api/customers", json!({"name": "Ana"})).await.ok();
        app.clock.advance(chrono::Duration::minutes(1));
        two.post("/api/customers", json!({"name": "Bo"})).await.ok();
        assert_eq!(staff::seal_all(&app).await.unwrap(), 1);
        let found = [&one, &two].map(|shop| shop.get("/api/audit-logs/verify"));
        let [one, two] = futures::future::join_all(found).await.try_into().unwrap();
        assert_eq!(one.ok()["broken"], json!({"seq": 700, "fault": "missing"}));
        assert_eq!(two.ok()["lines"], 1);
    }

    async fn sealing_waits_for_nobody_who_adds_rows(app: TestApp) {
        let shop = crate::shop(&app, "default").await;
        shop.post("/api/customers", json!({"name": "Ana"})).await.ok();
        let mut adding = if app.db.is_pg() { Some(app.begin().await.unwrap()) } else { None };
        if let Some(Conn::Pg(c)) = adding.as_mut().map(|tx| tx.conn()) {
            // What PostgreSQL does for each row that refers to the organisation, until its transaction ends.
            sqlx::query("SELECT id FROM organizations FOR KEY SHARE").execute(c).await.unwrap();
        }
        let sealed = tokio::time::timeout(std::time::Duration::from_secs(5), staff::seal_all(&app)).await;
        assert!(sealed.expect("it waits").unwrap() > 0);
    }
}
