//! The settings of what is read from Clerk's Backend API.

use std::ffi::CString;
use std::time::Duration;

use clerk_core::backend_api::DEFAULT_URL;
use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting, PostgresGucEnum};

use super::{in_parallel, path_of};

/// What a comparison does with what differs.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PostgresGucEnum)]
pub(crate) enum ReconcileMode {
    /// Notes it.
    #[name = c"report"]
    Report,
    /// Mends it.
    #[name = c"repair"]
    Repair,
}

/// `clerk_sync.api_url`: base address of the Backend API; default Clerk's own. SUSET: whoever answers there gets the secret
/// key, and is believed.
static API_URL: GucSetting<Option<CString>> =
    GucSetting::<Option<CString>>::new(Some(c"https://api.clerk.com/v1"));

/// `clerk_sync.api_key_file`: file with the secret key of the Backend API; default none. SUSET: as that of the webhook secret.
static API_KEY_FILE: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);

/// `clerk_sync.api_requests`: how many requests to the Backend API in 10 s; default 0: four fifths of what Clerk allows the
/// key. SUSET: all sessions share the limit.
static API_REQUESTS: GucSetting<i32> = GucSetting::<i32>::new(0);

/// `clerk_sync.reconcile_interval`: how often the worker compares the tables with Clerk, in s; default 0: never. SIGHUP.
static RECONCILE_INTERVAL_S: GucSetting<i32> = GucSetting::<i32>::new(0);

/// `clerk_sync.reconcile_mode`: what the worker does with what differs; default `repair`. SIGHUP.
static RECONCILE_MODE: GucSetting<ReconcileMode> =
    GucSetting::<ReconcileMode>::new(ReconcileMode::Repair);

/// `clerk_sync.reconcile_max_deletions`: the share of a table that one run may delete; default 0.1. SUSET: it keeps a table
/// from being emptied.
static RECONCILE_MAX_DELETIONS: GucSetting<f64> = GucSetting::<f64>::new(0.1);

/// Defines them.
pub(super) fn register() {
    GucRegistry::define_string_guc(
        c"clerk_sync.api_url",
        c"Base address of Clerk's Backend API.",
        c"https only, but for this very host. Whoever answers there gets the secret key.",
        &API_URL,
        GucContext::Suset,
        GucFlags::SUPERUSER_ONLY | in_parallel(),
    );
    GucRegistry::define_string_guc(
        c"clerk_sync.api_key_file",
        c"File with the secret key of the Backend API in its first line.",
        c"Counts where clerk.set_secret() has put none in force.",
        &API_KEY_FILE,
        GucContext::Suset,
        GucFlags::SUPERUSER_ONLY | in_parallel(),
    );
    GucRegistry::define_int_guc(
        c"clerk_sync.api_requests",
        c"How many requests to the Backend API may be sent in 10 s.",
        c"0: four fifths of what Clerk allows: 800 for a production instance, 80 for a development one. The next lower 800/n counts.",
        &API_REQUESTS,
        0,
        800,
        GucContext::Suset,
        in_parallel(),
    );
    GucRegistry::define_int_guc(
        c"clerk_sync.reconcile_interval",
        c"How often the worker compares the tables with Clerk.",
        c"0: never. It needs the secret key of the Backend API.",
        &RECONCILE_INTERVAL_S,
        0,
        30 * 24 * 3_600,
        GucContext::Sighup,
        GucFlags::UNIT_S | in_parallel(),
    );
    GucRegistry::define_enum_guc(
        c"clerk_sync.reconcile_mode",
        c"What the worker does with what differs: report or repair.",
        c"",
        &RECONCILE_MODE,
        GucContext::Sighup,
        in_parallel(),
    );
    GucRegistry::define_float_guc(
        c"clerk_sync.reconcile_max_deletions",
        c"The share of a table that one run may delete without force.",
        c"A table is never emptied without it.",
        &RECONCILE_MAX_DELETIONS,
        0.0,
        1.0,
        GucContext::Suset,
        in_parallel(),
    );
}

/// Base address of the Backend API, unchecked.
pub(crate) fn api_url() -> String {
    path_of(&API_URL).unwrap_or_else(|| DEFAULT_URL.to_owned())
}

/// Path of the file with the secret key.
pub(crate) fn api_key_file() -> Option<String> {
    path_of(&API_KEY_FILE)
}

/// How many requests in 10 s; None: by what Clerk allows.
pub(crate) fn api_requests() -> Option<u32> {
    u32::try_from(API_REQUESTS.get()).ok().filter(|&n| n > 0)
}

/// How often the worker compares; None: never.
pub(crate) fn reconcile_interval() -> Option<Duration> {
    let seconds = RECONCILE_INTERVAL_S.get().unsigned_abs();
    (seconds > 0).then(|| Duration::from_secs(seconds.into()))
}

/// What the worker does with what differs.
pub(crate) fn reconcile_mode() -> ReconcileMode {
    RECONCILE_MODE.get()
}

/// The share of a table that one run may delete.
pub(crate) fn reconcile_max_deletions() -> f64 {
    RECONCILE_MAX_DELETIONS.get()
}
