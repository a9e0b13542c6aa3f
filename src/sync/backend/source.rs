//! Whom is asked: the keys in force, and the instances that they belong to.

use clerk_core::backend_api::api_key::ApiKey;

use super::error::SyncError;
use crate::settings;
use crate::storage::{secret_file, secrets};

/// A key and the address where it is used.
pub(crate) struct Source {
    pub(crate) key: ApiKey,
    pub(crate) base_url: String,
    /// The instance that the key is set for, where it is set for one.
    pub(crate) expected: Option<String>,
}

impl Source {
    /// What tells it from others, and gives nothing away.
    pub(crate) fn fingerprint(&self) -> String {
        self.key.fingerprint(&self.base_url)
    }
}

/// The keys in force; where an instance is given, only its own, or the one that is set for none. Inside a transaction.
///
/// # Errors
/// There is none, or the file with it cannot be used.
pub(crate) fn list(instance: Option<&str>) -> Result<Vec<Source>, SyncError> {
    let mut keys = secrets::api_keys();
    if keys.is_empty()
        && let Some(key) = secret_file::read_api_key().map_err(SyncError::KeyFile)?
    {
        keys.push((None, key));
    }
    if keys.is_empty() {
        return Err(SyncError::NoKey);
    }
    if let Some(instance) = instance {
        let has_own = keys
            .iter()
            .any(|(label, _)| label.as_deref() == Some(instance));
        keys.retain(|(label, _)| match label {
            Some(label) => label == instance,
            None => !has_own,
        });
        if keys.is_empty() {
            return Err(SyncError::NoKeyForInstance);
        }
    }
    let base_url = settings::backend_api::api_url();
    Ok(keys
        .into_iter()
        .map(|(label, key)| Source {
            key,
            base_url: base_url.clone(),
            expected: label.or_else(|| instance.map(str::to_owned)),
        })
        .collect())
}
