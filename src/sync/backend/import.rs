//! Objects that somebody else read from the API.

use clerk_core::backend_api::MAX_LIMIT;
use clerk_core::backend_api::page::{Item, Page};
use clerk_core::resource::Kind;
use clerk_core::time::UnixMillis;
use serde_json::json;

use super::error::SyncError;
use super::objects::{Objects, Treatment};
use crate::storage::stored::Owners;
use crate::storage::sync_runs::{self, Counts};

/// What came of an import.
pub(crate) struct Imported {
    pub(crate) read: i64,
    pub(crate) counts: Counts,
    /// Id and reason of each that could not be written, as JSON.
    pub(crate) refused: String,
}

/// Writes the objects of a JSON text, as they were at a time: an object, a list, or a page. Inside a transaction.
///
/// # Errors
/// The text is none of these, or nobody can tell of which instance they are.
pub(crate) fn import(
    kind: Kind,
    text: &str,
    instance: Option<&str>,
    as_of: UnixMillis,
) -> Result<Imported, SyncError> {
    let instance = match instance {
        Some(instance) => instance.to_owned(),
        None => only_instance()?,
    };
    if !sync_runs::is_trusted(&instance)? {
        return Err(SyncError::UnknownInstance);
    }
    let items = match Page::parse_any(text) {
        Ok(page) => page.items,
        Err(_) => vec![Item::parse(text.as_bytes()).map_err(|_| SyncError::Import)?],
    };
    let mut imported = Imported {
        read: i64::try_from(items.len()).unwrap_or(i64::MAX),
        counts: Counts::default(),
        refused: String::new(),
    };
    let mut refused = Vec::new();
    for items in items.chunks(MAX_LIMIT as usize) {
        let objects = Objects::read(kind, &instance, as_of, items, &Owners::default());
        let outcome = objects.treat(Treatment::Write)?;
        imported.counts.written += outcome.counts.written;
        imported.counts.unchanged += outcome.counts.unchanged;
        let findings = outcome.findings.into_iter();
        refused.extend(
            findings.map(|finding| json!({"id": finding.object_id, "reason": finding.reason})),
        );
    }
    imported.refused = json!(refused).to_string();
    Ok(imported)
}

fn only_instance() -> Result<String, SyncError> {
    sync_runs::only_instance()?.ok_or(SyncError::MissingArgument("instance"))
}
