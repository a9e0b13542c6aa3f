//! The decoding of version 1 and version 2 claims, against the real decoder of `@clerk/shared`.

use std::collections::BTreeSet;

use clerk_core::permissions::decode_permissions;
use clerk_core::token::verify_trusted_claims;
use serde_json::{Value, json};

use crate::signer::{NOW, claims, claims_with, trust};
use crate::vectors::{cases, name, permissions};

/// Where Clerk's SDKs read `fpm` in two ways, only what both grant is granted.
const FEWER: [(&str, &[&str]); 3] = [
    (
        "interleaved_user_feature_2masks",
        &["org:reservations:manage"],
    ),
    (
        "interleaved_user_feature_4masks",
        &["org:reservations:manage"],
    ),
    ("scope_unknown_ignored", &[]),
];

#[test]
fn every_case_of_the_decoder_gives_the_same_or_is_listed_as_granting_less() {
    let file = permissions();
    let mut used = BTreeSet::new();
    for case in cases(&file, 30) {
        let claims = session_claims(case);
        let session = verify_trusted_claims(&claims.to_string(), &trust(), NOW)
            .expect("a session")
            .expect("of a known issuer");
        let ours = session.organization();
        let output = &case["output"];
        if output.get("throws").is_some() {
            // Clerk's code throws: nothing is granted. Ours neither, and the rest is still told.
            assert!(
                ours.expect("one").permissions().is_empty(),
                "{}",
                name(case)
            );
            continue;
        }
        let text = |member: &str| output[member].as_str();
        assert_eq!(
            ours.map(|organization| organization.id()),
            text("orgId"),
            "{}",
            name(case)
        );
        assert_eq!(
            ours.and_then(|organization| organization.role()),
            text("orgRole")
        );
        assert_eq!(
            ours.and_then(|organization| organization.slug()),
            text("orgSlug")
        );
        let granted = ours.map_or(&[][..], |organization| organization.permissions());
        let clerk: Vec<&str> = output["orgPermissions"]
            .as_array()
            .map(|list| list.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        if granted == clerk {
            continue;
        }
        let listed = FEWER.iter().find(|(listed, _)| *listed == name(case));
        let (listed, fewer) = listed.unwrap_or_else(|| panic!("{}: {granted:?}", name(case)));
        assert_eq!(granted, *fewer);
        assert!(
            fewer.iter().all(|permission| clerk.contains(permission)),
            "more than Clerk's"
        );
        used.insert(*listed);
    }
    assert_eq!(used.len(), FEWER.len(), "a listed case makes no difference");
}

#[test]
fn the_worked_examples_decode_as_documented() {
    let abc = "o:a,o:b,o:c";
    let judged: [(&str, &str, &str, &[&str]); 19] = [
        (
            "uo:impersonation,o:memberships,ou:feature3",
            "read,manage",
            "1,3,1",
            &[
                "impersonation:read",
                "memberships:read",
                "memberships:manage",
                "feature3:read",
            ],
        ),
        (
            "o:repositories,uo:projects,u:goldprofileborder",
            "read,create,update,delete,revoke",
            "7,21,0",
            &[
                "repositories:read",
                "repositories:create",
                "repositories:update",
                "projects:read",
                "projects:update",
                "projects:revoke",
            ],
        ),
        ("o:a", "read", "7", &["a:read"]),
        (abc, "read", "1", &["a:read"]),
        (
            abc,
            "read,manage",
            "1,,3",
            &["a:read", "c:read", "c:manage"],
        ),
        (abc, "read,manage", "-1", &[]),
        (abc, "read,manage", "+3", &[]),
        (abc, "read,manage", "0x3", &[]),
        (abc, "read,manage", "1.5", &[]),
        (abc, "read,manage", "1_0", &[]),
        (abc, "read,manage", "３", &[]),
        (abc, "read,manage", ",", &[]),
        (abc, "read,manage", " 3 ", &["a:read", "a:manage"]),
        (abc, "read,manage", "003", &["a:read", "a:manage"]),
        ("o:a", "read,,manage", "7", &["a:read", "a:", "a:manage"]),
        ("O:a,o:b", "read", "1,1", &["b:read"]),
        ("o:a:b", "read", "1", &["a:b:read"]),
        ("u:a,o:b", "read", "1,0", &[]),
        ("u:a,o:b", "read", "1,1", &["b:read"]),
    ];
    for (features, permissions, masks, expected) in judged {
        let expected: Vec<String> = expected.iter().map(|text| format!("org:{text}")).collect();
        assert_eq!(
            decode_permissions(features, permissions, masks),
            expected,
            "{features} {masks}"
        );
    }
}

#[test]
fn a_missing_or_mistyped_part_grants_nothing() {
    for (fea, o) in [
        (
            json!(null),
            json!({"id": "org_1", "per": "read", "fpm": "1"}),
        ),
        (
            json!(["o:a"]),
            json!({"id": "org_1", "per": "read", "fpm": "1"}),
        ),
        (json!("o:a"), json!({"id": "org_1", "per": "read"})),
        (json!("o:a"), json!({"id": "org_1", "fpm": "1"})),
        (
            json!("o:a"),
            json!({"id": "org_1", "per": "read", "fpm": 1}),
        ),
        (
            json!("o:a"),
            json!({"id": "org_1", "per": ["read"], "fpm": "1"}),
        ),
        (
            json!("o:a,"),
            json!({"id": "org_1", "per": "read", "fpm": "1"}),
        ),
        (
            json!("o:a\0"),
            json!({"id": "org_1", "per": "read", "fpm": "1"}),
        ),
        (
            json!("o:a"),
            json!({"id": "org_1", "per": "read\0", "fpm": "1"}),
        ),
    ] {
        let claims = claims_with(json!({"v": 2, "fea": fea, "o": o}));
        let session = verify_trusted_claims(&claims.to_string(), &trust(), NOW);
        let session = session.expect("a session").expect("of a known issuer");
        assert!(
            session
                .organization()
                .expect("one")
                .permissions()
                .is_empty(),
            "{claims}"
        );
    }
}

#[test]
fn a_huge_mask_is_read_to_its_last_bit() {
    let permissions: Vec<String> = (0..200).map(|bit| format!("p{bit}")).collect();
    let power = "1606938044258990275541962092341162602522202993782792835301376"; // 2 to the 200th
    let one_less = "1606938044258990275541962092341162602522202993782792835301375";
    let permissions = permissions.join(",");
    assert!(decode_permissions("o:f", &permissions, power).is_empty());
    assert_eq!(decode_permissions("o:f", &permissions, one_less).len(), 200);
}

/// The claims of a case beside those of a valid session, a null kept as a null.
fn session_claims(case: &Value) -> Value {
    let mut claims = claims();
    for (name, value) in case["claims"].as_object().expect("claims") {
        claims[name] = value.clone();
    }
    claims
}
