//! Signatures of deliveries: the vectors' strict rule, known answers, rotation.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clerk_core::time::UnixMicros;
use clerk_core::webhook::signature::{
    Delivery, Headers, Secret, SecretError, SignatureError, verify,
};
use serde_json::{Value, json};

use crate::vectors::{name, svix};

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const OLD_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NOW: i64 = 1_767_225_600;

fn secret(text: &str) -> Secret {
    Secret::parse(text).expect("a secret")
}

fn headers<'a>(timestamp: &'a str, signature: &'a str) -> Headers<'a> {
    Headers {
        id: "msg_1",
        timestamp,
        signature,
    }
}

fn verify_at(timestamp: &str, now: UnixMicros) -> Result<i64, SignatureError> {
    let secret = secret(SECRET);
    let signature = secret.sign("msg_1", timestamp, b"{}");
    verify(&[secret], &headers(timestamp, &signature), b"{}", now).map(|delivery| delivery.sent_at)
}

#[test]
fn every_vector_gets_the_verdict_of_the_strict_rule() {
    let file = svix();
    let vectors = file["vectors"].as_array().expect("vectors");
    assert_eq!(vectors.len(), 28, "the file of vectors has changed");
    for vector in vectors {
        let verdict = match verdict_of(vector) {
            Ok(()) => "accept".to_owned(),
            Err(refusal) => format!("reject: {refusal}"),
        };
        assert_eq!(verdict, vector["strict"], "{}", name(vector));
    }
}

