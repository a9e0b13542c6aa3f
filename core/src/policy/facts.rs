//! What is known of a table, as the catalogs tell it.

use serde::Deserialize;

use super::checks::{check_owned, check_table};
use super::names::{quote_name, quote_qualified};
use super::note::{MARK, Note};
use super::refusal::Refusal;
use super::specification::Command;
use super::via::Via;

/// A table as its catalogs describe it.
#[derive(Clone, Debug, Deserialize)]
pub struct TableFacts {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// `pg_class.relkind`.
    pub kind: char,
    /// `pg_class.relpersistence`.
    pub persistence: char,
    /// Whether it is a partition of another table.
    pub is_partition: bool,
    /// Whether tables inherit from it, other than as partitions.
    #[serde(default)]
    pub has_heirs: bool,
    /// The extension that it belongs to.
    pub extension: Option<String>,
    /// The oid of its owner.
    #[serde(default)]
    pub owner: u32,
    /// Whether the caller owns it, or may do as its owner.
    pub is_owned: bool,
    /// Whether row security is enabled.
    pub row_security: bool,
    /// Whether row security is forced on its owner.
    pub force_row_security: bool,
    /// In the order of the table.
    pub columns: Vec<ColumnFacts>,
    /// Names of the primary key's columns, in its order.
    pub primary_key: Vec<String>,
    /// The columns of its unique indexes: those that hold for all rows and at any time.
    #[serde(default)]
    pub unique_keys: Vec<Vec<String>>,
    /// Its validated foreign keys.
    #[serde(default)]
    pub foreign_keys: Vec<ForeignKeyFacts>,
    /// Complete, valid indexes.
    pub indexes: Vec<IndexFacts>,
    /// All of its policies.
    pub policies: Vec<PolicyFacts>,
    /// Its triggers, those of constraints left out.
    pub triggers: Vec<TriggerFacts>,
    /// Privileges on the table, granted to a role outright.
    pub grants: Vec<GrantFacts>,
    /// Names in its schema that an index of ours might have.
    pub taken_names: Vec<String>,
    /// All roles of the server.
    pub roles: Vec<String>,
    /// The schema of the extension's functions.
    pub function_schema: String,
}

/// A column.
#[derive(Clone, Debug, Deserialize)]
pub struct ColumnFacts {
    /// Its name.
    pub name: String,
    /// As `format_type` writes it.
    pub data_type: String,
    /// The same of the type that a domain stands on, without length or precision.
    pub base_type: String,
    /// The same with them.
    pub whole_type: String,
    /// Whether its type is a domain.
    #[serde(default)]
    pub is_domain: bool,
    /// Whether its collation holds different texts for equal.
    pub is_nondeterministic: bool,
    /// Its default, as SQL.
    pub default: Option<String>,
    /// Whether Postgres fills it: generated or an identity.
    pub is_generated: bool,
    /// The sequence behind a serial column, quoted and with its schema.
    pub sequence: Option<String>,
    /// Roles that were granted USAGE of the sequence.
    #[serde(default)]
    pub sequence_users: Vec<String>,
}

/// A foreign key.
#[derive(Clone, Debug, Deserialize)]
pub struct ForeignKeyFacts {
    /// Columns of the table, in its order.
    pub columns: Vec<String>,
    /// Schema of the table that it references.
    pub schema: String,
    /// Name of the table that it references.
    pub table: String,
    /// Columns there, in the same order.
    pub parent_columns: Vec<String>,
}

/// An index.
#[derive(Clone, Debug, Deserialize)]
pub struct IndexFacts {
    /// Its name; its schema is the table's.
    pub name: String,
    /// The column that it begins with; none for an expression.
    pub leading_column: Option<String>,
    /// How many columns it has.
    pub columns: u32,
    /// Its comment.
    pub comment: Option<String>,
}

/// A policy.
#[derive(Clone, Debug, Deserialize)]
pub struct PolicyFacts {
    /// Its oid.
    pub oid: u32,
    /// Its name.
    pub name: String,
    /// `pg_policy.polcmd`: `r`, `a`, `w`, `d`, or `*` for all.
    pub command: char,
    /// Permissive or restrictive.
    pub permissive: bool,
    /// Names of its roles; `public` for all.
    pub roles: Vec<String>,
    /// Its comment.
    pub comment: Option<String>,
}

/// A trigger.
#[derive(Clone, Debug, Deserialize)]
pub struct TriggerFacts {
    /// Its name.
    pub name: String,
    /// The function that it calls, where that is one of the guards in schema clerk.
    pub guard: Option<String>,
    /// Its first argument: for a guard, the column.
    pub column: Option<String>,
    /// Whether it fires.
    #[serde(default = "yes")]
    pub is_enabled: bool,
    /// Whether it does so before each update of a row, whichever columns are named.
    #[serde(default = "yes")]
    pub is_before_update: bool,
    /// Its WHEN condition, as Postgres writes it.
    #[serde(default)]
    pub condition: Option<String>,
}

