//! `clerk.signing_keys`: one statement a function.

use clerk_core::key_set::SigningKey;
use pgrx::prelude::*;

/// Where a key came from.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeyOrigin {
    /// The JWKS of the instance: each refresh makes the stored ones equal to it.
    Fetched,
    /// An administrator: kept until it is removed.
    Added,
}

impl KeyOrigin {
    fn as_str(self) -> &'static str {
        match self {
            Self::Fetched => "fetched",
            Self::Added => "added",
        }
    }
}

/// Inserts or replaces a key; says `added`, `replaced` or `unchanged`.
pub(crate) fn save(
    issuer: &str,
    key: &SigningKey,
    origin: KeyOrigin,
) -> Result<String, spi::Error> {
    Spi::connect_mut(|client| {
        let outcome = client
            .update(
                include_str!("../../sql/statements/save_signing_key.sql"),
                None,
                &[
                    issuer.into(),
                    key.kid().into(),
                    key.modulus().into(),
                    key.exponent().into(),
                    i32::try_from(key.bits()).unwrap_or(i32::MAX).into(),
                    origin.as_str().into(),
                ],
            )?
            .first()
            .get::<String>(1)?;
        Ok(outcome.unwrap_or_default())
    })
}

/// Deletes fetched keys that the instance no longer publishes; gives their number.
pub(crate) fn delete_unpublished(issuer: &str, published: &[&str]) -> Result<usize, spi::Error> {
    Spi::connect_mut(|client| {
        let published: Vec<String> = published.iter().map(|&kid| kid.to_owned()).collect();
        let deleted = client.update(
            "DELETE FROM clerk.signing_keys \
             WHERE issuer = $1 AND source = 'fetched' AND kid <> ALL ($2)",
            None,
            &[issuer.into(), published.into()],
        )?;
        Ok(deleted.len())
    })
}

/// Deletes one key; false where there was none.
pub(crate) fn delete(issuer: &str, kid: &str) -> Result<bool, spi::Error> {
    Spi::connect_mut(|client| {
        let deleted = client.update(
            "DELETE FROM clerk.signing_keys WHERE issuer = $1 AND kid = $2",
            None,
            &[issuer.into(), kid.into()],
        )?;
        Ok(!deleted.is_empty())
    })
}
