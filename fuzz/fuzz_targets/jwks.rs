//! A JWKS from a stranger: never a panic, and only strong public keys come out.

#![no_main]

use clerk_core::key_set::{KeySet, SigningKey};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(set) = KeySet::parse(text) else { return };
    assert!(!set.keys().is_empty());
    for key in set.keys() {
        assert!((2048..=8192).contains(&key.bits()));
        assert!(!key.verify_rs256(b"message", b"signature"));
        let again = SigningKey::from_components(key.kid(), key.modulus(), key.exponent());
        assert_eq!(
            again.expect("what was stored is read again").bits(),
            key.bits()
        );
    }
});
