//! Hostile names and texts everywhere: whatever they hold, each statement that is written is the same
//! statement as for harmless ones, token by token, and each name is read as itself.

use std::collections::BTreeMap;

use clerk_core::policy::change::Change;
use clerk_core::policy::facts::TableFacts;
use clerk_core::policy::note::Note;
use clerk_core::policy::{Specification, plan};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;
use serde_json::{Value, json};

use crate::policy_catalog::{Catalog, name_of};
use crate::policy_facts::{column, column_with, documents, policy, specification};
use crate::policy_names::RESERVED;
use crate::policy_tokens::{Token, one_statement};

/// Pieces that end quotes, names and statements early where they are not quoted.
fn hostile_piece() -> impl Strategy<Value = &'static str> {
    select(vec![
        "\"",
        "\"\"",
        "'",
        "''",
        "\\",
        "\\'",
        ";",
        "--",
        "/*",
        "*/",
        "$$",
        "$a$",
        "E'",
        "U&\"",
        "(",
        ")",
        "[",
        "{",
        "\n",
        "\r\n",
        "\t",
        " ",
        ".",
        ",",
        "%s",
        "%I",
        ":x",
        "\u{1}",
        "\u{7f}",
        "é",
        "\u{a0}",
        "\u{202e}",
        "😀",
        "İ",
        "a",
        "A",
        "1",
        "_",
        "select",
        "NULL",
        "\"; DROP TABLE x; --",
        "'; DROP TABLE x; --",
        "clerk_sync: {",
    ])
}

/// A text without NUL, which Postgres' own cannot hold.
pub fn hostile_text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => vec(hostile_piece(), 1..12).prop_map(|pieces| pieces.concat()),
        1 => "[^\u{0}]{1,40}",
    ]
}

/// What a name in Postgres can be: 1 to 63 bytes.
pub fn hostile_name() -> impl Strategy<Value = String> {
    let keyword = select(RESERVED.split(' ').collect::<Vec<_>>());
    prop_oneof![
        4 => hostile_text().prop_map(|text| cut(&text)),
        1 => hostile_text().prop_map(|text| cut(&text.repeat(63))),
        1 => keyword.prop_map(str::to_owned),
        1 => select(vec!["x", "é", "\"", "😀"]).prop_map(|text| cut(&text.repeat(63))),
    ]
}

