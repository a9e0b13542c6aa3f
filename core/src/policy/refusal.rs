//! Why a table is not protected as asked.

use std::fmt;

use super::names::quote_name;

/// What kind of error a refusal is; each has one SQLSTATE.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// An option's value does not fit (22023).
    Option,
    /// A predicate is no single expression (42601).
    Syntax,
    /// The relation does not exist (42P01).
    MissingTable,
    /// A column does not exist (42703).
    MissingColumn,
    /// A role does not exist (42704).
    MissingRole,
    /// A column has a type that cannot hold a Clerk id (42804).
    ColumnType,
    /// Not a table whose rows policies protect (42809).
    WrongObject,
    /// The caller does not own the table (42501).
    NotOwner,
    /// Something of that name is there, made by somebody else (42710).
    Taken,
    /// Postgres or this version cannot do it (0A000).
    Unsupported,
    /// Something must be done first (55000).
    NotReady,
}

/// A refusal as a user sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Decides the SQLSTATE.
    pub kind: RefusalKind,
    /// In lower case, without a full stop.
    pub message: String,
    /// The facts; may be empty.
    pub detail: String,
    /// What to do next; may be empty.
    pub hint: String,
}

impl std::error::Error for Refusal {}

impl fmt::Display for Refusal {
    /// The message with the facts behind it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)?;
        if !self.detail.is_empty() {
            write!(formatter, ": {}", self.detail.trim_end_matches('.'))?;
        }
        Ok(())
    }
}

impl Refusal {
    pub(crate) fn new(kind: RefusalKind, message: impl fmt::Display) -> Self {
        Self {
            kind,
            message: message.to_string(),
            detail: String::new(),
            hint: String::new(),
        }
    }

    pub(crate) fn detail(self, detail: impl fmt::Display) -> Self {
        Self {
            detail: detail.to_string(),
            ..self
        }
    }

    pub(crate) fn hint(self, hint: impl fmt::Display) -> Self {
        Self {
            hint: hint.to_string(),
            ..self
        }
    }

    /// An option whose value does not fit.
    pub(crate) fn option(name: &str, detail: impl fmt::Display) -> Self {
        Self::new(RefusalKind::Option, format_args!("{name} is not valid")).detail(detail)
    }

    pub(crate) fn missing_column(table: &str, column: &str) -> Self {
        Self::new(
            RefusalKind::MissingColumn,
            format_args!(
                "column {} of table {table} does not exist",
                quote_name(column)
            ),
        )
    }
}
