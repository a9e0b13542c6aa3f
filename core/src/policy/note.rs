//! The comment on a policy that was made here: what it is, and the specification that made it.
//!
//! Comments go with their policy: they are dropped with it, renamed with its table, and dumped by
//! `pg_dump` whether or not the extension is there on the other side. Whoever owns a table can write
//! them, so a note is a claim about that table and about nothing else.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::names::join_name;
use super::specification::Specification;

/// What every comment begins with that was made here.
pub const MARK: &str = "clerk_sync: ";

/// The longest comment that is read, in bytes: whoever owns a table may write longer ones.
pub(crate) const LONGEST_NOTE: usize = 131_072;

/// What is ever granted: the commands, and the use of sequences.
const PRIVILEGES: [&str; 5] = ["SELECT", "INSERT", "UPDATE", "DELETE", "USAGE"];

/// The key of [`Made`] beside the options.
const MADE: &str = "made";

/// The specification of a set of policies, and what was made for it beside them.
#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    /// With all that was left out filled in.
    pub specification: Specification,
    /// What else was made for the set.
    pub made: Made,
}

/// What was not there before and cannot carry a comment of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Made {
    /// Columns that were given a default.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub defaults: Vec<String>,
    /// Privileges that were granted, as role and privilege; `USAGE` is of the columns' sequences.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<(String, String)>,
}

impl Made {
    /// Takes over what another note holds, once each.
    pub(crate) fn absorb(&mut self, other: &Self) {
        for column in &other.defaults {
            if !self.defaults.contains(column) {
                self.defaults.push(column.clone());
            }
        }
        for grant in &other.grants {
            if !self.grants.contains(grant) {
                self.grants.push(grant.clone());
            }
        }
    }
}

impl Note {
    /// Reads a comment; none where it is not a note.
    pub fn parse(comment: &str) -> Option<Self> {
        let mut options: Map<String, Value> =
            serde_json::from_str(comment.strip_prefix(MARK)?).ok()?;
        // No text of Postgres holds one, so none was written here.
        if options.values().any(holds_nul) {
            return None;
        }
        let made: Made = match options.remove(MADE) {
            Some(made) => serde_json::from_value(made).ok()?,
            None => Made::default(),
        };
        // They are written into GRANT and REVOKE as they are.
        if !made
            .grants
            .iter()
            .all(|(_, privilege)| PRIVILEGES.contains(&privilege.as_str()))
        {
            return None;
        }
        let specification = serde_json::from_value(Value::Object(options)).ok()?;
        Some(Self {
            specification,
            made,
        })
    }

    /// The comment.
    pub fn to_comment(&self) -> String {
        let mut json = self.specification.to_json();
        if self.made != Made::default()
            && let Ok(made) = serde_json::to_string(&self.made)
        {
            json.truncate(json.len() - 1);
            json.push_str(&format!(r#","{MADE}":{made}}}"#));
        }
        format!("{MARK}{json}")
    }

    /// What the names of the set's policies begin with.
    pub fn prefix(&self) -> &str {
        self.specification.prefix()
    }

    /// Names of the set's policies.
    pub fn policies(&self) -> Vec<String> {
        let commands = self.specification.commands.iter().flatten();
        commands
            .map(|command| join_name(self.prefix(), command))
            .collect()
    }
}

fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(values) => values.iter().any(holds_nul),
        Value::Object(members) => members
            .iter()
            .any(|(name, value)| name.contains('\0') || holds_nul(value)),
        _ => false,
    }
}
