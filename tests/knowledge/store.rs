//! Every store function, on both databases.

use std::collections::HashMap;

use frontdesk::{
    app::{App, DocumentId, FaqId, KnowledgeBaseId, OrgId, PassageId},
    knowledge::{
        Collection, Faq, Generation, GenerationState, KnowledgeBase, Status, Totals,
        store::{
            bases,
            documents::{self, Completed, Filter, Indexed, NewVersion},
            faqs, generations,
            passages::{self, NewPassage, Which},
            words::{self, Delta},
        },
    },
    platform::language::Language,
};
use serde_json::json;

use super::room::shop;
use crate::{
    on_each_database,
    support::app::{TestApp, monday},
};

async fn base(app: &App, org: OrgId) -> KnowledgeBase {
    let mut tx = app.begin().await.unwrap();
    let base = bases::insert(tx.conn(), app.now(), org, "Help", Some("for all")).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    base
}

fn new_version(org: OrgId, kb: KnowledgeBaseId, source: &str) -> NewVersion {
    NewVersion {
        org_id: org,
        kb_id: kb,
        document_id: DocumentId::new(),
        version: 1,
        title: format!("Title of {source}"),
        source: source.into(),
        content_hash: format!("hash of {source}"),
        file_type: "md".into(),
        file_size: 12,
        file_url: Some("files/x".into()),
        content: None,
        created_by: None,
        indexed: None,
    }
}

fn passage(of: &NewVersion, index: i64, content: &str) -> NewPassage {
    NewPassage {
        id: PassageId::new(),
        org_id: of.org_id,
        kb_id: of.kb_id,
        document_id: of.document_id,
        version: of.version,
        chunk_index: index,
        heading_path: vec!["保修".into(), "Lamps".into()],
        content: content.into(),
        token_count: 7,
        metadata: json!({"kind": "text"}),
    }
}

fn faq(org: OrgId, kb: KnowledgeBaseId, question: &str) -> Faq {
    Faq {
        id: FaqId::new(),
        org_id: org,
        kb_id: kb,
        question: question.into(),
        answer: "Five days.".into(),
        category: None,
        language: Some(Language::En),
        use_count: 0,
        helpful_count: 0,
        is_active: true,
        created_at: monday(),
        updated_at: monday(),
    }
}

async fn insert(app: &App, new: &[NewVersion]) -> Vec<DocumentId> {
    let mut tx = app.begin().await.unwrap();
    let ids = documents::insert(tx.conn(), app.now(), new).await.unwrap();
    tx.commit().await.unwrap();
    ids
}

async fn complete(app: &App, of: &NewVersion, chunk_count: i64) -> bool {
    let done = Completed {
        document_id: of.document_id,
        version: of.version,
        title: of.title.clone(),
        language: Some(Language::Zh),
        chunk_count,
        note: None,
    };
    let mut tx = app.begin().await.unwrap();
    let is_current = documents::complete(tx.conn(), app.now(), &done).await.unwrap();
    tx.commit().await.unwrap();
    is_current
}

