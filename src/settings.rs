//! Every setting (GUC), behind typed getters. None that decides trust can be set by a request role.

pub(crate) mod backend_api;
pub(crate) mod record;
pub(crate) mod token;

use std::ffi::CString;
use std::time::Duration;

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting, PostgresGucEnum};
use pgrx::pg_sys;

/// How long a token that was set counts.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PostgresGucEnum)]
pub(crate) enum TokenScope {
    /// Only in the transaction that set it: nothing for the next client of a pooled connection.
    #[name = c"transaction"]
    Transaction,
    /// Until the session ends: for connections that belong to one person.
    #[name = c"session"]
    Session,
}

/// When a received event is applied.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PostgresGucEnum)]
pub(crate) enum WebhookMode {
    /// While it is received, in the same transaction.
    #[name = c"inline"]
    Inline,
    /// Later, in batches, by the worker or `clerk.run_maintenance()`.
    #[name = c"queue"]
    Queue,
}

/// `clerk_sync.webhook_mode`: default `inline`. SUSET: whoever receives must not be able to put events off.
static WEBHOOK_MODE: GucSetting<WebhookMode> = GucSetting::<WebhookMode>::new(WebhookMode::Inline);

/// `clerk_sync.token_scope`: default `transaction`. SUSET: a client must not be able to make a
/// pooled connection keep a stranger's token.
static TOKEN_SCOPE: GucSetting<TokenScope> = GucSetting::<TokenScope>::new(TokenScope::Transaction);

/// `clerk_sync.trust_request_claims`: default off. SUSET: any role can write `request.jwt.claims`,
/// so only a superuser may say that a gateway alone does.
static TRUST_REQUEST_CLAIMS: GucSetting<bool> = GucSetting::<bool>::new(false);

/// `clerk_sync.ca_file`: PEM file with root certificates to trust beside the system's; default none.
/// SUSET: it decides which server may hand out signing keys.
static CA_FILE: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);

/// `clerk_sync.http_timeout`: the longest one request to Clerk may take, in ms; default 10 s. SUSET:
/// it bounds how long a backend waits.
static HTTP_TIMEOUT_MS: GucSetting<i32> = GucSetting::<i32>::new(10_000);

/// `clerk_sync.check_revocation`: default off. SUSET: it decides who is let in.
static CHECK_REVOCATION: GucSetting<bool> = GucSetting::<bool>::new(false);

/// `clerk_sync.webhook_secret_file`: file with the signing secrets of the webhook endpoint; default none. SUSET: it
/// decides whose deliveries are believed, and names a file of the server.
static WEBHOOK_SECRET_FILE: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);

/// `clerk_sync.databases`: names of the databases that get a background worker, separated by commas;
/// default none. SIGHUP: of the whole server, and only its administrator starts processes.
static DATABASES: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);

/// `clerk_sync.worker_interval`: how long the worker waits between two rounds, in ms; default 1 s.
/// SIGHUP: a session has no say in it.
static WORKER_INTERVAL_MS: GucSetting<i32> = GucSetting::<i32>::new(1_000);

/// `clerk_sync.key_refresh_interval`: how old signing keys may grow, in s; default 1 h. SIGHUP, as above.
static KEY_REFRESH_INTERVAL_S: GucSetting<i32> = GucSetting::<i32>::new(3_600);

/// Defines all settings. Called by `_PG_init`.
pub(crate) fn register() {
    token::register();
    GucRegistry::define_enum_guc(
        c"clerk_sync.token_scope",
        c"How long a token set by SET counts: transaction or session.",
        c"With session, a pooled connection hands one client's identity to the next.",
        &TOKEN_SCOPE,
        GucContext::Suset,
        in_parallel(),
    );
    GucRegistry::define_bool_guc(
        c"clerk_sync.trust_request_claims",
        c"Believes request.jwt.claims, as verified by a gateway.",
        c"Turn on only where no client can run SQL of its own: any role can set these claims.",
        &TRUST_REQUEST_CLAIMS,
        GucContext::Suset,
        in_parallel(),
    );
    GucRegistry::define_string_guc(
        c"clerk_sync.ca_file",
        c"PEM file with root certificates to trust beside the system's.",
        c"For a proxied Frontend API behind a private certificate authority.",
        &CA_FILE,
        GucContext::Suset,
        in_parallel(),
    );
    GucRegistry::define_int_guc(
        c"clerk_sync.http_timeout",
        c"The longest one request to Clerk may take.",
        c"Connecting, sending and receiving together.",
        &HTTP_TIMEOUT_MS,
        100,
        60_000,
        GucContext::Suset,
        GucFlags::UNIT_MS | in_parallel(),
    );
    GucRegistry::define_bool_guc(
        c"clerk_sync.check_revocation",
        c"Refuses tokens of users who were banned or deleted, and of sessions that have ended.",
        c"By what webhooks told, once a statement; sessions only where they are mirrored.",
        &CHECK_REVOCATION,
        GucContext::Suset,
        in_parallel(),
    );
    GucRegistry::define_enum_guc(
        c"clerk_sync.webhook_mode",
        c"When a received webhook is applied: inline or queue.",
        c"With queue, receiving only stores it; the worker or clerk.run_maintenance() applies it.",
        &WEBHOOK_MODE,
        GucContext::Suset,
        in_parallel(),
    );
    GucRegistry::define_string_guc(
        c"clerk_sync.webhook_secret_file",
        c"File with the signing secret of the webhook endpoint, and in a second line the one before.",
        c"Counts beside what clerk.set_secret() put in force; read again when the file changes.",
        &WEBHOOK_SECRET_FILE,
        GucContext::Suset,
        GucFlags::SUPERUSER_ONLY | in_parallel(),
    );
    register_for_worker();
    backend_api::register();
    reserve_prefix();
}

