//! `clerk-testing sign-events` as a script runs it.

use std::io::Write;
use std::process::{Command, Stdio};

#[test]
fn each_event_becomes_a_line_of_sql() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_clerk-testing"))
        .args([
            "sign-events",
            "--secret",
            "whsec_c2VjcmV0",
            "--prefix",
            "msg_a",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin
        .write_all(b"{\"name\":\"O'Neil\"}\n{\"name\":\"\"}\n")
        .unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2);
    let start = r#"SELECT status FROM clerk.receive_webhook('{"svix-id":"msg_a1","#;
    assert!(lines[0].starts_with(start), "{text}");
    assert!(lines[0].ends_with(r#"','{"name":"O''Neil"}');"#), "{text}");
    assert!(lines[1].contains("msg_a2"));
}
