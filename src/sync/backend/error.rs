//! Why something could not be read from the Backend API, or written.

use std::time::Duration;

use clerk_core::backend_api::answer::Refusal;
use clerk_core::backend_api::lookup::LookupError;
use pgrx::prelude::*;

use crate::clerk_api::FetchError;

/// What ends a run, or a call. No message holds a key, or anything of an object but its id.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SyncError {
    #[error("no secret key of the Backend API is in force")]
    NoKey,
    #[error("no secret key of the Backend API is set for this instance")]
    NoKeyForInstance,
    #[error("the file of clerk_sync.api_key_file cannot be used")]
    KeyFile(String),
    #[error("{0} must not be null")]
    MissingArgument(&'static str),
    #[error("there is no kind of object named {0}")]
    UnknownKind(String),
    #[error("the Backend API has no list of {0}")]
    NotListed(&'static str),
    #[error("mode must be report or repair")]
    Mode,
    #[error("max_deletions must be between 0 and 1")]
    MaxDeletions,
    #[error("{0} commits page by page, and cannot be called inside a transaction or a function")]
    Atomic(&'static str),
    #[error("objects are compared and written at isolation level READ COMMITTED only")]
    OneSnapshot,
    #[error("clerk_sync was dropped during the run")]
    Dropped,
    #[error("another session is at work on {0}")]
    Busy(&'static str),
    #[error("the secret key belongs to no instance that is configured here")]
    OtherInstance(String),
    #[error("the secret key belongs to another instance than it is set for")]
    WrongInstance { expected: String, found: String },
    #[error("Clerk refuses the secret key")]
    KeyRefused(Refusal),
    #[error("Clerk refuses the request")]
    Refused { path: String, refusal: Refusal },
    #[error("Clerk asks for a pause")]
    Limited {
        path: String,
        pause: Option<Duration>,
    },
    #[error("Clerk could not be reached")]
    Unreachable { path: String, reason: String },
    #[error("Clerk's answer cannot be used")]
    BadAnswer { path: String, reason: String },
    #[error("the address of the Backend API cannot be used")]
    Setting(FetchError),
    #[error("the instance has no organizations at Clerk's")]
    NoOrganizations,
    #[error("no request can be sent now")]
    Threads(FetchError),
    #[error("the objects cannot be asked for: {0}")]
    Lookup(#[from] LookupError),
    #[error("the objects are neither an object nor a list of objects")]
    Import,
    #[error("no instance with this id is configured here")]
    UnknownInstance,
    #[error("exported_at must be after 1970")]
    ExportedAt,
    #[error("the object could not be written")]
    NotWritten(String),
    #[error("others hold what is to be written")]
    PutOff,
    #[error("the deletion of {extra} of {live} rows of {kind} was held back")]
    HeldBack {
        kind: &'static str,
        extra: i64,
        live: i64,
    },
    #[error("a statement of clerk_sync failed: {0}")]
    Storage(#[from] spi::Error),
    #[error("a step failed: {0}")]
    Step(String),
    /// Somebody wants this process elsewhere.
    #[error("the run was given up")]
    Abandoned,
}

impl SyncError {
    /// The answer to this request cannot be used, for this reason.
    pub(super) fn bad_answer(target: &str, reason: impl ToString) -> Self {
        Self::BadAnswer {
            path: path_of(target),
            reason: reason.to_string(),
        }
    }

    /// Whether it is of one kind, and the others may be read all the same.
    pub(super) fn is_of_kind(&self) -> bool {
        matches!(
            self,
            Self::HeldBack { .. }
                | Self::Refused { .. }
                | Self::BadAnswer { .. }
                | Self::PutOff
                | Self::Busy(_)
        )
    }

    /// What the ledger of runs keeps.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::KeyRefused(refusal) => format!("{self}: {}", refusal.describe()),
            Self::Refused { path, refusal } => {
                format!("{self}: GET {path}: {}", refusal.describe())
            }
            Self::Unreachable { path, reason } | Self::BadAnswer { path, reason } => {
                format!("{self}: GET {path}: {reason}")
            }
            other => other.to_string(),
        }
    }
}

/// The path of a request without its query, where ids are.
pub(super) fn path_of(target: &str) -> String {
    target.split('?').next().unwrap_or_default().to_owned()
}
