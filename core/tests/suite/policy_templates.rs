//! What each template asks of each command, word by word.

use serde_json::{Value, json};

use crate::policy_facts::{
    column_with, conditions, documents, everywhere, facts, planned, specification, with_columns,
};
use clerk_core::policy::{Template, plan};

const IS_OWNER: &str = "user_id = public.clerk_user_id()";
const IS_ORGANIZATION: &str = "org_id = public.clerk_org_id()";

/// The conditions of the template on the documents.
fn of(template: &str, options: Value) -> Vec<String> {
    conditions(&planned(template, options, &documents()))
}

#[test]
fn an_owner_reads_and_writes_their_own_rows() {
    assert_eq!(of("owner", json!({})), everywhere(IS_OWNER));
    assert_eq!(
        of("owner", json!({"owner_column": "body"})),
        everywhere("body = public.clerk_user_id()")
    );
}

#[test]
fn an_organization_shares_its_rows() {
    assert_eq!(of("organization", json!({})), everywhere(IS_ORGANIZATION));
}

#[test]
fn an_author_beside_the_organization_cannot_be_forged() {
    assert_eq!(
        of("organization", json!({"owner_column": "user_id"})),
        [
            "select USING org_id = public.clerk_org_id()",
            "insert CHECK org_id = public.clerk_org_id() AND user_id = public.clerk_user_id()",
            "update USING org_id = public.clerk_org_id() CHECK org_id = public.clerk_org_id()",
            "delete USING org_id = public.clerk_org_id()",
        ]
    );
}

#[test]
fn an_author_cannot_be_forged_in_any_template_that_is_not_about_the_user() {
    for (template, mut options) in [
        ("member", json!({})),
        ("role", json!({"role": "admin"})),
        ("permission", json!({"permission": "org:a:b"})),
        ("custom", json!({"predicate": "true"})),
    ] {
        options["owner_column"] = json!("user_id");
        let policies = of(template, options);
        assert!(
            policies[1].ends_with(" AND user_id = public.clerk_user_id()"),
            "{template}: {policies:?}"
        );
    }
}

#[test]
fn each_command_has_its_own_roles_and_any_of_them_will_do() {
    assert_eq!(
        of(
            "organization",
            json!({"roles": {"read": ["org:admin", "org:member"], "write": "org:admin"}})
        ),
        [
            "select USING org_id = CASE WHEN (public.clerk_has_role('org:admin'::text) OR \
             public.clerk_has_role('org:member'::text)) THEN public.clerk_org_id() END",
            "insert CHECK org_id = CASE WHEN public.clerk_has_role('org:admin'::text) THEN public.clerk_org_id() END",
            "update USING org_id = CASE WHEN public.clerk_has_role('org:admin'::text) THEN public.clerk_org_id() END \
             CHECK org_id = CASE WHEN public.clerk_has_role('org:admin'::text) THEN public.clerk_org_id() END",
            "delete USING org_id = CASE WHEN public.clerk_has_role('org:admin'::text) THEN public.clerk_org_id() END",
        ]
    );
}

#[test]
fn a_member_of_any_organization_passes_by_the_memberships() {
    assert_eq!(
        of("member", json!({})),
        everywhere("org_id = ANY ((SELECT public.clerk_member_org_ids())::text[])")
    );
    assert_eq!(
        of(
            "member",
            json!({"role": "org:member", "roles": {"delete": ["org:admin", "org:owner"]}})
        )[2..],
        [
            "update USING org_id = ANY ((SELECT public.clerk_member_org_ids(ARRAY['org:member'::text]))::text[]) \
             CHECK org_id = ANY ((SELECT public.clerk_member_org_ids(ARRAY['org:member'::text]))::text[])",
            "delete USING org_id = ANY ((SELECT public.clerk_member_org_ids(ARRAY['org:admin'::text, 'org:owner'::text]))::text[])",
        ]
    );
}

#[test]
fn without_an_index_the_memberships_are_hashed() {
    let hashed = everywhere("org_id IN (SELECT pg_catalog.unnest(public.clerk_member_org_ids()))");
    assert_eq!(of("member", json!({"indexes": "none"})), hashed);
    let indexed = facts(json!({"indexes": [
        {"name": "by_org", "leading_column": "org_id", "columns": 1, "comment": null}
    ]}));
    assert_ne!(
        conditions(&planned("member", json!({"indexes": "none"}), &indexed)),
        hashed
    );
}

#[test]
fn a_members_requirements_hide_every_organization() {
    assert_eq!(
        of(
            "member",
            json!({"feature": "audit", "commands": ["select"]})
        ),
        [
            "select USING org_id = ANY ((SELECT CASE WHEN public.clerk_has_feature('audit'::text) THEN \
          public.clerk_member_org_ids() END)::text[])"
        ]
    );
}

