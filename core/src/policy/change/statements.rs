//! Single statements.

use super::Change;
use crate::policy::facts::{IndexFacts, TableFacts, TriggerFacts};
use crate::policy::names::{quote_always, quote_name, quote_qualified, quote_text};
use crate::policy::note::{MARK, Note};
use crate::policy::plan::{Guard, GuardKind, Plan, Policy};

/// `ALTER TABLE name action`.
pub(super) fn alter_table(table: &TableFacts, summary: String, action: &str) -> Change {
    Change::new(summary, format!("ALTER TABLE {} {action}", table.quoted()))
}

/// Creates the policy, in place of the one of its name where there is one.
pub(super) fn create_policy(
    policy: &Policy,
    note: &Note,
    table: &TableFacts,
    replaces: bool,
) -> Change {
    let roles: Vec<_> = policy.roles.iter().map(|role| quote_role(role)).collect();
    let mut statement = format!(
        "CREATE POLICY {} ON {}{} FOR {} TO {}",
        quote_name(&policy.name),
        table.quoted(),
        if policy.permissive {
            ""
        } else {
            " AS RESTRICTIVE"
        },
        policy.command.as_str().to_ascii_uppercase(),
        roles.join(", ")
    );
    for (keyword, condition) in [("USING", &policy.using), ("WITH CHECK", &policy.check)] {
        if let Some(condition) = condition {
            statement.push_str(&format!(" {keyword} ({condition})"));
        }
    }
    let mut statements = vec![statement, comment_statement(&policy.name, note, table)];
    if replaces {
        statements.insert(0, drop_statement(&policy.name, table));
    }
    let verb = if replaces { "replace" } else { "create" };
    Change {
        summary: format!("{verb} policy {}", policy.name),
        statements,
    }
}

pub(super) fn drop_policy(name: &str, table: &TableFacts) -> Change {
    Change::new(format!("drop policy {name}"), drop_statement(name, table))
}

pub(super) fn comment_policy(name: &str, note: &Note, table: &TableFacts) -> Change {
    let statement = comment_statement(name, note, table);
    Change::new(format!("comment on policy {name}"), statement)
}

fn drop_statement(name: &str, table: &TableFacts) -> String {
    format!("DROP POLICY {} ON {}", quote_name(name), table.quoted())
}

fn comment_statement(name: &str, note: &Note, table: &TableFacts) -> String {
    let comment = quote_text(&note.to_comment());
    format!(
        "COMMENT ON POLICY {} ON {} IS {comment}",
        quote_name(name),
        table.quoted()
    )
}

pub(super) fn set_default(column: &str, function: &str, table: &TableFacts) -> Change {
    let action = format!("ALTER COLUMN {} SET DEFAULT {function}", quote_name(column));
    alter_table(table, format!("set default of {column}"), &action)
}

pub(super) fn drop_default(column: &str, table: &TableFacts) -> Change {
    let action = format!("ALTER COLUMN {} DROP DEFAULT", quote_name(column));
    alter_table(table, format!("drop default of {column}"), &action)
}

/// The trigger looks at the column itself, so that the function runs for offenders only. Not `UPDATE
/// OF`: a trigger before it may change a column that the statement does not name.
pub(super) fn create_guard(name: &str, guard: &Guard, table: &TableFacts) -> Change {
    let new = table.column_expression(&guard.column, "NEW.");
    let old = table.column_expression(&guard.column, "OLD.");
    let changed = format!("{old} IS DISTINCT FROM {new}");
    let (when, about) = match guard.kind {
        GuardKind::Immutable => (changed, "an update leaves the column as it is"),
        GuardKind::SoftDelete => (
            format!("{new} IS NOT NULL AND {changed}"),
            "a deletion is given the time of its transaction",
        ),
    };
    let (quoted, table) = (quote_name(name), table.quoted());
    Change {
        summary: format!("create trigger {name}"),
        statements: vec![
            format!(
                "CREATE OR REPLACE TRIGGER {quoted} BEFORE UPDATE ON {table} FOR EACH ROW WHEN ({when}) \
                 EXECUTE FUNCTION clerk.{}({})",
                guard.kind.function(),
                quote_text(&guard.column)
            ),
            format!(
                "COMMENT ON TRIGGER {quoted} ON {table} IS {}",
                quote_text(&format!("{MARK}{about}"))
            ),
        ],
    }
}

