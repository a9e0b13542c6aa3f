//! What is refused before anything is written.

use super::facts::TableFacts;
use super::names::{check_name, quote_name};
use super::predicate::check_predicate;
use super::refusal::{Refusal, RefusalKind};
use super::specification::{Specification, Template};

/// Refuses what has no rows of its own that policies could protect.
pub(super) fn check_table(table: &TableFacts) -> Result<(), Refusal> {
    let name = table.quoted();
    let wrong = |what: &str, hint: &str| {
        Err(Refusal::new(RefusalKind::WrongObject, format_args!("{name} {what}")).hint(hint))
    };
    match table.kind {
        'r' | 'p' => {}
        'v' => {
            return wrong(
                "is a view",
                "Protect the tables below it; WITH (security_invoker) lets their policies see the caller.",
            );
        }
        'm' => {
            return wrong(
                "is a materialized view",
                "Row security does not exist for it.",
            );
        }
        'f' => {
            return wrong(
                "is a foreign table",
                "Row security does not exist for it: keep it out of the reach of request roles.",
            );
        }
        _ => return wrong("is not a table", "Name an ordinary or a partitioned table."),
    }
    if table.is_partition {
        return wrong(
            "is a partition",
            "Protect the partitioned table, and grant request roles nothing on its partitions.",
        );
    }
    if table.persistence == 't' {
        return wrong("is a temporary table", "Only its own session can see it.");
    }
    if table.schema.starts_with("pg_")
        || ["information_schema", "clerk", "clerk_test"].contains(&table.schema.as_str())
    {
        return wrong("belongs to a system schema", "Name a table of your own.");
    }
    if let Some(extension) = &table.extension {
        return wrong(
            &format!("belongs to the extension {}", quote_name(extension)),
            "Name a table of your own.",
        );
    }
    check_owned(table)
}

/// Refuses a parent that is not there for all who may read its children.
pub(super) fn check_parent(parent: &TableFacts) -> Result<(), Refusal> {
    let refuse = |what: &str| {
        let name = parent.quoted();
        Err(
            Refusal::new(RefusalKind::WrongObject, format_args!("{name} {what}"))
                .hint("Follow an ordinary or a partitioned table with row security."),
        )
    };
    if !['r', 'p'].contains(&parent.kind) {
        return refuse("is not a table");
    }
    if parent.persistence == 't' {
        return refuse("is a temporary table");
    }
    Ok(())
}

/// Refuses a parent in which several rows could be the one that a child follows: whoever may insert one that is
/// alike would be given the child.
pub(super) fn check_unique(parent: &TableFacts, columns: &[String]) -> Result<(), Refusal> {
    let is_within = |key: &Vec<String>| key.iter().all(|column| columns.contains(column));
    if parent.unique_keys.iter().any(is_within) {
        return Ok(());
    }
    let list: Vec<_> = columns.iter().map(|column| quote_name(column)).collect();
    Err(Refusal::new(
        RefusalKind::Option,
        format_args!("({}) of {} is not unique", list.join(", "), parent.quoted()),
    )
    .detail("Whoever may insert a row there that is alike would be given the rows that follow it.")
    .hint(
        "Follow the whole primary key, or columns with a unique constraint that is not deferrable.",
    ))
}

/// Refuses a table that others inherit from, other than as partitions.
pub(super) fn check_heirs(table: &TableFacts) -> Result<(), Refusal> {
    if !table.has_heirs {
        return Ok(());
    }
    let name = table.quoted();
    Err(Refusal::new(
        RefusalKind::WrongObject,
        format_args!("{name} has tables that inherit from it"),
    )
    .hint(
        "Its triggers do not hold for their rows, nor its policies for their queries: use partitions.",
    ))
}

/// Refuses a table of somebody else's.
pub(super) fn check_owned(table: &TableFacts) -> Result<(), Refusal> {
    let name = table.quoted();
    if !table.is_owned {
        return Err(Refusal::new(
            RefusalKind::NotOwner,
            format_args!("must be owner of table {name}"),
        )
        .hint("Run it as the table's owner, who needs clerk_admin, or as a superuser."));
    }
    Ok(())
}

