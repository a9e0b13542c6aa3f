//! Tables and columns that are refused, with kind, message and next step.

use clerk_core::policy::RefusalKind as Kind;
use clerk_core::policy::facts::TableFacts;
use clerk_core::policy::{Refusal, plan};
use serde_json::{Value, json};

use crate::policy_facts::{
    column, column_with, facts, planned, refused, specification, with_columns,
};

/// Kind, message, detail and hint.
pub fn parts(refusal: &Refusal) -> (Kind, &str, &str, &str) {
    // The house style of messages.
    assert!(!refusal.message.ends_with('.'), "{refusal}");
    for sentence in [&refusal.detail, &refusal.hint] {
        assert!(
            sentence.is_empty() || sentence.ends_with('.') || sentence.contains("63"),
            "{sentence}"
        );
    }
    let Refusal {
        kind,
        message,
        detail,
        hint,
    } = refusal;
    (*kind, message, detail, hint)
}

/// The table as changed, refused for the template `owner`.
fn table_refused(changes: Value) -> Refusal {
    let table = facts(changes);
    let refusal = refused("owner", json!({}), &table);
    assert_eq!(table.check_protectable(), Err(refusal.clone()));
    refusal
}

#[test]
fn what_has_no_rows_of_its_own_is_refused_by_its_kind() {
    for (kind, what, hint) in [
        ("v", "is a view", "Protect the tables below it"),
        (
            "m",
            "is a materialized view",
            "Row security does not exist for it",
        ),
        (
            "f",
            "is a foreign table",
            "keep it out of the reach of request roles",
        ),
        (
            "S",
            "is not a table",
            "Name an ordinary or a partitioned table",
        ),
        (
            "c",
            "is not a table",
            "Name an ordinary or a partitioned table",
        ),
        (
            "i",
            "is not a table",
            "Name an ordinary or a partitioned table",
        ),
    ] {
        let refusal = table_refused(json!({"kind": kind, "name": "My view"}));
        let message = format!(r#"public."My view" {what}"#);
        assert_eq!(refusal.kind, Kind::WrongObject);
        assert_eq!(refusal.message, message);
        assert!(refusal.hint.contains(hint), "{}", refusal.hint);
    }
    assert!(facts(json!({"kind": "p"})).check_protectable().is_ok());
}

#[test]
fn partitions_and_temporary_tables_are_refused() {
    assert_eq!(
        parts(&table_refused(json!({"is_partition": true}))),
        (
            Kind::WrongObject,
            "public.documents is a partition",
            "",
            "Protect the partitioned table, and grant request roles nothing on its partitions."
        )
    );
    assert_eq!(
        parts(&table_refused(json!({"persistence": "t"}))),
        (
            Kind::WrongObject,
            "public.documents is a temporary table",
            "",
            "Only its own session can see it."
        )
    );
    assert_eq!(
        parts(&refused(
            "owner",
            json!({}),
            &facts(json!({"has_heirs": true}))
        )),
        (
            Kind::WrongObject,
            "public.documents has tables that inherit from it",
            "",
            "Its triggers do not hold for their rows, nor its policies for their queries: use partitions."
        )
    );
    assert!(
        facts(json!({"persistence": "u"}))
            .check_protectable()
            .is_ok()
    );
}

#[test]
fn tables_of_the_system_and_of_extensions_are_refused() {
    for schema in [
        "pg_catalog",
        "pg_toast",
        "pg_",
        "information_schema",
        "clerk",
        "clerk_test",
    ] {
        let refusal = table_refused(json!({"schema": schema}));
        assert_eq!(
            parts(&refusal),
            (
                Kind::WrongObject,
                format!("{schema}.documents belongs to a system schema").as_str(),
                "",
                "Name a table of your own."
            )
        );
    }
    assert!(
        facts(json!({"schema": "pgbench"}))
            .check_protectable()
            .is_ok()
    );
    let refusal = table_refused(json!({"extension": "My \"ext"}));
    assert_eq!(
        refusal.message,
        "public.documents belongs to the extension \"My \"\"ext\""
    );
}

#[test]
fn a_table_of_somebody_else_is_refused() {
    assert_eq!(
        parts(&table_refused(json!({"is_owned": false}))),
        (
            Kind::NotOwner,
            "must be owner of table public.documents",
            "",
            "Run it as the table's owner, who needs clerk_admin, or as a superuser."
        )
    );
}

#[test]
fn a_column_that_is_not_there_is_refused_with_the_option_that_names_it() {
    let table = with_columns(&["id"]);
    for (template, options, column, option) in [
        ("owner", json!({}), "user_id", "owner_column"),
        ("organization", json!({}), "org_id", "org_column"),
        (
            "member",
            json!({"org_column": "Org"}),
            "\"Org\"",
            "org_column",
        ),
        (
            "plan",
            json!({"plan": "x", "owner_column": "owner"}),
            "owner",
            "owner_column",
        ),
        ("reverified", json!({}), "org_id", "org_column"),
    ] {
        let refusal = refused(template, options, &table);
        let message = format!("column {column} of table public.documents does not exist");
        let hint = format!("Name the column with {option} => '...'.");
        assert_eq!(
            parts(&refusal),
            (Kind::MissingColumn, &*message, "", &*hint)
        );
    }
    for (template, options) in [
        (
            "custom",
            json!({"predicate": "true", "soft_delete": "gone"}),
        ),
        (
            "custom",
            json!({"predicate": "true", "immutable": ["id", "gone"]}),
        ),
        (
            "inherit",
            json!({"via": "id, gone references p (a, b)", "to_roles": ["app"]}),
        ),
    ] {
        let via = options.get("via").is_some();
        let parent = facts(json!({"schema": "", "name": "p"}));
        let asked = specification(template, options);
        let refusal = plan(&asked, &table, &[parent]).expect_err("a refusal");
        assert_eq!(refusal.kind, Kind::MissingColumn, "{via}");
        assert_eq!(
            refusal.message,
            "column gone of table public.documents does not exist"
        );
    }
}

#[test]
fn a_column_that_cannot_hold_a_clerk_id_is_refused_with_what_mends_it() {
    let of_type = |column: Value| {
        let table = facts(json!({"columns": [column]}));
        refused("owner", json!({}), &table)
    };
    assert_eq!(
        parts(&of_type(column("user_id", "uuid"))),
        (
            Kind::ColumnType,
            "column user_id of table public.documents cannot hold a Clerk id",
            "It has type uuid; Clerk's ids are texts like user_2abc.",
            "ALTER TABLE public.documents ALTER COLUMN user_id TYPE text; then put Clerk's ids in place of the \
             old ones, which Clerk can keep as external_id."
        )
    );
    for data_type in [
        "citext",
        "character",
        "character(32)",
        "bpchar",
        "bigint",
        "name",
        "\"char\"",
        "text[]",
    ] {
        let refusal = of_type(column("user_id", data_type));
        assert_eq!(refusal.kind, Kind::ColumnType, "{data_type}");
        let detail = format!("It has type {data_type}; Clerk's ids are texts like user_2abc.");
        assert_eq!(refusal.detail, detail);
        assert_eq!(
            refusal.hint,
            "ALTER TABLE public.documents ALTER COLUMN user_id TYPE text."
        );
    }
    let domain = json!({"data_type": "app.clerk_id", "base_type": "uuid"});
    assert_eq!(
        of_type(column_with("user_id", "uuid", domain)).detail,
        "It has type app.clerk_id; Clerk's ids are texts like user_2abc."
    );
}

#[test]
fn a_column_whose_collation_takes_ids_for_equal_is_refused() {
    let column = column_with("user_id", "text", json!({"is_nondeterministic": true}));
    let table = facts(json!({"columns": [column]}));
    assert_eq!(
        parts(&refused("owner", json!({}), &table)),
        (
            Kind::ColumnType,
            "column user_id of table public.documents cannot hold a Clerk id",
            "Its collation holds different texts for equal, and Clerk's ids differ in case.",
            "Give the column a deterministic collation."
        )
    );
}

#[test]
fn texts_and_domains_over_them_hold_ids() {
    for (data_type, base_type) in [
        ("text", "text"),
        ("character varying", "character varying"),
        ("character varying(64)", "character varying"),
        ("app.clerk_id", "text"),
    ] {
        let column = column_with("user_id", data_type, json!({"base_type": base_type}));
        let table: TableFacts = facts(json!({"columns": [column]}));
        planned("owner", json!({}), &table);
    }
}

#[test]
fn a_soft_deletion_needs_a_time() {
    let whole = "timestamp(6) with time zone";
    let table = facts(json!({"columns": [column("user_id", "text"), column("gone", whole)]}));
    planned("owner", json!({"soft_delete": "gone"}), &table);
    for data_type in [
        "timestamp without time zone",
        "boolean",
        "date",
        "timestamp(0) with time zone",
    ] {
        let table =
            facts(json!({"columns": [column("user_id", "text"), column("gone", data_type)]}));
        let refusal = refused("owner", json!({"soft_delete": "gone"}), &table);
        assert_eq!(
            parts(&refusal),
            (
                Kind::ColumnType,
                "column gone of table public.documents cannot tell when a row was deleted",
                &*format!("It has type {data_type}."),
                "Name a column of type timestamptz, to the microsecond, that is NULL while the row lives."
            )
        );
    }
}
