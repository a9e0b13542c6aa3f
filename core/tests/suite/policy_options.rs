//! Options that go with any template, and the defaults of those that are left out.

use clerk_core::policy::change::write_script;
use clerk_core::policy::{Command, Guard, GuardKind};
use serde_json::{Value, json};

use crate::policy_facts::{
    column, column_with, condition, conditions, documents, facts, planned, with_columns,
};

/// Name and roles of each policy of the template on the documents.
fn roles(template: &str, options: Value, roles: &[&str]) -> Vec<String> {
    let table = facts(json!({"roles": roles}));
    let plan = planned(template, options, &table);
    let policies = plan.policies.iter();
    policies
        .map(|policy| format!("{} {}", policy.name, policy.roles.join(",")))
        .collect()
}

fn guard(kind: GuardKind, column: &str) -> Guard {
    Guard {
        kind,
        column: column.to_owned(),
    }
}

/// All statements of the plan, those that comment left out.
fn statements(template: &str, options: Value, table: Value) -> Vec<String> {
    let table = facts(table);
    let plan = planned(template, options, &table);
    let script = write_script(&plan, &[], &table).expect("a script");
    let statements = script.into_iter().flat_map(|change| change.statements);
    statements
        .filter(|statement| !statement.starts_with("COMMENT ON "))
        .collect()
}

#[test]
fn policies_are_for_authenticated_where_it_exists_and_else_for_all() {
    let commands = json!({"commands": ["select"]});
    assert_eq!(
        roles("owner", commands.clone(), &["anon", "authenticated"]),
        ["clerk_select authenticated"]
    );
    assert_eq!(roles("owner", commands, &["app"]), ["clerk_select public"]);
}

#[test]
fn what_is_public_is_read_by_anon_as_well() {
    let expected = [
        "clerk_select anon,authenticated",
        "clerk_insert authenticated",
        "clerk_update authenticated",
    ];
    let both = ["anon", "authenticated"];
    assert_eq!(roles("public_profile", json!({}), &both), expected);
    assert_eq!(roles("public_read", json!({}), &both)[..3], expected);
    assert_eq!(
        roles("public_read", json!({}), &["authenticated"])[0],
        "clerk_select authenticated"
    );
    assert_eq!(
        roles(
            "public_read",
            json!({"to_roles": ["app"]}),
            &["anon", "authenticated", "app"]
        )[0],
        "clerk_select app"
    );
}

#[test]
fn readers_may_be_others_than_writers() {
    let options = json!({"to_roles": ["app", "app"], "read_to_roles": ["anon", "public", "anon"],
        "commands": ["delete", "select"], "prefix": "docs"});
    assert_eq!(
        roles("owner", options, &["anon", "app"]),
        ["docs_select anon,public", "docs_delete app"]
    );
}

#[test]
fn commands_are_written_once_each_in_one_order() {
    let options = json!({"commands": ["DELETE", "insert", "Delete", "select", "insert"]});
    let plan = planned("owner", options, &documents());
    let commands: Vec<_> = plan.policies.iter().map(|policy| policy.command).collect();
    assert_eq!(
        commands,
        [Command::Select, Command::Insert, Command::Delete]
    );
}

#[test]
fn a_commands_own_roles_go_before_its_group_and_its_group_before_all() {
    let options = json!({"roles": {
        "all": "a", "read": "r", "write": "w", "update": ["u1", "u2"], "select": "s",
    }});
    let plan = planned("organization", options, &documents());
    let has = |command, role: &str| {
        let call = format!("public.clerk_has_role('{role}'::text)");
        condition(&plan, command).contains(&call)
    };
    for (command, role) in [
        (Command::Select, "s"),
        (Command::Insert, "w"),
        (Command::Update, "u2"),
        (Command::Delete, "w"),
    ] {
        assert!(has(command, role), "{role}");
        assert!(!has(command, "a") && !has(command, "r"), "{role}");
    }
    let plan = planned("organization", json!({"roles": {"all": "a"}}), &documents());
    for command in Command::ALL {
        assert!(condition(&plan, command).contains("public.clerk_has_role('a'::text)"));
    }
}

#[test]
fn requirements_of_several_options_are_all_asked() {
    let options = json!({"role": "x", "roles": {"write": "y"}, "permission": "p", "plan": "q",
        "feature": "f", "reverification": "moderate", "commands": ["select", "delete"]});
    assert_eq!(
        conditions(&planned("owner", options, &documents())),
        [
            "select USING user_id = CASE WHEN public.clerk_has_role('x'::text) AND public.clerk_has_permission('p'::text) \
             AND public.clerk_has_plan('q'::text) AND public.clerk_has_feature('f'::text) THEN public.clerk_user_id() END",
            "delete USING user_id = CASE WHEN public.clerk_has_role('x'::text) AND public.clerk_has_role('y'::text) \
             AND public.clerk_has_permission('p'::text) AND public.clerk_has_plan('q'::text) \
             AND public.clerk_has_feature('f'::text) AND public.clerk_reverified('moderate'::text) \
             THEN public.clerk_user_id() END",
        ]
    );
}

