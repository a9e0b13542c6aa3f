//! Rows that follow a parent: its own row security decides on reading, its UPDATE on writing.

use clerk_core::policy::facts::TableFacts;
use clerk_core::policy::note::{Made, Note};
use clerk_core::policy::{Command, Guard, GuardKind, Plan, Refusal, RefusalKind, plan};
use serde_json::{Value, json};

use crate::policy_facts::{
    column_with, condition, documents, facts, planned, policy, specification,
};

/// The documents under another name, with the policies of these plans.
fn protected(name: &str, plans: &[Plan]) -> TableFacts {
    protected_with(name, plans, json!([]))
}

/// The same, with policies of somebody else beside them.
fn protected_with(name: &str, plans: &[Plan], theirs: Value) -> TableFacts {
    let mut policies = theirs.as_array().expect("a list").clone();
    for plan in plans {
        let note = Note {
            specification: plan.specification.clone(),
            made: Made::default(),
        };
        for made in &plan.policies {
            let roles: Vec<_> = made.roles.iter().map(String::as_str).collect();
            let letter = made.command.catalog_letter();
            policies.push(policy(&made.name, letter, &roles, Some(&note.to_comment())));
        }
    }
    facts(json!({"name": name, "row_security": true, "policies": policies}))
}

/// The documents protected by one template.
fn parent(template: &str, options: Value) -> TableFacts {
    protected("projects", &[planned(template, options, &documents())])
}

fn follow(options: Value, parents: &[TableFacts]) -> Result<Plan, Refusal> {
    let mut all = json!({"via": "project_id references public.projects"});
    for (option, value) in options.as_object().expect("an object") {
        all[option] = value.clone();
    }
    plan(&specification("inherit", all), &documents(), parents)
}

/// The condition on the rows that are written.
fn written(parents: &[TableFacts]) -> String {
    let plan = follow(json!({}), parents).expect("a plan");
    condition(&plan, Command::Update).to_owned()
}

const FOLLOWS: &str =
    "EXISTS (SELECT 1 FROM public.projects WHERE public.projects.id = public.documents.project_id";

#[test]
fn a_child_is_read_by_the_parents_policies_and_written_by_its_update() {
    let plan = follow(json!({}), &[parent("owner", json!({}))]).expect("a plan");
    assert_eq!(condition(&plan, Command::Select), format!("{FOLLOWS})"));
    let writes = format!("{FOLLOWS} AND user_id = public.clerk_user_id())");
    for policy in &plan.policies[1..] {
        for written in [&policy.using, &policy.check].into_iter().flatten() {
            assert_eq!(*written, writes);
        }
    }
    assert_eq!(plan.indexed, [["project_id"]]);
    assert!(plan.defaults.is_empty());
}

const NO_FOREIGN_KEY: &str = "no validated foreign key of public.documents references public.projects: \
     whoever may insert a missing row there is given the rows here that name it";

