//! Deliveries of webhooks, signed as Svix signs them for Clerk.

use crate::Outcome;
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// The headers of a delivery that is made at a time in Unix seconds, under Svix's names.
pub fn headers(secret: &str, id: &str, at: i64, body: &[u8]) -> Outcome<Value> {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap_or(secret))?;
    let mut signed = format!("{id}.{at}.").into_bytes();
    signed.extend_from_slice(body);
    let tag = hmac::sign(&hmac::Key::new(HMAC_SHA256, &key), &signed);
    Ok(json!({
        "svix-id": id,
        "svix-timestamp": at.to_string(),
        "svix-signature": format!("v1,{}", STANDARD.encode(tag)),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_is_signed_as_svix_signs_it() {
        // Of Svix's own documentation.
        let headers = headers(
            "whsec_plJ3nmyCDGBKInavdOK15jsl",
            "msg_loFOjxBNrRLzqYUf",
            1_731_705_121,
            br#"{"event_type":"ping","data":{"success":true}}"#,
        )
        .unwrap();
        assert_eq!(
            headers["svix-signature"],
            "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="
        );
        assert_eq!(headers["svix-timestamp"], "1731705121");
    }
}
