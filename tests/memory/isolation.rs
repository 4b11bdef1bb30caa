//! A memory is read by organisation, customer and id together: an index that lies gives nothing away.

use frontdesk::{
    app::{App, CustomerId, MemoryId, OrgId},
    customers::{self, Reached},
    inbox,
    memory::{self, New, Query},
    platform::{
        Error, lexical,
        vectors::{Filter, Point, Search},
    },
    staff::{self, By},
};
use serde_json::{Map, Value};

use crate::support::{
    app::{On, TestApp, databases},
    qdrant,
};

pub async fn a_customer(app: &App, org: OrgId, name: &str) -> CustomerId {
    let channel = inbox::ensure_web_channel(app, org).await.unwrap();
    let mut tx = app.begin().await.unwrap();
    let reached = Reached { channel: channel.id, kind: "visitor", external_id: name, display_name: Some(name) };
    let (customer, _) = customers::find_or_create(tx.conn(), org, reached, app.now()).await.unwrap();
    tx.commit().await.unwrap();
    customer.id
}

async fn keep(app: &App, org: OrgId, customer: CustomerId, texts: &[String]) -> Vec<MemoryId> {
    let new: Vec<New> = texts.iter().map(|text| New::note(text.clone(), app.now())).collect();
    let mut tx = app.begin().await.unwrap();
    let ids = memory::keep(tx.conn(), org, customer, &new, app.now()).await.unwrap();
    tx.commit().await.unwrap();
    memory::bring(app, org, customer).await.unwrap();
    ids
}

