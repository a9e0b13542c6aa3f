//! Publishable keys, issuers and JWKS addresses: what is configured, before it is believed.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use clerk_core::authorization_header::bearer_token;
use clerk_core::endpoint::{
    EndpointError, check_api_url, check_issuer, check_jwks_url, check_origin,
};
use clerk_core::publishable_key::{PublishableKey, PublishableKeyError};

use crate::vectors::{cases, publishable_keys};

#[test]
fn every_publishable_key_parses_as_clerk_parses_it() {
    let file = publishable_keys();
    for case in cases(&file, 7) {
        let text = case["key"].as_str().expect("a key");
        let parsed = PublishableKey::parse(text);
        assert_eq!(parsed.is_ok(), case["valid"] == true, "{text}");
        if let Ok(key) = parsed {
            assert_eq!(
                key.environment().as_str(),
                case["parsed"]["instanceType"],
                "{text}"
            );
            assert_eq!(key.frontend_api(), case["parsed"]["frontendApi"], "{text}");
        }
    }
}

#[test]
fn a_publishable_key_gives_the_addresses_of_its_instance() {
    let key = PublishableKey::parse("pk_live_Y2xlcmsuZXhhbXBsZS5jb20k").expect("a key");
    assert_eq!(key.issuer(), "https://clerk.example.com");
    assert_eq!(
        key.jwks_url(),
        "https://clerk.example.com/.well-known/jwks.json"
    );
    check_issuer(&key.issuer()).expect("an issuer");
    check_jwks_url(&key.jwks_url()).expect("an address");
}

#[test]
fn the_padding_of_a_publishable_key_is_optional() {
    for host in ["a.bc", "a.bcd", "a.bcde"] {
        let decoded = format!("{host}$");
        for encoded in [STANDARD.encode(&decoded), STANDARD_NO_PAD.encode(&decoded)] {
            let key = PublishableKey::parse(&format!("pk_test_{encoded}")).expect(&encoded);
            assert_eq!(key.frontend_api(), host);
        }
    }
}

#[test]
fn a_publishable_key_must_hold_one_host_name() {
    let hosts = [
        "",
        "$",
        "clerk.example.com",
        "clerk.example.com$$",
        "a$b.com$",
        "localhost$",
        ".$",
        "a.$",
        ".com$",
        "a..com$",
        "-a.com$",
        "a-.com$",
        "a b.com$",
        "a.com/$",
        "a.com/x$",
        "a.com?x$",
        "a.com#x$",
        "u@a.com$",
        "u:p@a.com$",
        "a.com:443$",
        "https://a.com$",
        "a.com\n$",
        "a.com\0$",
        "ä.com$",
        "a_b.com$",
        "[::1].com$",
        "a.com\\x$",
        "a.com%2f$",
        "127.0.0.1$",
        "0x7f.1$",
        "1.2$",
        "A.com$",
        "clerk.EXAMPLE.com$",
        "xn--.com$",
        " $",
    ];
    for host in hosts {
        let key = format!("pk_live_{}", STANDARD_NO_PAD.encode(host));
        assert_eq!(
            PublishableKey::parse(&key),
            Err(PublishableKeyError::Host),
            "{host:?}"
        );
    }
    let long = format!("{}.com$", "a".repeat(64));
    let key = format!("pk_live_{}", STANDARD_NO_PAD.encode(long));
    assert_eq!(PublishableKey::parse(&key), Err(PublishableKeyError::Host));
}