/// Whether tokens of those who are gone are refused.
#[inline]
pub(crate) fn checks_revocation() -> bool {
    CHECK_REVOCATION.get()
}

/// When a received event is applied.
pub(crate) fn webhook_mode() -> WebhookMode {
    WEBHOOK_MODE.get()
}

fn register_for_worker() {
    GucRegistry::define_string_guc(
        c"clerk_sync.databases",
        c"Databases that get a background worker, separated by commas.",
        c"Takes effect only where clerk_sync is in shared_preload_libraries.",
        &DATABASES,
        GucContext::Sighup,
        in_parallel(),
    );
    GucRegistry::define_int_guc(
        c"clerk_sync.worker_interval",
        c"How long the background worker waits between two rounds.",
        c"It looks at most a second later whether somebody drops its database.",
        &WORKER_INTERVAL_MS,
        10,
        1_000,
        GucContext::Sighup,
        GucFlags::UNIT_MS | in_parallel(),
    );
    GucRegistry::define_int_guc(
        c"clerk_sync.key_refresh_interval",
        c"How old signing keys may grow before the worker or clerk.run_maintenance() fetches them again.",
        c"",
        &KEY_REFRESH_INTERVAL_S,
        1,
        30 * 24 * 3_600,
        GucContext::Sighup,
        GucFlags::UNIT_S | in_parallel(),
    );
}

/// Names of the databases that get a worker, each once.
pub(crate) fn databases() -> Vec<String> {
    let list = DATABASES.get().and_then(|list| list.into_string().ok());
    let mut names: Vec<String> = list
        .unwrap_or_default()
        .split(',')
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect();
    names.sort();
    names.dedup();
    names
}

/// How long the worker waits between two rounds.
pub(crate) fn worker_interval() -> Duration {
    Duration::from_millis(WORKER_INTERVAL_MS.get().unsigned_abs().into())
}

/// How old signing keys may grow.
pub(crate) fn key_refresh_interval() -> Duration {
    Duration::from_secs(KEY_REFRESH_INTERVAL_S.get().unsigned_abs().into())
}

/// The scope in which a token set by SET counts.
pub(crate) fn token_scope() -> TokenScope {
    TOKEN_SCOPE.get()
}

/// Whether `request.jwt.claims` is believed.
pub(crate) fn trusts_request_claims() -> bool {
    TRUST_REQUEST_CLAIMS.get()
}

/// Path of a PEM file with further root certificates.
pub(crate) fn ca_file() -> Option<String> {
    path_of(&CA_FILE)
}

/// Path of the file with the signing secrets of the webhook endpoint.
pub(crate) fn webhook_secret_file() -> Option<String> {
    path_of(&WEBHOOK_SECRET_FILE)
}

fn path_of(setting: &GucSetting<Option<CString>>) -> Option<String> {
    setting
        .get()
        .and_then(|path| path.into_string().ok())
        .filter(|path| !path.is_empty())
}

/// The longest one request to Clerk may take.
pub(crate) fn http_timeout() -> Duration {
    Duration::from_millis(HTTP_TIMEOUT_MS.get().unsigned_abs().into())
}

/// The library may be loaded first while a parallel query runs; without this flag Postgres would then
/// drop what was set before.
fn in_parallel() -> GucFlags {
    GucFlags::from_bits_retain(pg_sys::GUC_ALLOW_IN_PARALLEL as i32)
}

/// A misspelt `clerk_sync.x` is an error instead of a setting that nobody reads.
fn reserve_prefix() {
    // SAFETY: called from _PG_init, with a static C string, after all settings are defined.
    unsafe {
        #[cfg(feature = "pg14")]
        pg_sys::EmitWarningsOnPlaceholders(c"clerk_sync".as_ptr());
        #[cfg(not(feature = "pg14"))]
        pg_sys::MarkGUCPrefixReserved(c"clerk_sync".as_ptr());
    }
}