#[test]
fn or_where_widens_reading_and_and_where_narrows_everything() {
    let options =
        json!({"or_where": "body = 'open'", "and_where": "project_id > 0 OR body IS NULL"});
    let own = "user_id = public.clerk_user_id() AND (project_id > 0 OR body IS NULL)";
    assert_eq!(
        conditions(&planned("owner", options, &documents())),
        [
            "select USING (user_id = public.clerk_user_id() OR (body = 'open')) \
             AND (project_id > 0 OR body IS NULL)"
                .to_owned(),
            format!("insert CHECK {own}"),
            format!("update USING {own} CHECK {own}"),
            format!("delete USING {own}"),
        ]
    );
}

#[test]
fn a_row_that_was_deleted_softly_is_gone() {
    let plan = planned(
        "owner",
        json!({"soft_delete": "deleted_at", "or_where": "true"}),
        &documents(),
    );
    let own = "user_id = public.clerk_user_id()";
    assert_eq!(
        conditions(&plan),
        [
            format!(
                "select USING ({own} OR (true)) AND (deleted_at IS NULL OR deleted_at >= pg_catalog.now())"
            ),
            format!("insert CHECK {own} AND deleted_at IS NULL"),
            format!("update USING {own} AND deleted_at IS NULL CHECK {own}"),
        ]
    );
    assert_eq!(plan.guards, [guard(GuardKind::SoftDelete, "deleted_at")]);
    // Whoever asks for it may still delete for good, what lives.
    let options = json!({"soft_delete": "deleted_at", "commands": ["delete"]});
    assert_eq!(
        conditions(&planned("owner", options, &documents())),
        [format!("delete USING {own} AND deleted_at IS NULL")]
    );
}

#[test]
fn columns_that_an_update_could_move_are_kept() {
    let keeps = |template: &str, options: Value| planned(template, options, &documents()).guards;
    let immutable = |column| guard(GuardKind::Immutable, column);
    assert_eq!(keeps("owner", json!({})), []);
    assert_eq!(keeps("organization", json!({})), []);
    let author = json!({"owner_column": "user_id"});
    assert_eq!(
        keeps("organization", author.clone()),
        [immutable("user_id")]
    );
    assert_eq!(
        keeps("member", author),
        [immutable("user_id"), immutable("org_id")]
    );
    assert_eq!(keeps("member", json!({"commands": ["select"]})), []);
    assert_eq!(keeps("member", json!({"immutable": []})), []);
    assert_eq!(
        keeps("owner", json!({"immutable": ["body", "id"]})),
        [immutable("body"), immutable("id")]
    );
}

#[test]
fn indexes_lead_with_the_columns_that_find_rows() {
    let indexed = |template: &str, options: Value| planned(template, options, &documents()).indexed;
    assert_eq!(indexed("owner", json!({})), [["user_id"]]);
    assert_eq!(
        indexed("organization", json!({"owner_column": "user_id"})),
        [["org_id"]]
    );
    assert_eq!(indexed("member", json!({})), [["org_id"]]);
    assert_eq!(
        indexed(
            "plan",
            json!({"plan": "x", "owner_column": "user_id", "org_column": "org_id"})
        ),
        [["user_id"], ["org_id"]]
    );
    assert!(indexed("custom", json!({"predicate": "true"})).is_empty());
    assert!(indexed("owner", json!({"indexes": "none"})).is_empty());
}

#[test]
fn indexes_are_created_where_none_leads_with_the_column() {
    let created = |options: Value, indexes: Value| {
        let all = statements("owner", options, json!({"indexes": indexes}));
        let index = all
            .into_iter()
            .find(|statement| statement.starts_with("CREATE INDEX"));
        index.unwrap_or_default()
    };
    assert_eq!(
        created(json!({}), json!([])),
        "CREATE INDEX IF NOT EXISTS documents_user_id_clerk_idx ON public.documents (user_id)"
    );
    assert_eq!(
        created(json!({"indexes": "concurrently"}), json!([])),
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS documents_user_id_clerk_idx ON public.documents (user_id)"
    );
    assert_eq!(created(json!({"indexes": "none"}), json!([])), "");
    let index = |column: Value| json!([{"name": "x", "leading_column": column, "columns": 2, "comment": null}]);
    assert_eq!(created(json!({}), index(json!("user_id"))), "");
    assert_ne!(created(json!({}), index(json!("org_id"))), "");
    assert_ne!(created(json!({}), index(Value::Null)), "");
}

