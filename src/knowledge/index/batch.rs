//! Adding passages: of one large document in several steps, of many small ones in one.

use std::{collections::HashSet, ops::Range, sync::Arc};

use sha2::{Digest, Sha256};

use super::{
    generation, rebuild,
    vectors::{self, About, Entry, Prepared, fields},
};
use crate::{
    app::{App, Changed, DocumentId, Job, KnowledgeBaseId, OrgId, PassageId},
    knowledge::{
        Collection, Generation,
        split::Piece,
        store::{
            documents::{self, Completed, Indexed, NewVersion},
            passages::{self, NewPassage},
            words,
        },
    },
    platform::{Result, language::Language},
};

/// How many passages are indexed and committed at once.
const BATCH: usize = 1000;

/// From when and until when a document holds.
type Validity = (Option<chrono::DateTime<chrono::Utc>>, Option<chrono::DateTime<chrono::Utc>>);

/// A version whose text is split, to be indexed.
#[derive(Debug, Clone)]
pub(in crate::knowledge) struct Ready {
    pub org_id: OrgId,
    pub kb_id: KnowledgeBaseId,
    pub document_id: DocumentId,
    pub version: i64,
    pub title: String,
    pub category: Option<String>,
    pub about: Option<Validity>,
    pub language: Option<Language>,
    pub pieces: Vec<Piece>,
    /// Its rows, when they are not there yet.
    pub new: Option<NewVersion>,
}

/// The passages of one document that are added together.
struct Share {
    document: usize,
    pieces: Range<usize>,
}

/// Documents cut into batches: small ones whole, several together.
fn batches(documents: &[Ready]) -> Vec<Vec<Share>> {
    let mut batches = Vec::new();
    let mut batch: Vec<Share> = Vec::new();
    let mut size = 0;
    for (document, ready) in documents.iter().enumerate() {
        let mut from = 0;
        loop {
            let to = ready.pieces.len().min(from + BATCH);
            if size > 0 && size + (to - from) > BATCH {
                batches.push(std::mem::take(&mut batch));
                size = 0;
            }
            batch.push(Share { document, pieces: from..to });
            size += to - from;
            from = to;
            if from >= ready.pieces.len() {
                break;
            }
        }
    }
    if !batch.is_empty() {
        batches.push(batch);
    }
    batches
}

/// Indexes documents of one organisation; each is searchable, or replaced by its new version, when its last passage is
/// in. The next batch's vectors are made durable while the rows of this one are committed.
pub(in crate::knowledge) async fn add(app: &App, org: OrgId, documents: Vec<Ready>) -> Result<()> {
    let batches = batches(&documents);
    let Some(first) = batches.first() else { return Ok(()) };
    let entries_of = |batch: &[Share]| batch.iter().flat_map(|s| entries(&documents, s)).collect::<Vec<_>>();
    let first = Arc::new(entries_of(first));
    let mut targets = generation::ensured(app, org, Collection::Passages, &first).await?;
    let mut put = put(app, targets.clone(), first).await?;
    for (at, batch) in batches.iter().enumerate() {
        let next = async {
            let Some(batch) = batches.get(at + 1) else { return Ok(None) };
            self::put(app, targets.clone(), Arc::new(entries_of(batch))).await.map(Some)
        };
        let (next, committed) = tokio::join!(next, commit(app, org, &documents, batch, put));
        targets = committed?;
        let Some(next) = next? else { break };
        put = next;
    }
    Ok(())
}

/// A batch whose points are durable, in these generations.
struct Put {
    entries: Arc<Vec<Entry>>,
    targets: Vec<Generation>,
    prepared: Prepared,
}

/// Makes the points of a batch and puts them into `targets`. Without their rows they are not found.
async fn put(app: &App, targets: Vec<Generation>, entries: Arc<Vec<Entry>>) -> Result<Put> {
    let mut prepared = vectors::prepare(app, &targets, &entries).await?;
    vectors::put(app, &targets, std::mem::take(&mut prepared.points)).await?;
    Ok(Put { entries, targets, prepared })
}

