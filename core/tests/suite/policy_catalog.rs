//! A table that runs the statements that were written for it, as Postgres would, and tells its facts.

use std::collections::BTreeMap;

use clerk_core::policy::change::{Change, write_difference, write_removal, write_script};
use clerk_core::policy::facts::{PolicyFacts, TableFacts};
use clerk_core::policy::{Plan, Policy, Refusal, Specification, plan};
use serde_json::{Value, json};

use crate::policy_tokens::{Token, one_statement, tokens};

/// A table and its catalogs.
#[derive(Clone)]
pub struct Catalog {
    /// As `table_facts.sql` gives them.
    pub facts: Value,
    /// Tables that it follows.
    pub parents: Vec<TableFacts>,
    /// All that `CREATE POLICY` says after the table.
    policies: BTreeMap<String, Vec<Token>>,
}

impl Catalog {
    pub fn new(facts: Value) -> Self {
        Self {
            facts,
            parents: Vec::new(),
            policies: BTreeMap::new(),
        }
    }

    pub fn table(&self) -> TableFacts {
        serde_json::from_value(self.facts.clone()).expect("facts")
    }

    /// The plans of all sets but one, as their notes tell.
    pub fn others(&self, prefix: &str) -> Vec<Plan> {
        let table = self.table();
        let sets = table.made_sets().into_iter();
        sets.filter(|set| set.prefix() != prefix)
            .map(|set| {
                plan(&set.specification, &table, &self.parents).expect("a plan of what was made")
            })
            .collect()
    }

    /// What is missing of the specification.
    pub fn difference(&self, asked: &Specification) -> Result<Vec<Change>, Refusal> {
        let table = self.table();
        let plan = plan(asked, &table, &self.parents)?;
        let is_same = |policy: &Policy, known: &PolicyFacts| {
            self.policies.get(&known.name) == Some(&said_of(policy))
        };
        write_difference(&plan, &self.others(asked.prefix()), &table, &is_same)
    }

    /// All statements of the specification.
    pub fn script(&self, asked: &Specification) -> Result<Vec<Change>, Refusal> {
        let table = self.table();
        write_script(
            &plan(asked, &table, &self.parents)?,
            &self.others(asked.prefix()),
            &table,
        )
    }

    pub fn removal(&self, prefix: Option<&str>) -> Vec<Change> {
        let remaining = prefix.map_or_else(Vec::new, |prefix| self.others(prefix));
        write_removal(&self.table(), prefix, &remaining)
    }

    /// Runs the statements; panics where Postgres would refuse one.
    pub fn apply(&mut self, changes: &[Change]) {
        for statement in changes.iter().flat_map(|change| &change.statements) {
            let tokens = one_statement(statement).expect("one statement");
            self.run(&mut Cursor { rest: &tokens }, statement);
        }
    }

    fn run(&mut self, cursor: &mut Cursor<'_>, statement: &str) {
        match cursor.word().as_str() {
            "alter" => self.alter(cursor, statement),
            "create" => self.create(cursor),
            "drop" => self.drop(cursor),
            "comment" => self.comment(cursor),
            verb @ ("grant" | "revoke") => self.grant(verb == "grant", cursor),
            other => panic!("{other}"),
        }
        assert!(cursor.rest.is_empty(), "{statement}");
    }

    fn alter(&mut self, cursor: &mut Cursor<'_>, statement: &str) {
        cursor.expect("table");
        self.expect_table(cursor);
        match cursor.word().as_str() {
            "alter" => {
                cursor.expect("column");
                let column = cursor.name();
                let default = match cursor.word().as_str() {
                    "set" => {
                        let (_, default) =
                            statement.rsplit_once(" SET DEFAULT ").expect("a default");
                        json!(default)
                    }
                    _ => Value::Null,
                };
                cursor.rest = &[];
                self.member("columns", &column)["default"] = default;
            }
            word => {
                let enables = word != "no";
                let forces = !enables || word == "force";
                cursor.expect(if enables { "row" } else { "force" });
                cursor.rest = &[];
                let member = if forces {
                    "force_row_security"
                } else {
                    "row_security"
                };
                self.facts[member] = json!(enables);
            }
        }
    }

