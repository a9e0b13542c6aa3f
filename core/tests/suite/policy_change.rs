//! Plans carried out, repeated, changed and taken back, on a table that runs the statements.

use clerk_core::policy::Specification;
use clerk_core::policy::change::Change;
use serde_json::{Value, json};

use crate::policy_catalog::Catalog;
use crate::policy_facts::{column, column_with, policy, specification};

/// A table of somebody who has done nothing yet.
pub fn catalog(changes: Value) -> Catalog {
    let mut facts = json!({
        "schema": "public", "name": "documents", "kind": "r", "persistence": "p",
        "is_partition": false, "extension": null, "is_owned": true,
        "row_security": false, "force_row_security": false,
        "columns": [
            column_with("id", "bigint", json!({"sequence": "public.documents_id_seq"})),
            column("user_id", "text"), column("org_id", "text"), column("author", "text"),
            column("deleted_at", "timestamp with time zone"),
        ],
        "primary_key": ["id"], "indexes": [], "policies": [], "triggers": [], "grants": [],
        "taken_names": [], "roles": ["anon", "authenticated", "service_role", "app"],
        "function_schema": "public",
    });
    for (member, value) in changes.as_object().expect("an object") {
        facts[member] = value.clone();
    }
    Catalog::new(facts)
}

pub fn summaries(changes: &[Change]) -> Vec<&str> {
    let summaries = changes.iter().map(|change| change.summary.as_str());
    summaries.collect()
}

/// Carries out what is missing, after which nothing is, and says what it was.
pub fn protect(catalog: &mut Catalog, asked: &Specification) -> Vec<String> {
    let changes = catalog.difference(asked).expect("a difference");
    catalog.apply(&changes);
    let again = catalog.difference(asked).expect("a difference");
    assert_eq!(summaries(&again), [""; 0]);
    summaries(&changes).into_iter().map(str::to_owned).collect()
}

pub fn unprotect(catalog: &mut Catalog, prefix: Option<&str>) -> Vec<String> {
    let changes = catalog.removal(prefix);
    catalog.apply(&changes);
    assert_eq!(catalog.removal(prefix), []);
    summaries(&changes).into_iter().map(str::to_owned).collect()
}

/// The facts of the table but for row security, which stays enabled.
pub fn left(catalog: &Catalog) -> Value {
    let mut facts = catalog.facts.clone();
    facts["row_security"] = json!(true);
    for column in facts["columns"].as_array_mut().expect("a list") {
        if column["sequence_users"] == json!([]) {
            column
                .as_object_mut()
                .expect("an object")
                .remove("sequence_users");
        }
    }
    facts
}

#[test]
fn what_was_done_is_not_done_again_and_is_taken_back_whole() {
    let mut table = catalog(json!({}));
    let before = left(&table);
    let asked = specification(
        "organization",
        json!({"owner_column": "user_id", "grants": true,
        "soft_delete": "deleted_at"}),
    );
    let mut done = protect(&mut table, &asked);
    done.sort();
    assert_eq!(
        done,
        [
            "create index documents_org_id_clerk_idx",
            "create policy clerk_insert",
            "create policy clerk_select",
            "create policy clerk_update",
            "create trigger clerk_keep_user_id",
            "create trigger clerk_stamp_deleted_at",
            "enable row security",
            "grant insert to authenticated",
            "grant select to authenticated",
            "grant update to authenticated",
            "grant usage to authenticated",
            "set default of org_id",
            "set default of user_id",
        ]
    );
    let mut undone = unprotect(&mut table, None);
    undone.sort();
    assert_eq!(
        undone,
        [
            "drop default of org_id",
            "drop default of user_id",
            "drop index documents_org_id_clerk_idx",
            "drop policy clerk_insert",
            "drop policy clerk_select",
            "drop policy clerk_update",
            "drop trigger clerk_keep_user_id",
            "drop trigger clerk_stamp_deleted_at",
            "revoke insert from authenticated",
            "revoke select from authenticated",
            "revoke update from authenticated",
            "revoke usage from authenticated",
        ]
    );
    assert_eq!(left(&table), before);
    assert_eq!(table.facts["row_security"], json!(true));
}

