//! What is printed where nobody reads.

use std::process::{Command, Stdio};

use crate::support::app::Scratch;

#[test]
fn a_reader_who_goes_away_ends_a_command_without_a_word() {
    let dir = Scratch::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = Command::new(env!("CARGO_BIN_EXE_frontdesk"));
    command.arg("--data-dir").arg(&dir.0).arg("check-config");
    let output = command.stdout(writer).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(141));
}
