//! The condition of each command, as SQL.
//!
//! Columns stand bare: a policy's own table, or inside an EXISTS the parent's, is the innermost. Only
//! a child's column that is compared with its parent is written with its table. `docs/benchmarks.md`
//! has the measurements behind the forms.

use super::checks::{check_parent, check_unique};
use super::facts::{ColumnFacts, TableFacts};
use super::names::{quote_literal, quote_qualified};
use super::plan::Catalog;
use super::refusal::{Refusal, RefusalKind};
use super::resolve::{Resolved, resolve};
use super::specification::{Command, Template};
use super::via::Via;

/// What a policy says of its command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Conditions {
    /// Of the rows that are there.
    pub(crate) using: Option<String>,
    /// Of the rows that are written.
    pub(crate) check: Option<String>,
}

/// How deep tables may follow each other.
pub const DEEPEST: usize = 8;

/// Writes the conditions of one table's policies.
pub(crate) struct Writer<'a> {
    pub(crate) table: &'a TableFacts,
    pub(crate) catalog: &'a Catalog<'a>,
    pub(crate) resolved: &'a Resolved,
}

/// A column and what it must hold.
struct Key {
    column: String,
    value: String,
    /// Whether the value is computed once a query, unseen by the planner.
    is_wrapped: bool,
}

impl Key {
    /// Plain unless asked otherwise, so that the planner sees the value. What is required besides stands on
    /// the side of the value too: where it is missing, the planner knows that there are no rows.
    fn is_value_if(&self, requirements: &[String]) -> String {
        let value = if_all(requirements, self.value.clone());
        if self.is_wrapped {
            format!("{} = (SELECT {value})", self.column)
        } else {
            format!("{} = {value}", self.column)
        }
    }
}