#[test]
fn a_role_counts_in_the_rows_organization() {
    assert_eq!(
        of("role", json!({"role": "org:admin"})),
        everywhere(
            "org_id = CASE WHEN public.clerk_has_role('org:admin'::text) THEN public.clerk_org_id() END"
        )
    );
    assert_eq!(
        of("permission", json!({"permission": "org:docs:edit"})),
        everywhere(
            "org_id = CASE WHEN public.clerk_has_permission('org:docs:edit'::text) THEN public.clerk_org_id() END"
        )
    );
}

#[test]
fn a_role_in_one_organization_opens_the_whole_table() {
    assert_eq!(
        of(
            "role",
            json!({"role": "org:admin", "organization": "org_1"})
        ),
        everywhere(
            "(SELECT public.clerk_org_id() = 'org_1'::text AND public.clerk_has_role('org:admin'::text))"
        )
    );
    assert_eq!(
        of(
            "permission",
            json!({"permissions": {"write": ["org:a:b", "org:c:d"]}, "organization": "org_1",
                "commands": ["select", "delete"]})
        ),
        [
            "select USING (SELECT public.clerk_org_id() = 'org_1'::text)",
            "delete USING (SELECT public.clerk_org_id() = 'org_1'::text AND \
             (public.clerk_has_permission('org:a:b'::text) OR public.clerk_has_permission('org:c:d'::text)))",
        ]
    );
}

#[test]
fn a_plan_or_feature_alone_opens_the_table_to_readers() {
    assert_eq!(
        of("plan", json!({"plan": "gold"})),
        ["select USING (SELECT public.clerk_has_plan('gold'::text))"]
    );
    assert_eq!(
        of("feature", json!({"feature": "audit"})),
        ["select USING (SELECT public.clerk_has_feature('audit'::text))"]
    );
}

#[test]
fn a_plan_or_feature_with_columns_stays_within_the_rows_of_the_session() {
    assert_eq!(
        of("plan", json!({"plan": "gold", "owner_column": "user_id"})),
        [
            "select USING user_id = CASE WHEN public.clerk_has_plan('gold'::text) THEN public.clerk_user_id() END"
        ]
    );
    assert_eq!(
        of(
            "feature",
            json!({"feature": "audit", "owner_column": "user_id", "org_column": "org_id",
                "commands": ["delete"]})
        ),
        [
            "delete USING user_id = CASE WHEN public.clerk_has_feature('audit'::text) THEN \
             public.clerk_user_id() END AND org_id = public.clerk_org_id()"
        ]
    );
}

#[test]
fn reverification_is_asked_of_writes_only() {
    let proven = "user_id = CASE WHEN public.clerk_reverified('strict'::text) THEN public.clerk_user_id() END";
    let mut expected = everywhere(proven);
    expected[0] = format!("select USING {IS_OWNER}");
    assert_eq!(of("reverified", json!({})), expected);
    let interval = of(
        "owner",
        json!({"reverification": "second_factor 5 minutes"}),
    );
    assert_eq!(interval[0], format!("select USING {IS_OWNER}"));
    assert_eq!(
        interval[3],
        "delete USING user_id = CASE WHEN public.clerk_reverified('second_factor'::text, '5 minutes'::interval) \
         THEN public.clerk_user_id() END"
    );
}

#[test]
fn reverified_rows_are_the_users_or_else_the_organizations() {
    let table = with_columns(&["id", "org_id"]);
    assert_eq!(
        conditions(&planned(
            "reverified",
            json!({"reverification": "lax"}),
            &table
        ))[3],
        "delete USING org_id = CASE WHEN public.clerk_reverified('lax'::text) THEN public.clerk_org_id() END"
    );
    assert_eq!(
        of(
            "reverified",
            json!({"owner_column": "user_id", "org_column": "org_id"})
        )[0],
        format!("select USING {IS_OWNER} AND {IS_ORGANIZATION}")
    );
}

#[test]
fn what_is_public_is_read_by_all_and_written_by_its_owner() {
    let mut expected = everywhere(IS_OWNER);
    expected[0] = "select USING true".to_owned();
    assert_eq!(of("public_read", json!({})), expected);
    expected.truncate(3);
    assert_eq!(of("public_profile", json!({})), expected);
}

#[test]
fn without_an_owner_what_is_public_is_only_read() {
    let table = with_columns(&["id", "body"]);
    let plan = planned("public_read", json!({}), &table);
    assert_eq!(conditions(&plan), ["select USING true"]);
    assert!(plan.defaults.is_empty() && plan.indexed.is_empty());
}