    fn create(&mut self, cursor: &mut Cursor<'_>) {
        match cursor.word().as_str() {
            "policy" => {
                let name = cursor.name();
                cursor.expect("on");
                self.expect_table(cursor);
                let said = std::mem::take(&mut cursor.rest).to_vec();
                let made = policy_of(&name, &said);
                assert!(
                    self.policies.insert(name, said).is_none(),
                    "the policy is there"
                );
                self.list("policies").push(made);
            }
            "or" => {
                cursor.expect("replace");
                cursor.expect("trigger");
                let name = cursor.name();
                let argument = cursor.rest.len() - 2;
                let (Token::Word(function), Token::Text(column)) =
                    (&cursor.rest[argument - 2], &cursor.rest[argument])
                else {
                    panic!("a function of one text");
                };
                let made = json!({"name": name, "guard": function, "column": column,
                    "condition": condition_of(function, column)});
                cursor.rest = &[];
                self.list("triggers").retain(|known| known["name"] != *name);
                self.list("triggers").push(made);
            }
            "index" => {
                cursor.take("concurrently");
                for word in ["if", "not", "exists"] {
                    cursor.expect(word);
                }
                let name = cursor.name();
                cursor.expect("on");
                self.expect_table(cursor);
                let columns: Vec<_> = cursor.rest.iter().filter_map(name_of).collect();
                cursor.rest = &[];
                let is_there = |known: &Value| known["name"] == *name;
                if !self.list("indexes").iter().any(is_there) {
                    self.list("indexes")
                        .push(json!({"name": name, "leading_column": columns[0],
                            "columns": columns.len(), "comment": null}));
                    self.list("taken_names").push(json!(name));
                }
            }
            other => panic!("{other}"),
        }
    }

    fn drop(&mut self, cursor: &mut Cursor<'_>) {
        let kind = cursor.word();
        let (list, name) = self.object(&kind, cursor);
        self.member(list, &name);
        self.list(list).retain(|known| known["name"] != *name);
        if list == "indexes" {
            self.list("taken_names").retain(|taken| *taken != *name);
        }
        self.policies
            .retain(|known, _| list != "policies" || *known != name);
    }

    fn comment(&mut self, cursor: &mut Cursor<'_>) {
        cursor.expect("on");
        let kind = cursor.word();
        let (list, name) = self.object(&kind, cursor);
        cursor.expect("is");
        let comment = cursor.text();
        self.member(list, &name)["comment"] = json!(comment);
    }

    fn grant(&mut self, gives: bool, cursor: &mut Cursor<'_>) {
        let privilege = cursor.word().to_ascii_uppercase();
        cursor.expect("on");
        let is_table = cursor.take("table");
        let column = if is_table {
            self.expect_table(cursor);
            None
        } else {
            cursor.expect("sequence");
            let sequence = cursor.rest[..3].to_vec();
            cursor.rest = &cursor.rest[3..];
            let mut columns = self.list("columns").iter();
            columns.position(|column| {
                let text = column["sequence"].as_str().unwrap_or_default();
                tokens(text).expect("a name") == sequence
            })
        };
        cursor.expect(if gives { "to" } else { "from" });
        let role = cursor.name();
        let (held, all) = match column {
            Some(column) => {
                let users = &mut self.facts["columns"][column]["sequence_users"];
                if users.is_null() {
                    *users = json!([]);
                }
                (json!(role), users.as_array_mut().expect("a list"))
            }
            None => {
                assert!(is_table, "a sequence of nobody");
                let held = json!({"role": role, "privilege": privilege});
                (held, self.list("grants"))
            }
        };
        all.retain(|known| *known != held);
        if gives {
            all.push(held);
        }
    }

    /// The list and the name of what is commented on or dropped.
    fn object(&self, kind: &str, cursor: &mut Cursor<'_>) -> (&'static str, String) {
        match kind {
            "index" => (
                "indexes",
                cursor.qualified(self.facts["schema"].as_str().unwrap()),
            ),
            "policy" | "trigger" => {
                let name = cursor.name();
                cursor.expect("on");
                self.expect_table(cursor);
                let list = if kind == "policy" {
                    "policies"
                } else {
                    "triggers"
                };
                (list, name)
            }
            other => panic!("{other}"),
        }
    }