on_each_database! {
    async fn bases_are_kept(app: TestApp) {
        let org = shop(&app).await;
        let other = frontdesk::staff::ensure_org(&app, "other", "Other").await.unwrap();
        let first = base(&app, org).await;
        let mut tx = app.begin().await.unwrap();
        assert!(bases::insert(tx.conn(), app.now(), org, "Help", None).await.unwrap().is_none(), "the name is taken");
        let second = bases::insert(tx.conn(), app.now(), org, "Sales", None).await.unwrap().unwrap();
        assert!(bases::save(tx.conn(), app.now(), org, second.id, "Help", None).await.unwrap().is_none());
        let saved = bases::save(tx.conn(), app.now(), org, second.id, "Shop", Some("d")).await.unwrap().unwrap();
        assert_eq!((saved.name.as_str(), saved.description.as_deref()), ("Shop", Some("d")));
        bases::count_documents(tx.conn(), first.id, 3).await.unwrap();
        bases::count_documents(tx.conn(), first.id, -1).await.unwrap();
        tx.commit().await.unwrap();
        let mut reader = app.read().await.unwrap();
        assert_eq!(bases::find(reader.conn(), org, first.id).await.unwrap().unwrap().document_count, 2);
        assert_eq!(bases::find(reader.conn(), other, first.id).await.unwrap(), None, "another tenant's");
        assert_eq!(bases::find_first(reader.conn(), org).await.unwrap().unwrap().id, first.id);
        assert_eq!(bases::list(reader.conn(), org).await.unwrap().len(), 2);
        drop(reader);
        insert(&app, &[new_version(org, first.id, "a.md")]).await;
        let mut tx = app.begin().await.unwrap();
        assert!(!bases::delete(tx.conn(), org, first.id).await.unwrap(), "it holds a document");
        assert!(!bases::delete(tx.conn(), other, second.id).await.unwrap());
        assert!(bases::delete(tx.conn(), org, second.id).await.unwrap());
    }

    async fn documents_and_versions_are_kept(app: TestApp) {
        let org = shop(&app).await;
        let kb = base(&app, org).await.id;
        let (a, b) = (new_version(org, kb, "a.md"), new_version(org, kb, "b.md"));
        let bulk = NewVersion {
            indexed: Some(Indexed { chunk_count: 4, language: Some(Language::En) }),
            content: Some("whole text".into()),
            file_url: None,
            ..new_version(org, kb, "bulk")
        };
        assert_eq!(insert(&app, &[a.clone(), b.clone(), bulk.clone()]).await.len(), 3);
        let twin = new_version(org, kb, "a.md");
        assert!(insert(&app, &[twin]).await.is_empty(), "the source is known");

        let mut reader = app.read().await.unwrap();
        let found = documents::find(reader.conn(), org, a.document_id).await.unwrap().unwrap();
        assert_eq!((found.processing_status, found.version, found.current_version), (Status::Pending, 1, None));
        let whole = documents::find(reader.conn(), org, bulk.document_id).await.unwrap().unwrap();
        assert_eq!((whole.processing_status, whole.current_version, whole.chunk_count), (Status::Completed, Some(1), 4));
        assert_eq!(documents::content(reader.conn(), org, bulk.document_id, 1).await.unwrap().as_deref(), Some("whole text"));
        assert_eq!(documents::content(reader.conn(), org, a.document_id, 1).await.unwrap(), None);
        let by_source = documents::find_by_source(reader.conn(), org, kb, "b.md").await.unwrap().unwrap();
        assert_eq!(by_source.id, b.document_id);
        let by_hash = documents::find_by_hash(reader.conn(), org, kb, "hash of b.md").await.unwrap().unwrap();
        assert_eq!(by_hash.id, b.document_id);
        let known = documents::known(reader.conn(), org, kb, &["a.md", "zzz", "bulk"]).await.unwrap();
        assert_eq!(known.len(), 2);
        assert_eq!((known["bulk"].version, known["bulk"].processing_status), (1, Status::Completed));
        assert_eq!(bases::find(reader.conn(), org, kb).await.unwrap().unwrap().document_count, 3);

        let list = |filter: Filter| { let app = app.app.clone(); async move {
            let rows = documents::list(app.read().await.unwrap().conn(), org, &filter).await.unwrap();
            rows.into_iter().map(|d| d.source).collect::<Vec<_>>()
        }};
        assert_eq!(list(Filter { limit: 10, ..Filter::default() }).await, ["bulk", "b.md", "a.md"]);
        assert_eq!(list(Filter { limit: 1, after: Some(b.document_id), kb: Some(kb), ..Filter::default() }).await, ["a.md"]);
        assert_eq!(list(Filter { limit: 9, status: Some(Status::Completed), ..Filter::default() }).await, ["bulk"]);
        drop(reader);

        let mut tx = app.begin().await.unwrap();
        let reason = Some(("corrupt", "it is broken"));
        documents::set_status(tx.conn(), app.now(), b.document_id, 1, Status::Failed, reason).await.unwrap();
        documents::set_status(tx.conn(), app.now(), a.document_id, 1, Status::Processing, None).await.unwrap();
        tx.commit().await.unwrap();
        let mut reader = app.read().await.unwrap();
        let (found, version) = documents::find_version(reader.conn(), b.document_id, 1).await.unwrap().unwrap();
        assert_eq!((found.error_code.as_deref(), version.error_message.as_deref()), (Some("corrupt"), Some("it is broken")));
        assert!(documents::find_by_hash(reader.conn(), org, kb, "hash of b.md").await.unwrap().is_none(), "it failed");
        assert!(documents::find_version(reader.conn(), b.document_id, 2).await.unwrap().is_none());
        let (versions, hidden) = documents::unfinished(reader.conn()).await.unwrap();
        assert_eq!((versions, hidden), (vec![(org, a.document_id, 1)], vec![]));
        drop(reader);

        assert!(complete(&app, &a, 2).await);
        let second = NewVersion { version: 2, content_hash: "new".into(), ..a.clone() };
        let mut tx = app.begin().await.unwrap();
        assert!(documents::insert_newer(tx.conn(), app.now(), &second).await.unwrap());
        assert!(!documents::insert_newer(tx.conn(), app.now(), &second).await.unwrap(), "someone was first");
        tx.commit().await.unwrap();
        assert!(!complete(&app, &a, 2).await, "a newer version came");
        let mut reader = app.read().await.unwrap();
        let versions = documents::versions(reader.conn(), org, a.document_id).await.unwrap();
        assert_eq!(versions.iter().map(|v| (v.version, v.processing_status)).collect::<Vec<_>>(),
            [(2, Status::Pending), (1, Status::Completed)]);
        assert_eq!(documents::owner(reader.conn(), a.document_id).await.unwrap(), Some((org, false, Some(1))));
        drop(reader);

        let mut tx = app.begin().await.unwrap();
        assert_eq!(documents::hide(tx.conn(), app.now(), org, a.document_id).await.unwrap(), Some(kb));
        assert_eq!(documents::hide(tx.conn(), app.now(), org, a.document_id).await.unwrap(), None);
        documents::delete(tx.conn(), b.document_id).await.unwrap(); // not hidden: stays
        tx.commit().await.unwrap();
        let mut reader = app.read().await.unwrap();
        assert!(documents::find(reader.conn(), org, a.document_id).await.unwrap().is_none());
        assert!(documents::find(reader.conn(), org, b.document_id).await.unwrap().is_some());
        assert_eq!(documents::owner(reader.conn(), a.document_id).await.unwrap(), Some((org, true, None)));
        assert_eq!(documents::unfinished(reader.conn()).await.unwrap().1, [(org, a.document_id)]);
        drop(reader);
        assert_eq!(insert(&app, &[new_version(org, kb, "a.md")]).await.len(), 1, "the source is free again");
        let mut tx = app.begin().await.unwrap();
        documents::delete(tx.conn(), a.document_id).await.unwrap();
        assert_eq!(documents::owner(tx.conn(), a.document_id).await.unwrap(), None);
    }

    async fn passages_are_kept_and_only_those_of_the_current_version_are_seen(app: TestApp) {
        let org = shop(&app).await;
        let other = frontdesk::staff::ensure_org(&app, "other", "Other").await.unwrap();
        let kb = base(&app, org).await.id;
        let first = new_version(org, kb, "a.md");
        insert(&app, std::slice::from_ref(&first)).await;
        let many: Vec<NewPassage> = (0..1203).map(|n| passage(&first, n, &format!("第{n}段"))).collect();
        let mut tx = app.begin().await.unwrap();
        passages::insert(tx.conn(), app.now(), &many).await.unwrap();
        tx.commit().await.unwrap();
        let ids: Vec<PassageId> = many.iter().take(3).map(|p| p.id).collect();

        let mut reader = app.read().await.unwrap();
        assert!(passages::by_ids(reader.conn(), org, &ids).await.unwrap().is_empty(), "not current yet");
        drop(reader);
        complete(&app, &first, 1203).await;
        let mut reader = app.read().await.unwrap();
        let seen = passages::by_ids(reader.conn(), org, &ids).await.unwrap();
        assert_eq!(seen.len(), 3);
        let one = seen.iter().find(|p| p.chunk_index == 1).unwrap();
        assert_eq!((one.content.as_str(), one.title.as_str(), one.heading_path.0.as_slice()),
            ("第1段", "Title of a.md", ["保修".to_string(), "Lamps".to_string()].as_slice()));
        assert!(passages::by_ids(reader.conn(), other, &ids).await.unwrap().is_empty(), "another tenant's");
        assert!(passages::by_ids(reader.conn(), org, &[]).await.unwrap().is_empty());
        let part = passages::of_document(reader.conn(), org, first.document_id, 9, 2).await.unwrap();
        assert_eq!(part.iter().map(|p| p.chunk_index).collect::<Vec<_>>(), [10, 11]);
        assert_eq!(passages::count(reader.conn(), org).await.unwrap(), 1203);
        assert_eq!(passages::ids(reader.conn(), org).await.unwrap().len(), 1203);
        let page = passages::page(reader.conn(), org, None, 1000).await.unwrap();
        let last = page.last().unwrap();
        let rest = passages::page(reader.conn(), org, Some((last.document_id, last.version, last.chunk_index)), 1000).await.unwrap();
        assert_eq!((page.len(), rest.len(), rest[0].chunk_index), (1000, 203, 1000));
        assert_eq!((rest[0].title.as_str(), rest[0].language), ("Title of a.md", Some(Language::Zh)));
        let some = passages::rows(reader.conn(), org, &[ids[0].0, uuid::Uuid::nil()]).await.unwrap();
        assert_eq!(some.len(), 1);
        assert!(passages::rows(reader.conn(), org, &[]).await.unwrap().is_empty());
        let from = passages::from(reader.conn(), org, first.document_id, 1, 1200, 10).await.unwrap();
        assert_eq!(from.len(), 2);
        for (which, expected) in [(Which::All, 5), (Which::Version(1), 5), (Which::Before(2), 5), (Which::Before(1), 0), (Which::Version(2), 0)] {
            assert_eq!(passages::some(reader.conn(), org, first.document_id, which, 5).await.unwrap().len(), expected, "{which:?}");
        }
        drop(reader);
        let mut tx = app.begin().await.unwrap();
        documents::hide(tx.conn(), app.now(), org, first.document_id).await.unwrap();
        assert!(passages::by_ids(tx.conn(), org, &ids).await.unwrap().is_empty(), "deleted");
        assert_eq!(passages::delete(tx.conn(), &ids).await.unwrap(), 3);
        assert_eq!(passages::delete(tx.conn(), &ids).await.unwrap(), 0);
    }

    async fn word_statistics_are_counted_in_and_out(app: TestApp) {
        let org = shop(&app).await;
        let mut delta = Delta::default();
        delta.count([1, 2, u32::MAX], 30, 1);
        delta.count([2], 10, 1);
        let mut tx = app.begin().await.unwrap();
        words::lock(tx.conn(), org, Collection::Passages).await.unwrap();
        words::apply(tx.conn(), org, Collection::Passages, &delta).await.unwrap();
        words::apply(tx.conn(), org, Collection::Passages, &delta).await.unwrap();
        tx.commit().await.unwrap();
        let read = |terms: Vec<u32>| { let app = app.app.clone(); async move {
            words::frequencies(app.read().await.unwrap().conn(), org, Collection::Passages, &terms).await.unwrap().1
        }};
        assert_eq!(read(vec![1, 2, 3, u32::MAX]).await, HashMap::from([(1, 2), (2, 4), (u32::MAX, 2)]));
        let mut reader = app.read().await.unwrap();
        let totals = words::totals(reader.conn(), org, Collection::Passages).await.unwrap();
        assert_eq!(totals, Totals { entry_count: 4, token_count: 80, ..totals });
        assert_eq!(words::totals(reader.conn(), org, Collection::Faqs).await.unwrap(), Totals::default());
        drop(reader);
        let mut out = Delta::default();
        out.count([1], 30, -1);
        out.count([1, 2], 10, -1);
        let mut tx = app.begin().await.unwrap();
        words::lock(tx.conn(), org, Collection::Passages).await.unwrap();
        words::apply(tx.conn(), org, Collection::Passages, &out).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(read(vec![1, 2]).await, HashMap::from([(2, 3)]), "what occurs nowhere is gone");
        let mut tx = app.begin().await.unwrap();
        words::clear(tx.conn(), org, Collection::Passages).await.unwrap();
        let cleared = words::totals(tx.conn(), org, Collection::Passages).await.unwrap();
        assert_eq!(cleared, Totals { revision: cleared.revision, ..Totals::default() });
        assert!(cleared.revision > totals.revision, "who keeps something made from them learns that they changed");
        tx.commit().await.unwrap();
        assert!(read(vec![1, 2, u32::MAX]).await.is_empty());
    }

    async fn one_generation_is_live(app: TestApp) {
        let org = shop(&app).await;
        let generation = |number, state| Generation {
            org_id: org, collection: Collection::Faqs, generation: number, state, tokenizer: "t".into(),
            embedding_model: Some("m".into()), dimensions: Some(8), average_length: 12.5, created_at: monday(),
        };
        let mut tx = app.begin().await.unwrap();
        assert!(generations::insert(tx.conn(), &generation(1, GenerationState::Live)).await.unwrap());
        assert!(!generations::insert(tx.conn(), &generation(1, GenerationState::Live)).await.unwrap());
        assert!(!generations::insert(tx.conn(), &generation(2, GenerationState::Live)).await.unwrap(), "one is live");
        assert!(generations::insert(tx.conn(), &generation(2, GenerationState::Building)).await.unwrap());
        generations::set_state(tx.conn(), org, Collection::Faqs, 1, GenerationState::Old).await.unwrap();
        generations::set_state(tx.conn(), org, Collection::Faqs, 2, GenerationState::Live).await.unwrap();
        tx.commit().await.unwrap();
        let mut reader = app.read().await.unwrap();
        let live = generations::live(reader.conn(), org, Collection::Faqs).await.unwrap();
        assert_eq!(live, Some(generation(2, GenerationState::Live)));
        assert_eq!(generations::live(reader.conn(), org, Collection::Passages).await.unwrap(), None);
        assert_eq!(generations::list(reader.conn(), org, Collection::Faqs).await.unwrap().len(), 2);
        assert_eq!(generations::list_all(reader.conn()).await.unwrap().len(), 2);
        drop(reader);
        let mut tx = app.begin().await.unwrap();
        generations::delete(tx.conn(), org, Collection::Faqs, 1).await.unwrap();
        assert_eq!(generations::list(tx.conn(), org, Collection::Faqs).await.unwrap().len(), 1);
    }

    async fn faqs_are_kept(app: TestApp) {
        let org = shop(&app).await;
        let other = frontdesk::staff::ensure_org(&app, "other", "Other").await.unwrap();
        let kb = base(&app, org).await.id;
        let (one, mut two) = (faq(org, kb, "How long?"), faq(org, kb, "多久？"));
        let mut tx = app.begin().await.unwrap();
        faqs::insert(tx.conn(), &one).await.unwrap();
        faqs::insert(tx.conn(), &two).await.unwrap();
        faqs::count_use(tx.conn(), org, one.id, app.now()).await.unwrap();
        two.is_active = false;
        two.answer = "五天。".into();
        faqs::save(tx.conn(), &two).await.unwrap();
        assert_eq!(faqs::find_locked(tx.conn(), org, two.id).await.unwrap(), Some(two.clone()));
        assert_eq!(faqs::find_locked(tx.conn(), other, two.id).await.unwrap(), None);
        tx.commit().await.unwrap();
        let mut reader = app.read().await.unwrap();
        assert_eq!(faqs::find(reader.conn(), org, one.id).await.unwrap().unwrap().use_count, 1);
        assert_eq!(faqs::find(reader.conn(), other, one.id).await.unwrap(), None);
        assert_eq!(faqs::by_ids(reader.conn(), org, &[one.id, two.id]).await.unwrap().len(), 1, "one is inactive");
        assert!(faqs::by_ids(reader.conn(), org, &[]).await.unwrap().is_empty());
        assert_eq!(faqs::list(reader.conn(), org, Some(kb), None, 10).await.unwrap().len(), 2);
        assert_eq!(faqs::list(reader.conn(), org, None, Some(two.id), 10).await.unwrap()[0].id, one.id);
        assert_eq!(faqs::page(reader.conn(), org, None, 10).await.unwrap().len(), 1);
        assert!(faqs::page(reader.conn(), org, Some(one.id), 10).await.unwrap().is_empty());
        assert_eq!(faqs::count(reader.conn(), org).await.unwrap(), 1);
        assert_eq!(faqs::ids(reader.conn(), org).await.unwrap(), [one.id.0]);
        drop(reader);
        let mut tx = app.begin().await.unwrap();
        assert!(faqs::delete(tx.conn(), other, two.id).await.unwrap().is_none());
        assert_eq!(faqs::delete(tx.conn(), org, two.id).await.unwrap(), Some(two));
    }
}
