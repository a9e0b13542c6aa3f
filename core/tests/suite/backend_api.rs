//! What the Backend API is asked with, how fast, and what its answers mean.

use std::time::Duration;

use clerk_core::backend_api::answer::{Answer, Refusal, judge};
use clerk_core::backend_api::api_key::{ApiKey, ApiKeyError};
use clerk_core::backend_api::budget::{first_slot, slot_after, slots_of_request, wait_for};
use clerk_core::backend_api::listing::{LISTED, Listing};
use clerk_core::backend_api::lookup::{Lookup, LookupError, lookup};
use clerk_core::resource::Kind;
use clerk_core::retry::{LONGEST_REQUEST_WAIT, after_failed_request};
use clerk_core::time::UnixMicros;

const NOT_FOUND: &[u8] = br#"{"errors":[{"message":"not found","code":"resource_not_found"}]}"#;

fn refusal(status: u16, code: Option<&str>) -> Refusal {
    let code = code.map(str::to_owned);
    Refusal { status, code }
}

#[test]
fn only_status_200_is_what_was_asked_for() {
    assert_eq!(judge(200, None, b"[]"), Answer::Good);
    for status in [100, 201, 204, 206, 301, 302, 307, 400, 401, 402, 403, 422] {
        let expected = Answer::Refused(refusal(status, None));
        assert_eq!(judge(status, None, b"[]"), expected, "{status}");
    }
}

#[test]
fn an_object_is_gone_only_where_clerk_itself_says_so() {
    assert_eq!(judge(404, None, NOT_FOUND), Answer::Gone);
    // A wrong address and a proxy's page must not pass for a deletion.
    for body in [
        &b""[..],
        b"<html>not found</html>",
        b"resource_not_found",
        br#"{"code":"resource_not_found"}"#,
        br#"{"errors":[]}"#,
        br#"{"errors":[{"code":"url_not_found"},{"code":"resource_not_found"}]}"#,
    ] {
        let answer = judge(404, None, body);
        assert!(matches!(answer, Answer::Refused(_)), "{answer:?}");
    }
    for status in [400, 401, 403, 410, 500] {
        assert_ne!(judge(status, None, NOT_FOUND), Answer::Gone, "{status}");
    }
}

