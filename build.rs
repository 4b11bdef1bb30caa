//! Lists the web console's built files (`console/dist/site`) for `src/web/console.rs`; without them the list is empty
//! and the program does without a console.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

fn main() {
    println!("cargo:rerun-if-changed=console/dist");
    let root = Path::new(&env::var_os("CARGO_MANIFEST_DIR").expect("cargo says where")).join("console/dist/site");
    let mut files = Vec::new();
    gather(&root, &mut files);
    files.sort();
    let lines: String = files
        .iter()
        .map(|path| {
            let name = path.strip_prefix(&root).expect("it was found there").to_string_lossy().replace('\\', "/");
            format!("    ({name:?}, include_bytes!({:?}) as &[u8]),\n", path.display().to_string())
        })
        .collect();
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo says where")).join("console_files.rs");
    fs::write(out, format!("&[\n{lines}]\n")).expect("cargo's directory can be written");
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