#[test]
fn a_publishable_key_of_another_shape_is_refused_with_its_reason() {
    use PublishableKeyError::{Base64, Host, Prefix, SecretKey};
    for (text, expected) in [
        ("sk_live_abc", SecretKey),
        (" sk_test_abc", SecretKey),
        ("pk_prod_Y2xlcmsuZXhhbXBsZS5jb20k", Prefix),
        ("PK_LIVE_Y2xlcmsuZXhhbXBsZS5jb20k", Prefix),
        ("pk_Y2xlcmsuZXhhbXBsZS5jb20k", Prefix),
        ("Y2xlcmsuZXhhbXBsZS5jb20k", Prefix),
        (" pk_live_Y2xlcmsuZXhhbXBsZS5jb20k", Prefix),
        ("pk_live_Y2xlcmsuZXhhbXBsZS5jb20k_x", Base64),
        ("pk_live_Y2xlcmsuZXhhbXBsZS5jb20k ", Base64),
        ("pk_live_Y2xlcmsuZXhhbXBsZS5jb20k\n", Base64),
        ("pk_live_%%%", Base64),
        ("pk_live_A", Base64),
        ("pk_live_", Host),
        ("pk_live_/x", Base64),
        ("pk_live_/w==", Host),
    ] {
        assert_eq!(PublishableKey::parse(text), Err(expected), "{text:?}");
    }
    assert!(!SecretKey.to_string().contains("abc"));
}

#[test]
fn an_issuer_is_an_https_url_without_a_slash_at_its_end() {
    for issuer in [
        "https://clerk.example.com",
        "https://happy-hippo-1.clerk.accounts.dev",
        "https://example.com/__clerk",
        "https://example.com:8443",
        "http://localhost:3000",
        "http://127.0.0.1:8080",
        "http://[::1]:8080",
    ] {
        assert_eq!(check_issuer(issuer), Ok(()), "{issuer}");
    }
    use EndpointError::{
        NotAUrl, NotHttps, QueryOrFragment, TooLong, TrailingSlash, UnusualHost, UserInfo,
        WhiteSpace,
    };
    let long = format!("https://a.com/{}", "x".repeat(2048));
    for (issuer, expected) in [
        ("", NotAUrl),
        ("clerk.example.com", NotAUrl),
        ("/x", NotAUrl),
        ("https://", NotAUrl),
        ("https:///x.com", UnusualHost),
        ("https:clerk.example.com", NotHttps),
        ("https:\\\\clerk.example.com", NotHttps),
        ("https://a.com\\@b.com", UnusualHost),
        ("https://a.com:99999", NotAUrl),
        ("http://clerk.example.com", NotHttps),
        ("http://localhost.evil.com", NotHttps),
        ("http://127.0.0.1.evil.com", NotHttps),
        ("http://128.0.0.1", NotHttps),
        ("ftp://a.com", NotHttps),
        ("file:///etc/passwd", NotAUrl),
        ("javascript:alert(1)", NotAUrl),
        ("HTTPS://a.com", NotHttps),
        ("https://A.com", UnusualHost),
        ("https://a%2ecom", UnusualHost),
        ("https://ä.com", UnusualHost),
        ("https://@a.com", UnusualHost),
        ("http://0x7f.1", UnusualHost),
        ("http://2130706433", UnusualHost),
        ("https://user@a.com", UserInfo),
        ("https://user:pw@a.com", UserInfo),
        ("https://:pw@a.com", UserInfo),
        ("https://a.com?x", QueryOrFragment),
        ("https://a.com?", QueryOrFragment),
        ("https://a.com#x", QueryOrFragment),
        ("https://a.com#", QueryOrFragment),
        ("https://a.com/", TrailingSlash),
        ("https://a.com/x/", TrailingSlash),
        (" https://a.com", WhiteSpace),
        ("https://a.com ", WhiteSpace),
        ("https://a.c\tom", WhiteSpace),
        ("https://a.com\n", WhiteSpace),
        ("https://a\0.com", WhiteSpace),
        ("https://a.com/\u{a0}", WhiteSpace),
        (long.as_str(), TooLong),
    ] {
        assert_eq!(check_issuer(issuer), Err(expected), "{issuer:?}");
    }
}

#[test]
fn a_jwks_address_may_have_a_slash_at_its_end_and_no_query() {
    for address in [
        "https://clerk.example.com/.well-known/jwks.json",
        "https://example.com/jwks/",
        "http://localhost:8080/jwks",
    ] {
        assert_eq!(check_jwks_url(address), Ok(()), "{address}");
    }
    for address in [
        "http://example.com/jwks",
        "https://u@example.com/jwks",
        "https://example.com/jwks?v=1",
        "https://example.com/jwks#x",
        "https:\\\\example.com/jwks",
    ] {
        assert!(check_jwks_url(address).is_err(), "{address}");
    }
}