/// Refuses options that the template would ignore, and templates without what they are about.
pub(super) fn check_options(
    specification: &Specification,
    template: Template,
) -> Result<(), Refusal> {
    use Template as T;
    check_name("prefix", specification.prefix())?;
    for (option, predicate) in [
        ("predicate", &specification.predicate),
        ("and_where", &specification.and_where),
        ("or_where", &specification.or_where),
    ] {
        if let Some(predicate) = predicate {
            check_predicate(option, predicate)?;
        }
    }
    for (option, text) in [
        ("organization", &specification.organization),
        ("role", &specification.role),
        ("permission", &specification.permission),
        ("plan", &specification.plan),
        ("feature", &specification.feature),
        ("reverification", &specification.reverification),
    ] {
        if text
            .as_ref()
            .is_some_and(|text| text.is_empty() || text.contains('\0'))
        {
            return Err(Refusal::option(option, "The text is empty or holds a NUL."));
        }
    }
    if let Some(reverification) = &specification.reverification
        && !is_reverification(reverification)
    {
        return Err(Refusal::option(
            "reverification",
            "It is no preset and no level with a time.",
        )
        .hint(
            "Write 'strict_mfa', 'strict', 'moderate' or 'lax', or a level and a time such as \
                 'second_factor 10 minutes'.",
        ));
    }
    let needs = [
        (
            T::Role,
            "role",
            specification.role.is_some() || specification.roles.is_some(),
        ),
        (
            T::Permission,
            "permission",
            specification.permission.is_some() || specification.permissions.is_some(),
        ),
        (T::Plan, "plan", specification.plan.is_some()),
        (T::Feature, "feature", specification.feature.is_some()),
        (T::Inherit, "via", specification.via.is_some()),
        (T::Custom, "predicate", specification.predicate.is_some()),
    ];
    for (needing, option, is_given) in needs {
        if template == needing && !is_given {
            return Err(Refusal::new(
                RefusalKind::Option,
                format_args!("template {template} needs {option}"),
            )
            .hint(format_args!("Add {option} => '...'.")));
        }
    }
    let about_organizations = [
        T::Organization,
        T::Member,
        T::Role,
        T::Permission,
        T::Plan,
        T::Feature,
        T::Reverified,
    ];
    for (option, is_given, takes) in [
        (
            "org_column",
            specification.org_column.is_some(),
            about_organizations.as_slice(),
        ),
        ("via", specification.via.is_some(), &[T::Inherit]),
        ("predicate", specification.predicate.is_some(), &[T::Custom]),
        (
            "organization",
            specification.organization.is_some(),
            &[T::Role, T::Permission],
        ),
    ] {
        if is_given && !takes.contains(&template) {
            return Err(Refusal::new(
                RefusalKind::Option,
                format_args!("template {template} takes no {option}"),
            )
            .hint("and_where and or_where add conditions to any template."));
        }
    }
    check_organization_of_rights(specification, template)?;
    if template == T::Service && specification.owner_column.is_some() {
        return Err(Refusal::new(
            RefusalKind::Option,
            "template service takes no owner_column",
        ));
    }
    let indexes = specification.indexes.as_deref().unwrap_or("create");
    if !["create", "concurrently", "none"].contains(&indexes) {
        return Err(Refusal::option(
            "indexes",
            "It is create, concurrently or none.",
        ));
    }
    Ok(())
}

