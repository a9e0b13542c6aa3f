//! Sets of policies that come and go on one table, in any order.

use clerk_core::policy::Specification;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::RngSeed;
use serde_json::json;

use crate::policy_catalog::Catalog;
use crate::policy_change::{catalog, left, protect, summaries, unprotect};
use crate::policy_facts::specification;

/// Nothing is missing of a set that another set's change left alone, but it may hold what it made for
/// that one, and takes it back now.
fn take_back(table: &mut Catalog, asked: &Specification) {
    let changes = table.difference(asked).expect("a difference");
    for step in summaries(&changes) {
        let gives_back = ["comment on policy ", "revoke ", "drop default "];
        assert!(
            gives_back.iter().any(|verb| step.starts_with(verb)),
            "{step}"
        );
    }
    table.apply(&changes);
}

/// Some set of one of three prefixes.
fn any_specification() -> impl Strategy<Value = Specification> {
    let template = select(vec![
        ("owner", json!({})),
        (
            "owner",
            json!({"owner_column": "author", "reverification": "strict"}),
        ),
        ("organization", json!({"owner_column": "user_id"})),
        (
            "member",
            json!({"owner_column": "author", "roles": {"write": "org:admin"}}),
        ),
        ("public_read", json!({})),
        (
            "custom",
            json!({"predicate": "author = 'x'", "immutable": ["author", "user_id"]}),
        ),
        ("role", json!({"role": "org:admin"})),
        ("feature", json!({"feature": "audit", "restrictive": true})),
        ("service", json!({})),
    ]);
    let commands = subsequence(vec!["select", "insert", "update", "delete"], 1..=4);
    let prefix = select(vec!["clerk", "second", "third"]);
    let soft = any::<(bool, bool, bool)>();
    (template, commands, prefix, soft).prop_map(|((name, mut options), commands, prefix, flags)| {
        options["commands"] = json!(commands);
        options["prefix"] = json!(prefix);
        options["grants"] = json!(flags.0);
        if flags.1 {
            options["soft_delete"] = json!("deleted_at");
        }
        if flags.2 {
            options["set_defaults"] = json!(false);
        }
        specification(name, options)
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 500,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(0x000F_0CC5),
        ..ProptestConfig::default()
    })]

    #[test]
    fn sets_come_and_go_without_harm_to_each_other(
        asked in proptest::collection::vec(any_specification(), 1..6),
        whole in any::<bool>(),
    ) {
        let mut table = catalog(json!({}));
        let before = left(&table);
        let mut present: Vec<Specification> = Vec::new();
        for set in asked {
            if whole {
                let script = table.script(&set).expect("a script");
                table.apply(&script);
            } else {
                protect(&mut table, &set);
            }
            present.retain(|other| other.prefix() != set.prefix());
            present.push(set);
            for other in &present {
                take_back(&mut table, other);
            }
        }
        while let Some(set) = present.pop() {
            unprotect(&mut table, Some(set.prefix()));
            for other in &present {
                take_back(&mut table, other);
            }
        }
        prop_assert_eq!(left(&table), before);
    }
}