#[test]
fn the_rows_that_are_followed_must_be_one_and_should_be_there() {
    let followed = |unique: Value, foreign_keys: Value, via: &str| {
        let parent = facts(json!({"name": "projects", "row_security": true,
            "primary_key": ["id"], "unique_keys": unique}));
        let child = facts(json!({"foreign_keys": foreign_keys}));
        let options = json!({"via": via, "commands": ["select"]});
        plan(&specification("inherit", options), &child, &[parent])
    };
    let simple = "project_id references public.projects";
    let both = "org_id, project_id references public.projects (org_id, id)";
    for (unique, via, is_taken) in [
        (json!([["id"]]), simple, true),
        (json!([["org_id", "id"]]), both, true),
        (json!([["body"], ["id"]]), both, true),
        (json!([]), simple, false),
        (json!([["org_id", "id"]]), simple, false),
        (json!([["body"]]), both, false),
    ] {
        let planned = followed(unique.clone(), json!([]), via);
        match planned {
            Ok(plan) => assert!(
                is_taken && plan.notices[0] == NO_FOREIGN_KEY,
                "{unique} {via}"
            ),
            Err(refusal) => {
                assert!(!is_taken, "{unique} {via}");
                assert!(
                    refusal
                        .message
                        .ends_with(" of public.projects is not unique")
                );
            }
        }
    }
    let key = |columns: Value, table: &str, parent_columns: Value| json!([{"columns": columns, "schema": "public", "table": table, "parent_columns": parent_columns}]);
    let of_id = json!([["id"]]);
    for (foreign_keys, via, is_safe) in [
        (
            key(json!(["project_id"]), "projects", json!(["id"])),
            simple,
            true,
        ),
        (
            key(json!(["project_id"]), "projects", json!(["id"])),
            both,
            true,
        ),
        (
            key(
                json!(["project_id", "org_id"]),
                "projects",
                json!(["id", "org_id"]),
            ),
            both,
            true,
        ),
        (
            key(json!(["project_id"]), "others", json!(["id"])),
            simple,
            false,
        ),
        (key(json!(["id"]), "projects", json!(["id"])), simple, false),
        (
            key(json!(["project_id"]), "projects", json!(["org_id"])),
            simple,
            false,
        ),
    ] {
        let plan = followed(of_id.clone(), foreign_keys.clone(), via).expect("a plan");
        let is_told = plan.notices.iter().any(|notice| notice == NO_FOREIGN_KEY);
        assert_eq!(is_told, !is_safe, "{foreign_keys} {via}");
    }
}

#[test]
fn a_parent_that_only_its_session_sees_is_not_followed() {
    for (change, what) in [
        (json!({"persistence": "t"}), "is a temporary table"),
        (json!({"kind": "v"}), "is not a table"),
    ] {
        let mut parent = json!({"name": "projects", "row_security": true});
        for (member, value) in change.as_object().expect("an object") {
            parent[member] = value.clone();
        }
        let refusal = follow(json!({}), &[facts(parent)]).expect_err("a refusal");
        assert_eq!(refusal.kind, RefusalKind::WrongObject);
        assert_eq!(refusal.message, format!("public.projects {what}"));
    }
}

#[test]
fn keys_without_an_exact_operator_are_compared_by_postgres_own() {
    let typed = |kind: &str| column_with("project_id", kind, json!({}));
    for (parent, child, operator) in [
        ("uuid", "uuid", "="),
        ("bigint", "smallint", "="),
        ("app.kind", "app.kind", "OPERATOR(pg_catalog.=)"),
        ("numeric", "bigint", "OPERATOR(pg_catalog.=)"),
    ] {
        let key = column_with("id", parent, json!({}));
        let parent = facts(json!({"name": "projects", "row_security": true, "columns": [key]}));
        let child = facts(json!({"columns": [typed(child)]}));
        let options =
            json!({"via": "project_id references public.projects", "commands": ["select"]});
        let plan = plan(&specification("inherit", options), &child, &[parent]).expect("a plan");
        assert_eq!(
            condition(&plan, Command::Select),
            format!(
                "EXISTS (SELECT 1 FROM public.projects WHERE public.projects.id {operator} public.documents.project_id)"
            )
        );
    }
}

#[test]
fn a_child_of_several_columns_names_them_in_order() {
    let parent = facts(json!({"name": "projects", "row_security": true,
        "primary_key": ["org_id", "id"], "unique_keys": [["org_id", "id"]]}));
    let followed = |via: &str| {
        let options = json!({"via": via, "commands": ["select"]});
        follow(options, std::slice::from_ref(&parent))
    };
    let plan = followed("(user_id, project_id) references public.projects").expect("a plan");
    assert_eq!(
        condition(&plan, Command::Select),
        "EXISTS (SELECT 1 FROM public.projects WHERE public.projects.org_id = public.documents.user_id \
         AND public.projects.id = public.documents.project_id)"
    );
    assert_eq!(plan.indexed, [["user_id", "project_id"]]);
    assert_eq!(
        plan.specification.via.as_deref(),
        Some("user_id, project_id references public.projects")
    );
    let part = followed("project_id references public.projects (id)").expect_err("a refusal");
    assert_eq!(part.message, "(id) of public.projects is not unique");
    let refusal = followed("project_id references public.projects").expect_err("a refusal");
    assert_eq!(
        refusal.detail,
        "The columns do not match the parent's primary key."
    );
    assert_eq!(
        refusal.hint,
        "Name the parent's columns: via => 'a, b references parent (a, b)'."
    );
    let refusal = followed("project_id references public.projects (gone)").expect_err("a refusal");
    assert_eq!(refusal.kind, RefusalKind::MissingColumn);
    assert_eq!(
        refusal.message,
        "column gone of table public.projects does not exist"
    );
}

