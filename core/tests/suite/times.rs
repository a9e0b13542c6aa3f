//! `exp`, `nbf` and `iat`: Clerk's boundaries, to the microsecond.

use clerk_core::instance::Trust;
use clerk_core::time::UnixMicros;
use clerk_core::token::verify;
use serde_json::{Value, json};

use crate::signer::{
    NOW, NOW_SECONDS, SECOND, claims, claims_with, header, sign, sign_text, trust_with,
};
use crate::vectors::code;

const EXPIRED: &str = "token-expired";
const NOT_YET: &str = "token-not-active-yet";
const IN_FUTURE: &str = "token-iat-in-the-future";
const FAILED: &str = "token-verification-failed";

#[test]
fn expired_at_exactly_the_skew_after_exp() {
    for skew in [0, 5, 60] {
        let trust = skewed(skew);
        let token = sign(&claims());
        let end = (NOW_SECONDS + 55 + skew) * SECOND;
        assert_eq!(at(&token, &trust, end - 1), "ok", "skew {skew}");
        assert_eq!(at(&token, &trust, end), EXPIRED, "skew {skew}");
        assert_eq!(at(&token, &trust, end + 1), EXPIRED, "skew {skew}");
    }
}

#[test]
fn active_from_exactly_the_skew_before_nbf() {
    for skew in [0, 5, 60] {
        let trust = skewed(skew);
        let token = sign(&claims_with(
            json!({"nbf": NOW_SECONDS + 20, "iat": NOW_SECONDS}),
        ));
        let start = (NOW_SECONDS + 20 - skew) * SECOND;
        assert_eq!(at(&token, &trust, start - 1), NOT_YET, "skew {skew}");
        assert_eq!(at(&token, &trust, start), "ok", "skew {skew}");
    }
}

#[test]
fn issued_at_most_the_skew_in_the_future() {
    for skew in [0, 5, 60] {
        let trust = skewed(skew);
        let token = sign(&claims_with(json!({"iat": NOW_SECONDS + 20, "nbf": null})));
        let start = (NOW_SECONDS + 20 - skew) * SECOND;
        assert_eq!(at(&token, &trust, start - 1), IN_FUTURE, "skew {skew}");
        assert_eq!(at(&token, &trust, start), "ok", "skew {skew}");
    }
}

#[test]
fn the_fraction_of_a_time_is_dropped() {
    let trust = skewed(0);
    let late = |exp: f64| sign(&claims_with(json!({ "exp": exp })));
    let exp = (NOW_SECONDS + 1) as f64;
    assert_eq!(at(&late(exp + 0.999), &trust, NOW.0 + SECOND - 1), "ok");
    assert_eq!(at(&late(exp + 0.999), &trust, NOW.0 + SECOND), EXPIRED);
    let early = sign(&claims_with(json!({"nbf": NOW_SECONDS as f64 + 0.999})));
    assert_eq!(at(&early, &trust, NOW.0), "ok");
}

#[test]
fn a_time_may_be_any_json_number() {
    let trust = skewed(5);
    for exp in [
        "1767225655",
        "1767225655.0",
        "1.767225655e9",
        "1767225655e0",
        "17672256550E-1",
    ] {
        let token = sign_text(&header().to_string(), &claims_text("exp", exp));
        assert_eq!(code(&verify(&token, &trust, NOW)), "ok", "{exp}");
    }
}

#[test]
fn a_time_that_is_no_number_or_out_of_range_is_refused() {
    let trust = skewed(5);
    let no_times = [
        "null",
        "\"1767225655\"",
        "true",
        "[1767225655]",
        "{}",
        "1e400",
        "-1e400",
        "8640000000001",
        "-8640000000001",
        "1e300",
        "99999999999999999999999999999999",
    ];
    for claim in ["exp", "nbf", "iat"] {
        for time in no_times {
            let token = sign_text(&header().to_string(), &claims_text(claim, time));
            assert_eq!(
                code(&verify(&token, &trust, NOW)),
                FAILED,
                "{claim} is {time}"
            );
        }
    }
}

#[test]
fn the_furthest_times_do_not_overflow() {
    let trust = skewed(60);
    let far = sign(&claims_with(json!({"exp": 8_640_000_000_000_i64})));
    assert_eq!(code(&verify(&far, &trust, NOW)), "ok");
    assert_eq!(at(&far, &trust, i64::MAX), EXPIRED);
    assert_eq!(at(&sign(&claims()), &trust, i64::MIN), NOT_YET);
    let ancient = json!({"exp": -8_640_000_000_000_i64, "nbf": -8_640_000_000_000_i64});
    assert_eq!(
        code(&verify(&sign(&claims_with(ancient)), &trust, NOW)),
        EXPIRED
    );
}

