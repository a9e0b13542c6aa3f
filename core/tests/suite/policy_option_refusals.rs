//! Options that are refused, with kind, message and next step.

use clerk_core::policy::RefusalKind as Kind;
use clerk_core::policy::change::{write_difference, write_script};
use clerk_core::policy::{Refusal, Specification, plan};
use serde_json::{Value, json};

use crate::policy_facts::{
    documents, facts, planned, policy, refused, specification, with_columns,
};
use crate::policy_refusals::parts;

fn option_refused(template: &str, options: Value) -> Refusal {
    refused(template, options, &documents())
}

#[test]
fn a_template_without_what_it_is_about_is_refused() {
    for (template, option) in [
        ("role", "role"),
        ("permission", "permission"),
        ("plan", "plan"),
        ("feature", "feature"),
        ("inherit", "via"),
        ("custom", "predicate"),
    ] {
        assert_eq!(
            parts(&option_refused(template, json!({}))),
            (
                Kind::Option,
                &*format!("template {template} needs {option}"),
                "",
                &*format!("Add {option} => '...'.")
            )
        );
    }
}

#[test]
fn a_role_or_permission_without_an_organization_is_refused() {
    let table = with_columns(&["id", "user_id"]);
    for (template, options) in [
        ("role", json!({"role": "org:admin"})),
        ("permission", json!({"permission": "org:a:b"})),
    ] {
        assert_eq!(
            parts(&refused(template, options, &table)),
            (
                Kind::Option,
                &*format!("template {template} needs to know the organization"),
                "public.documents has no column org_id. A role counts in the active organization, and anybody \
                 can be the admin of one of their own.",
                "Name the rows' organization with org_column => '...', or the one whose members may pass with \
                 organization => 'org_...'."
            )
        );
    }
}

#[test]
fn a_role_or_permission_is_asked_only_where_its_organization_is_the_rows() {
    for (template, options, is_refused) in [
        ("member", json!({"permission": "org:a:b"}), true),
        ("member", json!({"permissions": {"write": "org:a:b"}}), true),
        ("member", json!({"roles": {"write": "admin"}}), false),
        (
            "custom",
            json!({"predicate": "true", "role": "admin"}),
            true,
        ),
        ("public_read", json!({"roles": {"read": "admin"}}), true),
        ("service", json!({"permission": "org:a:b"}), true),
        ("plan", json!({"plan": "pro", "role": "admin"}), true),
        (
            "plan",
            json!({"plan": "pro", "role": "admin", "org_column": "org_id"}),
            false,
        ),
        ("owner", json!({"role": "admin"}), false),
        ("organization", json!({"permission": "org:a:b"}), false),
        (
            "role",
            json!({"role": "admin", "organization": "org_1"}),
            false,
        ),
        (
            "role",
            json!({"role": "admin", "organization": "org_1", "org_column": "org_id"}),
            true,
        ),
    ] {
        let outcome = plan(&specification(template, options.clone()), &documents(), &[]);
        let kind = outcome.err().map(|refusal| refusal.kind);
        assert_eq!(
            kind,
            is_refused.then_some(Kind::Option),
            "{template} {options}"
        );
    }
}

#[test]
fn options_that_the_template_would_ignore_are_refused() {
    for (template, option, options) in [
        (
            "owner",
            "via",
            json!({"via": "a references b", "to_roles": ["app"]}),
        ),
        ("owner", "predicate", json!({"predicate": "true"})),
        (
            "organization",
            "organization",
            json!({"organization": "org_1"}),
        ),
        (
            "inherit",
            "predicate",
            json!({"via": "a references b", "predicate": "true", "to_roles": ["app"]}),
        ),
    ] {
        // A parent that nobody needs: the roles are given, or the parent's are asked for first.
        let asked = specification(template, options);
        let refusal = plan(&asked, &documents(), &[]).expect_err("a refusal");
        assert_eq!(
            parts(&refusal),
            (
                Kind::Option,
                &*format!("template {template} takes no {option}"),
                "",
                "and_where and or_where add conditions to any template."
            )
        );
    }
}