#[test]
fn a_chain_is_written_to_its_end() {
    let accounts = protected("accounts", &[planned("owner", json!({}), &documents())]);
    let asked = specification("inherit", json!({"via": "id references public.accounts"}));
    let between = facts(json!({"name": "projects"}));
    let plan = plan(&asked, &between, std::slice::from_ref(&accounts)).expect("a plan");
    let projects = protected("projects", &[plan]);
    assert_eq!(
        written(&[projects, accounts]),
        format!(
            "{FOLLOWS} AND EXISTS (SELECT 1 FROM public.accounts WHERE public.accounts.id = public.projects.id \
             AND user_id = public.clerk_user_id()))"
        )
    );
}

#[test]
fn of_several_sets_of_the_parent_any_permissive_and_every_restrictive_one_must_allow() {
    let set = |template: &str, options: Value| planned(template, options, &documents());
    let parent = protected(
        "projects",
        &[
            set("owner", json!({})),
            set("organization", json!({"prefix": "org", "or_where": "true"})),
            set(
                "plan",
                json!({"plan": "gold", "restrictive": true, "prefix": "paid"}),
            ),
            set(
                "feature",
                json!({"feature": "audit", "restrictive": true, "prefix": "x", "commands": ["select"]}),
            ),
            set("feature", json!({"feature": "read", "prefix": "y"})),
        ],
    );
    assert_eq!(
        written(&[parent]),
        format!(
            "{FOLLOWS} AND ((SELECT public.clerk_has_plan('gold'::text))) \
             AND ((user_id = public.clerk_user_id()) OR (org_id = public.clerk_org_id())))"
        )
    );
}

#[test]
fn sets_for_other_roles_give_a_child_nothing() {
    let set = |template: &str, options: Value| planned(template, options, &documents());
    let service = set("service", json!({"prefix": "service"}));
    let parent = protected("projects", &[service.clone(), set("owner", json!({}))]);
    assert_eq!(
        written(&[parent]),
        format!("{FOLLOWS} AND user_id = public.clerk_user_id())")
    );
    assert_eq!(
        written(&[protected("projects", &[service])]),
        format!("{FOLLOWS} AND false)")
    );
    // Restrictive sets narrow whoever they are for.
    let narrowed = protected(
        "projects",
        &[
            set("owner", json!({})),
            set(
                "plan",
                json!({"plan": "gold", "restrictive": true, "prefix": "x", "to_roles": ["app"]}),
            ),
        ],
    );
    assert_eq!(
        written(&[narrowed]),
        format!(
            "{FOLLOWS} AND ((SELECT public.clerk_has_plan('gold'::text))) AND user_id = public.clerk_user_id())"
        )
    );
}

#[test]
fn a_set_must_be_for_all_roles_of_the_child() {
    let set = planned("owner", json!({"to_roles": ["app"]}), &documents());
    let parent = protected("projects", &[set]);
    for (roles, allowed) in [
        (json!(["app"]), "user_id = public.clerk_user_id()"),
        (json!(["app", "authenticated"]), "false"),
        (json!(["public"]), "false"),
    ] {
        let plan =
            follow(json!({"to_roles": roles}), std::slice::from_ref(&parent)).expect("a plan");
        assert_eq!(
            condition(&plan, Command::Delete),
            format!("{FOLLOWS} AND {allowed})")
        );
    }
    let for_all = parent_for_all();
    let plan = follow(json!({"to_roles": ["app"]}), &[for_all]).expect("a plan");
    assert_eq!(
        condition(&plan, Command::Delete),
        format!("{FOLLOWS} AND user_id = public.clerk_user_id())")
    );
}

