//! Files of one JSON value a line.

use std::{
    io::{BufRead, BufReader, BufWriter, Write},
    path::Path,
};

use serde::{Serialize, de::DeserializeOwned};

use crate::platform::{Error, Result};

/// The lines of a file; empty ones are left out.
///
/// # Errors
/// `Invalid`, naming the file and the line.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let name = path.display();
    let file = std::fs::File::open(path).map_err(|e| Error::Invalid(format!("{name}: {e}")))?;
    let mut lines = Vec::new();
    for (number, line) in BufReader::new(file).lines().enumerate() {
        let line = line.map_err(|e| Error::Invalid(format!("{name}: {e}")))?;
        if !line.trim().is_empty() {
            let parsed =
                serde_json::from_str(&line).map_err(|e| Error::Invalid(format!("{name}, line {}: {e}", number + 1)))?;
            lines.push(parsed);
        }
    }
    Ok(lines)
}

/// Writes a line for each row.
pub fn write<T: Serialize>(path: &Path, rows: &[T]) -> Result<()> {
    let file = std::fs::File::create(path).map_err(|e| Error::Invalid(format!("{}: {e}", path.display())))?;
    let mut file = BufWriter::new(file);
    for row in rows {
        serde_json::to_writer(&mut file, row)?;
        file.write_all(b"\n")?;
    }
    Ok(file.flush()?)
}
