//! Base64url as JWTs use it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Decodes; stray `=` at the end are tolerated, other characters and non-zero trailing bits are not.
/// That is what Clerk's decoder does in its loose mode.
pub(crate) fn decode_part(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()
}

/// Decodes; no padding, as RFC 7517 writes the numbers of a key.
pub(crate) fn decode_number(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