#[test]
fn a_private_profile_is_seen_and_kept_by_its_user_and_deleted_by_nobody() {
    let mut expected = everywhere(IS_OWNER);
    expected.truncate(3);
    assert_eq!(of("private_profile", json!({})), expected);
    // Where there is no user_id, the key is the user's id.
    let table = with_columns(&["id", "email"]);
    let plan = planned("private_profile", json!({}), &table);
    assert_eq!(
        conditions(&plan)[0],
        "select USING id = public.clerk_user_id()"
    );
}

#[test]
fn a_service_sees_all() {
    let plan = planned("service", json!({}), &documents());
    assert_eq!(conditions(&plan), everywhere("true"));
    assert!(
        plan.policies
            .iter()
            .all(|policy| policy.roles == ["service_role"])
    );
    assert!(plan.indexed.is_empty() && plan.defaults.is_empty() && plan.guards.is_empty());
}

#[test]
fn a_custom_predicate_stands_in_its_own_parentheses() {
    assert_eq!(
        of("custom", json!({"predicate": "body = 'a' OR body = 'b'"})),
        everywhere("(body = 'a' OR body = 'b')")
    );
    assert_eq!(
        of(
            "custom",
            json!({"predicate": "true", "plan": "gold", "commands": ["select"]})
        ),
        ["select USING (true) AND (SELECT public.clerk_has_plan('gold'::text))"]
    );
}

#[test]
fn the_functions_are_called_where_the_extension_is_installed() {
    let table = facts(json!({"function_schema": "My Ext"}));
    let plan = planned("owner", json!({}), &table);
    assert_eq!(
        conditions(&plan),
        everywhere(r#"user_id = "My Ext".clerk_user_id()"#)
    );
    assert_eq!(
        plan.defaults,
        [(
            "user_id".to_owned(),
            r#""My Ext".clerk_user_id()"#.to_owned()
        )]
    );
}

#[test]
fn a_column_of_another_text_type_is_compared_as_text() {
    let varying = column_with(
        "user_id",
        "character varying(64)",
        json!({"base_type": "character varying"}),
    );
    let domain = column_with(
        "org_id",
        "app.org",
        json!({"base_type": "text", "is_domain": true}),
    );
    let table = facts(json!({"columns": [varying, domain]}));
    let options = json!({"owner_column": "user_id", "commands": ["insert"]});
    assert_eq!(
        conditions(&planned("organization", options.clone(), &table)),
        [
            "insert CHECK org_id::text = public.clerk_org_id() AND user_id::text = public.clerk_user_id()"
        ]
    );
    let plan = planned("member", options, &table);
    let member = "insert CHECK org_id::text = ANY ((SELECT public.clerk_member_org_ids())::text[])";
    assert!(
        conditions(&plan)[0].starts_with(member),
        "{:?}",
        conditions(&plan)
    );
}

#[test]
fn a_value_is_wrapped_only_where_asked() {
    let options = json!({"wrap": true, "plan": "gold", "commands": ["select"]});
    assert_eq!(
        of("owner", options),
        [
            "select USING user_id = (SELECT CASE WHEN public.clerk_has_plan('gold'::text) THEN public.clerk_user_id() END)"
        ]
    );
    assert_eq!(of("owner", json!({"wrap": false})), everywhere(IS_OWNER));
}

#[test]
fn every_template_is_known_by_its_name_and_keeps_it() {
    let options = |template: Template| match template {
        Template::Role => json!({"role": "org:admin"}),
        Template::Permission => json!({"permission": "org:a:b"}),
        Template::Plan => json!({"plan": "gold"}),
        Template::Feature => json!({"feature": "audit"}),
        Template::Custom => json!({"predicate": "true"}),
        Template::Inherit => json!({"via": "project_id references public.projects"}),
        _ => json!({}),
    };
    let parent = facts(json!({"name": "projects", "row_security": true}));
    for (template, name) in Template::ALL {
        assert_eq!(template.to_string(), name);
        let asked = specification(name, options(template));
        let first = plan(&asked, &documents(), std::slice::from_ref(&parent)).expect("a plan");
        assert_eq!(first.specification.template, name);
        // What was filled in makes the same plan again.
        let second = plan(
            &first.specification,
            &documents(),
            std::slice::from_ref(&parent),
        )
        .expect("a plan");
        assert_eq!(first.policies, second.policies, "{name}");
        assert_eq!(first.guards, second.guards, "{name}");
        assert_eq!(first.indexed, second.indexed, "{name}");
        assert_eq!(first.defaults, second.defaults, "{name}");
        assert_eq!(first.specification, second.specification, "{name}");
    }
}
