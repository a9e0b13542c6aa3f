//! The form of a token: base64url, JSON, header, and which parts belong together.

use clerk_core::instance::Trust;
use clerk_core::token::{MAX_TOKEN_BYTES, verify};
use serde_json::{Value, json};

use crate::signer::{
    ISSUER, KID, NOW, NOW_SECONDS, USER, claims, claims_with, encode, header, hmac_token, instance,
    key, other_key, sign, sign_by, sign_by_algorithm, sign_parts, sign_text, sign_with_header,
    signed_part, signing_key, trust, trust_with, with,
};
use crate::vectors::code;

const INVALID: &str = "token-invalid";
const ALGORITHM: &str = "token-invalid-algorithm";
const SIGNATURE: &str = "token-invalid-signature";
const KEY: &str = "jwk-kid-mismatch";

#[test]
fn a_token_of_16_kib_passes_and_one_byte_more_does_not() {
    let token = sign(&claims());
    let padded = format!("{token}{}", "=".repeat(MAX_TOKEN_BYTES - token.len()));
    assert_eq!(judge(&padded), "ok");
    assert_eq!(judge(&format!("{padded}=")), INVALID);
    let failure = verify(&format!("{padded}="), &trust(), NOW).expect_err("too long");
    assert_eq!(failure.detail, "the token is longer than 16384 bytes");
}

#[test]
fn a_signature_with_stray_bits_after_its_end_is_refused() {
    // 256 bytes are 342 characters, of which the last carries two bits and four that must be zero.
    let token = sign(&claims());
    let (rest, last) = token.split_at(token.len() - 1);
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let at = alphabet.find(last).expect("base64url");
    assert_eq!(at % 16, 0, "the four bits are zero");
    for stray in 1..16 {
        let other = &alphabet[at + stray..=at + stray];
        assert_eq!(
            judge(&format!("{rest}{other}")),
            INVALID,
            "{last} to {other}"
        );
    }
}

#[test]
fn only_base64url_is_accepted() {
    let token = sign(&claims());
    for place in [0, 10, token.len() / 2, token.len() - 1] {
        for bad in ["+", "/", " ", "\n", "\0", "%", "é", "*"] {
            let mut text = token.clone();
            text.replace_range(place..=place, bad);
            assert_eq!(judge(&text), INVALID, "{bad:?} at {place}");
        }
    }
    assert_eq!(judge(&format!("={token}")), INVALID);
    assert_eq!(judge(&token.replacen('.', "=x.", 1)), INVALID);
}

#[test]
fn a_json_payload_must_be_utf8_without_lone_surrogates() {
    let mut bytes = claims_with(json!({"name": "#"})).to_string().into_bytes();
    let at = bytes
        .iter()
        .position(|&byte| byte == b'#')
        .expect("the mark");
    bytes[at] = 0xff;
    let signed = signed_part(header().to_string().as_bytes(), &bytes);
    assert_eq!(judge(&sign_parts(&signed)), INVALID);
    assert_eq!(judge(&sign_claims_text("\"name\":\"\\ud800\"")), INVALID);
    assert_eq!(
        judge(&sign_claims_text("\"name\":\"\\ud83d\\ude00\"")),
        "ok"
    );
    let marked = format!("\u{feff}{}", claims());
    assert_eq!(judge(&sign_text(&header().to_string(), &marked)), INVALID);
}

#[test]
fn deep_nesting_is_refused_without_harm() {
    let nested = |depth: usize| {
        sign_claims_text(&format!(
            "\"deep\":{}{}",
            "[".repeat(depth),
            "]".repeat(depth)
        ))
    };
    assert_eq!(judge(&nested(100)), "ok");
    assert_eq!(judge(&nested(200)), INVALID);
    assert_eq!(judge(&nested(5_000)), INVALID);
}

#[test]
fn a_number_of_any_size_in_a_custom_claim_fails_no_token() {
    for number in [
        "1e400",
        "-1e400",
        "123456789012345678901234567890.5",
        "1e-999",
        "-0",
    ] {
        let token = sign_claims_text(&format!("\"metadata\":{{\"n\":{number}}}"));
        let session = verify(&token, &trust(), NOW).expect(number);
        assert!(
            session.claims_json().contains(number),
            "{number} is kept as written"
        );
    }
}