impl Writer<'_> {
    /// The conditions of the command's policy.
    pub(crate) fn conditions(&self, command: Command) -> Result<Conditions, Refusal> {
        self.conditions_at(command, 0)
    }

    fn conditions_at(&self, command: Command, depth: usize) -> Result<Conditions, Refusal> {
        let specification = &self.resolved.specification;
        let mut row = self.row(command, depth)?;
        if command == Command::Select
            && let Some(or_where) = &specification.or_where
        {
            row = vec![format!("({} OR ({or_where}))", conjunction(&row))];
        }
        if let Some(and_where) = &specification.and_where {
            row.push(format!("({and_where})"));
        }
        let (mut old, mut new) = (row.clone(), row);
        if let Some(column) = &self.resolved.soft_delete {
            let is_alive = is_alive(&self.table.column_expression(column, ""), command);
            if command == Command::Insert {
                new.push(is_alive.clone());
            }
            old.push(is_alive);
        }
        if command == Command::Insert && self.resolved.author().is_some() {
            new.extend(self.owner().map(|author| author.is_value_if(&[])));
        }
        let (old, new) = (Some(conjunction(&old)), Some(conjunction(&new)));
        Ok(match command {
            Command::Select | Command::Delete => Conditions {
                using: old,
                check: None,
            },
            Command::Insert => Conditions {
                using: None,
                check: new,
            },
            Command::Update => Conditions {
                using: old,
                check: new,
            },
        })
    }

    /// Whose rows they are, and what the session must have besides.
    fn row(&self, command: Command, depth: usize) -> Result<Vec<String>, Refusal> {
        use Template as T;
        let resolved = self.resolved;
        let requirements = self.requirements(command);
        let keys: Vec<Key> = match resolved.template {
            T::Owner | T::PrivateProfile => self.owner().collect(),
            T::PublicRead | T::PublicProfile if command.writes() => self.owner().collect(),
            T::Organization => self.organization().collect(),
            T::Role | T::Permission if resolved.organization.is_none() => {
                self.organization().collect()
            }
            T::Plan | T::Feature | T::Reverified => {
                self.owner().chain(self.organization()).collect()
            }
            _ => Vec::new(),
        };
        let mut row = match resolved.template {
            T::Member => {
                let columns = resolved.org_column.iter();
                return Ok(columns
                    .map(|column| self.is_member(column, command, &requirements))
                    .collect());
            }
            T::Custom => vec![format!(
                "({})",
                resolved
                    .specification
                    .predicate
                    .as_deref()
                    .unwrap_or("false")
            )],
            T::Inherit => match &resolved.via {
                Some(via) => vec![self.follows(via, command, depth)?],
                None => vec!["false".to_owned()],
            },
            _ => Vec::new(),
        };
        if let Some((first, rest)) = keys.split_first() {
            row.push(first.is_value_if(&requirements));
            row.extend(rest.iter().map(|key| key.is_value_if(&[])));
        } else if !requirements.is_empty() {
            // Asked once a query: a condition without a column is no one-time filter in a policy.
            row.push(format!("(SELECT {})", conjunction(&requirements)));
        }
        Ok(row)
    }

    fn owner(&self) -> impl Iterator<Item = Key> {
        self.key(self.resolved.owner_column.as_ref(), "clerk_user_id")
    }

    fn organization(&self) -> impl Iterator<Item = Key> {
        self.key(self.resolved.org_column.as_ref(), "clerk_org_id")
    }

    fn key(&self, column: Option<&String>, function: &str) -> impl Iterator<Item = Key> + use<> {
        let key = column.map(|column| Key {
            column: self.table.column_expression(column, ""),
            value: self.call(function, &[]),
            is_wrapped: self.resolved.specification.wrap == Some(true),
        });
        key.into_iter()
    }

    /// What the session must have, whosever the row is.
    fn requirements(&self, command: Command) -> Vec<String> {
        let resolved = self.resolved;
        let specification = &resolved.specification;
        let mut all = Vec::new();
        if let Some(organization) = &resolved.organization {
            let active = self.call("clerk_org_id", &[]);
            all.push(format!(
                "{active} = {}",
                quote_literal(organization, "text")
            ));
        }
        // A member's roles are those of the memberships, not of the active organization.
        if resolved.template != Template::Member {
            all.extend(self.has("clerk_has_role", specification.role.as_slice()));
            all.extend(self.has("clerk_has_role", resolved.roles.get(command)));
        }
        all.extend(self.has("clerk_has_permission", specification.permission.as_slice()));
        all.extend(self.has("clerk_has_permission", resolved.permissions.get(command)));
        all.extend(self.has("clerk_has_plan", specification.plan.as_slice()));
        all.extend(self.has("clerk_has_feature", specification.feature.as_slice()));
        if let Some(reverification) = &specification.reverification
            && command.writes()
        {
            all.push(self.is_reverified(reverification));
        }
        all
    }

    /// Any of the texts will do; nothing is asked where there are none.
    fn has(&self, function: &str, texts: &[String]) -> Option<String> {
        let call = |text: &String| self.call(function, &[quote_literal(text, "text")]);
        let calls: Vec<_> = texts.iter().map(call).collect();
        match calls.as_slice() {
            [] => None,
            [call] => Some(call.clone()),
            several => Some(format!("({})", several.join(" OR "))),
        }
    }

    /// A preset, or a level and an interval.
    fn is_reverified(&self, reverification: &str) -> String {
        let arguments = match reverification.split_once(' ') {
            Some((level, within)) => vec![
                quote_literal(level, "text"),
                quote_literal(within.trim(), "interval"),
            ],
            None => vec![quote_literal(reverification, "text")],
        };
        self.call("clerk_reverified", &arguments)
    }

    /// The organizations are looked up once a query. An index finds the rows of an array; without one,
    /// a hash is asked for each row.
    fn is_member(&self, column: &str, command: Command, requirements: &[String]) -> String {
        let roles = match self.resolved.roles.get(command) {
            [] => self.resolved.specification.role.as_slice(),
            roles => roles,
        };
        let arguments = if roles.is_empty() {
            Vec::new()
        } else {
            let quote = |role: &String| quote_literal(role, "text");
            let roles: Vec<_> = roles.iter().map(quote).collect();
            vec![format!("ARRAY[{}]", roles.join(", "))]
        };
        let organizations = if_all(requirements, self.call("clerk_member_org_ids", &arguments));
        let has_index = self.resolved.specification.indexes.as_deref() != Some("none")
            || self.table.is_indexed(column);
        let column = self.table.column_expression(column, "");
        if has_index {
            format!("{column} = ANY ((SELECT {organizations})::text[])")
        } else {
            format!("{column} IN (SELECT pg_catalog.unnest({organizations}))")
        }
    }

    /// A call of one of the extension's functions.
    fn call(&self, function: &str, arguments: &[String]) -> String {
        let function = quote_qualified(&self.table.function_schema, function);
        format!("{function}({})", arguments.join(", "))
    }

    /// The parent's row is there: its own row security decides on reading. Writing a child is changing
    /// its parent.
    fn follows(&self, via: &Via, command: Command, depth: usize) -> Result<String, Refusal> {
        let parent = self.catalog.parent(via)?;
        check_parent(parent)?;
        if !parent.row_security {
            return Err(Refusal::new(
                RefusalKind::NotReady,
                format_args!("table {} has no row security to follow", parent.quoted()),
            )
            .hint(format_args!(
                "Protect it first: clerk.protect('{}', ...).",
                parent.quoted()
            )));
        }
        if depth == DEEPEST {
            return Err(Refusal::option(
                "via",
                "The tables follow each other in a circle.",
            ));
        }
        let (child, name) = (self.table.quoted(), parent.quoted());
        let parent_columns = if via.parent_columns.is_empty() {
            &parent.primary_key
        } else {
            &via.parent_columns
        };
        if parent_columns.len() != via.columns.len() {
            return Err(Refusal::option(
                "via",
                "The columns do not match the parent's primary key.",
            )
            .hint("Name the parent's columns: via => 'a, b references parent (a, b)'."));
        }
        let mut conditions = Vec::new();
        for (column, parent_column) in via.columns.iter().zip(parent_columns) {
            let Some(facts) = parent.column(parent_column) else {
                return Err(Refusal::missing_column(&name, parent_column));
            };
            conditions.push(format!(
                "{} {} {}",
                parent.column_expression(parent_column, &format!("{name}.")),
                equals(facts, self.table.column(column)),
                self.table.column_expression(column, &format!("{child}."))
            ));
        }
        check_unique(parent, parent_columns)?;
        if command.writes() {
            conditions.extend(self.parent_condition(parent, depth + 1)?);
        }
        Ok(format!(
            "EXISTS (SELECT 1 FROM {name} WHERE {})",
            conjunction(&conditions)
        ))
    }

    /// What the parent's policies ask of an UPDATE, so far as they were made here.
    fn parent_condition(&self, parent: &TableFacts, depth: usize) -> Result<Vec<String>, Refusal> {
        if !follows_known_policies(parent) {
            return Ok(Vec::new());
        }
        let (mut permissive, mut all) = (Vec::new(), Vec::new());
        for set in parent.made_sets() {
            if set.specification.has_predicate() && parent.owner != self.table.owner {
                return Err(refuse_predicate_of_others(parent));
            }
            let resolved = resolve(&set.specification, parent)?;
            let is_about_us = resolved.to_roles.iter().any(|role| role == "public")
                || self
                    .resolved
                    .to_roles
                    .iter()
                    .all(|role| resolved.to_roles.contains(role));
            let is_restrictive = resolved.specification.restrictive == Some(true);
            if !resolved.commands.contains(&Command::Update) || !(is_about_us || is_restrictive) {
                continue;
            }
            let writer = Writer {
                table: parent,
                catalog: self.catalog,
                resolved: &resolved,
            };
            let using = writer
                .conditions_at(Command::Update, depth)?
                .using
                .unwrap_or_default();
            if is_restrictive {
                all.push(format!("({using})"));
            } else {
                permissive.push(using);
            }
        }
        all.push(match permissive.as_slice() {
            [] => "false".to_owned(),
            [one] => one.clone(),
            several => format!("(({}))", several.join(") OR (")),
        });
        Ok(all)
    }
}