/// Whether the trigger guards as [`create_guard`] writes it: at each update, by the same condition but for
/// brackets and casts, which Postgres writes in its own way.
pub(super) fn is_whole(trigger: &TriggerFacts, guard: &Guard, table: &TableFacts) -> bool {
    let column = quote_name(&guard.column);
    let changed = format!("old.{column} IS DISTINCT FROM new.{column}");
    let wanted = match guard.kind {
        GuardKind::Immutable => changed,
        GuardKind::SoftDelete => format!("new.{column} IS NOT NULL AND {changed}"),
    };
    let cast = table
        .column(&guard.column)
        .map(|facts| format!("::{}", facts.base_type));
    // Which words a version quotes is its own affair.
    let quoted = format!(".{}", quote_always(&guard.column));
    let bare = format!(".{}", guard.column);
    let plain = |text: &str| {
        let text = text.replace(&quoted, &bare);
        let text = text.replace(['(', ')'], "").replace("::text", "");
        match &cast {
            Some(cast) => text.replace(&cast.replace(['(', ')'], ""), ""),
            None => text,
        }
    };
    trigger.is_before_update && trigger.condition.as_deref().map(plain) == Some(plain(&wanted))
}

pub(super) fn enable_trigger(name: &str, table: &TableFacts) -> Change {
    let action = format!("ENABLE TRIGGER {}", quote_name(name));
    alter_table(table, format!("enable trigger {name}"), &action)
}

pub(super) fn create_index(
    name: &str,
    columns: &[String],
    concurrently: bool,
    table: &TableFacts,
) -> Change {
    let list: Vec<_> = columns.iter().map(|column| quote_name(column)).collect();
    Change {
        summary: format!("create index {name}"),
        statements: vec![
            format!(
                "CREATE INDEX{} IF NOT EXISTS {} ON {} ({})",
                if concurrently { " CONCURRENTLY" } else { "" },
                quote_name(name),
                table.quoted(),
                list.join(", ")
            ),
            format!(
                "COMMENT ON INDEX {} IS {}",
                quote_qualified(&table.schema, name),
                quote_text(&format!("{MARK}for the policies of its table"))
            ),
        ],
    }
}

/// Triggers that were made here and that none of the plans needs.
pub(super) fn drop_unneeded_guards(table: &TableFacts, plans: &[&Plan]) -> Vec<Change> {
    let mut changes = Vec::new();
    for trigger in &table.triggers {
        let (Some(function), Some(column)) = (&trigger.guard, &trigger.column) else {
            continue;
        };
        let mut guards = plans.iter().flat_map(|plan| &plan.guards);
        if !guards.any(|guard| guard.kind.function() == function && guard.column == *column) {
            changes.push(Change::new(
                format!("drop trigger {}", trigger.name),
                format!(
                    "DROP TRIGGER {} ON {}",
                    quote_name(&trigger.name),
                    table.quoted()
                ),
            ));
        }
    }
    changes
}

/// Indexes that were made here and that none of the plans needs.
pub(super) fn drop_unneeded_indexes(table: &TableFacts, plans: &[&Plan]) -> Vec<Change> {
    let mut changes = Vec::new();
    for index in table.indexes.iter().filter(|index| index.is_made()) {
        let mut wanted = plans.iter().flat_map(|plan| &plan.indexed);
        if !wanted.any(|columns| leads(index, columns)) {
            changes.push(Change::new(
                format!("drop index {}", index.name),
                format!("DROP INDEX {}", quote_qualified(&table.schema, &index.name)),
            ));
        }
    }
    changes
}

pub(super) fn grant(role: &str, privilege: &str, table: &TableFacts) -> Option<Change> {
    change_privilege("grant", "to", role, privilege, table)
}

pub(super) fn revoke(role: &str, privilege: &str, table: &TableFacts) -> Option<Change> {
    change_privilege("revoke", "from", role, privilege, table)
}

/// `USAGE` is of the sequences behind the table's columns; there may be none.
fn change_privilege(
    verb: &str,
    direction: &str,
    role: &str,
    privilege: &str,
    table: &TableFacts,
) -> Option<Change> {
    let objects: Vec<String> = if privilege == "USAGE" {
        let sequences = table
            .columns
            .iter()
            .filter_map(|column| column.sequence.as_ref());
        sequences
            .map(|sequence| format!("SEQUENCE {sequence}"))
            .collect()
    } else {
        vec![format!("TABLE {}", table.quoted())]
    };
    let write = |object: String| {
        let (verb, direction) = (verb.to_ascii_uppercase(), direction.to_ascii_uppercase());
        format!(
            "{verb} {privilege} ON {object} {direction} {}",
            quote_role(role)
        )
    };
    (!objects.is_empty()).then(|| Change {
        summary: format!(
            "{verb} {} {direction} {role}",
            privilege.to_ascii_lowercase()
        ),
        statements: objects.into_iter().map(write).collect(),
    })
}

fn quote_role(role: &str) -> String {
    if role == "public" {
        "PUBLIC".to_owned()
    } else {
        quote_name(role)
    }
}

/// Whether the index serves a search by the columns: it begins with the first, and is no shorter.
pub(super) fn leads(index: &IndexFacts, columns: &[String]) -> bool {
    index.leading_column.as_ref() == columns.first() && index.columns as usize >= columns.len()
}