#[test]
fn of_duplicate_members_the_last_counts() {
    let text = |start: &str| format!("{{{start},{}", &claims().to_string()[1..]);
    let first = sign_text(
        &header().to_string(),
        &text("\"sub\":\"user_first\",\"exp\":1"),
    );
    assert_eq!(
        verify(&first, &trust(), NOW).expect("a session").user_id(),
        USER
    );
    assert_eq!(judge(&sign_claims_text("\"exp\":1")), "token-expired");
    assert_eq!(
        judge(&sign_claims_text("\"iss\":\"https://evil.example\"")),
        "token-invalid-issuer"
    );
    let header = header().to_string();
    let twice = format!("{},\"alg\":\"none\"}}", &header[..header.len() - 1]);
    assert_eq!(judge(&sign_text(&twice, &claims().to_string())), ALGORITHM);
}

#[test]
fn the_payload_is_kept_as_it_was_signed() {
    let text = claims().to_string().replace(',', " ,\n\t ");
    let token = sign_text(&header().to_string(), &text);
    assert_eq!(
        verify(&token, &trust(), NOW)
            .expect("a session")
            .claims_json(),
        text
    );
}

#[test]
fn a_header_must_be_an_object() {
    for header in ["[]", "\"RS256\"", "5", "true", "null", ""] {
        assert_eq!(
            judge(&sign_text(header, &claims().to_string())),
            INVALID,
            "{header}"
        );
    }
}

#[test]
fn a_payload_must_be_an_object() {
    for (payload, expected) in [
        ("[]", "token-verification-failed"),
        ("\"a\"", "token-verification-failed"),
        ("5", "token-verification-failed"),
        ("null", INVALID),
        ("", INVALID),
        ("{", INVALID),
        ("{} {}", INVALID),
    ] {
        assert_eq!(
            judge(&sign_text(&header().to_string(), payload)),
            expected,
            "{payload}"
        );
    }
}

#[test]
fn each_member_of_the_header_is_checked() {
    let judged: [(Value, &str); 25] = [
        (json!({"typ": null}), "ok"),
        (json!({"typ": "jwt"}), INVALID),
        (json!({"typ": "JWT "}), INVALID),
        (json!({"typ": ""}), INVALID),
        (json!({"typ": ["JWT"]}), INVALID),
        (json!({"typ": "application/at+jwt"}), INVALID),
        (json!({"crit": []}), INVALID),
        (json!({"crit": "b64", "b64": false}), INVALID),
        (json!({"alg": null}), ALGORITHM),
        (json!({"alg": "none"}), ALGORITHM),
        (json!({"alg": "None"}), ALGORITHM),
        (json!({"alg": "rs256"}), ALGORITHM),
        (json!({"alg": "RS256 "}), ALGORITHM),
        (json!({"alg": ["RS256"]}), ALGORITHM),
        (json!({"alg": "HS256"}), ALGORITHM),
        (json!({"alg": "PS256"}), ALGORITHM),
        (json!({"alg": "EdDSA"}), ALGORITHM),
        (json!({"alg": "RS384"}), "token-verification-failed"),
        (json!({"kid": null}), KEY),
        (json!({"kid": 5}), KEY),
        (json!({"kid": [KID]}), KEY),
        (json!({"kid": KID.to_uppercase()}), KEY),
        (json!({"kid": ""}), KEY),
        (
            json!({"jwk": {"kty": "RSA"}, "jku": "https://evil.example", "x5c": []}),
            "ok",
        ),
        (
            json!({"cat": "cl_I7d4PD111III", "oiat": 5, "x": {"y": 1}}),
            "ok",
        ),
    ];
    for (changes, expected) in judged {
        let token = sign_with_header(&with(header(), changes.clone()), &claims());
        assert_eq!(judge(&token), expected, "{changes}");
    }
}

