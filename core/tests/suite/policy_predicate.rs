//! A predicate in parentheses stays in them.

use clerk_core::policy::RefusalKind;
use clerk_core::policy::predicate::{LONGEST_PREDICATE, check_predicate};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;

use crate::policy_tokens::{Token, depths, tokens};

#[test]
fn expressions_are_accepted() {
    for predicate in [
        "true",
        "a = 'b'",
        "a = 'it''s; -- /* $$ ( here'",
        "\"we;ird ) name\" IS NULL",
        "(a OR b) AND c[1] = ANY (ARRAY['x', 'y'])",
        "EXISTS (SELECT 1 FROM t WHERE t.id = x)",
        "a::text <> b AND c -> 'd' ->> 'e' = 'f'",
        "a - -1 > 2 / 3 * 4",
        "é = U&'\\00e9'",
        "type = 'E' AND name = 'e'",
        "\n a\n",
    ] {
        assert!(
            check_predicate("predicate", predicate).is_ok(),
            "{predicate}"
        );
    }
    assert!(check_predicate("predicate", &"a".repeat(LONGEST_PREDICATE)).is_ok());
}

#[test]
fn what_could_end_the_parentheses_is_refused() {
    for (predicate, detail) in [
        ("", "It is empty."),
        (" \n\t", "It is empty."),
        ("true) OR (true", "A bracket is closed that was not opened."),
        ("(true", "A bracket is opened that is not closed."),
        ("(a]", "A bracket is closed that was not opened."),
        ("true; DROP TABLE x", "It holds a semicolon."),
        ("true -- x", "It holds a comment."),
        ("true /* x */", "It holds a comment."),
        ("a +-- x", "It holds a comment."),
        ("a = 'b", "A quote has no end."),
        ("a = \"b", "A quote has no end."),
        ("a = 'b''", "A quote has no end."),
        ("a = E'b'", "It holds an E'...' string."),
        ("a = e'b'", "It holds an E'...' string."),
        ("a\0", "It holds a NUL."),
        ("a = '\0'", "A quote has no end."),
    ] {
        let refusal = check_predicate("and_where", predicate).expect_err(predicate);
        assert_eq!(refusal.kind, RefusalKind::Syntax);
        assert_eq!(refusal.message, "and_where is not a single expression");
        assert_eq!(refusal.detail, detail, "{predicate}");
        assert_eq!(
            refusal.hint,
            "Write one boolean expression over the table's columns, without semicolons, comments, dollar quotes \
             and E'...' strings."
        );
    }
    for predicate in [
        "a = $$b$$",
        "a = $1",
        "a$",
        "a = $x$b$x$",
        "true \\! id",
        "1E'\\' OR true'",
        "1e1e'x'",
    ] {
        assert!(
            check_predicate("predicate", predicate).is_err(),
            "{predicate}"
        );
    }
    let long = "a".repeat(LONGEST_PREDICATE + 1);
    let refusal = check_predicate("predicate", &long).expect_err("a refusal");
    assert_eq!(refusal.detail, "It is longer than 8192 bytes.");
}

/// Pieces of SQL, and what ends them early.
fn any_predicate() -> impl Strategy<Value = String> {
    let piece = select(vec![
        "a", "true", " ", " AND ", "=", "'", "''", "\"", "\"\"", "(", ")", "[", "]", "(a)", "'x'",
        "\"n\"", ";", "-", "--", "/", "*", "/*", "*/", "$", "$$", "$a$", "$1", "e", "E", "E'",
        "U&'", "U&\"", "x'", "1", "1e", ".", "\\", "\\'", "\n", "\r", "\t", ",", "::", ":", "é",
        "\u{a0}", "😀", "{", "}", "+", "<", "@", "?", "\u{1}", "n'", "_", "'\n'",
    ]);
    prop_oneof![
        4 => vec(piece, 1..20).prop_map(|pieces| pieces.concat()),
        1 => ".{0,40}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 30_000,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(0x0050_EDCA),
        ..ProptestConfig::default()
    })]

    #[test]
    fn an_accepted_predicate_stays_in_its_parentheses(predicate in any_predicate()) {
        if check_predicate("predicate", &predicate).is_err() {
            return Ok(());
        }
        prop_assert!(!predicate.contains('\0'));
        let tokens = tokens(&format!("({predicate})")).expect("every quote has its end");
        let inside = &tokens[..tokens.len() - 1];
        prop_assert_eq!(tokens.last(), Some(&Token::Close(')')));
        prop_assert_eq!(depths(inside), Ok((1, 1)));
        prop_assert_eq!(depths(&tokens), Ok((0, 0)));
        for token in inside {
            prop_assert!(!matches!(token, Token::Comment | Token::Parameter | Token::Mark(";")));
        }
    }

    #[test]
    fn an_accepted_predicate_reads_the_same_between_others(predicate in any_predicate()) {
        if check_predicate("predicate", &predicate).is_err() {
            return Ok(());
        }
        let alone = tokens(&predicate).expect("tokens");
        let between = tokens(&format!("(a AND ({predicate}) AND b)")).expect("tokens");
        prop_assert_eq!(&between[4..between.len() - 4], alone.as_slice());
    }
}
