//! What somebody asks for: a template and its options.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::refusal::Refusal;

/// A template and its options, as they are passed to `clerk.protect()` and kept with each policy.
///
/// An option that is left out takes the default that [`plan`](super::plan()) finds for the table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(
    missing_docs,
    reason = "the options are documented in README and in sql/policies.sql"
)]
pub struct Specification {
    pub template: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner_column: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org_column: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permission: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feature: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reverification: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predicate: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub and_where: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub or_where: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commands: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_roles: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_to_roles: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restrictive: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub force: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub soft_delete: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub indexes: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set_defaults: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub immutable: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grants: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wrap: Option<bool>,
}

impl Specification {
    /// Reads the JSON object that `clerk.protect()` makes of its arguments.
    ///
    /// # Errors
    /// Where an option is unknown or of the wrong type.
    pub fn parse(json: &str) -> Result<Self, Refusal> {
        let fault = |fault: serde_json::Error| Refusal::option("the specification", fault);
        let mut options: Map<String, Value> = serde_json::from_str(json).map_err(fault)?;
        // What was left out.
        options.retain(|_, value| !value.is_null());
        for (name, value) in &options {
            if value
                .as_array()
                .is_some_and(|list| list.contains(&Value::Null))
            {
                return Err(Refusal::option(name, "The list holds a NULL."));
            }
        }
        serde_json::from_value(Value::Object(options)).map_err(fault)
    }

    /// What the names of its policies begin with.
    pub fn prefix(&self) -> &str {
        self.prefix.as_deref().unwrap_or("clerk")
    }

    /// Whether it holds something that somebody wrote and that Postgres must parse.
    pub(crate) fn has_predicate(&self) -> bool {
        self.predicate.is_some() || self.and_where.is_some() || self.or_where.is_some()
    }

    /// As JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// A command that policies are written for.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "SQL's own names")]
pub enum Command {
    Select,
    Insert,
    Update,
    Delete,
}

impl Command {
    /// In the order in which policies are written.
    pub const ALL: [Self; 4] = [Self::Select, Self::Insert, Self::Update, Self::Delete];

    /// In lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Select => "select",
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    /// `pg_policy.polcmd`.
    pub fn catalog_letter(self) -> char {
        match self {
            Self::Select => 'r',
            Self::Insert => 'a',
            Self::Update => 'w',
            Self::Delete => 'd',
        }
    }

    /// Whether it changes rows.
    pub fn writes(self) -> bool {
        self != Self::Select
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|command| command.as_str() == text)
    }

    /// Reads the option `commands`.
    pub(crate) fn parse_list(list: &[String]) -> Result<Vec<Self>, Refusal> {
        let mut commands = Vec::new();
        for text in list {
            commands.push(Self::parse(&text.to_ascii_lowercase()).ok_or_else(|| {
                Refusal::option("commands", "A command is select, insert, update or delete.")
            })?);
        }
        commands.dedup();
        if commands.is_empty() {
            return Err(Refusal::option("commands", "The list is empty."));
        }
        // In our order, once each.
        Ok(Self::ALL
            .into_iter()
            .filter(|command| commands.contains(command))
            .collect())
    }
}

/// What the rows of a table are to their readers.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[allow(
    missing_docs,
    reason = "README's table of templates says what each allows"
)]
pub enum Template {
    Owner,
    Organization,
    Member,
    Role,
    Permission,
    Plan,
    Feature,
    Reverified,
    PublicRead,
    PublicProfile,
    PrivateProfile,
    Service,
    Inherit,
    Custom,
}

impl Template {
    /// Every template, by name.
    pub const ALL: [(Self, &'static str); 14] = [
        (Self::Owner, "owner"),
        (Self::Organization, "organization"),
        (Self::Member, "member"),
        (Self::Role, "role"),
        (Self::Permission, "permission"),
        (Self::Plan, "plan"),
        (Self::Feature, "feature"),
        (Self::Reverified, "reverified"),
        (Self::PublicRead, "public_read"),
        (Self::PublicProfile, "public_profile"),
        (Self::PrivateProfile, "private_profile"),
        (Self::Service, "service"),
        (Self::Inherit, "inherit"),
        (Self::Custom, "custom"),
    ];

    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let known = Self::ALL.into_iter().find(|(_, name)| *name == text);
        known.map(|(template, _)| template).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|(_, name)| *name).collect();
            Refusal::option("template", "There is no such template.")
                .hint(format_args!("The templates are {}.", names.join(", ")))
        })
    }
}

impl fmt::Display for Template {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.iter().find(|(template, _)| template == self);
        formatter.write_str(name.map_or("", |(_, name)| name))
    }
}

/// Texts for each command, any of which will do: the options `roles` and `permissions`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ByCommand(Vec<(Command, Vec<String>)>);

impl ByCommand {
    /// Reads an object whose keys are commands, `read`, `write` or `all`, and whose values are a text
    /// or a list of texts. A command's own key goes before a group's.
    pub(crate) fn parse(option: &str, value: Option<&Value>) -> Result<Self, Refusal> {
        let Some(value) = value else {
            return Ok(Self::default());
        };
        let fault = || {
            Refusal::option(option, "It is not an object of commands and texts.").hint(format_args!(
                r#"Write {option} => '{{"read": "...", "write": ["...", "..."]}}'; keys are read, write, all, select, insert, update and delete."#
            ))
        };
        let object = value
            .as_object()
            .filter(|object| !object.is_empty())
            .ok_or_else(fault)?;
        for key in object.keys() {
            if Command::parse(key).is_none() && !["read", "write", "all"].contains(&key.as_str()) {
                return Err(fault());
            }
        }
        let mut texts = Vec::new();
        for command in Command::ALL {
            let group = if command.writes() { "write" } else { "read" };
            let found = [command.as_str(), group, "all"]
                .iter()
                .find_map(|key| object.get(*key));
            if let Some(found) = found {
                texts.push((command, texts_of(found).ok_or_else(fault)?));
            }
        }
        Ok(Self(texts))
    }

    /// The texts for the command; none where nothing is asked of it.
    pub(crate) fn get(&self, command: Command) -> &[String] {
        let found = self.0.iter().find(|(known, _)| *known == command);
        found.map_or(&[], |(_, texts)| texts.as_slice())
    }
}

/// A text or a list of texts, none of them empty.
fn texts_of(value: &Value) -> Option<Vec<String>> {
    let texts: Vec<String> = match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(list) => list
            .iter()
            .map(|text| text.as_str().map(str::to_owned))
            .collect::<Option<_>>()?,
        _ => return None,
    };
    let fits = !texts.is_empty()
        && texts
            .iter()
            .all(|text| !text.is_empty() && !text.contains('\0'));
    fits.then_some(texts)
}