fn yes() -> bool {
    true
}

/// A privilege.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct GrantFacts {
    /// Who has it; `public` for all.
    pub role: String,
    /// `SELECT`, `INSERT`...
    pub privilege: String,
}

impl TableFacts {
    /// Its name with its schema, quoted.
    pub fn quoted(&self) -> String {
        quote_qualified(&self.schema, &self.name)
    }

    /// The column in an expression, as the plain type below it: so that no operator of somebody else's, made
    /// for `varchar` or for a domain, fits better than Postgres' own.
    pub(crate) fn column_expression(&self, column: &str, row: &str) -> String {
        let cast = match self.column(column) {
            Some(facts) if facts.base_type.starts_with("character varying") => "::text".to_owned(),
            Some(facts) if facts.is_domain => format!("::{}", facts.base_type),
            _ => String::new(),
        };
        format!("{row}{}{cast}", quote_name(column))
    }

    /// Refuses a table of somebody else's.
    ///
    /// # Errors
    /// Where the caller has not the rights of the owner.
    pub fn check_owned(&self) -> Result<(), Refusal> {
        check_owned(self)
    }

    /// Refuses what is no table of the caller's that policies could protect.
    ///
    /// # Errors
    /// By kind of relation, schema and owner.
    pub fn check_protectable(&self) -> Result<(), Refusal> {
        check_table(self)
    }

    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&ColumnFacts> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The policies that were made here, with their notes.
    pub fn made_policies(&self) -> impl Iterator<Item = (&PolicyFacts, Note)> {
        self.policies
            .iter()
            .filter_map(|policy| Some((policy, policy.note()?)))
    }

    /// The sets of policies that were made here, one note each.
    pub fn made_sets(&self) -> Vec<Note> {
        let mut sets: Vec<Note> = Vec::new();
        for (_, note) in self.made_policies() {
            if !sets.iter().any(|set| set.prefix() == note.prefix()) {
                sets.push(note);
            }
        }
        sets
    }

    /// Whether a foreign key makes sure that the parent's row is there, by some of the columns or all.
    pub(crate) fn references(&self, parent: &Self, via: &Via) -> bool {
        let parent_columns = if via.parent_columns.is_empty() {
            &parent.primary_key
        } else {
            &via.parent_columns
        };
        let wanted: Vec<_> = via.columns.iter().zip(parent_columns).collect();
        self.foreign_keys.iter().any(|key| {
            let held: Vec<_> = key.columns.iter().zip(&key.parent_columns).collect();
            parent.is(&key.schema, &key.table) && held.iter().all(|pair| wanted.contains(pair))
        })
    }

    /// Whether an index begins with the column that was not made here, and so stays.
    pub(crate) fn is_indexed(&self, column: &str) -> bool {
        let mut indexes = self.indexes.iter();
        indexes.any(|index| index.leading_column.as_deref() == Some(column) && !index.is_made())
    }

    /// Whether the role was granted the privilege; `USAGE` is of all sequences behind the columns.
    pub(crate) fn has_grant(&self, role: &str, privilege: &str) -> bool {
        if privilege == "USAGE" {
            let mut serial = self
                .columns
                .iter()
                .filter(|column| column.sequence.is_some());
            return serial.all(|column| column.sequence_users.iter().any(|user| user == role));
        }
        let mut grants = self.grants.iter();
        grants.any(|held| held.role == role && held.privilege == privilege)
    }

    /// Whether the role is there to be named.
    pub(crate) fn has_role(&self, role: &str) -> bool {
        role == "public" || self.roles.iter().any(|known| known == role)
    }

    /// Whether each of the table's sets beside this one, or all, has a plan. One that has none, since its
    /// options no longer hold, may need anything that was made here.
    pub(crate) fn knows_others(&self, prefix: Option<&str>, plans: usize) -> bool {
        let sets = self.made_sets().into_iter();
        sets.filter(|set| prefix.is_some_and(|prefix| set.prefix() != prefix))
            .count()
            == plans
    }

    /// Whether the table is the one of this name.
    pub fn is(&self, schema: &str, name: &str) -> bool {
        self.schema == schema && self.name == name
    }
}

impl IndexFacts {
    /// Whether it was made here.
    pub(crate) fn is_made(&self) -> bool {
        let comment = self.comment.as_deref();
        comment.is_some_and(|comment| comment.starts_with(MARK))
    }
}

impl ColumnFacts {
    /// Whether its default is one of the session's functions, as those are set here.
    pub(crate) fn has_session_default(&self) -> bool {
        let default = self.default.as_deref().unwrap_or_default();
        default.ends_with("clerk_user_id()") || default.ends_with("clerk_org_id()")
    }
}

impl PolicyFacts {
    /// The note in its comment, where it was made here.
    pub fn note(&self) -> Option<Note> {
        Note::parse(self.comment.as_deref()?)
    }

    /// Whether it is about the command.
    pub fn covers(&self, command: Command) -> bool {
        self.command == '*' || self.command == command.catalog_letter()
    }
}