/// Commits the rows of a batch. Returns the generations that hold it, which are others than those it was put into when
/// some began meanwhile.
async fn commit(
    app: &App,
    org: OrgId,
    documents: &[Ready],
    batch: &[Share],
    Put { entries, mut targets, prepared }: Put,
) -> Result<Vec<Generation>> {
    loop {
        let mut tx = app.begin().await?;
        words::lock(tx.conn(), org, Collection::Passages).await?;
        let now_targets = generation::written(tx.conn(), org, Collection::Passages).await?;
        let lacking: Vec<Generation> =
            now_targets.iter().filter(|g| !targets.iter().any(|t| t.generation == g.generation)).cloned().collect();
        if !lacking.is_empty() {
            drop(tx);
            let mut more = vectors::prepare(app, &lacking, &entries).await?;
            vectors::put(app, &lacking, std::mem::take(&mut more.points)).await?;
            targets = now_targets;
            continue;
        }
        let done = commit_batch(app, tx, org, documents, batch, &prepared).await?;
        for document in done {
            app.changed(org, Changed::Document { id: document }).await;
        }
        return Ok(now_targets);
    }
}

/// The transaction of a batch: rows, statistics, and the versions that are whole now.
async fn commit_batch(
    app: &App,
    mut tx: crate::platform::db::Tx,
    org: OrgId,
    documents: &[Ready],
    batch: &[Share],
    prepared: &Prepared,
) -> Result<Vec<DocumentId>> {
    let now = app.now();
    let mut new = Vec::new();
    let mut newer = Vec::new();
    for share in batch.iter().filter(|s| s.pieces.start == 0) {
        let Some(ready) = documents.get(share.document) else { continue };
        let Some(version) = &ready.new else { continue };
        let is_whole = share.pieces.end == ready.pieces.len() && !prepared.lacks_meaning;
        let indexed = (is_whole && version.version == 1)
            .then_some(Indexed { chunk_count: ready.pieces.len() as i64, language: ready.language });
        if version.version == 1 { new.push(NewVersion { indexed, ..version.clone() }) } else { newer.push(version) }
    }
    let mut gone: HashSet<DocumentId> = new.iter().map(|v| v.document_id).collect();
    for added in documents::insert(tx.conn(), now, &new).await? {
        gone.remove(&added);
    }
    for version in newer {
        if !documents::insert_newer(tx.conn(), now, version).await? {
            gone.insert(version.document_id);
        }
    }
    let present: Vec<&Share> =
        batch.iter().filter(|s| documents.get(s.document).is_some_and(|d| !gone.contains(&d.document_id))).collect();
    let rows: Vec<NewPassage> = present.iter().flat_map(|share| rows(documents, share)).collect();
    passages::insert(tx.conn(), now, &rows).await?;
    if gone.is_empty() {
        words::apply(tx.conn(), org, Collection::Passages, &prepared.delta).await?;
    } else {
        let mut delta = words::Delta::default();
        for share in &present {
            for entry in documents.get(share.document).into_iter().flat_map(|_| entries(documents, share)) {
                entry.count(&mut delta, 1);
            }
        }
        words::apply(tx.conn(), org, Collection::Passages, &delta).await?;
    }
    let mut done = Vec::new();
    for share in present {
        let Some(ready) = documents.get(share.document).filter(|d| share.pieces.end == d.pieces.len()) else {
            continue;
        };
        let is_stored = new.iter().any(|v| v.document_id == ready.document_id && v.indexed.is_some());
        if !is_stored {
            complete(app, &mut tx, ready, prepared.lacks_meaning).await?;
        }
        done.push(ready.document_id);
    }
    let totals = words::totals(tx.conn(), org, Collection::Passages).await?;
    let generations = generation::written(tx.conn(), org, Collection::Passages).await?;
    if let [live] = generations.as_slice()
        && generation::has_drifted(live, totals)
    {
        Job::Reweigh { org }.push_at(tx.conn(), org, now, now + rebuild::CALM).await?;
    }
    tx.commit().await?;
    Ok(done)
}

/// Makes a version current; what it replaces, or what is left of it when it came too late, is forgotten by a job.
async fn complete(app: &App, tx: &mut crate::platform::db::Tx, ready: &Ready, lacks_meaning: bool) -> Result<()> {
    let now = app.now();
    let note = lacks_meaning.then(|| (generation::LEXICAL_ONLY, generation::BY_WORDS.to_string()));
    let completed = Completed {
        document_id: ready.document_id,
        version: ready.version,
        title: ready.title.clone(),
        language: ready.language,
        chunk_count: ready.pieces.len() as i64,
        note,
    };
    let is_current = documents::complete(tx.conn(), now, &completed).await?;
    if !is_current || ready.version > 1 {
        Job::Forget { document: ready.document_id }.push(tx.conn(), ready.org_id, now).await?;
    }
    if is_current && lacks_meaning {
        let again = now + generation::EMBED_AGAIN;
        Job::Embed { document: ready.document_id }.push_at(tx.conn(), ready.org_id, now, again).await?;
    }
    Ok(())
}

