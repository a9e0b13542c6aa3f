//! The signing secrets in the file that `clerk_sync.webhook_secret_file` names, kept until it changes; and the secret key in
//! another one.

use std::cell::RefCell;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;

use clerk_core::backend_api::api_key::ApiKey;
use clerk_core::webhook::signature::Secret;
use zeroize::Zeroizing;

use crate::errors::warn_of_secret_file;
use crate::settings;

/// The longest file that is read, in bytes.
const MAX_BYTES: u64 = 4096;

/// What tells one state of the file from another: path, device, inode, length, and the time of the last change of its
/// content or place in nanoseconds; nothing of it where there is no such file.
type State = (String, Option<(u64, u64, u64, i64, i64)>);

#[derive(Default)]
struct Kept {
    state: State,
    secrets: Vec<Secret>,
}

thread_local! {
    static KEPT: RefCell<Kept> = RefCell::new(Kept::default());
}

/// Uses the secrets of the file; none where no file is named, or where it cannot be used: of that a warning tells once.
pub(crate) fn with_secrets<R>(run: impl FnOnce(&[Secret]) -> R) -> R {
    let Some(path) = settings::webhook_secret_file() else {
        return run(&[]);
    };
    let metadata = fs::metadata(&path);
    let stamp = metadata.as_ref().ok().map(|file| {
        (
            file.dev(),
            file.ino(),
            file.len(),
            file.ctime(),
            file.ctime_nsec(),
        )
    });
    let state = (path, stamp);
    if KEPT.with_borrow(|kept| kept.state != state) {
        let read = metadata
            .map_err(|error| error.to_string())
            .and_then(|file| read(&state.0, &file));
        let (secrets, warning) = match read {
            Ok(secrets) => (secrets, None),
            Err(reason) => (Vec::new(), Some(reason)),
        };
        KEPT.set(Kept { state, secrets });
        if let Some(reason) = warning {
            warn_of_secret_file(&reason);
        }
    }
    KEPT.with_borrow(|kept| run(&kept.secrets))
}

/// The reason of a failure holds nothing of the file's content.
fn read(path: &str, file: &Metadata) -> Result<Vec<Secret>, String> {
    let text = read_text(path, file)?;
    Secret::parse_file(&text).map_err(|error| error.to_string())
}

fn read_text(path: &str, file: &Metadata) -> Result<Zeroizing<String>, String> {
    // Anything else, a pipe, might keep the backend waiting.
    if !file.is_file() || file.len() > MAX_BYTES {
        return Err(format!("not a regular file of up to {MAX_BYTES} bytes"));
    }
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    Ok(Zeroizing::new(text))
}

/// The secret key of the Backend API in the first line of the file that `clerk_sync.api_key_file` names, read anew; None where
/// it names none. The reason of a failure holds nothing of the file's content.
pub(crate) fn read_api_key() -> Result<Option<ApiKey>, String> {
    let Some(path) = settings::backend_api::api_key_file() else {
        return Ok(None);
    };
    let file = fs::metadata(&path).map_err(|error| error.to_string())?;
    let text = read_text(&path, &file)?;
    let key = ApiKey::parse(text.lines().next().unwrap_or_default());
    key.map(Some).map_err(|error| error.to_string())
}