#[test]
fn the_address_of_the_api_has_no_slash_at_its_end_and_no_query() {
    for address in [
        clerk_core::backend_api::DEFAULT_URL,
        "https://api.example.com",
        "https://example.com:8443/clerk/v1",
        "http://localhost:8080/v1",
        "http://[::1]:8080",
    ] {
        assert_eq!(check_api_url(address), Ok(()), "{address}");
    }
    // The secret key goes there: to nothing that might be another host than it looks like, nor in the clear.
    use EndpointError::{NotAUrl, NotHttps, QueryOrFragment, TrailingSlash, UnusualHost, UserInfo};
    for (address, expected) in [
        ("", NotAUrl),
        ("api.clerk.com/v1", NotAUrl),
        ("http://api.clerk.com/v1", NotHttps),
        ("https://api.clerk.com/v1/", TrailingSlash),
        ("https://api.clerk.com/", TrailingSlash),
        ("https://api.clerk.com@evil.com/v1", UserInfo),
        ("https://evil.com\\@api.clerk.com/v1", UnusualHost),
        ("https://api.clerk.com/v1?x", QueryOrFragment),
        ("https://api.clerk.com/v1#x", QueryOrFragment),
    ] {
        assert_eq!(check_api_url(address), Err(expected), "{address:?}");
    }
}

#[test]
fn an_origin_is_written_as_a_browser_sends_it() {
    for origin in [
        "https://app.example.com",
        "http://localhost:3000",
        "http://[::1]:3000",
        "chrome-extension://abcdefghijklmnop",
        "capacitor://localhost",
    ] {
        assert_eq!(check_origin(origin), Ok(()), "{origin}");
    }
    let long = format!("https://{}", "a".repeat(2048));
    for other in [
        "",
        "https://",
        "://app.example.com",
        "app.example.com",
        "https://app.example.com/",
        "https://app.example.com/x",
        "https://app.example.com?x",
        "https://app.example.com#x",
        "https://App.example.com",
        "https://*.example.com",
        "https://u@app.example.com",
        "https://app.example.com\\",
        " https://app.example.com",
        "https://app.example.com\n",
        "https://ä.example.com",
        long.as_str(),
    ] {
        assert_eq!(
            check_origin(other),
            Err(EndpointError::NotAnOrigin),
            "{other:?}"
        );
    }
}

#[test]
fn a_bearer_token_is_taken_out_of_its_header_as_clerk_does_or_not_at_all() {
    for (header, expected) in [
        ("Bearer a.b.c", Some("a.b.c")),
        ("\t Bearer a.b.c \r\n", Some("a.b.c")),
        ("a.b.c", Some("a.b.c")),
        ("", None),
        (" ", None),
        ("Bearer", None),
        ("Bearer ", None),
        ("Bearer  a.b.c", None),
        ("Bearer a.b.c d", None),
        ("bearer a.b.c", None),
        ("BEARER a.b.c", None),
        ("Basic dXNlcjpwdw==", None),
        ("Bearer\ta.b.c", Some("Bearer\ta.b.c")),
    ] {
        assert_eq!(bearer_token(header), expected, "{header:?}");
    }
}

#[test]
fn an_authorized_party_is_an_origin_as_browsers_send_it() {
    for origin in [
        "https://app.example.com",
        "http://localhost:3000",
        "https://[::1]:8443",
        "chrome-extension://abcdefgh",
        "capacitor://localhost",
    ] {
        assert_eq!(check_origin(origin), Ok(()), "{origin}");
    }
    for other in [
        "",
        "app.example.com",
        "https://",
        "://app.example.com",
        "https://app.example.com/",
        "https://app.example.com/path",
        "https://app.example.com?x",
        "https://app.example.com#x",
        "https://u@app.example.com",
        "https://App.example.com",
        "https://*.example.com",
        " https://app.example.com",
        "https://app.example.com\n",
        "not an origin",
    ] {
        assert!(check_origin(other).is_err(), "{other:?}");
    }
}
