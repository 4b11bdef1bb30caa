//! A document's life: the same again, a newer version, deletion; FAQs; many texts at once.

use frontdesk::knowledge::{
    Query, Status,
    faq::{self, FaqChange, NewFaq},
    index::{Text, TextsAdded, add_texts},
    ingest::{self, Outcome},
    search,
    store::{bases, documents},
};
use frontdesk::staff::By;

use super::room::{find, found, ingested, points, rows, shop, upload, work};
use crate::{on_each_database, support::app::TestApp};

fn text(source: &str, text: &str) -> Text {
    Text { source: source.into(), title: source.into(), text: text.into() }
}

on_each_database! {
    async fn the_same_content_twice_is_one_document(app: TestApp) {
        let org = shop(&app).await;
        let first = ingested(&app, org, "a.md", b"Refunds take five days.").await;
        for name in ["a.md", "copy of a.md"] {
            let again = upload(&app, org, name, b"Refunds take five days.").await;
            assert_eq!((again.outcome, again.document.id), (Outcome::Unchanged, first.id), "{name}");
        }
        work(&app).await;
        assert_eq!((rows(&app, org).await, points(&app, org).await), (1, 1));
    }

    async fn the_same_content_uploaded_at_once_under_many_names_is_one_document(app: TestApp) {
        let org = shop(&app).await;
        let uploads = (0..20).map(|n| {
            let (app, name) = (&app, format!("copy {n}.md"));
            async move {
                let added = upload(app, org, &name, b"Refunds take five days.").await;
                // Whoever is told of it finds it: nothing is acknowledged that is not on disk.
                let seen = documents::find(app.read().await.unwrap().conn(), org, added.document.id).await.unwrap();
                assert!(seen.is_some(), "{name} is told of what nobody can see");
                added
            }
        });
        let added = futures::future::join_all(uploads).await;
        let new = added.iter().filter(|a| a.outcome == Outcome::New).count();
        assert_eq!(new, 1);
        assert!(added.iter().all(|a| a.document.id == added[0].document.id));
        work(&app).await;
        assert_eq!((rows(&app, org).await, points(&app, org).await), (1, 1));
    }

    async fn a_copy_outlives_the_document_that_changes(app: TestApp) {
        let org = shop(&app).await;
        let original = ingested(&app, org, "a.md", b"Refunds take five days.").await;
        for copy in ["b.md", "c.md"] {
            assert_eq!(upload(&app, org, copy, b"Refunds take five days.").await.document.id, original.id);
        }
        let newer = ingested(&app, org, "a.md", b"Parcels take two days.").await;
        assert_eq!((newer.id, newer.version), (original.id, 2));
        assert_eq!(found(&app, org, "refunds").await, ["Refunds take five days."]);
        let again = upload(&app, org, "b.md", b"Refunds take five days.").await;
        assert_eq!((again.outcome, again.document.source.as_str()), (Outcome::Unchanged, "b.md"));
        assert_ne!(again.document.id, original.id);
        let third = upload(&app, org, "c.md", b"Refunds take five days.").await;
        assert_eq!((third.outcome, third.document.id), (Outcome::Unchanged, again.document.id));
        work(&app).await;
        assert_eq!((rows(&app, org).await, points(&app, org).await), (2, 2));
    }

    async fn a_copy_that_lives_on_has_a_source_of_its_own(app: TestApp) {
        let org = shop(&app).await;
        let original = ingested(&app, org, "a.md", b"Refunds take five days.").await;
        upload(&app, org, "b.md", b"Refunds take five days.").await;
        upload(&app, org, "c.md", b"Refunds take five days.").await;
        ingested(&app, org, "a.md", b"Parcels take two days.").await;
        let copy = upload(&app, org, "b.md", b"Refunds take five days.").await.document;

        // The first one's deletion takes nothing of it, and it can be read again.
        ingest::remove(&app, org, original.id).await.unwrap();
        work(&app).await;
        ingest::again(&app, org, copy.id, None, None).await.unwrap();
        work(&app).await;
        assert_eq!(found(&app, org, "refunds").await, ["Refunds take five days."]);
        let bases = bases::list(app.read().await.unwrap().conn(), org).await.unwrap();
        assert_eq!(bases[0].document_count, 1);

        // And its deletion takes what is a copy of it.
        ingest::remove(&app, org, copy.id).await.unwrap();
        work(&app).await;
        assert!(found(&app, org, "refunds").await.is_empty());
        assert_eq!(upload(&app, org, "c.md", b"Refunds take five days.").await.outcome, Outcome::New);
    }

    async fn a_copy_that_changes_is_a_document_of_its_own(app: TestApp) {
        let org = shop(&app).await;
        let original = ingested(&app, org, "a.md", b"Refunds take five days.").await;
        upload(&app, org, "b.md", b"Refunds take five days.").await;
        let changed = upload(&app, org, "b.md", b"Refunds take six days.").await;
        assert_eq!((changed.outcome, changed.document.source.as_str()), (Outcome::New, "b.md"));
        work(&app).await;
        ingested(&app, org, "a.md", b"Refunds take seven days.").await;
        let mut texts = found(&app, org, "refunds").await;
        texts.sort();
        assert_eq!(texts, ["Refunds take seven days.", "Refunds take six days."]);
        assert_eq!((rows(&app, org).await, points(&app, org).await), (2, 2));

        // Going back to an earlier version is a change as any other.
        upload(&app, org, "c.md", b"Refunds take seven days.").await;
        ingest::again(&app, org, original.id, Some(1), None).await.unwrap();
        work(&app).await;
        let mut texts = found(&app, org, "refunds").await;
        texts.sort();
        assert_eq!(texts, ["Refunds take five days.", "Refunds take seven days.", "Refunds take six days."]);
    }

    async fn a_new_version_replaces_the_old_one_at_once(app: TestApp) {
        let org = shop(&app).await;
        let first = ingested(&app, org, "a.md", b"Refunds take five days.\n\nWe never ship to islands.").await;
        let added = upload(&app, org, "a.md", b"Refunds take nine days.").await;
        assert_eq!((added.outcome, added.document.id, added.document.version), (Outcome::NewVersion, first.id, 2));
        assert!(found(&app, org, "refunds").await[0].contains("five"), "the old one serves meanwhile");
        ingest::run(&app, first.id, 2).await.unwrap();
        // Not even with its points still in the index.
        assert_eq!(points(&app, org).await, 2);
        assert_eq!(found(&app, org, "how many days do refunds take").await, ["Refunds take nine days."]);
        assert!(found(&app, org, "islands").await.is_empty());
        work(&app).await;
        assert_eq!((rows(&app, org).await, points(&app, org).await), (1, 1));
        let versions = documents::versions(app.read().await.unwrap().conn(), org, first.id).await.unwrap();
        assert_eq!(versions.len(), 2, "the sources are kept");
        for version in versions {
            assert!(app.files.read(&version.file_url.unwrap()).await.unwrap().is_some());
        }
    }

    async fn a_version_that_fails_leaves_the_old_one_serving(app: TestApp) {
        let org = shop(&app).await;
        ingested(&app, org, "a.json", br#"{"refunds": "five days"}"#).await;
        let failed = ingested(&app, org, "a.json", br#"{"refunds": "#).await;
        assert_eq!((failed.processing_status, failed.version, failed.current_version), (Status::Failed, 2, Some(1)));
        assert_eq!(found(&app, org, "refunds").await, ["refunds: five days"]);
        let again = ingest::again(&app, org, failed.id, None, None).await.unwrap();
        assert_eq!((again.processing_status, again.version), (Status::Pending, 3));
        work(&app).await;
        assert_eq!(find(&app, org, &failed).await.processing_status, Status::Failed);
    }

    async fn versions_in_quick_succession_end_with_the_last(app: TestApp) {
        let org = shop(&app).await;
        for days in ["five", "six", "seven"] {
            upload(&app, org, "a.md", format!("Refunds take {days} days.").as_bytes()).await;
        }
        work(&app).await;
        assert_eq!(found(&app, org, "refunds").await, ["Refunds take seven days."]);
        assert_eq!((rows(&app, org).await, points(&app, org).await), (1, 1));
    }

    async fn a_deleted_document_is_gone_at_once_and_for_good(app: TestApp) {
        let org = shop(&app).await;
        let document = ingested(&app, org, "a.md", b"Refunds take five days.").await;
        let kept = ingested(&app, org, "b.md", b"Parcels take two days.").await;
        let versions = documents::versions(app.read().await.unwrap().conn(), org, document.id).await.unwrap();
        let source = versions[0].file_url.clone().unwrap();
        assert!(app.files.read(&source).await.unwrap().is_some());
        ingest::remove(&app, org, document.id).await.unwrap();
        assert!(found(&app, org, "refunds").await.is_empty(), "its points are still there");
        assert!(ingest::remove(&app, org, document.id).await.is_err());
        work(&app).await;
        ingest::forget(&app, document.id).await.unwrap(); // safe to repeat
        assert_eq!((rows(&app, org).await, points(&app, org).await), (1, 1));
        assert!(app.files.read(&source).await.unwrap().is_none());
        assert!(!app.data_dir.join(format!("files/{org}/{}", document.id)).exists());
        let mut reader = app.read().await.unwrap();
        assert_eq!(documents::owner(reader.conn(), document.id).await.unwrap(), None);
        assert_eq!(bases::find(reader.conn(), org, kept.kb_id).await.unwrap().unwrap().document_count, 1);
        drop(reader);
        let again = ingested(&app, org, "a.md", b"Refunds take five days.").await;
        assert_ne!(again.id, document.id);
        assert_eq!(found(&app, org, "refunds").await.len(), 1);
    }

    async fn a_document_deleted_while_it_is_processed_stays_deleted(app: TestApp) {
        let org = shop(&app).await;
        let added = upload(&app, org, "a.md", b"Refunds take five days.").await;
        ingest::remove(&app, org, added.document.id).await.unwrap();
        ingest::run(&app, added.document.id, 1).await.unwrap();
        work(&app).await;
        assert_eq!((rows(&app, org).await, points(&app, org).await), (0, 0));
    }

    async fn another_tenant_sees_nothing(app: TestApp) {
        let org = shop(&app).await;
        let other = frontdesk::staff::ensure_org(&app, "other", "Other").await.unwrap();
        let document = ingested(&app, org, "a.md", b"Refunds take five days.").await;
        assert!(found(&app, other, "refunds").await.is_empty());
        assert!(ingest::remove(&app, other, document.id).await.is_err());
        assert!(ingest::again(&app, other, document.id, None, None).await.is_err());
    }

    async fn faqs_are_found_after_their_job_and_never_after_deletion(app: TestApp) {
        let org = shop(&app).await;
        let new = NewFaq { kb_id: None, question: "Do you ship to Norway?".into(), answer: "Yes, in six days.".into(), category: None };
        let added = faq::add(&app, &By::system(org), new).await.unwrap();
        work(&app).await;
        let asked = |text: &'static str| { let app = app.app.clone(); async move {
            let evidence = search(&app, org, &Query::new(text, 5)).await.unwrap();
            evidence.faqs.into_iter().map(|f| f.answer).collect::<Vec<_>>()
        }};
        assert_eq!(asked("do you ship to norway").await, ["Yes, in six days."]);
        let change = FaqChange { answer: Some("Yes, in four days.".into()), ..FaqChange::default() };
        faq::edit(&app, &By::system(org), added.id, change).await.unwrap();
        assert_eq!(asked("do you ship to norway").await, ["Yes, in four days."]);
        work(&app).await;
        faq::edit(&app, &By::system(org), added.id, FaqChange { is_active: Some(false), ..FaqChange::default() }).await.unwrap();
        assert!(asked("do you ship to norway").await.is_empty());
        faq::edit(&app, &By::system(org), added.id, FaqChange { is_active: Some(true), ..FaqChange::default() }).await.unwrap();
        work(&app).await;
        faq::remove(&app, &By::system(org), added.id).await.unwrap();
        assert!(asked("do you ship to norway").await.is_empty());
        work(&app).await;
        let nothing = NewFaq { kb_id: None, question: " ".into(), answer: "x".into(), category: None };
        assert!(faq::add(&app, &By::system(org), nothing).await.is_err());
    }

    async fn what_an_answers_questions_share_decides_and_a_change_is_learnt_at_once(app: TestApp) {
        let org = shop(&app).await;
        let add = |question: &'static str, answer: &'static str| { let app = app.app.clone(); async move {
            let new = NewFaq { kb_id: None, question: question.into(), answer: answer.into(), category: None };
            faq::add(&app, &By::system(org), new).await.unwrap().id
        }};
        let by_mail = "Send it by post.";
        for question in ["the thing makes a loud noise", "a loud noise when it starts", "it hums with a loud noise"] {
            add(question, "Tighten the screw.").await;
        }
        let mut parcels = Vec::new();
        for question in ["it broke, where do I send the thing", "where do I send it for repair", "send it in after a fall"] {
            parcels.push(add(question, by_mail).await);
        }
        work(&app).await;
        let best = |text: &'static str| { let app = app.app.clone(); async move {
            let evidence = search(&app, org, &Query::new(text, 5)).await.unwrap();
            evidence.faqs.into_iter().next().map(|f| (f.answer, f.agreement)).unwrap()
        }};
        let (answer, agreement) = best("the thing fell, where to send it").await;
        assert_eq!(answer, by_mail);
        assert!(agreement > 0.6, "{agreement}");
        for id in parcels {
            let change = FaqChange { answer: Some("Bring it to a shop.".into()), ..FaqChange::default() };
            faq::edit(&app, &By::system(org), id, change).await.unwrap();
        }
        let (answer, agreement) = best("the thing fell, where to send it").await;
        assert_eq!(answer, "Bring it to a shop.");
        assert!(agreement > 0.6, "learnt anew, though only answers changed: {agreement}");
    }

    async fn many_texts_at_once_are_searchable_when_it_returns(app: TestApp) {
        let org = shop(&app).await;
        let kb = ingest::base(&app, org, None).await.unwrap().id;
        let texts: Vec<Text> = (0..2500).map(|n| text(&format!("t{n}"), &format!("Article number {n} weighs {} grams.", n * 7))).collect();
        let report = add_texts(&app, org, kb, texts.clone()).await.unwrap();
        assert_eq!(report, TextsAdded { new: 2500, passages: 2500, ..TextsAdded::default() });
        assert_eq!((rows(&app, org).await, points(&app, org).await), (2500, 2500));
        assert!(found(&app, org, "what does article number 1234 weigh?").await[0].contains("8638 grams"));
        let again = add_texts(&app, org, kb, texts).await.unwrap();
        assert_eq!(again, TextsAdded { unchanged: 2500, ..TextsAdded::default() });
        let mixed = vec![text("t1", "Article number 1 is sold out."), text("new", "Something else."), text("t1", "Article 1 is back."), text("void", " ")];
        let mixed = add_texts(&app, org, kb, mixed).await.unwrap();
        assert_eq!(mixed, TextsAdded { new: 1, replaced: 2, empty: 1, passages: 3, unchanged: 0 });
        work(&app).await;
        assert_eq!((rows(&app, org).await, points(&app, org).await), (2501, 2501));
        assert_eq!(found(&app, org, "is article 1 sold out or back").await[0], "Article 1 is back.");
        assert_eq!(bases::find(app.read().await.unwrap().conn(), org, kb).await.unwrap().unwrap().document_count, 2501);
    }

    async fn a_long_document_is_whole(app: TestApp) {
        let org = shop(&app).await;
        let long: String = (0..2600).map(|n| format!("## Rule {n}\n\nThe value of rule {n} is {}.\n\n", n * 3)).collect();
        let document = ingested(&app, org, "rules.md", long.as_bytes()).await;
        assert_eq!((document.processing_status, document.chunk_count), (Status::Completed, 2600));
        assert_eq!((rows(&app, org).await, points(&app, org).await), (2600, 2600));
        assert!(found(&app, org, "what is the value of rule 2077?").await[0].contains("6231"));
        upload(&app, org, "rules.md", b"# Rules\n\nThere are no rules.").await;
        work(&app).await;
        assert_eq!((rows(&app, org).await, points(&app, org).await), (1, 1));
    }
}
