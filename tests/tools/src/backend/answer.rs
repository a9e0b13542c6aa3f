//! What the Backend API says to one request.

use serde_json::json;

/// A status, headers and a body of text.
#[derive(Clone)]
pub(crate) struct Answer {
    /// The number and its name, as in the status line.
    pub(super) status: &'static str,
    pub(super) content_type: &'static str,
    /// Whole lines, without their ends.
    pub(super) headers: Vec<String>,
    pub(crate) body: String,
}

impl Answer {
    /// 200 with JSON.
    pub(super) fn of(body: String) -> Self {
        Self::new("200 OK", "application/json", body)
    }

    pub(super) fn new(status: &'static str, content_type: &'static str, body: String) -> Self {
        Self {
            status,
            content_type,
            headers: Vec::new(),
            body,
        }
    }

    /// An error in Clerk's shape.
    pub(super) fn refusal(status: &'static str, code: &str, message: &str) -> Self {
        let body = json!({
            "errors": [{"code": code, "message": message, "long_message": message}],
            "clerk_trace_id": "c1e2b4d6f8a0c1e2b4d6f8a0c1e2b4d6",
        });
        Self::new(status, "application/json", body.to_string())
    }

    pub(super) fn not_found(what: &str) -> Self {
        Self::refusal(
            "404 Not Found",
            "resource_not_found",
            &format!("{what} was not found"),
        )
    }

    pub(super) fn invalid(parameter: &str, problem: &str) -> Self {
        Self::refusal(
            "422 Unprocessable Entity",
            "form_param_value_invalid",
            &format!("{parameter} {problem}"),
        )
    }

    pub(super) fn with_header(mut self, line: String) -> Self {
        self.headers.push(line);
        self
    }

    /// Everything before a body of `length` bytes.
    pub(crate) fn head(&self, length: usize, keeps_alive: bool) -> String {
        let connection = if keeps_alive { "keep-alive" } else { "close" };
        self.head_with(&format!(
            "Content-Length: {length}\r\nConnection: {connection}\r\n"
        ))
    }

    /// Everything before a body that comes in chunks.
    pub(super) fn chunked_head(&self) -> String {
        self.head_with("Transfer-Encoding: chunked\r\nConnection: close\r\n")
    }

    fn head_with(&self, framing: &str) -> String {
        let headers: String = self
            .headers
            .iter()
            .map(|line| format!("{line}\r\n"))
            .collect();
        let (status, content_type) = (self.status, self.content_type);
        format!("HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\n{framing}{headers}\r\n")
    }
}
