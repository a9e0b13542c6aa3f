//! The one place that gives errors their SQLSTATE, DETAIL and HINT.

mod sync;

use clerk_core::backend_api::api_key::ApiKeyError;
use clerk_core::endpoint::EndpointError;
use clerk_core::key_set::KeySetError;
use clerk_core::policy::{Refusal, RefusalKind};
use clerk_core::publishable_key::PublishableKeyError;
use clerk_core::reason::Failure;
use clerk_core::webhook::signature::SecretError;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::clerk_api::FetchError;
use crate::request;
use crate::storage::tables::TableError;

/// An error as a user sees it.
pub(crate) struct Report {
    pub(crate) sqlstate: SqlState,
    pub(crate) message: String,
    pub(crate) detail: String,
    pub(crate) hint: String,
}

/// The codes in use. Those of `PostgREST` are not in Postgres' own table.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum SqlState {
    /// 28000
    InvalidAuthorization,
    /// 42501
    InsufficientPrivilege,
    /// 22023
    InvalidParameterValue,
    /// 55000
    NotInPrerequisiteState,
    /// 22P05
    UntranslatableCharacter,
    /// XX000
    InternalError,
    /// PT401: PostgREST answers with HTTP status 401.
    PostgrestUnauthorized,
}

/// Why a function of the session could not answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionError {
    #[error("the Clerk session token was refused")]
    Refused(#[from] Failure),
    #[error("the Clerk session token was set by an earlier transaction")]
    StaleToken,
    #[error("clerk_sync is not configured in this database")]
    NotConfigured,
    #[error("the claims of the session cannot be represented as jsonb")]
    ClaimsNotRepresentable,
    #[error("the claims are no session")]
    NoSession(Failure),
    #[error("the Clerk session token was refused")]
    Revoked(&'static str),
    #[error("the signed-in user was deleted")]
    UserDeleted,
    #[error("the user could not be stored: {0}")]
    UserNotStored(spi::Error),
    #[error("a signed-in user is required")]
    UserRequired,
    #[error("the role {0} is required")]
    RoleRequired(String),
    #[error("the permission {0} is required")]
    PermissionRequired(String),
}

impl SqlState {
    /// As `errcode()` takes it: five characters of six bits each.
    pub(crate) fn encode(self) -> i32 {
        let text = match self {
            Self::InvalidAuthorization => b"28000",
            Self::InsufficientPrivilege => b"42501",
            Self::InvalidParameterValue => b"22023",
            Self::NotInPrerequisiteState => b"55000",
            Self::UntranslatableCharacter => b"22P05",
            Self::InternalError => b"XX000",
            Self::PostgrestUnauthorized => b"PT401",
        };
        text.iter()
            .enumerate()
            .map(|(place, &byte)| (i32::from(byte.wrapping_sub(b'0')) & 0x3f) << (6 * place))
            .sum()
    }
}

impl SessionError {
    /// SQLSTATE, message, detail and hint.
    pub(crate) fn report(self) -> Report {
        let message = self.to_string();
        let (sqlstate, detail, hint) = match self {
            Self::Refused(failure) => (
                unauthorized(),
                format!("{}: {}", failure.reason.code(), failure.detail),
                failure.reason.hint().to_owned(),
            ),
            Self::StaleToken => (
                unauthorized(),
                "A token counts only in the transaction that set it, so that a pooled connection \
                 does not hand it to the next client."
                    .to_owned(),
                "Set it with SET LOCAL or set_config(name, value, true) inside each transaction; \
                 RESET removes what was left behind."
                    .to_owned(),
            ),
            Self::NotConfigured => (
                SqlState::NotInPrerequisiteState,
                "A token is set, but no Clerk instance is trusted here.".to_owned(),
                "Run SELECT * FROM clerk.configure('pk_live_...') as an administrator.".to_owned(),
            ),
            Self::ClaimsNotRepresentable => (
                SqlState::UntranslatableCharacter,
                "A claim holds \\u0000 or a number out of range, which jsonb cannot hold."
                    .to_owned(),
                "Remove the value from the metadata that the session token is made of.".to_owned(),
            ),
            Self::NoSession(failure) => (
                SqlState::InvalidParameterValue,
                format!("{}.", capitalize(&failure.detail)),
                "Give a JSON object with a user id, such as {\"sub\": \"user_alice\"}; NULL is nobody."
                    .to_owned(),
            ),
            Self::Revoked(reason) => (
                unauthorized(),
                format!("token-revoked: {reason}"),
                "Sign in again; clerk_sync.check_revocation decides whether this is looked at.".to_owned(),
            ),
            Self::UserDeleted => (
                SqlState::InsufficientPrivilege,
                "clerk.users holds the tombstone of this user.".to_owned(),
                "A deleted user cannot come back; the session token runs out within a minute or so.".to_owned(),
            ),
            Self::UserNotStored(_) => (SqlState::InternalError, String::new(), String::new()),
            Self::UserRequired => (
                SqlState::InsufficientPrivilege,
                "No Clerk session is in force.".to_owned(),
                "Send a session token with the request.".to_owned(),
            ),
            Self::RoleRequired(_) => (
                SqlState::InsufficientPrivilege,
                "The session does not have this role in its active organization.".to_owned(),
                "Sign in with the role, or make the organization active that grants it.".to_owned(),
            ),
            Self::PermissionRequired(_) => (
                SqlState::InsufficientPrivilege,
                "The session does not have this permission in its active organization.".to_owned(),
                "Grant the permission to the role in Clerk; the next token carries it.".to_owned(),
            ),
        };
        Report {
            sqlstate,
            message,
            detail,
            hint,
        }
    }
}

/// The fact as a sentence; facts are ASCII.
fn capitalize(fact: &str) -> String {
    let mut sentence = fact.to_owned();
    if let Some(first) = sentence.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    sentence
}

/// `PostgREST` answers 403 to 28000; a client that should sign in anew needs a 401.
fn unauthorized() -> SqlState {
    if request::came_through_postgrest() {
        SqlState::PostgrestUnauthorized
    } else {
        SqlState::InvalidAuthorization
    }
}

/// What an administrator's call gives.
pub(crate) type Administration<T> = Result<T, AdministrationError>;

/// Why an administrator's call was refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdministrationError {
    #[error("{0} must not be null")]
    MissingArgument(&'static str),
    #[error(transparent)]
    PublishableKey(#[from] PublishableKeyError),
    #[error("issuer is not valid: {0}")]
    Issuer(EndpointError),
    #[error("jwks_url is not valid: {0}")]
    JwksUrl(EndpointError),
    #[error("authorized_parties is not valid: {0}")]
    AuthorizedParty(EndpointError),
    #[error("{0} must not contain null or empty entries")]
    EmptyEntry(&'static str),
    #[error("clock_skew must be between 0 and 5 minutes")]
    ClockSkew,
    #[error("the key set is refused: {0}")]
    KeySet(#[from] KeySetError),
    #[error("the issuer is configured for another publishable key")]
    IssuerTaken,
    #[error("no instance with this issuer is configured")]
    UnknownIssuer,
    #[error("clerk_sync is not configured in this database")]
    NotConfigured,
    #[error(transparent)]
    Policy(#[from] Refusal),
    #[error("the table does not exist")]
    UnknownTable,
    #[error("deletion must be erase, keep or remove")]
    Deletion,
    #[error("{0} must be between 0 and 1000 years")]
    OutOfRange(&'static str),
    #[error("events are applied at isolation level READ COMMITTED only")]
    OneSnapshot,
    #[error("there is no secret of this name")]
    SecretName,
    #[error("the secret is not valid: {0}")]
    Secret(#[from] SecretError),
    #[error("the secret is not valid: {0}")]
    ApiKey(#[from] ApiKeyError),
    #[error("old_expires_in must be between 0 and 30 days")]
    SecretOverlap,
    #[error(
        "its parent has policies that were not made here, and it would be writable by whoever reads those"
    )]
    UnknownParent,
    #[error("the policies would hold a predicate that only the table's owner may have parsed")]
    ForeignPredicate,
    #[error("the table was renamed or dropped meanwhile")]
    Renamed,
    #[error("a policy could not be compared: {0}")]
    Comparison(String),
    #[error("a statement of clerk_sync failed: {0}")]
    Storage(#[from] spi::Error),
    #[error("a statement of clerk_sync failed: {0}")]
    Table(#[from] TableError),
}

impl From<AdministrationError> for ErrorReport {
    fn from(error: AdministrationError) -> Self {
        use AdministrationError as E;
        use PgSqlErrorCode as Code;
        let (code, hint) = match &error {
            E::Policy(refusal) => (code_of(refusal.kind), refusal.hint.as_str()),
            E::UnknownTable => (Code::ERRCODE_UNDEFINED_TABLE, ""),
            E::UnknownParent => (Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, ""),
            E::ForeignPredicate => (
                Code::ERRCODE_INSUFFICIENT_PRIVILEGE,
                "Parsing can run code: SET ROLE to the table's owner, who needs clerk_admin, and call it again.",
            ),
            E::Renamed => (
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                "Nothing was changed: call it again.",
            ),
            E::Comparison(_) => (Code::ERRCODE_INTERNAL_ERROR, ""),
            E::MissingArgument(_) => (Code::ERRCODE_INVALID_PARAMETER_VALUE, ""),
            E::PublishableKey(_) => (
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                "Copy the publishable key from the API keys page of the Clerk Dashboard: it begins \
                 with pk_live_ or pk_test_.",
            ),
            E::Issuer(_) => (
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                "Give the iss of the instance's tokens, for example https://clerk.example.com.",
            ),
            E::JwksUrl(_) => (
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                "Give an address like https://clerk.example.com/.well-known/jwks.json.",
            ),
            E::AuthorizedParty(_) => (
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                "Give the origins of the application as browsers send them.",
            ),
            E::EmptyEntry(_) => (
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                "Leave the list out, or give '{}' to accept any value.",
            ),
            E::ClockSkew => (
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                "Clerk's own default is 5 s.",
            ),
            E::KeySet(_) => (
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                "Give the JSON of the instance's /.well-known/jwks.json as it is.",
            ),
            E::IssuerTaken => (
                Code::ERRCODE_DUPLICATE_OBJECT,
                "Run clerk.remove_instance() for the issuer first, if it is to be replaced.",
            ),
            E::UnknownIssuer => (
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                "SELECT issuer FROM clerk.instances lists them; clerk.configure() adds one.",
            ),
            E::NotConfigured => (
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                "Run SELECT * FROM clerk.configure('pk_live_...').",
            ),
            E::Deletion => (
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                "erase leaves a tombstone without personal data, keep leaves the row, remove takes it away later.",
            ),
            E::OutOfRange(_) => (Code::ERRCODE_INVALID_PARAMETER_VALUE, ""),
            E::OneSnapshot => (
                Code::ERRCODE_INVALID_TRANSACTION_STATE,
                "Begin the transaction with BEGIN ISOLATION LEVEL READ COMMITTED.",
            ),
            E::SecretName => (
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                "The signing secret of the webhook endpoint is called webhook_secret; of a further one webhook_secret:NAME. The secret key of the Backend API is called api_key, of one of several instances api_key:ins_...",
            ),
            E::Secret(_) => (
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                "Copy the signing secret from the endpoint's page in the Clerk Dashboard: it begins with \
                 whsec_.",
            ),
            E::ApiKey(_) => (
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                "Copy the secret key from the API keys page of the Clerk Dashboard: it begins with sk_live_ or sk_test_.",
            ),
            E::SecretOverlap => (
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                "Svix's own is 24 hours.",
            ),
            E::Storage(_) | E::Table(_) => (Code::ERRCODE_INTERNAL_ERROR, ""),
        };
        let mut report = match &error {
            E::Policy(refusal) => Self::new(code, refusal.message.clone(), "clerk_sync"),
            _ => Self::new(code, error.to_string(), "clerk_sync"),
        };
        if let E::Policy(Refusal { detail, .. }) = &error
            && !detail.is_empty()
        {
            report = report.set_detail(detail);
        }
        if hint.is_empty() {
            report
        } else {
            report.set_hint(hint)
        }
    }
}

fn code_of(refusal: RefusalKind) -> PgSqlErrorCode {
    use PgSqlErrorCode as Code;
    match refusal {
        RefusalKind::Option => Code::ERRCODE_INVALID_PARAMETER_VALUE,
        RefusalKind::Syntax => Code::ERRCODE_SYNTAX_ERROR,
        RefusalKind::MissingTable => Code::ERRCODE_UNDEFINED_TABLE,
        RefusalKind::MissingColumn => Code::ERRCODE_UNDEFINED_COLUMN,
        RefusalKind::MissingRole => Code::ERRCODE_UNDEFINED_OBJECT,
        RefusalKind::ColumnType => Code::ERRCODE_DATATYPE_MISMATCH,
        RefusalKind::WrongObject => Code::ERRCODE_WRONG_OBJECT_TYPE,
        RefusalKind::NotOwner => Code::ERRCODE_INSUFFICIENT_PRIVILEGE,
        RefusalKind::Taken => Code::ERRCODE_DUPLICATE_OBJECT,
        RefusalKind::Unsupported => Code::ERRCODE_FEATURE_NOT_SUPPORTED,
        RefusalKind::NotReady => Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
    }
}

/// A failed fetch is a warning: the last good keys stay in force.
pub(crate) fn warn_of_failed_fetch(url: &str, error: &FetchError) {
    ErrorReport::new(
        PgSqlErrorCode::ERRCODE_CONNECTION_FAILURE,
        "signing keys could not be fetched; the last good ones stay",
        "warn_of_failed_fetch",
    )
    .set_detail(format!("{url}: {error}"))
    .set_hint(
        "Run clerk.refresh_signing_keys() again later, or clerk.add_signing_keys() where the server \
         cannot reach Clerk.",
    )
    .report(PgLogLevel::WARNING);
}

/// Without the file's secrets no delivery that needs one of them is accepted.
pub(crate) fn warn_of_secret_file(reason: &str) {
    ErrorReport::new(
        PgSqlErrorCode::ERRCODE_CONFIG_FILE_ERROR,
        "the file of clerk_sync.webhook_secret_file cannot be used",
        "warn_of_secret_file",
    )
    .set_detail(capitalize(reason))
    .set_hint("Put the signing secret (whsec_...) on a line of its own, and let the server's user read the file.")
    .report(PgLogLevel::WARNING);
}

/// What `clerk.unprotect()` leaves is a closed table.
pub(crate) fn notice_of_closed_table(table: &str) {
    ErrorReport::new(
        PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION,
        format!("row security of {table} stays enabled"),
        "notice_of_closed_table",
    )
    .set_hint(format!(
        "Without policies nobody but its owner sees a row. ALTER TABLE {table} DISABLE ROW LEVEL \
         SECURITY opens it to whoever has privileges."
    ))
    .report(PgLogLevel::NOTICE);
}

/// A table that follows another one keeps its old policies where its specification no longer holds.
pub(crate) fn warn_of_stale_child(table: &str, reason: &str) {
    ErrorReport::new(
        PgSqlErrorCode::ERRCODE_WARNING,
        format!("policies of {table} could not be brought up to date"),
        "warn_of_stale_child",
    )
    .set_detail(reason)
    .set_hint(format!("Run clerk.protect() for {table} as its owner."))
    .report(PgLogLevel::WARNING);
}

/// SQLSTATE and message; of errors about data only the code, since the message may hold the data.
pub(crate) fn describe_without_data(code: PgSqlErrorCode, message: &str) -> String {
    let code = code as i32;
    let sqlstate: String = (0..5)
        .map(|place| char::from(((code >> (6 * place)) & 0x3f) as u8 + b'0'))
        .collect();
    // Data exceptions, broken constraints, and what a trigger raises.
    match &sqlstate[..2] {
        "22" | "23" | "P0" => format!("an error with SQLSTATE {sqlstate}"),
        _ => format!("{sqlstate}: {message}"),
    }
}

/// A step of the worker that failed is tried again; the others go on.
pub(crate) fn log_failed_step(step: &str, error: &str) {
    ErrorReport::new(
        PgSqlErrorCode::ERRCODE_WARNING,
        format!("a step of the clerk_sync worker failed: {step}"),
        "log_failed_step",
    )
    .set_detail(error)
    .set_hint(
        "It is tried again, and logged again after a minute. SELECT * FROM clerk.run_maintenance() \
         runs the same steps by hand.",
    )
    .report(PgLogLevel::WARNING);
}