#[test]
fn a_signature_by_another_algorithm_never_counts_as_rs256() {
    for algorithm in ["RS384", "RS512", "PS256", "ES256", "HS256"] {
        let token = sign_by_algorithm(algorithm, &claims());
        assert_ne!(judge(&token), "ok", "{algorithm}");
        let (signed, signature) = token.rsplit_once('.').expect("three parts");
        let (_, payload) = signed.split_once('.').expect("two parts");
        // The same signature under a header that says RS256.
        let head = encode(header().to_string().as_bytes());
        assert_eq!(
            judge(&format!("{head}.{payload}.{signature}")),
            SIGNATURE,
            "{algorithm}"
        );
    }
    let signed = signed_part(
        header().to_string().as_bytes(),
        claims().to_string().as_bytes(),
    );
    assert_eq!(judge(&hmac_token(&signed)), SIGNATURE);
}

#[test]
fn parts_of_two_good_tokens_make_no_good_token() {
    let (ours, other) = (
        sign(&claims()),
        sign(&claims_with(json!({"sub": "user_other"}))),
    );
    let noted = sign_with_header(&with(header(), json!({"oiat": 1})), &claims());
    let [ours, other, noted] = [&ours, &other, &noted].map(|token| parts(token));
    let mut spliced = 0;
    for head in [ours[0], noted[0]] {
        for payload in [ours[1], other[1]] {
            for signature in [ours[2], other[2], noted[2]] {
                let whole = [[head, payload, signature]; 3] == [ours, other, noted]
                    || [ours, other, noted].contains(&[head, payload, signature]);
                let expected = if whole { "ok" } else { SIGNATURE };
                assert_eq!(judge(&[head, payload, signature].join(".")), expected);
                spliced += usize::from(!whole);
            }
        }
    }
    assert_eq!(spliced, 9);
}

#[test]
fn a_shifted_dot_makes_another_token() {
    let token = sign(&claims());
    let [head, payload, signature] = parts(&token);
    let joined = format!("{head}{payload}");
    for cut in [
        head.len() - 4,
        head.len() - 1,
        head.len() + 1,
        head.len() + 4,
    ] {
        let (head, payload) = joined.split_at(cut);
        assert_eq!(
            judge(&format!("{head}.{payload}.{signature}")),
            INVALID,
            "cut at {cut}"
        );
    }
}

#[test]
fn a_key_counts_for_its_own_issuer_only() {
    let other_issuer = "https://clerk.example.org";
    let trust = Trust {
        instances: vec![
            instance(ISSUER, vec![signing_key(KID, key())]),
            instance(other_issuer, vec![signing_key(KID, other_key())]),
        ],
    };
    let of_other = claims_with(json!({ "iss": other_issuer }));
    let judge = |token: &str| code(&verify(token, &trust, NOW));
    assert_eq!(judge(&sign_by(key(), &header(), &claims())), "ok");
    assert_eq!(judge(&sign_by(other_key(), &header(), &of_other)), "ok");
    assert_eq!(
        judge(&sign_by(other_key(), &header(), &claims())),
        SIGNATURE
    );
    assert_eq!(judge(&sign_by(key(), &header(), &of_other)), SIGNATURE);
}

#[test]
fn several_keys_of_an_issuer_count_while_they_are_rotated() {
    let trust = trust_with(|instance| instance.keys.push(signing_key("ins_next", other_key())));
    let next = with(header(), json!({"kid": "ins_next"}));
    assert_eq!(code(&verify(&sign(&claims()), &trust, NOW)), "ok");
    assert_eq!(
        code(&verify(
            &sign_by(other_key(), &next, &claims()),
            &trust,
            NOW
        )),
        "ok"
    );
    let crossed = code(&verify(&sign_by(key(), &next, &claims()), &trust, NOW));
    assert_eq!(crossed, SIGNATURE);
}

#[test]
fn the_signature_is_checked_before_the_claims() {
    let wrong = claims_with(json!({"sub": 5, "exp": 1, "nbf": NOW_SECONDS + 999, "azp": 5}));
    assert_eq!(judge(&sign_by(other_key(), &header(), &wrong)), SIGNATURE);
}

fn judge(token: &str) -> &'static str {
    code(&verify(token, &trust(), NOW))
}

/// The claims of a valid session and then a member as it is written.
fn sign_claims_text(member: &str) -> String {
    let claims = claims().to_string();
    sign_text(
        &header().to_string(),
        &format!("{},{member}}}", &claims[..claims.len() - 1]),
    )
}

fn parts(token: &str) -> [&str; 3] {
    let parts: Vec<&str> = token.split('.').collect();
    parts.try_into().expect("three parts")
}
