//! How the Backend API fails when it is told to.

mod client;

use client::{HEADERS, Server, ids};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn with_fault(server: &Server, fault: &str, seconds: f64) -> client::Client {
    server.control(
        "fault",
        json!({"path": "/v1/users", "fault": fault, "seconds": seconds}),
    );
    server.connect()
}

#[test]
fn a_fault_comes_after_those_it_skips_and_goes_again() {
    let server = Server::start("skips");
    server.control(
        "fault",
        json!({"path": "/v1/users", "fault": "500", "skip": 2, "times": 2}),
    );
    server.control(
        "fault",
        json!({"path": "*", "fault": "503", "skip": 3, "times": 2}),
    );
    let statuses: Vec<u16> = (0..7).map(|_| server.status("/v1/users")).collect();
    assert_eq!(statuses, [200, 200, 500, 500, 503, 503, 200]);
    server.control("fault", json!({"path": "*", "fault": "503", "times": 9}));
    server.control("heal", json!({}));
    assert_eq!(server.status("/v1/organizations"), 200);
    assert!(server.refuses("fault", json!({"path": "*", "fault": "earthquake"})));
}

#[test]
fn a_refusal_has_its_status_and_its_code() {
    let server = Server::start("refusals");
    for status in [
        "401", "402", "403", "404", "422", "429", "429-bare", "500", "502", "503",
    ] {
        let fault = json!({"path": "*", "fault": status, "code": "because", "retry_after": 7});
        server.control("fault", fault);
        let (found, head, body) = server.connect().get("/v1/users");
        assert!(status.starts_with(&found.to_string()));
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["errors"][0]["code"], "because");
        assert_eq!(head.contains("Retry-After: 7"), status == "429");
    }
}

#[test]
fn other_answers_leave_the_connection_alive() {
    let server = Server::start("others");
    server.generate("users", 3);
    let mut client = server.connect();
    let mut answer = |fault: &str, path: &str| {
        server.control("fault", json!({"path": path, "fault": fault}));
        client.get(path)
    };
    assert!(answer("html", "/v1/users").1.contains("text/html"));
    assert_eq!(answer("html-404", "/v1/users").0, 404);
    assert_eq!(answer("empty", "/v1/users").2, "");
    assert_eq!(answer("empty-list", "/v1/users").2, "[]");
    assert!(
        answer("empty-list", "/v1/organizations")
            .2
            .contains("\"total_count\":0")
    );
    assert!(serde_json::from_str::<Value>(&answer("not-json", "/v1/users").2).is_err());
    assert_eq!(answer("wrong-shape", "/v1/users").2, "{\"data\":{}}");
    assert_eq!(answer("redirect", "/v1/users").0, 302);
    let future: Value = serde_json::from_str(&answer("future", "/v1/users").2).unwrap();
    assert_eq!(ids(&future).len(), 3);
    assert!(future[2]["new_field"].is_object());
}

#[test]
fn broken_transfers_end_the_connection() {
    for server in [Server::start("broken"), Server::start_tls("broken-tls")] {
        server.generate("users", 20);
        let whole = server.connect().get("/v1/users").2.len();
        for (fault, least, most) in [
            ("cut", whole / 2, whole - 1),
            ("length", whole, whole + 999),
            ("reset", 0, 0),
        ] {
            let mut client = with_fault(&server, fault, 0.0);
            client.say(&format!("GET /v1/users HTTP/1.1\r\n{HEADERS}\r\n"));
            let text = client.hear_all();
            let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
            assert!(
                (least..=most).contains(&body.len()),
                "{fault}: {}",
                body.len()
            );
            let announced = text
                .lines()
                .find_map(|line| line.strip_prefix("Content-Length: "));
            assert!(announced.is_none_or(|length| length.parse::<usize>().unwrap() > body.len()));
        }
    }
}

#[test]
fn late_answers_are_right_in_the_end() {
    let server = Server::start("late");
    server.generate("users", 20);
    for fault in ["delay", "slow"] {
        let mut client = with_fault(&server, fault, 0.3);
        let start = Instant::now();
        let (_, _, body) = client.get("/v1/users");
        assert!(start.elapsed() >= Duration::from_millis(290), "{fault}");
        assert_eq!(ids(&serde_json::from_str(&body).unwrap()).len(), 10);
        assert_eq!(client.get("/v1/users").0, 200);
    }
}

#[test]
fn a_huge_list_is_larger_than_any_client_reads() {
    let server = Server::start("huge");
    let mut client = with_fault(&server, "huge", 0.0);
    let (_, head, body) = client.get("/v1/users");
    assert!(head.contains("chunked"));
    assert!(body.len() > 80 * 1024 * 1024 && body.ends_with("\r\n0\r\n\r\n"));
}

#[test]
fn who_hangs_is_let_go_when_the_client_leaves() {
    for server in [Server::start("hang"), Server::start_tls("hang-tls")] {
        let mut client = with_fault(&server, "hang", 0.0);
        client.say(&format!("GET /v1/users HTTP/1.1\r\n{HEADERS}\r\n"));
        std::thread::sleep(Duration::from_millis(200));
        // Only what has ended is counted as busy.
        assert!(busy(&server) < 100_000);
        drop(client);
        std::thread::sleep(Duration::from_millis(200));
        assert!(busy(&server) > 150_000);
    }
}

fn busy(server: &Server) -> u64 {
    server.look("requests")["busy_us"].as_u64().unwrap()
}
