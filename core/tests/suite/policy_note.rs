//! The comment on a policy: what was written is read again, and nothing else is.

use clerk_core::policy::Specification;
use clerk_core::policy::change::{write_difference, write_removal, write_script};
use clerk_core::policy::note::{MARK, Made, Note};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::{Value, json};

use crate::policy_facts::{documents, facts, planned, policy};
use crate::policy_hostile::hostile_text;

/// Some options of every type, with any texts.
fn any_specification() -> impl Strategy<Value = Specification> {
    let texts = || of(vec(hostile_text(), 0..3));
    (
        vec(of(hostile_text()), 12),
        texts(),
        texts(),
        texts(),
        of(any::<bool>()),
        hostile_text(),
    )
        .prop_map(
            |(mut options, commands, to_roles, immutable, flag, template)| {
                let mut next = || options.pop().flatten();
                let roles =
                    next().map(|text| json!({"read": text, "write": [text, 1, null, 1.5e300]}));
                Specification {
                    template,
                    owner_column: next(),
                    org_column: next(),
                    role: next(),
                    via: next(),
                    predicate: next(),
                    and_where: next(),
                    prefix: next(),
                    soft_delete: next(),
                    roles,
                    commands,
                    to_roles,
                    immutable,
                    force: flag,
                    ..Specification::default()
                }
            },
        )
}

#[test]
fn a_note_is_a_mark_and_the_options_that_were_given() {
    let note = Note {
        specification: Specification {
            template: "owner".to_owned(),
            prefix: Some("mine".to_owned()),
            commands: Some(vec!["select".to_owned(), "delete".to_owned()]),
            ..Specification::default()
        },
        made: Made::default(),
    };
    assert_eq!(
        note.to_comment(),
        r#"clerk_sync: {"template":"owner","commands":["select","delete"],"prefix":"mine"}"#
    );
    assert_eq!(note.prefix(), "mine");
    assert_eq!(note.policies(), ["mine_select", "mine_delete"]);
    let made = Made {
        defaults: vec!["user_id".to_owned()],
        grants: vec![("app".to_owned(), "SELECT".to_owned())],
    };
    let comment = Note { made, ..note }.to_comment();
    let ending = r#","prefix":"mine","made":{"defaults":["user_id"],"grants":[["app","SELECT"]]}}"#;
    assert!(comment.ends_with(ending), "{comment}");
}

#[test]
fn anything_else_is_no_note() {
    for comment in [
        "",
        "a comment",
        r#"{"template":"owner"}"#,
        r#" clerk_sync: {"template":"owner"}"#,
        r#"Clerk_sync: {"template":"owner"}"#,
        r#"clerk_sync:{"template":"owner"}"#,
        "clerk_sync: ",
        "clerk_sync: an update leaves the column as it is",
        "clerk_sync: []",
        "clerk_sync: null",
        r#"clerk_sync: {"template":"owner""#,
        r#"clerk_sync: {"template":"owner"} "{"#,
        r#"clerk_sync: {"template":"owner","unknown":1}"#,
        r#"clerk_sync: {"template":7}"#,
        r#"clerk_sync: {"template":"owner","made":7}"#,
        r#"clerk_sync: {"template":"owner","made":{"triggers":[]}}"#,
        r#"clerk_sync: {"template":"owner","made":{"grants":[["app"]]}}"#,
        r#"clerk_sync: {"template":"owner","made":{"grants":[["app","SELECT ON t FROM app; DROP TABLE t; --"]]}}"#,
        r#"clerk_sync: {"template":"owner","made":{"grants":[["app","select"]]}}"#,
    ] {
        assert_eq!(Note::parse(comment), None, "{comment}");
    }
    let deep = format!(r#"{MARK}{{"roles":{}"#, "[".repeat(100_000));
    assert_eq!(Note::parse(&deep), None);
}

#[test]
fn a_forged_note_makes_no_statement_about_roles_and_columns_that_are_not_there() {
    let forged = r#"clerk_sync: {"template":"owner","commands":["select"],"made":{"defaults":["nothing","body"],"grants":[["nobody","SELECT"]]}}"#;
    let table = facts(json!({"policies": [policy("clerk_select", 'r', &["app"], Some(forged))]}));
    let removal = write_removal(&table, None, &[]);
    let statements: Vec<_> = removal
        .iter()
        .flat_map(|change| &change.statements)
        .collect();
    assert_eq!(statements, ["DROP POLICY clerk_select ON public.documents"]);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(0x0000_07E5),
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_note_is_read_as_it_was_written(
        specification in any_specification(), defaults in vec(hostile_text(), 0..3),
        grants in vec((hostile_text(), proptest::sample::select(vec!["SELECT", "INSERT", "UPDATE", "DELETE", "USAGE"])
            .prop_map(str::to_owned)), 0..3),
    ) {
        let note = Note { specification, made: Made { defaults, grants } };
        let comment = note.to_comment();
        prop_assert!(!comment.contains('\0'));
        prop_assert_eq!(Note::parse(&comment), Some(note));
    }

    #[test]
    fn no_comment_is_a_note_by_chance(text in ".{0,60}", json in hostile_text()) {
        prop_assert_eq!(Note::parse(&text), None);
        let forged = format!("{MARK}{json}");
        prop_assert_eq!(Note::parse(&forged), None);
    }

    #[test]
    fn forged_and_damaged_notes_do_no_harm(
        specification in any_specification(), at in any::<proptest::sample::Index>(),
        byte in proptest::sample::select(b"{}[]\":,\\n0'-".to_vec()), is_damaged in any::<bool>(),
    ) {
        let mut comment = Note { specification, made: Made::default() }.to_comment().into_bytes();
        if is_damaged {
            let at = at.index(comment.len());
            comment[at] = byte;
        }
        let comment = String::from_utf8_lossy(&comment).into_owned();
        let policies: Vec<Value> = ["clerk_select", "clerk_update", "x"]
            .iter().map(|name| policy(name, 'w', &["authenticated"], Some(&comment))).collect();
        let table = facts(json!({"row_security": true, "policies": policies}));
        let plan = planned("owner", json!({}), &documents());
        for statements in [
            write_script(&plan, &[], &table),
            write_difference(&plan, &[], &table, &|_, _| false),
            Ok(write_removal(&table, None, &[])),
            Ok(write_removal(&table, Some("clerk"), std::slice::from_ref(&plan))),
        ].into_iter().flatten().flatten().flat_map(|change| change.statements) {
            prop_assert!(crate::policy_tokens::one_statement(&statements).is_ok());
        }
    }
}
