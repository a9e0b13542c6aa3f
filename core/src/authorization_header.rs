//! The token in an `Authorization` header.

/// The token by the rules of `@clerk/backend`: surrounding white space is trimmed; the value is split
/// at one space; only the exact scheme `Bearer` counts; without a scheme the whole value is the
/// token. None where there is no such token.
pub fn bearer_token(header_value: &str) -> Option<&str> {
    let value = header_value.trim();
    let token = match value.split_once(' ') {
        None => value,
        Some(("Bearer", token)) if !token.contains(' ') => token,
        Some(_) => return None,
    };
    (!token.is_empty() && token != "Bearer").then_some(token)
}

#[cfg(test)]
mod tests {
    use super::bearer_token;

    #[test]
    fn only_the_exact_scheme_counts() {
        assert_eq!(bearer_token("Bearer a.b.c"), Some("a.b.c"));
        assert_eq!(bearer_token("  Bearer a.b.c\n"), Some("a.b.c"));
        assert_eq!(bearer_token("a.b.c"), Some("a.b.c"));
        for other in [
            "",
            "Bearer",
            "Bearer ",
            "bearer a.b.c",
            "Basic YTpi",
            "Bearer a b",
            "Bearer  a",
        ] {
            assert_eq!(bearer_token(other), None, "{other:?}");
        }
    }
}