#[test]
fn exp_is_required_and_nbf_and_iat_are_not() {
    let trust = skewed(5);
    let without = |claim: &str| sign(&claims_with(json!({ claim: null })));
    assert_eq!(code(&verify(&without("exp"), &trust, NOW)), FAILED);
    assert_eq!(code(&verify(&without("nbf"), &trust, NOW)), "ok");
    assert_eq!(code(&verify(&without("iat"), &trust, NOW)), "ok");
}

#[test]
fn exp_comes_before_nbf_and_nbf_before_iat() {
    let trust = skewed(5);
    let future = NOW_SECONDS + 300;
    let judge = |changes: Value| code(&verify(&sign(&claims_with(changes)), &trust, NOW));
    assert_eq!(
        judge(json!({"exp": 1, "nbf": future, "iat": future})),
        EXPIRED
    );
    assert_eq!(
        judge(json!({"exp": future + 1, "nbf": future, "iat": future})),
        NOT_YET
    );
    assert_eq!(judge(json!({"exp": future + 1, "iat": future})), IN_FUTURE);
}

#[test]
fn a_session_says_how_long_it_is_valid() {
    let trust = skewed(5);
    let session = verify(&sign(&claims()), &trust, NOW).expect("a session");
    assert_eq!(
        session.valid_from(),
        UnixMicros((NOW_SECONDS - 5 - 5) * SECOND)
    );
    assert_eq!(
        session.valid_until(),
        UnixMicros((NOW_SECONDS + 55 + 5) * SECOND)
    );
    let timeless = claims_with(json!({"nbf": null, "iat": null}));
    let session = verify(&sign(&timeless), &trust, NOW).expect("a session");
    assert_eq!(session.valid_from(), UnixMicros::MIN);
}

#[test]
fn a_session_looked_at_again_later_fails_as_its_token_would() {
    let trust = skewed(5);
    let token = sign(&claims_with(
        json!({"nbf": NOW_SECONDS, "iat": NOW_SECONDS - 3}),
    ));
    let session = verify(&token, &trust, NOW).expect("a session");
    for offset in [
        -9_000_000,
        -5_000_001,
        -5_000_000,
        0,
        59_999_999,
        60_000_000,
        900_000_000,
    ] {
        let now = UnixMicros(NOW.0 + offset);
        let again = verify(&token, &trust, now).map(|_| ());
        assert_eq!(session.recheck(now), again, "{offset} µs");
        let inside = session.valid_from() <= now && now < session.valid_until();
        assert_eq!(inside, again.is_ok(), "{offset} µs");
    }
}

#[test]
fn the_detail_says_by_how_much_the_token_is_late() {
    let late = UnixMicros((NOW_SECONDS + 55 + 42) * SECOND);
    let failure = verify(&sign(&claims()), &skewed(5), late).expect_err("expired");
    let detail = "the token expired 42 s ago; less than 5 s is tolerated";
    assert_eq!(failure.detail, detail);
    assert_eq!(failure.to_string(), format!("token-expired: {detail}"));
}

#[test]
fn the_detail_says_by_how_much_the_token_is_early() {
    let early = UnixMicros(NOW.0 + 1);
    let detail = |changes: Value| {
        let verdict = verify(&sign(&claims_with(changes)), &skewed(5), early);
        verdict.expect_err("early").detail
    };
    assert_eq!(
        detail(json!({"nbf": NOW_SECONDS + 42})),
        "the token becomes valid in 42 s; up to 5 s is tolerated"
    );
    assert_eq!(
        detail(json!({"iat": NOW_SECONDS + 42})),
        "the token was issued 42 s in the future; up to 5 s is tolerated"
    );
}

fn at(token: &str, trust: &Trust, micros: i64) -> &'static str {
    code(&verify(token, trust, UnixMicros(micros)))
}

fn skewed(seconds: i64) -> Trust {
    trust_with(|instance| instance.clock_skew_micros = seconds * SECOND)
}

/// The claims as text, with one written as given.
fn claims_text(claim: &str, written: &str) -> String {
    let claims = claims_with(json!({ claim: "HERE" })).to_string();
    claims.replace("\"HERE\"", written)
}