#[test]
fn a_service_role_that_a_client_can_become_is_refused() {
    for options in [
        json!({"to_roles": ["public"]}),
        json!({"to_roles": ["backup", "anon"]}),
        json!({"to_roles": ["authenticated"]}),
        json!({"to_roles": ["backup"], "read_to_roles": ["anon"]}),
    ] {
        assert_eq!(
            parts(&option_refused("service", options)),
            (
                Kind::Option,
                "to_roles is not valid",
                "A service role sees every row of everybody.",
                "Name a role that no client can become."
            )
        );
    }
    let table = facts(json!({"roles": ["authenticated"]}));
    assert_eq!(
        parts(&refused("service", json!({}), &table)),
        (
            Kind::Option,
            "template service needs to_roles",
            "",
            "Name the role that may see every row: to_roles => '{...}'."
        )
    );
}

#[test]
fn roles_must_exist_and_lists_must_not_be_empty() {
    for options in [
        json!({"to_roles": ["app", "No\"body"]}),
        json!({"read_to_roles": ["No\"body"]}),
    ] {
        assert_eq!(
            parts(&option_refused("owner", options)),
            (
                Kind::MissingRole,
                r#"role "No""body" does not exist"#,
                "",
                ""
            )
        );
    }
    // PUBLIC is written in lower case; a role of that name cannot exist.
    assert_eq!(
        option_refused("owner", json!({"to_roles": ["PUBLIC"]})).kind,
        Kind::MissingRole
    );
    for option in ["to_roles", "read_to_roles", "commands"] {
        assert_eq!(
            parts(&option_refused("owner", json!({option: []}))),
            (
                Kind::Option,
                &*format!("{option} is not valid"),
                "The list is empty.",
                ""
            )
        );
    }
}

#[test]
fn values_that_are_none_of_an_options_are_refused() {
    let named = "The templates are owner, organization, member, role, permission, plan, feature, reverified, \
                 public_read, public_profile, private_profile, service, inherit, custom.";
    for template in ["", "Owner", "owners", "owner "] {
        assert_eq!(
            parts(&option_refused(template, json!({}))),
            (
                Kind::Option,
                "template is not valid",
                "There is no such template.",
                named
            )
        );
    }
    for (options, message, detail) in [
        (
            json!({"commands": ["truncate"]}),
            "commands is not valid",
            "A command is select, insert, update or delete.",
        ),
        (
            json!({"indexes": "maybe"}),
            "indexes is not valid",
            "It is create, concurrently or none.",
        ),
        (
            json!({"prefix": ""}),
            "prefix is not valid",
            "a name must not be empty",
        ),
        (
            json!({"prefix": "a\u{0}"}),
            "prefix is not valid",
            "a name must not hold a NUL",
        ),
        (
            json!({"prefix": "a".repeat(64)}),
            "prefix is not valid",
            "the name has 64 bytes, and Postgres keeps 63",
        ),
    ] {
        let refusal = option_refused("owner", options);
        assert_eq!(
            (refusal.kind, &*refusal.message, &*refusal.detail),
            (Kind::Option, message, detail)
        );
    }
    for option in [
        "organization",
        "role",
        "permission",
        "plan",
        "feature",
        "reverification",
    ] {
        for text in ["", "a\u{0}b"] {
            let refusal = option_refused("owner", json!({option: text}));
            assert_eq!(refusal.kind, Kind::Option);
            assert_eq!(refusal.message, format!("{option} is not valid"));
            assert_eq!(refusal.detail, "The text is empty or holds a NUL.");
        }
    }
}