/// A role and a permission are those of the active organization, and anybody can be the admin of one of
/// their own: they say nothing where the rows may be another organization's.
fn check_organization_of_rights(
    specification: &Specification,
    template: Template,
) -> Result<(), Refusal> {
    use Template as T;
    let refuse = |option: &str, hint: &str| {
        Err(Refusal::new(
            RefusalKind::Option,
            format_args!("template {template} takes no {option}"),
        )
        .detail("It is of the active organization, and the rows may be another's.")
        .hint(hint))
    };
    let has_permission = specification.permission.is_some() || specification.permissions.is_some();
    let has_role = specification.role.is_some() || specification.roles.is_some();
    if template == T::Member && has_permission {
        return refuse(
            "permission",
            "Ask for roles, which are those of the memberships.",
        );
    }
    let is_tied = matches!(
        template,
        T::Owner
            | T::Organization
            | T::Member
            | T::Role
            | T::Permission
            | T::Reverified
            | T::PrivateProfile
    ) || specification.org_column.is_some();
    for (option, is_given) in [("role", has_role), ("permission", has_permission)] {
        if is_given && !is_tied {
            return refuse(
                option,
                "Use template organization, role or permission, or name org_column.",
            );
        }
    }
    if specification.organization.is_some() && specification.org_column.is_some() {
        return Err(Refusal::new(
            RefusalKind::Option,
            "organization and org_column exclude each other",
        )
        .hint("Name the rows' organization, or the one whose members may see every row."));
    }
    Ok(())
}

/// A preset, or one of the three levels and an interval of numbers and units.
fn is_reverification(text: &str) -> bool {
    const UNITS: [&str; 4] = ["second", "minute", "hour", "day"];
    let mut words = text.split(' ');
    match words.next() {
        Some("strict_mfa" | "strict" | "moderate" | "lax") => words.next().is_none(),
        Some("first_factor" | "second_factor" | "multi_factor") => {
            let rest: Vec<_> = words.collect();
            let is_pair = |pair: &[&str]| match pair {
                [number, unit] => {
                    number.parse::<u32>().is_ok()
                        && UNITS.contains(&unit.strip_suffix('s').unwrap_or(unit))
                }
                _ => false,
            };
            !rest.is_empty() && rest.chunks(2).all(is_pair)
        }
        _ => false,
    }
}

pub(super) fn need_column(table: &TableFacts, column: &str) -> Result<(), Refusal> {
    match table.column(column) {
        Some(_) => Ok(()),
        None => Err(Refusal::missing_column(&table.quoted(), column)),
    }
}

/// A column that holds ids of Clerk: text, compared byte by byte.
pub(super) fn check_id_column(table: &TableFacts, option: &str, name: &str) -> Result<(), Refusal> {
    let Some(column) = table.column(name) else {
        return Err(Refusal::missing_column(&table.quoted(), name)
            .hint(format_args!("Name the column with {option} => '...'.")));
    };
    let wrong = |detail: String, hint: String| {
        Refusal::new(
            RefusalKind::ColumnType,
            format_args!(
                "column {} of table {} cannot hold a Clerk id",
                quote_name(name),
                table.quoted()
            ),
        )
        .detail(detail)
        .hint(hint)
    };
    let is_text = column.base_type == "text" || column.base_type.starts_with("character varying");
    if !is_text {
        let alter = format!(
            "ALTER TABLE {} ALTER COLUMN {} TYPE text",
            table.quoted(),
            quote_name(name)
        );
        let hint = if column.base_type == "uuid" {
            format!(
                "{alter}; then put Clerk's ids in place of the old ones, which Clerk can keep as external_id."
            )
        } else {
            format!("{alter}.")
        };
        return Err(wrong(
            format!(
                "It has type {}; Clerk's ids are texts like user_2abc.",
                column.data_type
            ),
            hint,
        ));
    }
    if column.is_nondeterministic {
        return Err(wrong(
            "Its collation holds different texts for equal, and Clerk's ids differ in case."
                .to_owned(),
            "Give the column a deterministic collation.".to_owned(),
        ));
    }
    Ok(())
}

pub(super) fn check_soft_delete(table: &TableFacts, name: &str) -> Result<(), Refusal> {
    let Some(column) = table.column(name) else {
        return Err(Refusal::missing_column(&table.quoted(), name));
    };
    // A time that is rounded could lie before now(), where nobody may see it any more.
    if ["timestamp with time zone", "timestamp(6) with time zone"]
        .contains(&column.whole_type.as_str())
    {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalKind::ColumnType,
        format_args!(
            "column {} of table {} cannot tell when a row was deleted",
            quote_name(name),
            table.quoted()
        ),
    )
    .detail(format_args!("It has type {}.", column.data_type))
    .hint(
        "Name a column of type timestamptz, to the microsecond, that is NULL while the row lives.",
    ))
}
