//! Lists the web console's built files (`console/dist/site`) for `src/web/console.rs`; without them the list is empty
//! and the program does without a console.

#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "it is how a build script talks to cargo")]

use std::{
    env, fs,
    path::{Path, PathBuf},
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=console/dist");
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("console/dist/site");
    let mut files = Vec::new();
    gather(&root, &mut files);
    files.sort();
    let mut lines = String::new();
    for path in &files {
        let name = path.strip_prefix(&root)?.to_string_lossy().replace('\\', "/");
        lines.push_str(&format!("    ({name:?}, include_bytes!({:?}) as &[u8]),\n", path.display().to_string()));
    }
    let out = PathBuf::from(env::var("OUT_DIR")?).join("console_files.rs");
    fs::write(out, format!("&[\n{lines}]\n"))?;
    Ok(())
}

fn gather(dir: &Path, into: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for path in entries.filter_map(Result::ok).map(|e| e.path()) {
        if path.is_dir() {
            gather(&path, into);
        } else if path.extension().is_none_or(|e| e != "map") {
            into.push(path);
        }
    }
}
