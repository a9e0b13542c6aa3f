//! From text to header, claims and signature; nothing is believed yet.

use serde_json::{Map, Value};

use super::MAX_TOKEN_BYTES;
use crate::base64url;
use crate::reason::{Failure, Reason};

/// A token taken apart.
pub(super) struct DecodedToken<'t> {
    pub(super) header: Map<String, Value>,
    pub(super) claims: Map<String, Value>,
    pub(super) claims_json: String,
    /// `header.payload` as in the token: what the signature is over.
    pub(super) signed: &'t str,
    pub(super) signature: Vec<u8>,
}

/// Splits and decodes a token.
///
/// Stricter than Clerk's decoder in form: the payload must be UTF-8 without lone surrogates, nested at
/// most 127 deep, and the whole at most 16 KiB.
pub(super) fn decode_token(token: &str) -> Result<DecodedToken<'_>, Failure> {
    let invalid = |detail: &str| Failure::new(Reason::TokenInvalid, detail);
    if token.is_empty() {
        return Err(invalid("the token is empty"));
    }
    if token.len() > MAX_TOKEN_BYTES {
        let detail = format!("the token is longer than {MAX_TOKEN_BYTES} bytes");
        return Err(invalid(&detail));
    }
    let parts: Vec<&str> = token.split('.').collect();
    let &[header, payload, signature] = parts.as_slice() else {
        return Err(invalid("a JWT has three parts, separated by dots"));
    };
    let signed = &token[..header.len() + 1 + payload.len()];
    let header = decode_json(header)
        .ok_or_else(|| invalid("the header is not JSON in base64url"))?
        .1;
    let (claims_json, claims) =
        decode_json(payload).ok_or_else(|| invalid("the payload is not JSON in base64url"))?;
    let signature = base64url::decode_part(signature)
        .ok_or_else(|| invalid("the signature is not base64url"))?;
    let Value::Object(header) = header else {
        return Err(invalid("the header is not a JSON object"));
    };
    let claims = match claims {
        Value::Object(claims) => claims,
        Value::Null => return Err(invalid("the payload is null")),
        _ => {
            let detail = "the payload is not a JSON object";
            return Err(Failure::new(Reason::TokenVerificationFailed, detail));
        }
    };
    Ok(DecodedToken {
        header,
        claims,
        claims_json,
        signed,
        signature,
    })
}

/// The claims alone, of a text of three parts, whatever its length, header and signature.
pub(super) fn decode_claims(token: &str) -> Option<Map<String, Value>> {
    let parts: Vec<&str> = token.split('.').collect();
    let &[_, payload, _] = parts.as_slice() else {
        return None;
    };
    match decode_json(payload)?.1 {
        Value::Object(claims) => Some(claims),
        _ => None,
    }
}

/// JSON text to a value; of duplicate keys the last wins, as in JavaScript.
pub(super) fn parse_json(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

fn decode_json(part: &str) -> Option<(String, Value)> {
    let text = String::from_utf8(base64url::decode_part(part)?).ok()?;
    let value = parse_json(&text)?;
    Some((text, value))
}