fn verdict_of(vector: &Value) -> Result<(), String> {
    let text = |member: &str| vector[member].as_str().expect("a text");
    let body = match vector["body_base64"].as_str() {
        Some(body) => STANDARD.decode(body).expect("base64"),
        None => {
            assert_eq!(
                text("body_rule"),
                r#"{"type":"x","data":"<65536 times a>"}"#
            );
            format!(r#"{{"type":"x","data":"{}"}}"#, "a".repeat(65_536)).into_bytes()
        }
    };
    let now = UnixMicros::from_seconds(vector["now"].as_i64().expect("seconds"));
    let secret = Secret::parse(text("secret")).map_err(|_| "bad secret".to_owned())?;
    let headers = vector["headers"].as_object().expect("headers");
    let outcome = Headers::from_object(headers).and_then(|headers| {
        let item = secret.sign(headers.id, headers.timestamp, &body);
        // Signed by npm's reading of that timestamp.
        if name(vector) != "ts_leading_zero" {
            assert_eq!(item, text("correct_signature"), "{}", name(vector));
        }
        verify(&[secret], &headers, &body, now)
    });
    outcome.map(|_| ()).map_err(|error| {
        match error {
            SignatureError::MissingHeader(_) => "missing header",
            SignatureError::MalformedTimestamp => "bad timestamp",
            SignatureError::TooOld { .. } => "too old",
            SignatureError::TooNew { .. } => "too new",
            SignatureError::NoMatch => "no matching signature",
            _ => "something else",
        }
        .to_owned()
    })
}

#[test]
fn known_answers_are_made_and_verified() {
    let answers = [
        (
            "whsec_plJ3nmyCDGBKInavdOK15jsl",
            "msg_loFOjxBNrRLzqYUf",
            1_731_705_121,
            r#"{"event_type":"ping","data":{"success":true}}"#,
            "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
        ),
        (
            OLD_SECRET,
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
        (
            SECRET,
            "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            1_649_367_553,
            r#"{"email":"test@example.com","username":"test_user"}"#,
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
        ),
    ];
    for (text, id, seconds, body, signature) in answers {
        let timestamp = i64::to_string(&seconds);
        for text in [text, text.trim_start_matches("whsec_")] {
            let secret = secret(text);
            assert_eq!(secret.sign(id, &timestamp, body.as_bytes()), signature);
            let headers = Headers {
                id,
                timestamp: &timestamp,
                signature,
            };
            let now = UnixMicros::from_seconds(seconds);
            let expected = Delivery {
                id,
                sent_at: seconds,
                secret: 0,
            };
            assert_eq!(
                verify(&[secret], &headers, body.as_bytes(), now),
                Ok(expected)
            );
        }
    }
}

#[test]
fn during_a_rotation_either_secret_signs() {
    let now = UnixMicros::from_seconds(NOW);
    let timestamp = NOW.to_string();
    let sign = |text| secret(text).sign("msg_1", &timestamp, b"body");
    let verdict = |live: &[&str], signature: &str| {
        let live: Vec<Secret> = live.iter().map(|text| secret(text)).collect();
        verify(&live, &headers(&timestamp, signature), b"body", now).map(|delivery| delivery.secret)
    };
    let both = format!("{} {}", sign(OLD_SECRET), sign(SECRET));
    assert_eq!(verdict(&[SECRET, OLD_SECRET], &sign(SECRET)), Ok(0));
    assert_eq!(verdict(&[SECRET, OLD_SECRET], &sign(OLD_SECRET)), Ok(1));
    assert_eq!(verdict(&[SECRET, OLD_SECRET], &both), Ok(0));
    assert_eq!(verdict(&[SECRET], &both), Ok(0));
    assert_eq!(
        verdict(&[SECRET], &sign(OLD_SECRET)),
        Err(SignatureError::NoMatch)
    );
    assert_eq!(verdict(&[], &both), Err(SignatureError::NoSecret));
}

#[test]
fn deliveries_are_tolerated_300_whole_seconds_both_ways() {
    let timestamp = NOW.to_string();
    let at = |micros: i64| verify_at(&timestamp, UnixMicros(NOW * 1_000_000 + micros));
    assert_eq!(at(300_999_999), Ok(NOW));
    assert_eq!(
        at(301_000_000),
        Err(SignatureError::TooOld { seconds: 301 })
    );
    assert_eq!(at(-300_000_000), Ok(NOW));
    assert_eq!(
        at(-300_000_001),
        Err(SignatureError::TooNew { seconds: 301 })
    );
}

#[test]
fn a_timestamp_is_1_to_12_digits() {
    let now = UnixMicros::from_seconds(NOW);
    for timestamp in [
        "",
        "-1767225600",
        "+1767225600",
        " 1767225600",
        "1767225600 ",
        "1767225600\n",
        "1767225600.0",
        "1767225600abc",
        "0x6955b900",
        "1_767_225_600",
        "\u{661}\u{667}67225600",
        "0000001767225600",
        "1767225600000",
    ] {
        assert_eq!(
            verify_at(timestamp, now),
            Err(SignatureError::MalformedTimestamp),
            "{timestamp:?}"
        );
    }
    // The header's text is what is signed, zeros included.
    assert_eq!(verify_at("001767225600", now), Ok(NOW));
    for timestamp in ["0", "999999999999"] {
        let refusal = verify_at(timestamp, now).expect_err("far away");
        assert!(matches!(
            refusal,
            SignatureError::TooOld { .. } | SignatureError::TooNew { .. }
        ));
    }
    for now in [UnixMicros::MIN, UnixMicros(i64::MAX)] {
        assert!(verify_at("1767225600", now).is_err());
    }
}

#[test]
fn only_whole_items_of_version_1_count() {
    let timestamp = NOW.to_string();
    let good = secret(SECRET).sign("msg_1", &timestamp, b"body");
    let text = good.strip_prefix("v1,").expect("version 1");
    let is_accepted = |signature: &str| {
        verify(
            &[secret(SECRET)],
            &headers(&timestamp, signature),
            b"body",
            UnixMicros::from_seconds(NOW),
        )
        .is_ok()
    };
    for signature in [
        good.clone(),
        format!(" {good} "),
        format!("v1, {good}"),
        format!("v1a,{text} v2,x nonsense , v1 {good} v1,"),
    ] {
        assert!(is_accepted(&signature), "{signature:?}");
    }
    for signature in [
        text.to_owned(),
        format!("v1 {text}"),
        format!("v1,{text},"),
        format!("v1,{text}="),
        format!("v1,,{text}"),
        format!("v1a,{text}"),
        format!("v01,{text}"),
        format!("V1,{text}"),
        format!("v1,{}", text.trim_end_matches('=')),
        format!("v1,{}", text.to_ascii_lowercase()),
        format!("v0,x\t{good}"),
        format!("\n{good}"),
        format!("{good}\r"),
    ] {
        assert!(!is_accepted(&signature), "{signature:?}");
    }
}

#[test]
fn headers_are_one_whole_set() {
    let svix = [
        ("svix-id", "a"),
        ("svix-timestamp", "b"),
        ("svix-signature", "c"),
    ];
    let plain = [
        ("Webhook-Id", "x"),
        ("WEBHOOK-TIMESTAMP", "y"),
        ("webhook-signature", "z"),
    ];
    let read = |pairs: &[(&'static str, &'static str)]| {
        Headers::from_pairs(pairs.iter().copied())
            .map(|headers| [headers.id, headers.timestamp, headers.signature].concat())
    };
    let missing = |name| Err(SignatureError::MissingHeader(name));
    assert_eq!(read(&svix), Ok("abc".to_owned()));
    assert_eq!(read(&plain), Ok("xyz".to_owned()));
    assert_eq!(read(&[plain, svix].concat()), Ok("abc".to_owned()));
    assert_eq!(
        read(&[&plain[..], &svix[..2]].concat()),
        Ok("xyz".to_owned())
    );
    assert_eq!(
        read(&[&plain[2..], &svix[..2]].concat()),
        missing("svix-signature")
    );
    assert_eq!(read(&plain[1..]), missing("webhook-id"));
    assert_eq!(read(&[]), missing("svix-id"));
    assert_eq!(
        read(&[svix[0], svix[2], ("svix-timestamp", "")]),
        missing("svix-timestamp")
    );
    assert_eq!(
        read(&[svix[0], svix[1], svix[2], ("SVIX-ID", "a")]),
        Ok("abc".to_owned())
    );
    assert_eq!(
        read(&[svix[0], svix[1], svix[2], ("SVIX-ID", "b")]),
        Err(SignatureError::RepeatedHeader("svix-id"))
    );
}

#[test]
fn headers_in_json_are_texts() {
    let mut object = json!({
        "svix-id": "a", "svix-timestamp": "b", "svix-signature": "c",
        "accept": null, "x-list": ["d"], "webhook-id": null,
    });
    let read = |object: &Value| {
        Headers::from_object(object.as_object().expect("an object")).map(|headers| headers.id.len())
    };
    assert_eq!(read(&object), Ok(1));
    object["svix-timestamp"] = json!(1_767_225_600);
    assert_eq!(
        read(&object),
        Err(SignatureError::MalformedHeader("svix-timestamp"))
    );
    object["svix-timestamp"] = Value::Null;
    assert_eq!(
        read(&object),
        Err(SignatureError::MissingHeader("svix-timestamp"))
    );
}

#[test]
fn a_secret_is_padded_standard_base64() {
    for (text, error) in [
        ("", SecretError::Empty),
        ("whsec_", SecretError::Empty),
        ("sk_live_abc", SecretError::SecretKey),
        ("whsec_whsec_AAECAwQF", SecretError::Base64),
        ("WHSEC_AAECAwQF", SecretError::Base64),
        ("whsec_AAECAwQFB", SecretError::Base64),
        ("whsec_AAECAwQFBg", SecretError::Base64),
        ("whsec_AAECAwQFBg=", SecretError::Base64),
        ("whsec_AAECAwQFBh==", SecretError::Base64),
        ("whsec_AAECAwQF====", SecretError::Base64),
        ("whsec_AAEC-wQF", SecretError::Base64),
        ("whsec_AAEC_wQF", SecretError::Base64),
        ("whsec_AAEC wQF", SecretError::Base64),
        (" whsec_AAECAwQF", SecretError::Base64),
        ("whsec_AAECAwQF\n", SecretError::Base64),
    ] {
        assert_eq!(Secret::parse(text).err(), Some(error), "{text:?}");
    }
    for text in ["whsec_AA==", "AAECAwQFBg==", "whsec_AAECAwQFBgc=", SECRET] {
        assert!(Secret::parse(text).is_ok(), "{text:?}");
    }
}

#[test]
fn nothing_shown_holds_the_secret() {
    let shown = format!("{:?}", secret(SECRET));
    assert_eq!(shown, "Secret { .. }");
    let refusal = Secret::parse("whsec_hunter2hunter2hunter2!").expect_err("no base64");
    assert!(!format!("{refusal} {refusal:?}").contains("hunter2"));
}

#[test]
fn a_file_holds_the_secret_in_force_and_the_one_before() {
    let (new, old) = ("whsec_bmV3IHNlY3JldA==", "b2xkIHNlY3JldA==");
    let read = |text: &str| Secret::parse_file(text).map(|secrets| secrets.len());
    assert_eq!(read(new), Ok(1));
    assert_eq!(
        read(&format!("# of the endpoint\r\n  {new}\r\n\r\n{old}\n")),
        Ok(2)
    );
    let secrets = Secret::parse_file(&format!("{new}\n{old}")).expect("two secrets");
    assert_eq!(
        secrets[0].sign("msg", "1", b"{}"),
        secret(new).sign("msg", "1", b"{}")
    );
    for (text, error) in [
        ("", SecretError::Empty),
        ("# none\n\n", SecretError::Empty),
        ("whsec_!", SecretError::Base64),
        ("bmV3\nnot a secret", SecretError::Base64),
        ("bmV3\nb2xk\nb2xk", SecretError::TooMany),
    ] {
        assert_eq!(read(text), Err(error), "{text:?}");
    }
}