    fn expect_table(&self, cursor: &mut Cursor<'_>) {
        let name = cursor.qualified(self.facts["schema"].as_str().unwrap());
        assert_eq!(self.facts["name"], *name);
    }

    fn list(&mut self, list: &str) -> &mut Vec<Value> {
        self.facts[list].as_array_mut().expect("a list")
    }

    fn member(&mut self, list: &str, name: &str) -> &mut Value {
        let mut known = self.list(list).iter_mut();
        let found = known.find(|known| known["name"] == *name);
        found.unwrap_or_else(|| panic!("no {name} in {list}"))
    }
}

/// `pg_policy`, of what `CREATE POLICY` said.
fn policy_of(name: &str, said: &[Token]) -> Value {
    let mut cursor = Cursor { rest: said };
    let restricts = cursor.take("as");
    if restricts {
        cursor.expect("restrictive");
    }
    cursor.expect("for");
    let letter = match cursor.word().as_str() {
        "select" => 'r',
        "insert" => 'a',
        "update" => 'w',
        _ => 'd',
    };
    cursor.expect("to");
    let mut roles = vec![cursor.name()];
    while let [Token::Mark(","), rest @ ..] = cursor.rest {
        cursor.rest = rest;
        roles.push(cursor.name());
    }
    json!({"oid": 1, "name": name, "command": letter, "permissive": !restricts, "roles": roles,
        "comment": null})
}

/// What `CREATE POLICY` would say.
fn said_of(policy: &Policy) -> Vec<Token> {
    let mut said = String::new();
    if !policy.permissive {
        said.push_str("AS RESTRICTIVE ");
    }
    said.push_str(&format!("FOR {} TO ", policy.command.as_str()));
    let mut said = tokens(&said).expect("tokens");
    for (at, role) in policy.roles.iter().enumerate() {
        if at > 0 {
            said.push(Token::Mark(","));
        }
        // Quoted as it must be.
        let quoted = clerk_core::policy::names::quote_name(role);
        said.extend(tokens(&quoted).expect("a name"));
    }
    for (keyword, condition) in [("USING", &policy.using), ("WITH CHECK", &policy.check)] {
        if let Some(condition) = condition {
            said.extend(tokens(&format!("{keyword} ({condition})")).expect("tokens"));
        }
    }
    said
}

/// The name that the token is, where it is one.
pub fn name_of(token: &Token) -> Option<String> {
    match token {
        Token::Word(name) | Token::Name(name) => Some(name.clone()),
        _ => None,
    }
}

struct Cursor<'a> {
    rest: &'a [Token],
}

impl Cursor<'_> {
    fn next(&mut self) -> &Token {
        let (first, rest) = self.rest.split_first().expect("a token");
        self.rest = rest;
        first
    }

    fn word(&mut self) -> String {
        match self.next() {
            Token::Word(word) => word.clone(),
            other => panic!("{other:?} is no word"),
        }
    }

    fn expect(&mut self, word: &str) {
        assert_eq!(self.word(), word);
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.rest.first() == Some(&Token::Word(word.to_owned()));
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    fn name(&mut self) -> String {
        let name = name_of(self.next()).expect("a name");
        assert!(!name.is_empty() && name.len() <= 63, "{name}");
        name
    }

    /// The name, after the schema.
    fn qualified(&mut self, schema: &str) -> String {
        assert_eq!(self.name(), schema);
        assert_eq!(*self.next(), Token::Mark("."));
        self.name()
    }

    fn text(&mut self) -> String {
        match self.next() {
            Token::Text(text) => text.clone(),
            other => panic!("{other:?} is no text"),
        }
    }
}

/// The condition of a guard, as Postgres writes it.
fn condition_of(function: &str, column: &str) -> String {
    let name = clerk_core::policy::names::quote_name(column);
    let changed = format!("(old.{name} IS DISTINCT FROM new.{name})");
    match function {
        "_stamp_deletion" => format!("((new.{name} IS NOT NULL) AND {changed})"),
        _ => changed,
    }
}
