//! The little of HTTP/1.1 that a GET or a POST needs.

use crate::Outcome;
use std::io::Read;

/// Longest request head that is read.
const HEAD_LIMIT: usize = 16 * 1024;

/// Longest request body that is read.
const BODY_LIMIT: usize = 64 * 1024 * 1024;

/// A whole request.
pub(crate) struct Request {
    pub(crate) method: String,
    /// Without the query.
    pub(crate) path: String,
    /// What follows the question mark, as it came.
    pub(crate) query: String,
    /// Everything before the body.
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// Reads a request, its body included, or nothing where the client has closed instead. `carried` is what was read
    /// beyond the request before, and afterwards beyond this one.
    pub(crate) fn read(stream: &mut impl Read, carried: &mut Vec<u8>) -> Outcome<Option<Self>> {
        let end = loop {
            if let Some(start) = carried.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break start + 4;
            }
            if carried.len() > HEAD_LIMIT {
                return Err("the request head is too long".into());
            }
            if !read_more(stream, carried)? {
                return match carried.is_empty() {
                    true => Ok(None),
                    false => Err("the client closed before its request was whole".into()),
                };
            }
        };
        let head = String::from_utf8_lossy(&carried[..end]).into_owned();
        let length = header(&head, "content-length")
            .and_then(|value| value.parse().ok())
            .unwrap_or(0);
        if length > BODY_LIMIT {
            return Err("the request body is too long".into());
        }
        // A connection that is closed with unread bytes is reset, and the client may then lose the answer.
        while carried.len() < end + length {
            if !read_more(stream, carried)? {
                return Err("the client closed before its request was whole".into());
            }
        }
        let body = carried[end..end + length].to_vec();
        carried.drain(..end + length);
        let mut words = head.split(' ');
        let method = words.next().unwrap_or_default().to_owned();
        let target = words.next().ok_or("no HTTP request")?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Ok(Some(Self {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            body,
            head,
        }))
    }

    /// The value of a header, whatever the case of its name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }

    /// Whether another request may follow on the connection.
    pub(crate) fn keeps_alive(&self) -> bool {
        let is_close = |value: &str| value.eq_ignore_ascii_case("close");
        self.head.contains(" HTTP/1.1\r\n") && !self.header("connection").is_some_and(is_close)
    }
}

fn read_more(stream: &mut impl Read, carried: &mut Vec<u8>) -> Outcome<bool> {
    let mut buffer = [0; 8 * 1024];
    let length = stream.read(&mut buffer)?;
    carried.extend_from_slice(&buffer[..length]);
    Ok(length > 0)
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(mut bytes: &[u8], carried: &mut Vec<u8>) -> Outcome<Option<Request>> {
        Request::read(&mut bytes, carried)
    }

    #[test]
    fn the_path_is_read_without_its_query() {
        let bytes = b"GET /a/b?c=d HTTP/1.1\r\nHost: x\r\n\r\n";
        let request = read(bytes, &mut Vec::new()).unwrap().unwrap();
        assert_eq!((&*request.path, &*request.query), ("/a/b", "c=d"));
        assert_eq!(request.header("HOST"), Some("x"));
        assert!(request.keeps_alive());
    }

    #[test]
    fn the_body_is_read_and_what_follows_is_carried_on() {
        let bytes = b"POST /p HTTP/1.1\r\nContent-Length: 4\r\n\r\nbodyGET /next HTTP/1.1\r\n\r\n";
        let mut carried = Vec::new();
        let request = read(bytes, &mut carried).unwrap().unwrap();
        assert_eq!((&*request.path, &*request.body), ("/p", &b"body"[..]));
        let request = read(b"", &mut carried).unwrap().unwrap();
        assert_eq!(request.path, "/next");
        assert!(read(b"", &mut carried).unwrap().is_none());
    }

    #[test]
    fn half_a_request_is_an_error() {
        assert!(read(b"GET / HTTP/1.1\r\n", &mut Vec::new()).is_err());
    }

    #[test]
    fn a_client_may_ask_to_close() {
        let bytes = b"GET / HTTP/1.1\r\nconnection: Close\r\n\r\n";
        let request = read(bytes, &mut Vec::new()).unwrap().unwrap();
        assert!(!request.keeps_alive());
    }
}
