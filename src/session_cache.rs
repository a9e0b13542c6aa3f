//! The verified session of this backend.
//!
//! A token is verified once and remembered by its bytes; which token is in force, whether it belongs
//! to this transaction and whether it is valid at the statement's start is looked at on every read.
//! Nothing here is shared between backends: each verifies for itself, a parallel worker too.

mod revocation;

use std::cell::{OnceCell, RefCell};
use std::ffi::CString;
use std::hash::{BuildHasher, RandomState};
use std::rc::Rc;

use clerk_core::claims::Session;
use clerk_core::instance::Trust;
use clerk_core::reason::Reason;
use clerk_core::time::UnixMicros;
use clerk_core::token;

use crate::clock;
use crate::errors::SessionError;
use crate::request::{self, RequestSetting, RequestValue};
use crate::settings::token::{TokenSetting, assumed_claims};
use crate::settings::{self, TokenScope};
use crate::storage::trust::{self, TrustRows};
use crate::worker;

/// How many verified sessions a backend remembers. A pooled connection serves many people in turn;
/// a session takes a few kilobytes.
const REMEMBERED: usize = 32;

/// A verified session and what was derived from it on demand.
pub(crate) struct CachedSession {
    /// The token that it was verified from; empty for claims, of a gateway or assumed.
    token: Vec<u8>,
    digest: u64,
    pub(crate) session: Session,
    /// The claims as a `jsonb` varlena, made at the first use.
    pub(crate) jsonb: OnceCell<Box<[u64]>>,
    /// The claim asked for last.
    pub(crate) claim: RefCell<Option<ClaimMemo>>,
}

/// A path into the claims, as the data of its array, and the text there.
pub(crate) struct ClaimMemo {
    pub(crate) path: Box<[u8]>,
    pub(crate) text: Option<Box<[u8]>>,
}

/// What `current` was resolved from: as long as it is unchanged, so is the session.
#[derive(Copy, Clone, Default, PartialEq, Eq)]
enum Envelope {
    /// Nothing resolved yet.
    #[default]
    Unknown,
    /// `clerk_sync.token`, by its count of assignments.
    Token { generation: u64 },
    /// The bearer token in `request.headers`, as long as [`Cache::headers`] holds them.
    Bearer,
    /// `request.jwt.claims`, as long as [`Cache::claims`] holds them.
    Claims,
}

#[derive(Default)]
struct Cache {
    rows: TrustRows,
    trust: Trust,
    envelope: Envelope,
    current: Option<Rc<CachedSession>>,
    /// `request.headers` as last seen, and the bearer token in it.
    headers: CString,
    bearer: Option<String>,
    /// `request.jwt.claims` as last believed.
    claims: CString,
    /// Most recently used last.
    remembered: Vec<Rc<CachedSession>>,
    /// Randomly keyed.
    digests: RandomState,
}

thread_local! {
    static CACHE: RefCell<Cache> = RefCell::new(Cache::default());
}

/// Gives the session in force, or None where nobody is signed in.
///
/// # Errors
/// A token that is present but bad, or set by an earlier transaction.
#[inline]
pub(crate) fn with_session<R>(
    use_session: impl FnOnce(Option<&CachedSession>) -> R,
) -> Result<R, SessionError> {
    refresh_trust();
    let now = clock::statement_start();
    if settings::checks_revocation() {
        revocation::check(now)?;
    }
    CACHE.with_borrow_mut(|cache| {
        let cached = cache.resolve(now)?;
        Ok(use_session(
            cached.filter(|cached| cached.session.signed_in()),
        ))
    })
}

/// The instances and keys trusted now, for checks of tokens that are not the session's.
pub(crate) fn with_trust<R>(use_trust: impl FnOnce(&Trust) -> R) -> R {
    refresh_trust();
    CACHE.with_borrow(|cache| use_trust(&cache.trust))
}

/// Reads instances and keys again where they may have changed. The cache is not borrowed meanwhile.
#[inline]
fn refresh_trust() {
    if trust::is_stale() {
        reload_trust();
    }
}

#[cold]
fn reload_trust() {
    let rows = trust::read();
    CACHE.with_borrow_mut(|cache| {
        if rows != cache.rows {
            *cache = Cache {
                trust: rows.to_trust(),
                rows,
                ..Cache::default()
            };
        }
    });
}

impl Cache {
    #[inline]
    fn resolve(&mut self, now: UnixMicros) -> Result<Option<&CachedSession>, SessionError> {
        let token = TokenSetting::current();
        // A statement that lasts long may set a token in its course.
        let now = now.max(token.set_at);
        if token.is_empty() {
            self.resolve_request(now)?;
        } else {
            if !token.is_in_scope() {
                return Err(SessionError::StaleToken);
            }
            if self.envelope
                != (Envelope::Token {
                    generation: token.generation,
                })
            {
                self.resolve_token(token, now)?;
            }
        }
        let Some(cached) = &self.current else {
            return Ok(None);
        };
        let session = &cached.session;
        if now < session.valid_from() || now >= session.valid_until() {
            session.recheck(now)?;
        }
        Ok(Some(cached))
    }

    #[cold]
    fn resolve_token(&mut self, token: TokenSetting, now: UnixMicros) -> Result<(), SessionError> {
        let token_bytes = token.to_bytes();
        self.current = if let Some(claims) = assumed_claims(&token_bytes) {
            read_assumed(claims)?
        } else if self.trust.instances.is_empty() {
            return Err(SessionError::NotConfigured);
        } else {
            Some(self.recall_or_verify(token_bytes, now)?)
        };
        self.envelope = Envelope::Token {
            generation: token.generation,
        };
        Ok(())
    }