fn parent_for_all() -> TableFacts {
    parent("owner", json!({"to_roles": ["public"]}))
}

#[test]
fn a_parent_that_nobody_may_update_has_children_that_nobody_may_write() {
    let read_only = parent("owner", json!({"commands": ["select"]}));
    assert_eq!(written(&[read_only]), format!("{FOLLOWS} AND false)"));
    let bare = facts(json!({"name": "projects", "row_security": true}));
    assert_eq!(written(&[bare]), format!("{FOLLOWS} AND false)"));
}

#[test]
fn a_parent_that_was_deleted_softly_takes_no_children() {
    let parent = parent("owner", json!({"soft_delete": "deleted_at"}));
    assert_eq!(
        written(&[parent]),
        format!("{FOLLOWS} AND user_id = public.clerk_user_id() AND deleted_at IS NULL)")
    );
}

#[test]
fn a_predicate_of_another_owner_is_not_taken_over() {
    let predicate = json!({"predicate": "is_open"});
    for (template, options, owner, is_refused) in [
        ("custom", predicate.clone(), 20, true),
        ("owner", json!({"or_where": "is_open"}), 20, true),
        ("custom", predicate, 10, false),
        ("owner", json!({}), 20, false),
    ] {
        let mut parent = parent(template, options);
        parent.owner = owner;
        let child = facts(json!({"name": "documents", "owner": 10}));
        let all = json!({"via": "project_id references public.projects"});
        let outcome = plan(&specification("inherit", all), &child, &[parent]);
        assert_eq!(
            outcome.err().map(|refusal| refusal.kind),
            is_refused.then_some(RefusalKind::NotOwner),
            "{template} {owner}"
        );
    }
}

#[test]
fn policies_that_were_written_by_hand_decide_on_reading_only_and_are_told_of() {
    let own = planned("owner", json!({}), &documents());
    for (command, is_known) in [
        ('r', true),
        ('a', true),
        ('d', true),
        ('w', false),
        ('*', false),
    ] {
        let theirs = json!([policy("by_hand", command, &["app"], None)]);
        let parent = protected_with("projects", std::slice::from_ref(&own), theirs);
        let commands = json!({"commands": ["select", "insert", "update", "delete"]});
        let unsaid = follow(json!({}), std::slice::from_ref(&parent)).expect("a plan");
        assert_eq!(unsaid.policies.len(), if is_known { 4 } else { 1 });
        assert!(!unsaid.writes_by_reading);
        let plan = follow(commands, &[parent]).expect("a plan");
        assert_eq!(plan.writes_by_reading, !is_known);
        let expected = if is_known {
            " AND user_id = public.clerk_user_id())"
        } else {
            ")"
        };
        assert_eq!(
            condition(&plan, Command::Update),
            format!("{FOLLOWS}{expected}")
        );
        let notices: &[&str] = if is_known {
            &[NO_FOREIGN_KEY]
        } else {
            &[
                NO_FOREIGN_KEY,
                "policies of public.projects were not made here: whoever may read a row there may write its children",
            ]
        };
        assert_eq!(plan.notices, notices);
    }
}

#[test]
fn a_child_is_for_those_whom_its_parent_is_for() {
    let roles = |plans: &[Plan], options: Value| {
        let plan = follow(options, &[protected("projects", plans)]).expect("a plan");
        plan.specification.to_roles.expect("roles")
    };
    let set = |template: &str, options: Value| planned(template, options, &documents());
    let app = set("owner", json!({"to_roles": ["app"], "prefix": "app"}));
    let service = set("service", json!({"prefix": "a"}));
    let narrow = set(
        "plan",
        json!({"plan": "x", "restrictive": true, "to_roles": ["backup"], "prefix": "n"}),
    );
    assert_eq!(
        roles(&[service.clone(), narrow, app.clone()], json!({})),
        ["app"]
    );
    assert_eq!(roles(&[service], json!({})), ["authenticated"]);
    assert_eq!(roles(&[], json!({})), ["authenticated"]);
    assert_eq!(roles(&[app], json!({"to_roles": ["public"]})), ["public"]);
}

