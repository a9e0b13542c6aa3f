//! The little of HTTP/1.1 that a GET or a POST needs.

use crate::Outcome;
use std::io::Read;

/// Longest request head that is read.
const HEAD_LIMIT: usize = 16 * 1024;

/// Reads a whole request, its body included, and gives its path without the query.
pub(super) fn read_path(stream: &mut impl Read) -> Outcome<String> {
    let mut head = Vec::new();
    let end = loop {
        let mut buffer = [0; 1024];
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return Err("the client closed before its request was whole".into());
        }
        head.extend_from_slice(&buffer[..length]);
        if let Some(start) = head.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            break start + 4;
        }
        if head.len() > HEAD_LIMIT {
            return Err("the request head is too long".into());
        }
    };
    let text = String::from_utf8_lossy(&head[..end]).into_owned();
    // A connection that is closed with unread bytes is reset, and the client may then lose the answer.
    let unread = body_length(&text).saturating_sub(head.len() - end);
    std::io::copy(&mut stream.take(unread as u64), &mut std::io::sink())?;
    let target = text.split(' ').nth(1).ok_or("no HTTP request")?;
    Ok(target.split('?').next().unwrap_or_default().to_owned())
}

fn body_length(head: &str) -> usize {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_read_without_its_query() {
        let mut request: &[u8] = b"GET /a/b?c=d HTTP/1.1\r\nHost: x\r\n\r\n";
        assert_eq!(read_path(&mut request).unwrap(), "/a/b");
    }

    #[test]
    fn the_body_is_read_too() {
        let mut request: &[u8] = b"POST /p HTTP/1.1\r\nContent-Length: 4\r\n\r\nbodyNEXT";
        assert_eq!(read_path(&mut request).unwrap(), "/p");
    }

    #[test]
    fn half_a_request_is_an_error() {
        let mut request: &[u8] = b"GET / HTTP/1.1\r\n";
        assert!(read_path(&mut request).is_err());
    }
}
