//! GET requests that a backend can be cancelled out of.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use clerk_core::endpoint::{self, EndpointError};
use clerk_core::key_set::KeySetError;
use pgrx::pg_sys;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use ureq::Agent;
use ureq::http::header::{self, HeaderName, HeaderValue};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::settings;

/// Threads of cancelled requests that may linger in one backend.
const MOST_THREADS: usize = 4;
static THREADS: AtomicUsize = AtomicUsize::new(0);

/// How much of an answer is read that is not what was asked for, in bytes.
const LONGEST_ERROR: usize = 64 * 1024;

/// How soon a cancelled or terminated backend gives up waiting.
const INTERRUPT_CHECK: Duration = Duration::from_millis(50);

/// Why nothing usable came back. No text holds a secret: an address has no user name, and a key is in a header alone.
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
    #[error("the request's headers could not be made")]
    Header,
    #[error("the request's thread could not be started")]
    Thread,
    #[error("{MOST_THREADS} cancelled requests of this session have not ended yet")]
    Busy,
}

/// An answer, whatever its status.
pub(crate) struct Response {
    pub(crate) status: u16,
    /// `Retry-After` and `Date`, as texts.
    pub(crate) retry_after: Option<String>,
    pub(crate) date: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// What is sent.
struct Request {
    url: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// The most bytes that are read of the answer.
    limit: usize,
    timeout: Duration,
}

/// A client of one server, which keeps its connection from request to request.
///
/// Requests run on a thread of their own, with all signals blocked there: they stay the backend's,
/// and the backend looks for interrupts while it waits. A thread left behind by a cancelled
/// backend ends with the request's own time-out and touches nothing of Postgres.
pub(super) struct Client {
    requests: Sender<Request>,
    answers: Receiver<Result<Response, FetchError>>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Client {
    /// A client for addresses like this one; `headers` go along with each request.
    pub(super) fn open(
        url: &str,
        headers: Vec<(HeaderName, HeaderValue)>,
    ) -> Result<Self, FetchError> {
        let roots = if url.starts_with("https:") {
            root_certificates(settings::ca_file().as_deref())?
        } else {
            Vec::new()
        };
        if THREADS.fetch_add(1, Ordering::Relaxed) >= MOST_THREADS {
            THREADS.fetch_sub(1, Ordering::Relaxed);
            return Err(FetchError::Busy);
        }
        let (requests, to_do) = mpsc::channel::<Request>();
        let (done, answers) = mpsc::channel();
        spawn_without_signals(move || {
            let agent = agent(roots);
            while let Ok(request) = to_do.recv() {
                // The receiver is gone where the backend was cancelled: nobody is left to tell.
                if done.send(get(&agent, request)).is_err() {
                    break;
                }
            }
            THREADS.fetch_sub(1, Ordering::Relaxed);
        })
        .inspect_err(|_| {
            THREADS.fetch_sub(1, Ordering::Relaxed);
        })?;
        Ok(Self {
            requests,
            answers,
            headers,
        })
    }

    /// GETs an address and gives the answer, at most `limit` bytes of it. The caller may give up: it is asked every 50 ms,
    /// and the client is of no use any more then.
    pub(super) fn get(
        &self,
        url: String,
        limit: usize,
        mut may_wait: impl FnMut() -> bool,
    ) -> Result<Response, FetchError> {
        let request = Request {
            url,
            headers: self.headers.clone(),
            limit,
            timeout: settings::http_timeout(),
        };
        exit_without_postmaster();
        self.requests
            .send(request)
            .map_err(|_| FetchError::Thread)?;
        loop {
            match self.answers.recv_timeout(INTERRUPT_CHECK) {
                Ok(answer) => return answer,
                Err(RecvTimeoutError::Timeout) => {
                    exit_without_postmaster();
                    pgrx::check_for_interrupts!();
                    if !may_wait() {
                        return Err(FetchError::Abandoned);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return Err(FetchError::Thread),
            }
        }
    }
}

/// Ends the process where the postmaster has died: no other one can start until all of its children have gone.
fn exit_without_postmaster() {
    // SAFETY: looks, and does not wait.
    unsafe {
        pg_sys::WaitLatch(
            pg_sys::MyLatch,
            (pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH) as i32,
            0,
            pg_sys::PG_WAIT_EXTENSION,
        );
    }
}

/// GETs an address and gives the body of a 200 answer, at most `limit` bytes of it.
pub(super) fn fetch(
    url: &str,
    limit: usize,
    may_wait: impl FnMut() -> bool,
) -> Result<Vec<u8>, FetchError> {
    endpoint::check_jwks_url(url)?;
    let response = Client::open(url, Vec::new())?.get(url.to_owned(), limit, may_wait)?;
    match response.status {
        200 => Ok(response.body),
        status @ 300..=399 => Err(FetchError::Redirect(status)),
        status => Err(FetchError::Status(status)),
    }
}

fn agent(roots: Vec<Certificate<'static>>) -> Agent {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(provider)
        .root_certs(RootCerts::Specific(Arc::new(roots)))
        .build();
    Agent::config_builder()
        // The server's environment must not decide who sees the request, and least of all for http.
        .proxy(None)
        .tls_config(tls)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .user_agent(concat!("clerk_sync/", env!("CARGO_PKG_VERSION")))
        .build()
        .into()
}

fn get(agent: &Agent, request: Request) -> Result<Response, FetchError> {
    let Request {
        url,
        headers,
        limit,
        timeout,
    } = request;
    let describe = |error: ureq::Error| match error {
        ureq::Error::Timeout(_) => FetchError::Timeout(timeout.as_millis()),
        ureq::Error::BodyExceedsLimit(_) => FetchError::TooLong(limit),
        other => FetchError::Transport(other.to_string()),
    };
    let mut call = agent
        .get(url)
        .config()
        .timeout_global(Some(timeout))
        .build();
    for (name, value) in headers {
        call = call.header(name, value);
    }
    let mut response = call.call().map_err(describe)?;
    let text_of = |name: HeaderName| {
        let value = response.headers().get(name)?;
        value.to_str().ok().map(str::to_owned)
    };
    let (status, retry_after, date) = (
        response.status().as_u16(),
        text_of(header::RETRY_AFTER),
        text_of(header::DATE),
    );
    // What is no answer is not read to its end.
    let limit_of_body = if status == 200 {
        limit
    } else {
        limit.min(LONGEST_ERROR)
    };
    let body = response
        .body_mut()
        .with_config()
        .limit(limit_of_body as u64)
        .read_to_vec();
    let body = match body {
        Ok(body) => body,
        Err(_) if status != 200 => Vec::new(),
        Err(error) => return Err(describe(error)),
    };
    Ok(Response {
        status,
        retry_after,
        date,
        body,
    })
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