#[test]
fn too_many_requests_have_a_pause_where_the_answer_names_one() {
    let pause = |header| judge(429, header, br#"{"errors":[{"code":"too_many_requests"}]}"#);
    for (header, seconds) in [
        (None, None),
        (Some(""), None),
        (Some("soon"), None),
        (Some("-1"), None),
        (Some("Wed, 21 Oct 2026 07:28:00 GMT"), None),
        (Some("0"), Some(0)),
        (Some("10"), Some(10)),
        (Some(" 10 "), Some(10)),
        (Some("99999999999999999999999"), Some(u64::MAX)),
    ] {
        let expected = Answer::Limited(seconds.map(Duration::from_secs));
        assert_eq!(pause(header), expected, "{header:?}");
    }
}

#[test]
fn the_faults_of_servers_pass() {
    for status in [408, 500, 502, 503, 504, 599] {
        let expected = Answer::Failed(refusal(status, None));
        assert_eq!(judge(status, Some("5"), b"<html>"), expected, "{status}");
    }
    assert!(matches!(judge(600, None, b""), Answer::Refused(_)));
}

#[test]
fn a_refusal_shows_a_code_and_nothing_else_of_the_answer() {
    let shown = |body: &str| match judge(401, None, body.as_bytes()) {
        Answer::Refused(refusal) => refusal.describe(),
        answer => panic!("{answer:?}"),
    };
    assert_eq!(
        shown(r#"{"errors":[{"message":"sk_live_secret","code":"clerk_key_invalid"}]}"#),
        "the answer has HTTP status 401: clerk_key_invalid"
    );
    let long = format!(r#"{{"errors":[{{"code":"{}"}}]}}"#, "a".repeat(65));
    for body in [
        "",
        "sk_live_secret",
        r#"{"errors":"sk_live_secret"}"#,
        r#"{"errors":[{"code":7}]}"#,
        r#"{"errors":[{"code":""}]}"#,
        r#"{"errors":[{"code":"Secret"}]}"#,
        r#"{"errors":[{"code":"a secret"}]}"#,
        r#"{"errors":[{"code":"a\u0000b"}]}"#,
        r#"{"errors":[{"code":"ä"}]}"#,
        &long,
    ] {
        assert_eq!(shown(body), "the answer has HTTP status 401", "{body}");
    }
    let redirection = refusal(302, Some("found")).describe();
    assert!(redirection.contains("302, which is not followed"));
}

#[test]
fn a_secret_key_is_read_without_the_space_around_it() {
    for (text, limit) in [("sk_live_aZ09_-", 1000), (" \tsk_test_x\r\n", 100)] {
        let key = ApiKey::parse(text).expect("a key");
        assert_eq!(key.expose(), text.trim());
        assert_eq!(key.limit(), limit);
    }
    let longest = format!("sk_live_{}", "a".repeat(247));
    assert!(ApiKey::parse(&longest).is_ok());
}

#[test]
fn what_is_no_secret_key_is_refused_with_its_reason_and_not_shown() {
    use ApiKeyError::{Form, Prefix, PublishableKey, SigningSecret};
    let long = format!("sk_live_{}", "a".repeat(248));
    for (text, expected) in [
        ("", Prefix),
        ("secret", Prefix),
        ("SK_LIVE_secret", Prefix),
        ("sk_secret", Prefix),
        ("sk_prod_secret", Prefix),
        ("Bearer sk_live_secret", Prefix),
        ("whsec_secret", SigningSecret),
        ("pk_live_secret", PublishableKey),
        ("sk_live_", Form),
        ("sk_test_ secret", Form),
        ("sk_live_secret\nX: y", Form),
        ("sk_live_sécret", Form),
        ("sk_live_secret\0", Form),
        ("sk_live_secret=", Form),
        (&long, Form),
    ] {
        let error = ApiKey::parse(text).expect_err("no key");
        assert_eq!(error, expected, "{text:?}");
        assert!(!error.to_string().contains("_secret"), "{error}");
    }
}

#[test]
fn a_secret_key_shows_nothing() {
    let key = ApiKey::parse("sk_live_abcdefgh").expect("a key");
    for shown in [format!("{key:?}"), format!("{:#?}", Some(&key))] {
        assert!(!shown.contains("sk_") && !shown.contains("abc"), "{shown}");
    }
}

#[test]
fn a_fingerprint_tells_keys_and_addresses_apart_and_gives_neither_away() {
    let key = ApiKey::parse("sk_live_abcdefgh").expect("a key");
    let fingerprint = key.fingerprint("https://api.clerk.com/v1");
    // By `printf 'https://api.clerk.com/v1\0sk_live_abcdefgh' | sha256sum`: the first 16 digits.
    assert_eq!(fingerprint, "b65a0b36287cb9f5");
    assert_eq!(fingerprint, key.fingerprint("https://api.clerk.com/v1"));
    let other = ApiKey::parse("sk_live_abcdefgi").expect("a key");
    for different in [
        key.fingerprint("https://api.clerk.com/v2"),
        key.fingerprint(""),
        other.fingerprint("https://api.clerk.com/v1"),
    ] {
        assert_ne!(fingerprint, different);
        assert_eq!(different.len(), 16);
    }
}

#[test]
fn four_fifths_of_the_limit_are_used() {
    // 800 slots in 10 s.
    for (limit, slots) in [
        (1000, 1),
        (u32::MAX, 1),
        (500, 2),
        (100, 10),
        (10, 100),
        (5, 200),
        (1, 800),
        (0, 800),
    ] {
        assert_eq!(slots_of_request(limit), slots, "{limit}");
    }
    for limit in 5..2000 {
        let requests = 800 / slots_of_request(limit);
        assert!(requests <= limit / 5 * 4, "{limit}");
    }
}

#[test]
fn a_request_waits_for_its_slot() {
    let now = UnixMicros::from_seconds(1_767_225_600);
    let slot = first_slot(now);
    // A second's worth of slots has begun already, and the next one begins in 12.5 ms.
    for (further, wait) in [(0, 0), (80, 0), (81, 12_500), (160, 1_000_000)] {
        let expected = Duration::from_micros(wait);
        assert_eq!(wait_for(slot + further, now), expected, "{further}");
    }
    assert_eq!(wait_for(i64::MIN, now), Duration::ZERO);
    assert!(wait_for(i64::MAX, now) > Duration::from_secs(3600));
}

#[test]
fn nobody_asks_during_a_pause() {
    let now = UnixMicros(1_767_225_600_006_000);
    for seconds in [0, 1, 60] {
        let pause = Duration::from_secs(seconds);
        let wait = wait_for(slot_after(now, pause), now);
        assert!(wait >= pause && wait <= pause + Duration::from_micros(12_500));
    }
    // A pause without an end ends nowhere, and with no panic.
    let slot = slot_after(now, Duration::MAX);
    assert!(wait_for(slot, now) > Duration::from_secs(3600));
    assert!(slot_after(UnixMicros(i64::MAX), Duration::MAX) > 0);
    assert!(first_slot(UnixMicros::MIN) < 0);
}

#[test]
fn a_failed_request_is_sent_again_after_longer_and_longer_and_then_given_up() {
    let waits: Vec<_> = (1..=5)
        .map(|failures| after_failed_request(failures, 0.0, None).expect("a wait"))
        .collect();
    assert_eq!(
        waits,
        [250, 500, 1000, 2000, 4000].map(Duration::from_millis)
    );
    assert_eq!(after_failed_request(0, 0.0, None), Some(waits[0]));
    for failures in [6, 7, u32::MAX] {
        let asked = Some(Duration::ZERO);
        assert_eq!(after_failed_request(failures, 0.5, None), None);
        assert_eq!(after_failed_request(failures, 0.5, asked), None);
    }
}

#[test]
fn chance_adds_up_to_a_fifth_to_the_wait_of_a_request() {
    let wait = |unit| after_failed_request(3, unit, None).expect("a wait");
    for (unit, millis) in [
        (0.5, 1100),
        (1.0, 1200),
        (7.0, 1200),
        (f64::INFINITY, 1200),
        (-1.0, 1000),
        (f64::NAN, 1000),
    ] {
        assert_eq!(wait(unit), Duration::from_millis(millis), "{unit}");
    }
}

#[test]
fn a_request_waits_as_long_as_asked_or_is_given_up() {
    let wait = |asked| after_failed_request(1, 0.0, Some(asked));
    let seconds = Duration::from_secs;
    assert_eq!(wait(seconds(10)), Some(seconds(10)));
    assert_eq!(wait(LONGEST_REQUEST_WAIT), Some(LONGEST_REQUEST_WAIT));
    let millis = Duration::from_millis;
    assert_eq!(wait(LONGEST_REQUEST_WAIT + millis(1)), None);
    assert_eq!(wait(Duration::MAX), None);
    // No shorter than without being asked.
    assert_eq!(wait(Duration::ZERO), Some(millis(250)));
    let late = after_failed_request(1, 1.0, Some(seconds(10)));
    assert_eq!(late, Some(seconds(12)));
}

#[test]
fn all_kinds_with_a_list_are_fetched_owners_first() {
    for kind in Kind::ALL {
        assert_eq!(Listing::of(kind).is_some(), LISTED.contains(&kind));
    }
    let place = |kind| LISTED.iter().position(|listed| *listed == kind);
    for owned in [Kind::Membership, Kind::Invitation, Kind::Domain] {
        assert!(place(Kind::User) < place(owned));
        assert!(place(Kind::Organization) < place(owned));
    }
}

#[test]
fn an_object_is_asked_for_where_the_api_tells_it() {
    let object = |path: &str| Ok(Lookup::Object(path.to_owned()));
    let list = |path: &str| Ok(Lookup::InList(path.to_owned()));
    let (user, organization) = (Some("user_1"), Some("org_1"));
    for (kind, id, owners, expected) in [
        (Kind::User, "user_1", (None, None), object("/users/user_1")),
        (
            Kind::Organization,
            "org_1",
            (None, None),
            object("/organizations/org_1"),
        ),
        (
            Kind::Membership,
            "orgmem_1",
            (user, organization),
            list("/organizations/org_1/memberships?user_id=user_1"),
        ),
        (
            Kind::Invitation,
            "orginv_1",
            (None, organization),
            object("/organizations/org_1/invitations/orginv_1"),
        ),
        (
            Kind::Domain,
            "orgdmn_1",
            (None, organization),
            list("/organizations/org_1/domains?"),
        ),
        (
            Kind::Role,
            "role_1",
            (None, None),
            list("/organization_roles?"),
        ),
        (
            Kind::Permission,
            "perm_1",
            (None, None),
            list("/organization_permissions?"),
        ),
        (
            Kind::Subscription,
            "csub_1",
            (user, None),
            object("/users/user_1/billing/subscription"),
        ),
        (
            Kind::Subscription,
            "csub_1",
            (user, organization),
            object("/organizations/org_1/billing/subscription"),
        ),
        // By its payer, whatever else is known.
        (
            Kind::Subscription,
            "user_2",
            (user, organization),
            object("/users/user_2/billing/subscription"),
        ),
        (
            Kind::Subscription,
            "org_2",
            (user, organization),
            object("/organizations/org_2/billing/subscription"),
        ),
    ] {
        assert_eq!(lookup(kind, id, owners.0, owners.1), expected, "{id}");
    }
}

#[test]
fn what_is_found_by_its_owner_needs_one() {
    let (user, organization) = (Some("user_1"), Some("org_1"));
    for (kind, user, organization) in [
        (Kind::Membership, None, None),
        (Kind::Membership, user, None),
        (Kind::Membership, None, organization),
        (Kind::Invitation, user, None),
        (Kind::Domain, user, None),
        (Kind::Subscription, None, None),
    ] {
        let found = lookup(kind, "x_1", user, organization);
        assert_eq!(found, Err(LookupError::Owner), "{kind:?}");
    }
}

#[test]
fn no_id_reaches_another_address() {
    let long = "a".repeat(256);
    for bad in [
        "", ".", "..", "../x", "a/b", "a?b", "a#b", "a&b", "a%2fb", "a b", "a\nb", "a\0", "ä",
        &long,
    ] {
        for kind in Kind::ALL {
            let (user, organization) = (Some("user_1"), Some("org_1"));
            for found in [
                lookup(kind, bad, user, organization),
                lookup(kind, "x_1", Some(bad), organization),
                lookup(kind, "x_1", user, Some(bad)),
                lookup(kind, &format!("user_{bad}/"), None, None),
            ] {
                assert_eq!(found, Err(LookupError::Id), "{kind:?} {bad:?}");
            }
        }
    }
}
