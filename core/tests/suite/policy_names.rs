//! Names and texts in SQL, and `project_id references projects`.

use std::collections::BTreeMap;

use clerk_core::policy::names::{
    LONGEST_NAME, check_name, free_name, join_name, quote_name, quote_qualified, quote_text,
};
use clerk_core::policy::via::Via;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::policy_hostile::{hostile_name, hostile_text};
use crate::policy_tokens::{Token, tokens};

/// Those that `kwlist.h` of Postgres 15 does not call unreserved.
pub const RESERVED: &str = "all analyse analyze and any array as asc asymmetric authorization between bigint binary bit \
    boolean both case cast char character check coalesce collate collation column concurrently \
    constraint create cross current_catalog current_date current_role current_schema current_time \
    current_timestamp current_user dec decimal default deferrable desc distinct do else end except \
    exists extract false fetch float for foreign freeze from full grant greatest group grouping \
    having ilike in initially inner inout int integer intersect interval into is isnull join \
    lateral leading least left like limit localtime localtimestamp national natural nchar none \
    normalize not notnull null nullif numeric offset on only or order out outer overlaps overlay \
    placing position precision primary real references returning right row select session_user \
    setof similar smallint some substring symmetric table tablesample then time timestamp to \
    trailing treat trim true union unique user using values varchar variadic verbose when where \
    window with xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi \
    xmlroot xmlserialize xmltable";

#[test]
fn keywords_are_quoted_and_plain_names_are_not() {
    for word in RESERVED.split(' ') {
        assert_eq!(quote_name(word), format!("\"{word}\""));
    }
    for name in [
        "a", "_", "a1_", "user_id", "name", "policy", "tables", "selects",
    ] {
        assert_eq!(quote_name(name), name);
    }
    for (name, quoted) in [
        ("", "\"\""),
        ("A", "\"A\""),
        ("1a", "\"1a\""),
        ("a b", "\"a b\""),
        ("a$", "\"a$\""),
        ("é", "\"é\""),
        ("a\"b", "\"a\"\"b\""),
        ("\"", "\"\"\"\""),
        ("a.b", "\"a.b\""),
    ] {
        assert_eq!(quote_name(name), quoted);
    }
    assert_eq!(quote_qualified("User", "table"), "\"User\".\"table\"");
}

#[test]
fn texts_are_the_same_whatever_backslashes_mean() {
    for (text, quoted) in [
        ("", "''"),
        ("it's", "'it''s'"),
        ("a\\b", "E'a\\\\b'"),
        ("\\'", "E'\\\\'''"),
        ("$$", "'$$'"),
    ] {
        assert_eq!(quote_text(text), quoted);
    }
}

#[test]
fn a_name_has_1_to_63_bytes_and_no_nul() {
    for name in ["a", "\"; DROP", &"é".repeat(31), &"x".repeat(63)] {
        assert!(check_name("prefix", name).is_ok());
    }
    for name in ["", "a\0", "\0", &"é".repeat(32), &"x".repeat(64)] {
        let refusal = check_name("prefix", name).expect_err("a refusal");
        assert_eq!(refusal.message, "prefix is not valid");
    }
}

#[test]
fn what_fits_is_joined_whole_and_what_does_not_is_cut_and_told_apart() {
    assert_eq!(join_name("clerk", "select"), "clerk_select");
    let fits = "x".repeat(56);
    assert_eq!(join_name(&fits, "select"), format!("{fits}_select"));
    let long = join_name(&"x".repeat(57), "select");
    assert_eq!(long.len(), LONGEST_NAME);
    assert!(
        long.starts_with("xxx") && long.ends_with("_select"),
        "{long}"
    );
    assert_ne!(long, join_name(&"x".repeat(58), "select"));
    // Characters are not cut in two.
    let wide = join_name(&"é".repeat(31), "select");
    assert!(
        wide.len() <= LONGEST_NAME && wide.starts_with("éé"),
        "{wide}"
    );
}