#[test]
fn what_was_there_before_stays() {
    let mut table = catalog(json!({
        "columns": [column_with("user_id", "text", json!({"default": "'x'::text"}))],
        "indexes": [{"name": "mine", "leading_column": "user_id", "columns": 1, "comment": null}],
        "grants": [{"role": "authenticated", "privilege": "SELECT"}],
        "policies": [policy("mine", 'r', &["app"], Some("mine"))],
        "triggers": [{"name": "mine", "guard": null, "column": null}],
    }));
    let before = left(&table);
    let asked = specification(
        "owner",
        json!({"grants": true, "commands": ["select", "delete"]}),
    );
    protect(&mut table, &asked);
    assert_ne!(left(&table), before);
    unprotect(&mut table, None);
    assert_eq!(left(&table), before);
}

#[test]
fn a_changed_set_replaces_its_own_policies_and_what_it_no_longer_needs() {
    let mut table = catalog(json!({}));
    protect(&mut table, &specification("owner", json!({"grants": true})));
    let changed = specification(
        "organization",
        json!({"commands": ["select", "update"],
        "grants": true}),
    );
    let mut done = protect(&mut table, &changed);
    done.sort();
    assert_eq!(
        done,
        [
            "create index documents_org_id_clerk_idx",
            "drop default of user_id",
            "drop index documents_user_id_clerk_idx",
            "drop policy clerk_delete",
            "drop policy clerk_insert",
            "replace policy clerk_select",
            "replace policy clerk_update",
            "revoke delete from authenticated",
            "revoke insert from authenticated",
            "revoke usage from authenticated",
        ]
    );
}

#[test]
fn a_policy_that_somebody_changed_is_replaced_alone() {
    let mut table = catalog(json!({}));
    let asked = specification("owner", json!({"indexes": "none"}));
    protect(&mut table, &asked);
    let other = specification(
        "owner",
        json!({"indexes": "none", "and_where": "true", "commands": ["update"],
        "set_defaults": false}),
    );
    let mut made = catalog(json!({}));
    protect(&mut made, &other);
    let statements = table.removal(None);
    let drops = statements
        .iter()
        .filter(|change| change.summary == "drop policy clerk_update");
    table.apply(&drops.cloned().collect::<Vec<_>>());
    assert_eq!(protect(&mut table, &asked), ["create policy clerk_update"]);
}

#[test]
fn a_changed_note_alone_is_a_comment() {
    let mut table = catalog(json!({}));
    protect(
        &mut table,
        &specification("owner", json!({"commands": ["select"]})),
    );
    let asked = specification("owner", json!({"commands": ["select"], "force": false}));
    assert_eq!(
        protect(&mut table, &asked),
        ["comment on policy clerk_select"]
    );
    let forced = specification("owner", json!({"commands": ["select"], "force": true}));
    assert_eq!(
        protect(&mut table, &forced),
        ["force row security", "comment on policy clerk_select"]
    );
}

#[test]
fn what_two_sets_share_is_handed_over() {
    let mut table = catalog(json!({}));
    let before = left(&table);
    let first = specification("member", json!({"owner_column": "user_id", "grants": true}));
    let second = specification(
        "organization",
        json!({"owner_column": "user_id", "grants": true,
        "prefix": "org", "commands": ["insert", "update"]}),
    );
    protect(&mut table, &first);
    protect(&mut table, &second);
    let mut undone = unprotect(&mut table, Some("clerk"));
    undone.sort();
    assert_eq!(
        undone,
        [
            "comment on policy org_insert",
            "comment on policy org_update",
            "drop policy clerk_delete",
            "drop policy clerk_insert",
            "drop policy clerk_select",
            "drop policy clerk_update",
            "drop trigger clerk_keep_org_id",
            "revoke delete from authenticated",
            "revoke select from authenticated",
        ]
    );
    let again = table.difference(&second).expect("a difference");
    assert_eq!(summaries(&again), [""; 0]);
    unprotect(&mut table, Some("org"));
    assert_eq!(left(&table), before);
}

