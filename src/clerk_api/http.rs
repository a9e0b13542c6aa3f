//! One GET request that a backend can be cancelled out of.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use clerk_core::endpoint::{self, EndpointError};
use clerk_core::key_set::KeySetError;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::settings;

/// Threads of cancelled requests that may linger in one backend.
const MOST_THREADS: usize = 4;
static THREADS: AtomicUsize = AtomicUsize::new(0);

/// How soon a cancelled or terminated backend gives up waiting.
const INTERRUPT_CHECK: Duration = Duration::from_millis(50);

/// Why nothing usable came back. No text holds a secret: an address has neither user name nor query.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    #[error("no root certificates: install ca-certificates, or set clerk_sync.ca_file")]
    NoRootCertificates,
    #[error("certificate file of clerk_sync.ca_file cannot be used: {0}")]
    CaFile(String),
    #[error("no answer within {0} ms")]
    Timeout(u128),
    #[error("the request failed: {0}")]
    Transport(String),
    #[error("the server answered with HTTP status {0}")]
    Status(u16),
    #[error("the server redirects with HTTP status {0}, which is not followed")]
    Redirect(u16),
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
    #[error("the answer is not text")]
    NotText,
    #[error("the answer is no usable key set: {0}")]
    KeySet(#[from] KeySetError),
    #[error("the request was given up")]
    Abandoned,
    #[error("the request's thread could not be started")]
    Thread,
    #[error("{MOST_THREADS} cancelled requests of this session have not ended yet")]
    Busy,
}

/// GETs an address and gives the body of a 200 answer, at most `limit` bytes of it.
///
/// The request runs on a thread of its own, with all signals blocked there: they stay the backend's,
/// and the backend looks for interrupts while it waits. A thread left behind by a cancelled
/// backend ends with the request's own time-out and touches nothing of Postgres.
/// The caller may give up, too: it is asked each time.
pub(super) fn fetch(
    url: &str,
    limit: usize,
    mut may_wait: impl FnMut() -> bool,
) -> Result<Vec<u8>, FetchError> {
    endpoint::check_jwks_url(url)?;
    let timeout = settings::http_timeout();
    let roots = if url.starts_with("https:") {
        root_certificates(settings::ca_file().as_deref())?
    } else {
        Vec::new()
    };
    let url = url.to_owned();
    let (sender, receiver) = mpsc::channel();
    if THREADS.fetch_add(1, Ordering::Relaxed) >= MOST_THREADS {
        THREADS.fetch_sub(1, Ordering::Relaxed);
        return Err(FetchError::Busy);
    }
    spawn_without_signals(move || {
        // The receiver is gone where the backend was cancelled: nobody is left to tell.
        let _ = sender.send(get(&url, limit, timeout, roots));
        THREADS.fetch_sub(1, Ordering::Relaxed);
    })
    .inspect_err(|_| {
        THREADS.fetch_sub(1, Ordering::Relaxed);
    })?;
    loop {
        match receiver.recv_timeout(INTERRUPT_CHECK) {
            Ok(answer) => return answer,
            Err(RecvTimeoutError::Timeout) => {
                pgrx::check_for_interrupts!();
                if !may_wait() {
                    return Err(FetchError::Abandoned);
                }
            }
            Err(RecvTimeoutError::Disconnected) => return Err(FetchError::Thread),
        }
    }
}

fn get(
    url: &str,
    limit: usize,
    timeout: Duration,
    roots: Vec<Certificate<'static>>,
) -> Result<Vec<u8>, FetchError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(provider)
        .root_certs(RootCerts::Specific(Arc::new(roots)))
        .build();
    let agent: Agent = Agent::config_builder()
        // The server's environment must not decide who sees the request, and least of all for http.
        .proxy(None)
        .tls_config(tls)
        .timeout_global(Some(timeout))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .user_agent(concat!("clerk_sync/", env!("CARGO_PKG_VERSION")))
        .build()
        .into();
    let describe = |error: ureq::Error| match error {
        ureq::Error::Timeout(_) => FetchError::Timeout(timeout.as_millis()),
        ureq::Error::BodyExceedsLimit(_) => FetchError::TooLong(limit),
        other => FetchError::Transport(other.to_string()),
    };
    let mut response = agent.get(url).call().map_err(describe)?;
    match response.status().as_u16() {
        200 => {}
        status @ 300..=399 => return Err(FetchError::Redirect(status)),
        status => return Err(FetchError::Status(status)),
    }
    response
        .body_mut()
        .with_config()
        .limit(limit as u64)
        .read_to_vec()
        .map_err(describe)
}

/// The system's root certificates and those of the file.
fn root_certificates(ca_file: Option<&str>) -> Result<Vec<Certificate<'static>>, FetchError> {
    // Single unreadable files of the system's store are no reason to trust none of the others.
    let mut roots: Vec<CertificateDer<'static>> = rustls_native_certs::load_native_certs().certs;
    if let Some(path) = ca_file {
        let unusable = |error: rustls::pki_types::pem::Error| FetchError::CaFile(error.to_string());
        let before = roots.len();
        for certificate in CertificateDer::pem_file_iter(Path::new(path)).map_err(unusable)? {
            roots.push(certificate.map_err(unusable)?);
        }
        if roots.len() == before {
            return Err(FetchError::CaFile("it holds no certificate".to_owned()));
        }
    }
    if roots.is_empty() {
        return Err(FetchError::NoRootCertificates);
    }
    Ok(roots
        .iter()
        .map(|root| Certificate::from_der(root.as_ref()).to_owned())
        .collect())
}

/// Starts a thread that inherits a mask with every signal blocked.
fn spawn_without_signals(work: impl FnOnce() + Send + 'static) -> Result<(), FetchError> {
    // SAFETY: both masks are initialised by the calls that fill them, and the backend's own mask is
    // put back before anything else runs.
    unsafe {
        let mut all: libc::sigset_t = std::mem::zeroed();
        let mut before: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
        let started = thread::Builder::new()
            .name("clerk_sync http".to_owned())
            .spawn(work);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, std::ptr::null_mut());
        started.map(|_| ()).map_err(|_| FetchError::Thread)
    }
}