#[test]
fn a_free_name_is_the_first_that_is_not_taken() {
    let taken = ["t_idx", "t_idx1", "t_idx3"];
    assert_eq!(
        free_name("t", "idx", |name| taken.contains(&name)),
        "t_idx2"
    );
    assert_eq!(free_name("u", "idx", |name| taken.contains(&name)), "u_idx");
    let long = "x".repeat(63);
    let first = free_name(&long, "idx", |_| false);
    let second = free_name(&long, "idx", |name| name == first);
    assert!(second != first && second.len() <= LONGEST_NAME, "{second}");
    assert!(second.ends_with("_idx1"), "{second}");
}

#[test]
fn a_parent_is_read_as_postgres_reads_names() {
    for (text, shown) in [
        (
            "project_id references projects",
            "project_id references projects",
        ),
        (
            "  Project_ID\tREFERENCES\nApp . Projects ( ID ) ",
            "project_id references app.projects (id)",
        ),
        ("(a, b) references p", "a, b references p"),
        ("a,b references p(c,d)", "a, b references p (c, d)"),
        (
            r#""A ""b"".c" references "S"."select""#,
            r#""A ""b"".c" references "S"."select""#,
        ),
        (
            "references references references",
            r#""references" references "references""#,
        ),
        ("é references p", r#""é" references p"#),
    ] {
        assert_eq!(Via::parse(text).expect(text).to_string(), shown);
    }
    for text in [
        "",
        "a",
        "a references",
        "references p",
        "a references p.",
        "a references .p",
        "a references p ()",
        "a references p (b, c)",
        "a, references p",
        "(a references p",
        "a) references p",
        "a references p; drop",
        "a references p (b) c",
        "a reference p",
        "1 references p",
        "\"\" references p",
        "\"a references p",
        "a references a.b.c",
        "a references p -- x",
        "\"a\0\" references p",
    ] {
        let refusal = Via::parse(text).expect_err(text);
        assert_eq!(refusal.message, "via is not valid");
        assert_eq!(
            refusal.detail,
            "It is not of the form: column references table (column)."
        );
        assert_eq!(
            refusal.hint,
            "Write via => 'project_id references projects'."
        );
    }
    let long = format!("{} references p", "a".repeat(64));
    assert!(Via::parse(&long).is_err());
    assert!(Via::parse(&long[1..]).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(0x0000_4A3E),
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_quoted_name_is_one_token_that_reads_as_the_name(name in hostile_name(), text in hostile_text()) {
        match tokens(&quote_name(&name)).expect("a token").as_slice() {
            [Token::Name(read)] => prop_assert_eq!(read, &name),
            [Token::Word(read)] => {
                prop_assert_eq!(read, &name);
                prop_assert!(!RESERVED.split(' ').any(|word| word == read));
            }
            other => prop_assert!(false, "{:?}", other),
        }
        let quoted = quote_text(&text);
        // Without standard_conforming_strings a backslash escapes in every text.
        prop_assert!(quoted.starts_with('E') || !quoted.contains('\\'));
        prop_assert_eq!(tokens(&quoted), Ok(vec![Token::Text(text)]));
    }

    #[test]
    fn joined_names_fit_and_differ(
        names in proptest::collection::vec((hostile_name(), hostile_name()), 2..20),
    ) {
        let mut known: BTreeMap<String, String> = BTreeMap::new();
        for (front, back) in names {
            let whole = format!("{front}_{back}");
            let joined = join_name(&front, &back);
            prop_assert!(joined.len() <= LONGEST_NAME, "{}", joined);
            let before = known.insert(joined, whole.clone());
            prop_assert!(before.is_none_or(|before| before == whole));
        }
    }

    #[test]
    fn a_parent_that_is_shown_reads_the_same(
        columns in proptest::collection::vec(hostile_name(), 1..4),
        (schema, table) in (proptest::option::of(hostile_name()), hostile_name()),
        is_named in any::<bool>(), text in hostile_text(),
    ) {
        let parent_columns = if is_named { columns.clone() } else { Vec::new() };
        let via = Via { columns, schema, table, parent_columns };
        prop_assert_eq!(Via::parse(&via.to_string()), Ok(via));
        for text in [text.clone(), format!("a references {text}"), format!("{text} references b")] {
            if let Ok(via) = Via::parse(&text) {
                prop_assert_eq!(Via::parse(&via.to_string()), Ok(via));
            }
        }
    }
}
