//! Tables for the tests of policies: facts as `sql/statements/table_facts.sql` gives them, and what was
//! planned for them in few words.

use clerk_core::policy::facts::TableFacts;
use clerk_core::policy::{Command, Plan, Refusal, Specification, plan};
use serde_json::{Value, json};

/// The table `public.documents` of a database with Supabase's roles, with the members of `changes`.
pub fn facts(changes: Value) -> TableFacts {
    let mut facts = json!({
        "schema": "public", "name": "documents", "kind": "r", "persistence": "p",
        "is_partition": false, "extension": null, "is_owned": true,
        "row_security": false, "force_row_security": false,
        "columns": [
            column("id", "bigint"), column("user_id", "text"), column("org_id", "text"),
            column("project_id", "bigint"), column("body", "text"),
            column("deleted_at", "timestamp with time zone"),
        ],
        "primary_key": ["id"], "indexes": [], "policies": [], "triggers": [], "grants": [],
        "taken_names": [], "roles": ["anon", "authenticated", "service_role", "app", "backup"],
        "function_schema": "public",
    });
    merge(&mut facts, changes);
    if facts.get("unique_keys").is_none() && facts["primary_key"] != json!([]) {
        facts["unique_keys"] = json!([facts["primary_key"]]);
    }
    serde_json::from_value(facts).expect("facts")
}

pub fn documents() -> TableFacts {
    facts(json!({}))
}

/// The documents with these columns only, all of type text.
pub fn with_columns(names: &[&str]) -> TableFacts {
    let columns: Vec<_> = names.iter().map(|name| column(name, "text")).collect();
    facts(json!({"columns": columns, "primary_key": []}))
}

pub fn column(name: &str, data_type: &str) -> Value {
    json!({
        "name": name, "data_type": data_type, "base_type": data_type, "whole_type": data_type,
        "is_nondeterministic": false, "default": null, "is_generated": false, "sequence": null,
    })
}

/// The column with some of its members changed.
pub fn column_with(name: &str, data_type: &str, changes: Value) -> Value {
    let mut column = column(name, data_type);
    if let Some(base) = changes.get("base_type") {
        column["whole_type"] = base.clone();
    }
    merge(&mut column, changes);
    column
}

/// A policy as the catalogs describe it, with the roles that it is for.
pub fn policy(name: &str, command: char, roles: &[&str], comment: Option<&str>) -> Value {
    json!({
        "oid": 1, "name": name, "command": command, "permissive": true, "roles": roles,
        "comment": comment,
    })
}

fn merge(object: &mut Value, changes: Value) {
    let Value::Object(changes) = changes else {
        panic!("an object");
    };
    for (member, value) in changes {
        object[member] = value;
    }
}

/// The template with options.
pub fn specification(template: &str, options: Value) -> Specification {
    let mut all = json!({"template": template});
    merge(&mut all, options);
    Specification::parse(&all.to_string()).expect("a specification")
}

pub fn planned(template: &str, options: Value, table: &TableFacts) -> Plan {
    plan(&specification(template, options), table, &[]).expect("a plan")
}

pub fn refused(template: &str, options: Value, table: &TableFacts) -> Refusal {
    plan(&specification(template, options), table, &[]).expect_err("a refusal")
}

/// Each policy in a line: its command, and `USING` and `CHECK` where they are.
pub fn conditions(plan: &Plan) -> Vec<String> {
    let part = |keyword: &str, condition: &Option<String>| {
        let condition = condition.as_ref();
        condition.map_or_else(String::new, |condition| format!(" {keyword} {condition}"))
    };
    plan.policies
        .iter()
        .map(|policy| {
            format!(
                "{}{}{}",
                policy.command.as_str(),
                part("USING", &policy.using),
                part("CHECK", &policy.check)
            )
        })
        .collect()
}

/// The condition of one command's policy: of the rows that are there, or else of those written.
pub fn condition(plan: &Plan, command: Command) -> &str {
    let mut policies = plan.policies.iter();
    let policy = policies
        .find(|policy| policy.command == command)
        .expect("a policy of the command");
    policy
        .using
        .as_deref()
        .or(policy.check.as_deref())
        .expect("a condition")
}

/// What [`conditions`] gives where every command has the same condition.
pub fn everywhere(condition: &str) -> Vec<String> {
    vec![
        format!("select USING {condition}"),
        format!("insert CHECK {condition}"),
        format!("update USING {condition} CHECK {condition}"),
        format!("delete USING {condition}"),
    ]
}
