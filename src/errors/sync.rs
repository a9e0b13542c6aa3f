//! Errors of what is read from the Backend API.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::sync::backend::error::SyncError;

/// What follows for whoever called it.
const CALL_AGAIN: &str =
    "What was read is stored: call it again, and it goes on where it stood (clerk.sync_progress).";

impl From<SyncError> for ErrorReport {
    fn from(error: SyncError) -> Self {
        use PgSqlErrorCode as Code;
        use SyncError as E;
        let message = error.to_string();
        let (code, detail, hint) = match error {
            E::NoKey | E::NoKeyForInstance => (
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                String::new(),
                "Run SELECT clerk.set_secret('api_key', 'sk_...') with the key of the API keys page of the Clerk Dashboard, or set clerk_sync.api_key_file.",
            ),
            E::KeyFile(reason) => (
                Code::ERRCODE_CONFIG_FILE_ERROR,
                format!("{reason}."),
                "Put the secret key on the first line, and let the server's user read the file.",
            ),
            E::MissingArgument("instance") => (
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                "Of one configured instance it would be known.".to_owned(),
                "Give the id of the instance that the objects are of: ins_...",
            ),
            E::MissingArgument(_) | E::Mode | E::MaxDeletions | E::ExportedAt => {
                (Code::ERRCODE_INVALID_PARAMETER_VALUE, String::new(), "")
            }
            E::UnknownKind(_) | E::NotListed(_) => (
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                String::new(),
                "The kinds are users, organizations, memberships, invitations, domains, roles, permissions and subscriptions.",
            ),
            E::Atomic(_) => (
                Code::ERRCODE_INVALID_TRANSACTION_TERMINATION,
                String::new(),
                "CALL it by itself, outside of BEGIN and COMMIT.",
            ),
            E::Busy(_) => (
                Code::ERRCODE_OBJECT_IN_USE,
                String::new(),
                "SELECT * FROM clerk.sync_progress tells how far that is.",
            ),
            E::OtherInstance(instance) => (
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("It is of the instance {instance}, and clerk.signing_keys has no key of that."),
                "Run clerk.configure() with the publishable key of that instance, or clerk.refresh_signing_keys(), or set the secret key of the one that is configured.",
            ),
            E::UnknownInstance => (
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                String::new(),
                "SELECT DISTINCT kid FROM clerk.signing_keys lists their ids: ins_...",
            ),
            E::WrongInstance { expected, found } => (
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("It is set for {expected}, and of {found}."),
                "Set it under the name api_key:ins_... of its own instance.",
            ),
            E::KeyRefused(refusal) => (
                Code::ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
                sentence(&refusal.describe()),
                "Was the key rotated or deleted? Run SELECT clerk.set_secret('api_key', 'sk_...') with the one of the Clerk Dashboard.",
            ),
            E::Refused { path, refusal } => (
                match refusal.status {
                    402 | 403 => Code::ERRCODE_INSUFFICIENT_PRIVILEGE,
                    _ => Code::ERRCODE_CONNECTION_FAILURE,
                },
                format!("GET {path}: {}.", refusal.describe()),
                "Is clerk_sync.api_url the address of the Backend API? What was read is stored.",
            ),
            E::Limited { path, pause } => (
                Code::ERRCODE_INSUFFICIENT_RESOURCES,
                match pause {
                    Some(pause) => format!("GET {path}: the pause is {} s.", pause.as_secs()),
                    None => format!("GET {path}: for how long is not told."),
                },
                "Call it again after that: it goes on where it stood. Do others use the same key? clerk_sync.api_requests lowers our share.",
            ),
            E::Unreachable { path, reason } => (
                Code::ERRCODE_CONNECTION_FAILURE,
                format!("GET {path}, several times: {reason}."),
                CALL_AGAIN,
            ),
            E::BadAnswer { path, reason } => (
                Code::ERRCODE_CONNECTION_FAILURE,
                format!("GET {path}: {reason}."),
                "Is clerk_sync.api_url the address of the Backend API? What was read is stored.",
            ),
            E::Setting(error) => (
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                sentence(&error.to_string()),
                "See clerk_sync.api_url and clerk_sync.ca_file.",
            ),
            E::Threads(error) => (
                Code::ERRCODE_INSUFFICIENT_RESOURCES,
                sentence(&error.to_string()),
                "Call it again when they have: a request lasts no longer than clerk_sync.http_timeout.",
            ),
            E::Lookup(_) => (
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                String::new(),
                "Memberships, invitations and domains that are not here yet come with clerk.backfill(); a subscription is named by its payer, user_... or org_...",
            ),
            E::Import => (
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                String::new(),
                "Give an object, a list of objects, or a page as the Backend API sends it.",
            ),
            E::NotWritten(reason) => (
                Code::ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION,
                sentence(&reason),
                "Does a constraint or a trigger of the application stand against it?",
            ),
            E::PutOff => (
                Code::ERRCODE_LOCK_NOT_AVAILABLE,
                "Transactions of others hold rows, or what they belong to.".to_owned(),
                CALL_AGAIN,
            ),
            E::HeldBack { .. } => (
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                "Clerk does not list them any more; so many at once may be another cause. Everything else was mended.".to_owned(),
                "SELECT * FROM clerk.sync_findings WHERE finding = 'extra' shows them; force => true, or a greater max_deletions, deletes those of which Clerk says by id that they are gone.",
            ),
            E::NoOrganizations => (
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                "Clerk says of each of them that it does not exist: nothing was changed here.".to_owned(),
                "Are organizations turned off in the Clerk Dashboard?",
            ),
            E::Dropped => (Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, String::new(), ""),
            E::OneSnapshot => (
                Code::ERRCODE_INVALID_TRANSACTION_STATE,
                String::new(),
                "SET default_transaction_isolation = 'read committed' first.",
            ),
            E::Storage(_) | E::Step(_) => (Code::ERRCODE_INTERNAL_ERROR, String::new(), ""),
            E::Abandoned => (Code::ERRCODE_QUERY_CANCELED, String::new(), CALL_AGAIN),
        };
        let mut report = Self::new(code, message, "clerk_sync");
        if !detail.is_empty() {
            report = report.set_detail(detail);
        }
        if hint.is_empty() {
            report
        } else {
            report.set_hint(hint)
        }
    }
}

fn sentence(fact: &str) -> String {
    format!("{}.", super::capitalize(fact))
}