#[test]
fn roles_per_command_are_an_object_of_texts() {
    for option in ["roles", "permissions"] {
        for value in [
            json!("admin"),
            json!(["admin"]),
            json!({}),
            json!({"read": 1}),
            json!({"read": []}),
            json!({"read": [""]}),
            json!({"read": ["a", 2]}),
            json!({"read": null}),
            json!({"reads": "a"}),
            json!({"SELECT": "a"}),
            json!({"read": "a\u{0}"}),
            json!({"all": {"a": "b"}}),
            json!(7),
        ] {
            let refusal = option_refused("organization", json!({option: value.clone()}));
            assert_eq!(refusal.kind, Kind::Option, "{value}");
            assert_eq!(refusal.message, format!("{option} is not valid"));
            assert_eq!(refusal.detail, "It is not an object of commands and texts.");
            assert!(
                refusal.hint.starts_with(&format!("Write {option} => '{{")),
                "{}",
                refusal.hint
            );
        }
    }
}

#[test]
fn unknown_options_and_wrong_types_are_refused() {
    for json in [
        r#"{"template": "owner", "owner": "user_id"}"#,
        r#"{"template": "owner", "made": {}}"#,
        r#"{"template": 1}"#,
        r#"{"template": "owner", "force": "yes"}"#,
        r#"{"template": "owner", "commands": "select"}"#,
        r#"{"template": "owner", "to_roles": [1]}"#,
        r#"{"template": "owner", "prefix": 7}"#,
        "[]",
        "1",
        "null",
        "",
        "{",
    ] {
        let refusal = Specification::parse(json).expect_err(json);
        assert_eq!(refusal.kind, Kind::Option, "{json}");
        assert_eq!(refusal.message, "the specification is not valid");
        assert!(!refusal.detail.is_empty());
    }
}

#[test]
fn public_read_writes_by_an_owner_or_not_at_all() {
    let table = with_columns(&["id"]);
    assert_eq!(
        parts(&refused(
            "public_read",
            json!({"commands": ["select", "insert"]}),
            &table
        )),
        (
            Kind::Option,
            "commands is not valid",
            "public_read writes by the owner, and there is no column of the owner.",
            "Name it with owner_column => '...'."
        )
    );
    planned("public_read", json!({"commands": ["select"]}), &table);
}

#[test]
fn indexes_cannot_be_created_concurrently_everywhere() {
    let options = json!({"indexes": "concurrently"});
    let partitioned = facts(json!({"kind": "p"}));
    assert_eq!(
        parts(&refused("owner", options.clone(), &partitioned)),
        (
            Kind::Unsupported,
            "an index of a partitioned table cannot be created concurrently",
            "",
            "Create it on each partition by hand, and give indexes => 'none'."
        )
    );
    let made = planned("owner", options, &documents());
    assert!(write_script(&made, &[], &documents()).is_ok());
    let refusal = write_difference(&made, &[], &documents(), &|_, _| false).expect_err("a refusal");
    assert_eq!(
        parts(&refusal),
        (
            Kind::Unsupported,
            "an index cannot be created concurrently in a transaction",
            "",
            "Run the statements of clerk.policy_sql() one by one, or leave indexes out."
        )
    );
    // Where the index is there, nothing is left to create.
    let index = json!({"name": "x", "leading_column": "user_id", "columns": 1, "comment": null});
    let indexed = facts(json!({"indexes": [index]}));
    assert!(write_difference(&made, &[], &indexed, &|_, _| false).is_ok());
}

#[test]
fn a_policy_of_somebody_else_is_never_replaced() {
    let made = planned("owner", json!({}), &documents());
    let theirs = r#"clerk_sync: {"template":"owner","prefix":"other","commands":["select"]}"#;
    for comment in [None, Some("mine"), Some("clerk_sync: {"), Some(theirs)] {
        let table = facts(json!({"policies": [policy("clerk_update", 'w', &["app"], comment)]}));
        for written in [
            write_script(&made, &[], &table),
            write_difference(&made, &[], &table, &|_, _| true),
        ] {
            assert_eq!(
                parts(&written.expect_err("a refusal")),
                (
                    Kind::Taken,
                    "policy clerk_update of public.documents was made by somebody else",
                    "",
                    "Give another prefix, or drop that policy first."
                )
            );
        }
    }
}
