//! The addresses of an instance: checked when they are configured, and again before they are used.

use url::{Host, Url};

/// The longest address accepted, in bytes.
const LONGEST: usize = 2048;

/// Why an address is refused.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// Not an absolute URL with a host.
    #[error("it is not an absolute URL with a host")]
    NotAUrl,
    /// Plain http to another host than this one.
    #[error("it must begin with https:// (http:// only for this very host)")]
    NotHttps,
    /// A user name or password in the URL.
    #[error("it must not contain a user name or password")]
    UserInfo,
    /// A query or a fragment.
    #[error("it must not contain a query or a fragment")]
    QueryOrFragment,
    /// White space or a control character.
    #[error("it must not contain white space or control characters")]
    WhiteSpace,
    /// A slash at the end of an issuer, which tokens carry without one, or of a base address.
    #[error("it must not end with a slash")]
    TrailingSlash,
    /// A host that the URL's parser would write in another way: in upper case, escaped, or a number.
    #[error("its host must be written plainly: lower case and ASCII, right after https://")]
    UnusualHost,
    /// Not `scheme://host` or `scheme://host:port`.
    #[error("an origin is like https://app.example.com: lower case, no path, no slash at the end")]
    NotAnOrigin,
    /// Longer than 2048 bytes.
    #[error("it is longer than 2048 bytes")]
    TooLong,
}

/// Checks an issuer: the Frontend API's URL, or a proxy URL.
///
/// # Errors
/// Says what is wrong with it.
pub fn check_issuer(issuer: &str) -> Result<(), EndpointError> {
    check(issuer)?;
    if issuer.ends_with('/') {
        return Err(EndpointError::TrailingSlash);
    }
    Ok(())
}

/// Checks the address of a JWKS.
///
/// # Errors
/// Says what is wrong with it.
pub fn check_jwks_url(address: &str) -> Result<(), EndpointError> {
    check(address)
}

/// Checks the base address of the Backend API, to which paths are added.
///
/// # Errors
/// Says what is wrong with it.
pub fn check_api_url(address: &str) -> Result<(), EndpointError> {
    check_issuer(address)
}

/// Checks an origin, as a browser sends it and a token carries it in `azp`: `https://app.example.com`,
/// with a port where it is not the scheme's own. Any scheme: applications and browser extensions have
/// their own.
///
/// # Errors
/// [`EndpointError::NotAnOrigin`]
pub fn check_origin(origin: &str) -> Result<(), EndpointError> {
    let is_origin = origin.split_once("://").is_some_and(|(scheme, host)| {
        let is_plain = |char: char| {
            char.is_ascii_graphic() && !char.is_ascii_uppercase() && !"/?#@*\\".contains(char)
        };
        !scheme.is_empty() && !host.is_empty() && (scheme.chars().chain(host.chars())).all(is_plain)
    });
    if is_origin && origin.len() <= LONGEST {
        Ok(())
    } else {
        Err(EndpointError::NotAnOrigin)
    }
}

fn check(address: &str) -> Result<(), EndpointError> {
    if address.len() > LONGEST {
        return Err(EndpointError::TooLong);
    }
    // The parser drops tabs and line feeds; what is stored must be what is compared and fetched.
    if address
        .chars()
        .any(|char| char.is_whitespace() || char.is_control())
    {
        return Err(EndpointError::WhiteSpace);
    }
    let url = Url::parse(address).map_err(|_| EndpointError::NotAUrl)?;
    let host = url.host().ok_or(EndpointError::NotAUrl)?;
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&host) => {}
        _ => return Err(EndpointError::NotHttps),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(EndpointError::UserInfo);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(EndpointError::QueryOrFragment);
    }
    check_host_form(address, &url)
}

/// The parser mends much (`https:x`, backslashes, upper case); another one, of an HTTP client, might find
/// another host in the same text.
fn check_host_form(address: &str, url: &Url) -> Result<(), EndpointError> {
    let after_scheme = address
        .strip_prefix("https://")
        .or_else(|| address.strip_prefix("http://"))
        .ok_or(EndpointError::NotHttps)?;
    let after_host = url
        .host_str()
        .and_then(|host| after_scheme.strip_prefix(host));
    match after_host {
        Some(rest) if rest.is_empty() || rest.starts_with([':', '/', '?']) => Ok(()),
        _ => Err(EndpointError::UnusualHost),
    }
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}