#[test]
fn defaults_fill_columns_of_the_session_that_have_none() {
    let set = |options: Value, columns: Value| -> Vec<String> {
        let all = statements("organization", options, json!({"columns": columns}));
        let defaults = all
            .into_iter()
            .filter(|statement| statement.contains("DEFAULT"));
        defaults.collect()
    };
    let author = json!({"owner_column": "user_id"});
    let plain = json!([column("user_id", "text"), column("org_id", "text")]);
    assert_eq!(
        set(author.clone(), plain.clone()),
        [
            "ALTER TABLE public.documents ALTER COLUMN user_id SET DEFAULT public.clerk_user_id()",
            "ALTER TABLE public.documents ALTER COLUMN org_id SET DEFAULT public.clerk_org_id()",
        ]
    );
    for options in [
        json!({"owner_column": "user_id", "set_defaults": false}),
        json!({"owner_column": "user_id", "commands": ["select", "update", "delete"]}),
    ] {
        assert!(set(options, plain.clone()).is_empty());
    }
    let filled = json!([
        column_with("user_id", "text", json!({"default": "'nobody'::text"})),
        column_with("org_id", "text", json!({"is_generated": true})),
    ]);
    assert!(set(author, filled).is_empty());
}

#[test]
fn grants_are_those_of_the_policies_and_the_sequences_behind_inserts() {
    let granted = |template: &str, options: Value, sequence: Value| -> Vec<String> {
        let key = column_with("id", "bigint", json!({"sequence": sequence}));
        let table = json!({"columns": [key, column("user_id", "text")]});
        let all = statements(template, options, table);
        let grants = all
            .into_iter()
            .filter(|statement| statement.starts_with("GRANT "));
        grants.collect()
    };
    let sequence = json!(r#"public."Documents_id_seq""#);
    assert!(granted("owner", json!({}), sequence.clone()).is_empty());
    assert_eq!(
        granted(
            "public_read",
            json!({"grants": true, "commands": ["select", "insert"]}),
            sequence.clone()
        ),
        [
            "GRANT SELECT ON TABLE public.documents TO anon",
            "GRANT SELECT ON TABLE public.documents TO authenticated",
            "GRANT INSERT ON TABLE public.documents TO authenticated",
            r#"GRANT USAGE ON SEQUENCE public."Documents_id_seq" TO authenticated"#,
        ]
    );
    let options = json!({"grants": true, "commands": ["update"], "to_roles": ["public"]});
    assert_eq!(
        granted("owner", options, sequence),
        ["GRANT UPDATE ON TABLE public.documents TO PUBLIC"]
    );
    let options = json!({"grants": true, "commands": ["insert"]});
    assert_eq!(
        granted("owner", options, Value::Null),
        ["GRANT INSERT ON TABLE public.documents TO authenticated"]
    );
}

#[test]
fn a_restrictive_set_says_so_and_covers_every_command() {
    let options = json!({"plan": "gold", "restrictive": true});
    let plan = planned("plan", options.clone(), &documents());
    assert_eq!(plan.policies.len(), 4);
    assert!(plan.policies.iter().all(|policy| !policy.permissive));
    assert_eq!(
        plan.notices,
        ["restrictive policies only narrow what permissive ones allow; alone they let nobody in"]
    );
    assert!(statements("plan", options, json!({})).contains(
        &"CREATE POLICY clerk_delete ON public.documents AS RESTRICTIVE FOR DELETE TO authenticated \
          USING ((SELECT public.clerk_has_plan('gold'::text)))"
            .to_owned()
    ));
}

#[test]
fn row_security_is_forced_only_where_asked() {
    let first = |options: Value| statements("owner", options, json!({}))[..2].to_vec();
    assert_eq!(
        first(json!({"force": true, "indexes": "none"})),
        [
            "ALTER TABLE public.documents ENABLE ROW LEVEL SECURITY",
            "ALTER TABLE public.documents FORCE ROW LEVEL SECURITY",
        ]
    );
    assert!(!first(json!({"indexes": "none"}))[1].contains("FORCE"));
    let forced = statements(
        "owner",
        json!({"force": false, "indexes": "none"}),
        json!({"force_row_security": true}),
    );
    assert_eq!(
        forced[1],
        "ALTER TABLE public.documents NO FORCE ROW LEVEL SECURITY"
    );
}

#[test]
fn what_was_left_out_is_filled_in() {
    let plan = planned("owner", json!({"commands": ["select"]}), &documents());
    assert_eq!(
        serde_json::from_str::<Value>(&plan.specification.to_json()).expect("JSON"),
        json!({"template": "owner", "owner_column": "user_id", "commands": ["select"],
            "to_roles": ["authenticated"], "prefix": "clerk"})
    );
    let plan = planned("public_read", json!({}), &documents());
    assert_eq!(
        plan.specification.read_to_roles.as_deref(),
        Some(["anon".to_owned(), "authenticated".to_owned()].as_slice())
    );
    let plan = planned("reverified", json!({}), &with_columns(&["user_id"]));
    assert_eq!(plan.specification.reverification.as_deref(), Some("strict"));
}