#[test]
fn a_child_whose_parents_belong_to_several_tenants_stays_with_its_parent() {
    let kept = |parent: TableFacts| follow(json!({}), &[parent]).expect("a plan").guards;
    let guard = [Guard {
        kind: GuardKind::Immutable,
        column: "project_id".to_owned(),
    }];
    assert_eq!(kept(parent("owner", json!({}))), []);
    assert_eq!(kept(parent("organization", json!({}))), []);
    assert_eq!(kept(parent("member", json!({}))), guard);
    assert_eq!(kept(parent("custom", json!({"predicate": "true"}))), guard);
    assert_eq!(kept(parent("owner", json!({"or_where": "true"}))), guard);
    let by_hand = json!([policy("by_hand", '*', &["app"], None)]);
    let by_hand = protected_with("projects", &[], by_hand);
    let options = json!({"commands": ["select", "update"]});
    assert_eq!(follow(options, &[by_hand]).expect("a plan").guards, guard);
    let sets = [planned("owner", json!({}), &documents()), {
        let options = json!({"prefix": "more"});
        planned("organization", options, &documents())
    }];
    assert_eq!(kept(protected("projects", &sets)), guard);
}

#[test]
fn what_the_child_asks_besides_is_asked_too() {
    let options = json!({"feature": "audit", "and_where": "body <> ''", "commands": ["delete"]});
    let plan = follow(options, &[parent("owner", json!({}))]).expect("a plan");
    assert_eq!(
        condition(&plan, Command::Delete),
        format!(
            "{FOLLOWS} AND user_id = public.clerk_user_id()) AND (SELECT public.clerk_has_feature('audit'::text)) \
             AND (body <> '')"
        )
    );
}

#[test]
fn a_parent_must_be_there_and_be_protected() {
    let refusal = follow(json!({}), &[]).expect_err("a refusal");
    assert_eq!(refusal.kind, RefusalKind::MissingTable);
    assert_eq!(refusal.message, "table public.projects does not exist");
    let open = facts(json!({"name": "projects"}));
    let refusal = follow(json!({}), &[open]).expect_err("a refusal");
    assert_eq!(refusal.kind, RefusalKind::NotReady);
    assert_eq!(
        refusal.message,
        "table public.projects has no row security to follow"
    );
    assert_eq!(
        refusal.hint,
        "Protect it first: clerk.protect('public.projects', ...)."
    );
}

#[test]
fn a_table_cannot_follow_itself_or_in_a_circle() {
    let own = facts(json!({"row_security": true}));
    let options = json!({"via": "project_id references public.documents"});
    let refusal = follow(options, &[own]).expect_err("a refusal");
    assert_eq!(refusal.message, "via is not valid");

    // The documents follow the projects, and the projects follow the documents.
    let following = |name: &str, parent: &str| {
        let comment = format!(
            r#"clerk_sync: {{"template":"inherit","via":"id references public.{parent}","commands":["update"]}}"#
        );
        let made = policy("clerk_update", 'w', &["authenticated"], Some(&comment));
        facts(json!({"name": name, "row_security": true, "policies": [made]}))
    };
    let circle = [
        following("documents", "projects"),
        following("projects", "documents"),
    ];
    let refusal = follow(json!({}), &circle).expect_err("a refusal");
    assert_eq!(refusal.kind, RefusalKind::Option);
    assert_eq!(refusal.detail, "The tables follow each other in a circle.");
    // Nor follow those that do.
    let circle = [
        following("projects", "accounts"),
        following("accounts", "projects"),
    ];
    let refusal = follow(json!({}), &circle).expect_err("a refusal");
    assert_eq!(refusal.detail, "The tables follow each other in a circle.");
}