fn cut(text: &str) -> String {
    let mut end = text.len().min(63);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

const NAMES: usize = 14;
const TEXTS: usize = 3;

/// Names and texts of a table, its parent and its specification.
struct World {
    names: Vec<String>,
    texts: Vec<String>,
}

impl World {
    fn harmless() -> Self {
        Self {
            names: (0..NAMES).map(|at| format!("harmless{at}")).collect(),
            texts: (0..TEXTS).map(|at| format!("harmless text {at}")).collect(),
        }
    }

    /// In quotes, whatever it is.
    fn quoted(&self, at: usize) -> String {
        format!("\"{}\"", self.names[at].replace('"', "\"\""))
    }

    fn catalog(&self) -> Catalog {
        let name = |at: usize| self.names[at].as_str();
        let sequence = format!("{}.{}", self.quoted(0), self.quoted(9));
        let table = |table: usize| {
            json!({
                "schema": name(0), "name": name(table), "kind": "r", "persistence": "p",
                "is_partition": false, "extension": null, "is_owned": true,
                "row_security": table != 1, "force_row_security": false,
                "columns": [
                    column_with(name(2), "bigint", json!({"sequence": sequence})), column(name(3), "text"),
                    column_with(name(4), "app.id", json!({"base_type": "character varying"})), column(name(5), "timestamp with time zone"), column(name(6), "text"),
                ],
                "primary_key": [name(2)], "unique_keys": [[name(2)], [name(3)]], "indexes": [], "policies": [], "triggers": [], "grants": [],
                "taken_names": [], "roles": [name(7), name(8)], "function_schema": name(11),
            })
        };
        let mut catalog = Catalog::new(table(1));
        let mut parent = table(12);
        let asked = self.specification(1);
        let facts: TableFacts = serde_json::from_value(parent.clone()).expect("facts");
        let plan = plan(&asked, &facts, &[]).expect("a plan");
        let note = Note {
            specification: plan.specification,
            made: Default::default(),
        };
        parent["policies"] = json!([policy(name(13), 'w', &[name(7)], Some(&note.to_comment()))]);
        catalog.parents = vec![serde_json::from_value(parent).expect("facts")];
        catalog
    }

    /// One of several specifications, for the role 7 and with the prefix 10.
    fn specification(&self, number: usize) -> Specification {
        let name = |at: usize| self.names[at].as_str();
        let text = |at: usize| self.texts[at].as_str();
        let (template, mut options) = match number {
            0 => (
                "owner",
                json!({"owner_column": name(3), "soft_delete": name(5), "immutable": [name(6), name(3)]}),
            ),
            1 => (
                "organization",
                json!({"owner_column": name(3), "org_column": name(4), "soft_delete": name(5),
                "roles": {"read": [text(0), text(1)], "write": text(2)}}),
            ),
            2 => (
                "member",
                json!({"owner_column": name(3), "org_column": name(4), "role": text(0),
                "roles": {"delete": [text(1), text(2)]}}),
            ),
            3 => (
                "permission",
                json!({"permission": text(0), "organization": text(1)}),
            ),
            4 => (
                "feature",
                json!({"feature": text(0), "plan": text(1), "owner_column": name(6),
                "org_column": name(4), "restrictive": true, "force": true}),
            ),
            5 => (
                "public_read",
                json!({"owner_column": name(3), "read_to_roles": [name(8), name(7), "public"]}),
            ),
            6 => (
                "role",
                json!({"role": text(2), "org_column": name(4), "and_where": "a = 'b'", "or_where": "c"}),
            ),
            7 => ("service", json!({})),
            _ => (
                "inherit",
                json!({"via": format!("{} references {}.{} ({})", self.quoted(6), self.quoted(0),
                self.quoted(12), self.quoted(3))}),
            ),
        };
        options["prefix"] = json!(name(10));
        options["to_roles"] = json!([name(7)]);
        options["grants"] = json!(true);
        specification(template, options)
    }

    /// The statements of one set, of another in its place, and of the way back.
    fn life(&self, first: usize, second: usize) -> Vec<Change> {
        let mut catalog = self.catalog();
        let mut all = Vec::new();
        for number in [first, second] {
            let asked = self.specification(number);
            all.extend(catalog.script(&asked).expect("a script"));
            let changes = catalog.difference(&asked).expect("a difference");
            catalog.apply(&changes);
            let again = catalog.difference(&asked).expect("a difference");
            assert_eq!(again, []);
            all.extend(changes);
        }
        let removal = catalog.removal(None);
        catalog.apply(&removal);
        all.extend(removal);
        all
    }

    /// Names that Postgres would not have, or that mean something else.
    fn is_usual(&self) -> bool {
        let mut names = self.names.clone();
        names.sort();
        names.dedup();
        let special = ["public", "anon", "authenticated", "service_role", "clerk"];
        names.len() == NAMES
            && !self
                .names
                .iter()
                .any(|name| special.contains(&name.as_str()) || name.starts_with("pg_"))
    }
}

/// Which name or text stands for which, as it is found.
struct Meanings(BTreeMap<String, String>);

impl Meanings {
    fn new(harmless: &World, hostile: &World) -> Self {
        let names = harmless.names.iter().zip(&hostile.names);
        let texts = harmless.texts.iter().zip(&hostile.texts);
        Self(
            names
                .chain(texts)
                .map(|(a, b)| (a.clone(), b.clone()))
                .collect(),
        )
    }

    /// The tokens are of the same kinds, and each is what its harmless partner stands for.
    fn compare(&mut self, harmless: &str, hostile: &str) -> Result<(), TestCaseError> {
        let ours = one_statement(harmless).map_err(TestCaseError::fail)?;
        let theirs = one_statement(hostile).map_err(TestCaseError::fail)?;
        prop_assert_eq!(ours.len(), theirs.len(), "{}", hostile);
        for (ours, theirs) in ours.iter().zip(&theirs) {
            match (ours, theirs) {
                (Token::Word(word) | Token::Name(word), _) if word.contains("harmless") => {
                    let name = name_of(theirs);
                    let name = name.ok_or_else(|| TestCaseError::fail(hostile.to_owned()))?;
                    prop_assert!(name.len() <= 63 && !name.is_empty(), "{}", name);
                    let is_bare = matches!(theirs, Token::Word(_));
                    prop_assert!(!(is_bare && RESERVED.split(' ').any(|word| word == name)));
                    // Names that were made of others are not known beforehand, but stay the same.
                    let meaning = self.0.entry(word.clone()).or_insert_with(|| name.clone());
                    prop_assert_eq!(&*meaning, &name);
                }
                (Token::Text(text), Token::Text(theirs)) if text.starts_with("clerk_sync: {") => {
                    prop_assert!(Note::parse(theirs).is_some(), "{}", theirs);
                }
                (Token::Text(text), Token::Text(theirs)) if text.contains("harmless") => {
                    prop_assert_eq!(self.0.get(text), Some(theirs));
                }
                _ => prop_assert_eq!(ours, theirs, "{}", hostile),
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(0x4057_11E5),
        ..ProptestConfig::default()
    })]

    #[test]
    fn hostile_names_change_no_statement(
        names in vec(hostile_name(), NAMES), texts in vec(hostile_text(), TEXTS),
        first in 0_usize..9, second in 0_usize..9,
    ) {
        let hostile = World { names, texts };
        prop_assume!(hostile.is_usual());
        let harmless = World::harmless();
        let (ours, theirs) = (harmless.life(first, second), hostile.life(first, second));
        prop_assert_eq!(ours.len(), theirs.len());
        let mut meanings = Meanings::new(&harmless, &hostile);
        for (ours, theirs) in ours.iter().zip(&theirs) {
            prop_assert_eq!(ours.statements.len(), theirs.statements.len());
            for (ours, theirs) in ours.statements.iter().zip(&theirs.statements) {
                meanings.compare(ours, theirs)?;
            }
        }
    }

    #[test]
    fn a_nul_is_refused_or_never_written(
        template in select(vec!["owner", "organization", "role", "plan", "inherit", "custom", "service"]),
        option in select(vec!["owner_column", "org_column", "organization", "role", "permission", "plan", "feature",
            "reverification", "via", "predicate", "and_where", "or_where", "prefix", "soft_delete", "indexes",
            "roles", "permissions", "commands", "to_roles", "read_to_roles", "immutable", "template"]),
        text in hostile_text(), at in any::<proptest::sample::Index>(),
    ) {
        let mut characters: Vec<char> = text.chars().collect();
        characters.insert(at.index(characters.len() + 1), '\0');
        let text: String = characters.into_iter().collect();
        let value = match option {
            "roles" | "permissions" => json!({"all": [text]}),
            "commands" | "to_roles" | "read_to_roles" | "immutable" => json!([text]),
            _ => Value::String(text),
        };
        let asked = specification(template, json!({option: value}));
        prop_assert!(plan(&asked, &documents(), &[]).is_err());
    }
}
