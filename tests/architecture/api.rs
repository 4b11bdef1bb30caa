//! `openapi.json` at the root of the repository is what the program serves.

use std::path::Path;

#[test]
#[allow(clippy::disallowed_methods, reason = "a test is told by a variable that it should write the file")]
fn the_description_of_the_api_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let served = frontdesk::web::openapi().to_pretty_json().unwrap() + "\n";
    if std::env::var("UPDATE").is_ok() {
        std::fs::write(&path, served).unwrap();
        return;
    }
    let checked_in = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        checked_in == served,
        "openapi.json is stale: write it anew with `UPDATE=1 cargo test --test architecture api::` and commit it"
    );
}