#[test]
fn a_table_is_closed_before_it_is_opened_and_a_policy_is_never_long_gone() {
    let mut table = catalog(json!({}));
    let asked = specification("owner", json!({"grants": true}));
    let script = table.script(&asked).expect("a script");
    let at = |step: &str| {
        summaries(&script)
            .iter()
            .position(|other| other.starts_with(step))
    };
    assert!(at("enable row security") < at("create policy"));
    assert!(at("create policy clerk_delete") < at("grant"));
    protect(&mut table, &asked);
    let narrowed = specification("owner", json!({"plan": "gold", "grants": true}));
    let changes = table.difference(&narrowed).expect("a difference");
    assert_eq!(changes.len(), 4);
    for change in changes {
        let kinds: Vec<_> = change
            .statements
            .iter()
            .map(|statement| &statement[..13])
            .collect();
        assert_eq!(kinds, ["DROP POLICY c", "CREATE POLICY", "COMMENT ON PO"]);
    }
}

#[test]
fn a_prefix_that_made_nothing_takes_nothing_back() {
    let mut table = catalog(json!({}));
    protect(&mut table, &specification("owner", json!({})));
    assert_eq!(table.removal(Some("other")), []);
    assert_eq!(table.removal(Some("")), []);
}

#[test]
fn names_that_are_taken_are_left_to_whom_they_belong() {
    let mut table = catalog(json!({
        "columns": [column("user_id", "text"), column("user_id1", "text"), column("org_id", "text")],
        "primary_key": [],
        "triggers": [{"name": "clerk_keep_user_id", "guard": null, "column": null}],
        "taken_names": ["documents_org_id_clerk_idx", "documents_org_id_clerk_idx1"],
    }));
    let before = left(&table);
    let asked = specification(
        "organization",
        json!({"immutable": ["user_id", "user_id1"]}),
    );
    let done = protect(&mut table, &asked);
    assert!(done.contains(&"create index documents_org_id_clerk_idx2".to_owned()));
    let triggers = table.facts["triggers"].as_array().expect("a list");
    let kept: Vec<_> = triggers
        .iter()
        .filter_map(|trigger| trigger["column"].as_str())
        .collect();
    assert_eq!(kept, ["user_id", "user_id1"]);
    unprotect(&mut table, None);
    assert_eq!(left(&table), before);
}

#[test]
fn a_script_can_be_run_on_what_it_made() {
    let mut table = catalog(json!({}));
    let asked = specification(
        "member",
        json!({"owner_column": "user_id", "grants": true, "force": true,
        "indexes": "concurrently", "immutable": ["author"]}),
    );
    for _ in 0..3 {
        let script = table.script(&asked).expect("a script");
        table.apply(&script);
    }
    let asked = Specification {
        indexes: None,
        ..asked
    };
    let difference = table.difference(&asked).expect("a difference");
    assert!(
        summaries(&difference)
            .iter()
            .all(|step| step.starts_with("comment on policy"))
    );
}

#[test]
fn what_is_shown_leaves_out_comments_beside_statements() {
    let mut table = catalog(json!({}));
    let asked = specification("owner", json!({"commands": ["select"]}));
    let script = table.script(&asked).expect("a script");
    let policy = script
        .iter()
        .find(|change| change.summary == "create policy clerk_select");
    assert_eq!(
        policy.expect("a policy").to_text(),
        "CREATE POLICY clerk_select ON public.documents FOR SELECT TO authenticated \
         USING (user_id = public.clerk_user_id());"
    );
    table.apply(&script);
    let replaced = table.script(&asked).expect("a script");
    let policy = replaced
        .iter()
        .find(|change| change.summary == "replace policy clerk_select");
    assert_eq!(policy.expect("a policy").to_text().lines().count(), 2);
    let forced = specification("owner", json!({"commands": ["select"], "force": false}));
    let comment = table.difference(&forced).expect("a difference");
    assert!(
        comment[0]
            .to_text()
            .starts_with("COMMENT ON POLICY clerk_select ON public.documents IS '")
    );
}