    /// Sources 2 and 3: what a gateway says about the request.
    #[inline]
    fn resolve_request(&mut self, now: UnixMicros) -> Result<(), SessionError> {
        let has_bearer = RequestSetting::Headers.with(|headers| match headers {
            Some(headers) => self.resolve_headers(headers, now),
            None => Ok(false),
        })?;
        if has_bearer {
            return Ok(());
        }
        if settings::trusts_request_claims() {
            return RequestSetting::Claims.with(|claims| match claims {
                Some(claims) => self.resolve_claims(claims, now),
                None => {
                    self.forget();
                    Ok(())
                }
            });
        }
        self.forget();
        Ok(())
    }

    /// Says whether the headers carry a bearer token, whosever it is: then they decide.
    #[inline]
    fn resolve_headers(
        &mut self,
        headers: RequestValue<'_>,
        now: UnixMicros,
    ) -> Result<bool, SessionError> {
        if !headers.is(&self.headers) {
            self.headers = headers.to_owned().unwrap_or_default();
            self.bearer = request::bearer_token(&self.headers);
            self.envelope = Envelope::Unknown;
        }
        if self.bearer.is_some() && self.envelope != Envelope::Bearer {
            self.resolve_bearer(is_in_scope(headers), now)?;
        }
        // A scope that an earlier statement had does not outlast it.
        if self.envelope == Envelope::Bearer && self.current.is_some() && !is_in_scope(headers) {
            return Err(SessionError::StaleToken);
        }
        Ok(self.bearer.is_some())
    }

    /// The header also carries others' tokens (API keys, Supabase Auth's): those are no session.
    #[cold]
    fn resolve_bearer(&mut self, in_scope: bool, now: UnixMicros) -> Result<(), SessionError> {
        let bearer = self.bearer.clone().unwrap_or_default();
        self.current = if !token::names_known_issuer(&bearer, &self.trust) {
            None
        } else if in_scope {
            Some(self.recall_or_verify(bearer.into_bytes(), now)?)
        } else {
            return Err(SessionError::StaleToken);
        };
        self.envelope = Envelope::Bearer;
        Ok(())
    }

    #[inline]
    fn resolve_claims(
        &mut self,
        claims: RequestValue<'_>,
        now: UnixMicros,
    ) -> Result<(), SessionError> {
        if !is_in_scope(claims) {
            return Err(SessionError::StaleToken);
        }
        if self.envelope == Envelope::Claims && claims.is(&self.claims) {
            return Ok(());
        }
        let Some(text) = claims.to_owned() else {
            self.forget();
            return Ok(());
        };
        let json = String::from_utf8_lossy(text.to_bytes());
        let session = token::verify_trusted_claims(&json, &self.trust, now)?;
        self.current = session.map(|session| Rc::new(CachedSession::new(Vec::new(), 0, session)));
        self.claims = text;
        self.envelope = Envelope::Claims;
        Ok(())
    }

    /// Nobody is signed in.
    #[inline]
    fn forget(&mut self) {
        self.current = None;
        self.envelope = Envelope::Unknown;
    }

    /// Finds the session of a token seen before, or verifies it.
    fn recall_or_verify(
        &mut self,
        token: Vec<u8>,
        now: UnixMicros,
    ) -> Result<Rc<CachedSession>, SessionError> {
        // The keyed digest comes first: how long a comparison takes then tells nothing about the bytes
        // of somebody else's token.
        let digest = self.digests.hash_one(&token);
        let known = self
            .remembered
            .iter()
            .rposition(|entry| entry.digest == digest && entry.token == token);
        if let Some(at) = known {
            let entry = self.remembered.remove(at);
            self.remembered.push(Rc::clone(&entry));
            return Ok(entry);
        }
        // A token is ASCII; what is not UTF-8 fails the check of its structure either way.
        let text = String::from_utf8_lossy(&token);
        let session = token::verify(&text, &self.trust, now).inspect_err(|failure| {
            // Clerk may have a new key: the worker, if there is one, fetches it. Nothing is waited for.
            if failure.reason == Reason::JwkKidMismatch {
                worker::ask_for_keys();
            }
        })?;
        let entry = Rc::new(CachedSession::new(token, digest, session));
        if self.remembered.len() == REMEMBERED {
            self.remembered.remove(0);
        }
        self.remembered.push(Rc::clone(&entry));
        Ok(entry)
    }
}

/// The session of assumed claims; empty claims are nobody, whatever a gateway says.
fn read_assumed(claims: &[u8]) -> Result<Option<Rc<CachedSession>>, SessionError> {
    if claims.is_empty() {
        return Ok(None);
    }
    let json = String::from_utf8_lossy(claims);
    let session = token::assume_session(&json).map_err(SessionError::NoSession)?;
    Ok(Some(Rc::new(CachedSession::new(Vec::new(), 0, session))))
}

/// What an earlier transaction left behind on the connection signs in nobody.
#[inline]
fn is_in_scope(value: RequestValue<'_>) -> bool {
    value.is_of_this_transaction || settings::token_scope() == TokenScope::Session
}

impl CachedSession {
    fn new(token: Vec<u8>, digest: u64, session: Session) -> Self {
        Self {
            token,
            digest,
            session,
            jsonb: OnceCell::new(),
            claim: RefCell::new(None),
        }
    }
}