/// The operator that compares a parent's column with a child's. Where Postgres has none that fits exactly, one
/// of somebody else's that does would be taken: there it is named with its schema.
fn equals(parent: &ColumnFacts, child: Option<&ColumnFacts>) -> &'static str {
    let kind = |column: &ColumnFacts| match column.base_type.as_str() {
        "text" | "character varying" => Some("text"),
        "integer" | "bigint" | "smallint" => Some("integer"),
        "uuid" => Some("uuid"),
        _ => None,
    };
    match (kind(parent), child.and_then(kind)) {
        (Some(parent), Some(child)) if parent == child => "=",
        _ => "OPERATOR(pg_catalog.=)",
    }
}

/// What somebody wrote is parsed with the rights of whoever owns the table that it stands in.
fn refuse_predicate_of_others(parent: &TableFacts) -> Refusal {
    Refusal::new(
        RefusalKind::NotOwner,
        format_args!(
            "policies of {} hold a predicate of another owner",
            parent.quoted()
        ),
    )
    .hint("Give both tables the same owner, or write the child's condition as a predicate of its own.")
}

/// Whether all that decides on an UPDATE of the table was made here.
pub(crate) fn follows_known_policies(parent: &TableFacts) -> bool {
    parent
        .policies
        .iter()
        .filter(|policy| policy.covers(Command::Update))
        .all(|policy| policy.note().is_some())
}

/// The value where all requirements are met, else NULL.
fn if_all(requirements: &[String], value: String) -> String {
    if requirements.is_empty() {
        value
    } else {
        format!("CASE WHEN {} THEN {value} END", conjunction(requirements))
    }
}

/// Whether the row was not deleted. The row that an UPDATE deletes must still be visible to it: now() is
/// the transaction's start, and a trigger stamps no other time.
fn is_alive(column: &str, command: Command) -> String {
    match command {
        Command::Select => format!("({column} IS NULL OR {column} >= pg_catalog.now())"),
        _ => format!("{column} IS NULL"),
    }
}

/// The conditions with AND between them.
fn conjunction(conditions: &[String]) -> String {
    if conditions.is_empty() {
        "true".to_owned()
    } else {
        conditions.join(" AND ")
    }
}
