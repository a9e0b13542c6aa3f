//! `project_id references projects`: whose rows a table's rows follow.

use std::fmt;

use super::names::{LONGEST_NAME, quote_name};
use super::refusal::Refusal;

/// A parent, as it was written: `column [, ...] references [schema.]table [(column [, ...])]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Via {
    /// Columns of the child.
    pub columns: Vec<String>,
    /// Schema of the parent, where it was written.
    pub schema: Option<String>,
    /// Name of the parent.
    pub table: String,
    /// Columns of the parent; empty: its primary key.
    pub parent_columns: Vec<String>,
}

impl Via {
    /// Reads the text by Postgres' rules for names: bare ones in lower case, quoted ones as they are.
    ///
    /// # Errors
    /// Where it is not of the form above.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        Reader { rest: text }.read_via().ok_or_else(|| {
            Refusal::option(
                "via",
                "It is not of the form: column references table (column).",
            )
            .hint("Write via => 'project_id references projects'.")
        })
    }
}

impl fmt::Display for Via {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |names: &[String]| {
            let names: Vec<_> = names.iter().map(|name| quote_name(name)).collect();
            names.join(", ")
        };
        write!(formatter, "{} references ", list(&self.columns))?;
        if let Some(schema) = &self.schema {
            write!(formatter, "{}.", quote_name(schema))?;
        }
        formatter.write_str(&quote_name(&self.table))?;
        if !self.parent_columns.is_empty() {
            write!(formatter, " ({})", list(&self.parent_columns))?;
        }
        Ok(())
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn read_via(mut self) -> Option<Via> {
        let columns = if self.take('(') {
            let columns = self.read_names()?;
            self.take(')').then_some(columns)?
        } else {
            self.read_names()?
        };
        if self.read_bare()? != "references" {
            return None;
        }
        let first = self.read_name()?;
        let (schema, table) = if self.take('.') {
            (Some(first), self.read_name()?)
        } else {
            (None, first)
        };
        let parent_columns = if self.take('(') {
            let columns = self.read_names()?;
            self.take(')').then_some(columns)?
        } else {
            Vec::new()
        };
        let fits = parent_columns.is_empty() || parent_columns.len() == columns.len();
        (fits && self.rest.trim().is_empty()).then_some(Via {
            columns,
            schema,
            table,
            parent_columns,
        })
    }

    fn read_names(&mut self) -> Option<Vec<String>> {
        let mut names = vec![self.read_name()?];
        while self.take(',') {
            names.push(self.read_name()?);
        }
        Some(names)
    }

    fn read_name(&mut self) -> Option<String> {
        let name = if self.take('"') {
            let mut name = String::new();
            loop {
                let end = self.rest.find('"')?;
                name.push_str(&self.rest[..end]);
                self.rest = &self.rest[end + 1..];
                if !self.rest.starts_with('"') {
                    break name;
                }
                name.push('"');
                self.rest = &self.rest[1..];
            }
        } else {
            self.read_bare()?
        };
        let fits = !name.is_empty() && name.len() <= LONGEST_NAME && !name.contains('\0');
        fits.then_some(name)
    }

    /// A bare word in lower case, as Postgres folds it: ASCII letters only.
    fn read_bare(&mut self) -> Option<String> {
        self.rest = self.rest.trim_start();
        let end = self
            .rest
            .find(|next: char| !(next.is_ascii_alphanumeric() || next == '_' || !next.is_ascii()))
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        if word.is_empty() || word.starts_with(|first: char| first.is_ascii_digit()) {
            return None;
        }
        self.rest = rest;
        Some(word.to_ascii_lowercase())
    }

    fn take(&mut self, mark: char) -> bool {
        let rest = self.rest.trim_start();
        let found = rest.strip_prefix(mark);
        if let Some(rest) = found {
            self.rest = rest;
        }
        found.is_some()
    }
}
