//! What jsonb cannot hold: refused by the name of the field.

use clerk_core::resource::{Kind, Record};
use clerk_core::webhook::event::Event;

use crate::webhook_payloads::text;

/// `user.updated` with the text `"dark"` of its metadata replaced by other JSON.
fn refusal_of_metadata(json: &str) -> Option<String> {
    let body = text("user.updated").replace("\"dark\"", json);
    let event = Event::parse(&body).expect("the envelope is good");
    event.change().err().map(|error| error.to_string())
}

#[test]
fn what_jsonb_cannot_hold_is_refused_by_name() {
    const NUL: &str = "unsafe_metadata holds the character \\u0000, which jsonb cannot hold";
    const HALF: &str = "unsafe_metadata holds half of a surrogate pair, which jsonb cannot hold";
    const DIGITS: &str =
        "unsafe_metadata holds a number with too many digits, which jsonb cannot hold";
    let long = |digits: usize| "7".repeat(digits);
    for (json, refusal) in [
        (r#""a\u0000b""#.to_owned(), Some(NUL)),
        (r#""\\\u0000""#.to_owned(), Some(NUL)),
        (r#"{"\u0000": 1}"#.to_owned(), Some(NUL)),
        (r#""\\u0000""#.to_owned(), None),
        (r#""\u00e4\u0001\"\/\b""#.to_owned(), None),
        (r#""\ud83d\ude00 \uD83D\uDE00""#.to_owned(), None),
        (r#""\ud800\udc00 \udbff\udfff""#.to_owned(), None),
        (r#""\udbff\ue000""#.to_owned(), Some(HALF)),
        (r#""\ue000\ud7ff""#.to_owned(), None),
        (r#""\ud83d""#.to_owned(), Some(HALF)),
        (r#""\ude00""#.to_owned(), Some(HALF)),
        (r#""\ud83d\ud83d\ude00""#.to_owned(), Some(HALF)),
        (r#""\ud83d\\ude00""#.to_owned(), Some(HALF)),
        (r#""\ud83d\n""#.to_owned(), Some(HALF)),
        (r#"["\ud83dx", 1]"#.to_owned(), Some(HALF)),
        ("1e131071".to_owned(), None),
        ("-1E+131072".to_owned(), Some(DIGITS)),
        ("1e-16383".to_owned(), None),
        ("[[1e-16384]]".to_owned(), Some(DIGITS)),
        ("{\"a\": 1e99999999999999999999}".to_owned(), Some(DIGITS)),
        (long(131_072), None),
        (long(131_073), Some(DIGITS)),
        (format!("0.{}", long(16_383)), None),
        (format!("-0.{}", long(16_384)), Some(DIGITS)),
    ] {
        let shown = json.get(..40).unwrap_or(&json);
        assert_eq!(refusal_of_metadata(&json).as_deref(), refusal, "{shown}");
    }
}

#[test]
fn a_bad_name_of_a_field_is_not_shown() {
    let data = |member: &str| format!(r#"{{"id":"user_1","updated_at":1,{member}}}"#);
    for member in [
        r#""na\u0000me": 1"#,
        r#""\ud800": 1"#,
        r#""not a name of Clerk's": "\u0000""#,
        r#""ada@private.example": 1e999999"#,
    ] {
        let error = Record::parse(Kind::User, &data(member)).expect_err("refused");
        assert_eq!(error.field, "data", "{member}");
    }
}