fn entries(documents: &[Ready], share: &Share) -> Vec<Entry> {
    let Some(ready) = documents.get(share.document) else { return Vec::new() };
    let title: Arc<str> = ready.title.as_str().into();
    let (valid_from, valid_until) = ready.about.unwrap_or_default();
    let about = About { language: ready.language, valid_from, valid_until };
    let fields = fields(ready.kb_id.0, Some(ready.document_id.0), ready.category.as_deref(), &about);
    let pieces = ready.pieces.get(share.pieces.clone()).unwrap_or_default();
    let entry = |(at, piece): (usize, &Piece)| Entry {
        id: passage_id(ready.document_id, ready.version, share.pieces.start + at).0,
        title: title.clone(),
        headings: piece.heading_path.join(" "),
        text: piece.content.clone(),
        answer: String::new(),
        fields: fields.clone(),
    };
    pieces.iter().enumerate().map(entry).collect()
}

fn rows<'a>(documents: &'a [Ready], share: &'a Share) -> impl Iterator<Item = NewPassage> + 'a {
    documents.get(share.document).into_iter().flat_map(|ready| {
        let pieces = ready.pieces.get(share.pieces.clone()).unwrap_or_default();
        pieces.iter().enumerate().map(|(at, piece)| {
            let index = share.pieces.start + at;
            NewPassage {
                id: passage_id(ready.document_id, ready.version, index),
                org_id: ready.org_id,
                kb_id: ready.kb_id,
                document_id: ready.document_id,
                version: ready.version,
                chunk_index: index as i64,
                heading_path: piece.heading_path.clone(),
                content: piece.content.clone(),
                token_count: piece.tokens as i64,
                metadata: piece.metadata.clone(),
            }
        })
    })
}

/// The id of a passage: always the same for the same place of the same version, so that a repeated job replaces its
/// points. It begins with the document's time, which keeps a document's rows together in the database.
fn passage_id(document: DocumentId, version: i64, index: usize) -> PassageId {
    let mut hash = Sha256::new();
    hash.update(document.0.as_bytes());
    hash.update(version.to_be_bytes());
    hash.update((index as u64).to_be_bytes());
    let hash = hash.finalize();
    let mut bytes = [0u8; 16];
    for (to, from) in bytes.iter_mut().zip(document.0.as_bytes().iter().take(6).chain(hash.iter())) {
        *to = *from;
    }
    PassageId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_passages_id_depends_on_its_place_only_and_sorts_near_its_document() {
        let document = DocumentId::new();
        let id = passage_id(document, 1, 0);
        assert_eq!(id, passage_id(document, 1, 0));
        assert_ne!(id, passage_id(document, 2, 0));
        assert_ne!(id, passage_id(document, 1, 1));
        assert_eq!(id.0.as_bytes()[..6], document.0.as_bytes()[..6]);
    }

    #[test]
    fn small_documents_share_a_batch_and_a_large_one_is_cut() {
        let ready = |pieces: usize| Ready {
            org_id: OrgId(Uuid::nil()),
            kb_id: KnowledgeBaseId(Uuid::nil()),
            document_id: DocumentId::new(),
            version: 1,
            title: String::new(),
            category: None,
            about: None,
            language: None,
            pieces: vec![
                Piece {
                    heading_path: vec![],
                    content: "x".into(),
                    tokens: 1,
                    metadata: serde_json::Value::Null
                };
                pieces
            ],
            new: None,
        };
        let sizes = |documents: &[Ready]| -> Vec<usize> {
            batches(documents).iter().map(|b| b.iter().map(|s| s.pieces.len()).sum()).collect()
        };
        assert_eq!(sizes(&vec![ready(3); 400]), [999, 201]);
        assert_eq!(sizes(&[ready(2500), ready(1)]), [1000, 1000, 501]);
        assert_eq!(sizes(&[]), Vec::<usize>::new());
    }
}