async fn recalled(app: &App, org: OrgId, customer: CustomerId, text: &str) -> Vec<MemoryId> {
    let query = Query { limit: 200, budget: usize::MAX, ..Query::new(org, customer, text) };
    memory::recall(app, &query).await.unwrap().into_iter().map(|r| r.memory.id).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_reads_through_a_broken_filter_cross_nothing() {
    for on in databases() {
        let app = TestApp::open(on).await;
        let (ours, theirs) = (
            staff::ensure_org(&app, "ours", "Ours").await.unwrap(),
            staff::ensure_org(&app, "theirs", "Theirs").await.unwrap(),
        );
        let ana = a_customer(&app, ours, "ana").await;
        let ben = a_customer(&app, ours, "ben").await;
        let eve = a_customer(&app, theirs, "eve").await;
        let secrets: Vec<String> = (0..60).map(|n| format!("the secret number {n} lies under the stone")).collect();
        let own = keep(&app, ours, ana, &["the stone in my garden is grey".to_owned()]).await;
        let mut foreign = keep(&app, ours, ben, &secrets).await;
        foreign.extend(keep(&app, theirs, eve, &secrets).await);
        // The filter is broken on purpose: in Ana's index the others' points say that they are hers.
        let name = app.vectors.collections().await.unwrap();
        let name = name.iter().find(|n| n.starts_with(&format!("memories_{}", ours.0.simple()))).unwrap();
        let (lexical, _) = lexical::document_vector(&[("the secret number lies under the stone", 1.0)], 20.0);
        let mut fields = Map::new();
        fields.insert("customer_id".into(), Value::String(ana.to_string()));
        let points: Vec<Point> = foreign
            .iter()
            .map(|id| Point { id: id.0, lexical: lexical.clone(), dense: None, fields: fields.clone() })
            .collect();
        app.vectors.upsert(name, points).await.unwrap();
        let mut offered = 0;
        for n in 0..100 {
            let text = format!("secret number {n} under the stone");
            let query = lexical::query_vector(&[(lexical::term_id(&lexical::stem("stone")), 1.0)]);
            let search = Search {
                lexical: Some(query),
                dense: None,
                filter: Filter::all().is("customer_id", ana.to_string()),
                limit: 120,
            };
            offered += app.vectors.search(name, search).await.unwrap().iter().filter(|h| h.id != own[0].0).count();
            assert!(recalled(&app, ours, ana, &text).await.iter().all(|id| own.contains(id)));
        }
        assert!(offered >= 10_000, "the index offered {offered} foreign memories");
        for id in foreign {
            let refused = memory::forget(&app, &By::system(ours), ana, id).await;
            assert!(matches!(refused, Err(Error::NotFound(_))), "{refused:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unverified_identity_hears_only_what_it_said_itself() {
    let app = TestApp::open(databases()[0]).await;
    let org = staff::ensure_org(&app, "ours", "Ours").await.unwrap();
    let ana = a_customer(&app, org, "ana").await;
    let mine = frontdesk::app::IdentityId::new();
    let other = frontdesk::app::IdentityId::new();
    let said = |text: &str, on| New { identity: Some(on), ..New::note(text, app.now()) };
    let new = [
        said("I ordered the blue lamp", mine),
        said("my lamp is a present for Ben", other),
        // What the organisation noted itself, nobody said on this identity.
        New { source_type: "manual", ..New::note("pays for lamps late", app.now()) },
    ];
    let mut tx = app.begin().await.unwrap();
    memory::keep(tx.conn(), org, ana, &new, app.now()).await.unwrap();
    tx.commit().await.unwrap();
    memory::bring(&app, org, ana).await.unwrap();
    let heard = async |is_verified| {
        let asker = Some(memory::Asker { identity: mine, is_verified });
        let query = Query { asker, ..Query::new(org, ana, "what about the lamp?") };
        memory::recall(&app, &query).await.unwrap().len()
    };
    assert_eq!((heard(false).await, heard(true).await), (1, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_index_is_built_from_the_rows() {
    for on in databases() {
        let app = TestApp::open(on).await;
        let org = staff::ensure_org(&app, "ours", "Ours").await.unwrap();
        let ana = a_customer(&app, org, "ana").await;
        let ids = keep(&app, org, ana, &["the stone in my garden is grey".to_owned()]).await;
        for name in app.vectors.collections().await.unwrap() {
            app.vectors.drop_collection(&name).await.unwrap();
        }
        assert!(recalled(&app, org, ana, "the stone").await.is_empty());
        memory::reconcile(&app).await.unwrap();
        assert_eq!(recalled(&app, org, ana, "the stone").await, ids);
        memory::reconcile(&app).await.unwrap();
        assert_eq!(recalled(&app, org, ana, "the stone").await, ids);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vector_server_recalls_the_same_as_the_index_in_the_directory() {
    let (url, _server) = qdrant::serve();
    let here = TestApp::open(On::Sqlite).await;
    let there = TestApp::open_with(On::Sqlite, |config| config.vectors.url = Some(url)).await;
    let things = ["green tea", "a wool blanket", "the red bicycle", "乌龙茶", "a standing desk", "宽松的衬衫"];
    let texts: Vec<String> =
        (0..60).map(|n| format!("talked about {} on visit {n}", things[n % things.len()])).collect();
    let mut said = Vec::new();
    for app in [&here, &there] {
        let org = staff::ensure_org(app, "ours", "Ours").await.unwrap();
        let (ana, ben) = (a_customer(app, org, "ana").await, a_customer(app, org, "ben").await);
        keep(app, org, ana, &texts).await;
        keep(app, org, ben, &["green tea for Ben alone".to_owned()]).await;
        let mut found = Vec::new();
        for question in ["which tea did I like?", "乌龙茶", "the bicycle of visit 8", "something for my desk"] {
            let query = Query { limit: 10, budget: usize::MAX, ..Query::new(org, ana, question) };
            let recalled = memory::recall(app, &query).await.unwrap();
            assert!(!recalled.is_empty(), "{question}");
            found.push(recalled.into_iter().map(|r| r.memory.content).collect::<Vec<_>>());
        }
        memory::clear(app, org, ana, &[]).await.unwrap();
        said.push(found);
    }
    assert_eq!(said[0], said[1]);
    assert!(said[0].iter().flatten().all(|text| !text.contains("Ben")));
}
