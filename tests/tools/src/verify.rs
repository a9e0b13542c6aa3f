//! How long the bare RS256 check of aws-lc takes: what the first use of a token is measured against.

use crate::Outcome;
use crate::key::TestKey;
use aws_lc_rs::signature::{
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::time::Instant;

/// Microseconds a token, by what is made anew for each check.
pub struct Cost {
    /// The key is parsed once; each check is the digest and the RSA operation alone.
    pub prepared: f64,
    /// The key is parsed from DER for each check.
    pub from_der: f64,
    /// The key is built from modulus and exponent, as a JWKS has them, for each check.
    pub from_components: f64,
}

/// Checks every token, each way in turn, and takes the median of `rounds` rounds. Splitting the token and decoding its
/// signature is done before.
pub fn measure(key: &TestKey, tokens: &[String], rounds: usize) -> Outcome<Cost> {
    let tokens: Vec<(&[u8], Vec<u8>)> = tokens
        .iter()
        .map(|token| {
            let (message, signature) = token.rsplit_once('.').ok_or("a line is no token")?;
            Ok((message.as_bytes(), URL_SAFE_NO_PAD.decode(signature)?))
        })
        .collect::<Outcome<_>>()?;
    if tokens.is_empty() || rounds == 0 {
        return Err("there must be a token and a round at least".into());
    }
    let algorithm = &RSA_PKCS1_2048_8192_SHA256;
    let der = key.public_der();
    let (n, e) = key.public_components();
    let components = RsaPublicKeyComponents { n, e };
    let prepared = ParsedPublicKey::new(algorithm, &der).map_err(|_| "the key was refused")?;
    let unparsed = UnparsedPublicKey::new(algorithm, &der);
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..rounds {
        let round = [
            time(&tokens, |message, signature| {
                prepared.verify_sig(message, signature).is_ok()
            })?,
            time(&tokens, |message, signature| {
                unparsed.verify(message, signature).is_ok()
            })?,
            time(&tokens, |message, signature| {
                components.verify(algorithm, message, signature).is_ok()
            })?,
        ];
        for (times, microseconds) in times.iter_mut().zip(round) {
            times.push(microseconds);
        }
    }
    let [prepared, from_der, from_components] = times.map(median);
    Ok(Cost {
        prepared,
        from_der,
        from_components,
    })
}

fn time(tokens: &[(&[u8], Vec<u8>)], accepts: impl Fn(&[u8], &[u8]) -> bool) -> Outcome<f64> {
    let start = Instant::now();
    for (message, signature) in tokens {
        if !accepts(message, signature) {
            return Err("a token is not signed with this key".into());
        }
    }
    Ok(start.elapsed().as_secs_f64() * 1e6 / tokens.len() as f64)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::Recipe;

    #[test]
    fn a_token_of_the_key_is_timed() {
        let key = TestKey::generate(2048).unwrap();
        let token = Recipe::new("kid", 0).sign(&key).unwrap();
        let cost = measure(&key, &[token], 1).unwrap();
        assert!(cost.prepared > 0.0 && cost.from_der > 0.0 && cost.from_components > 0.0);
    }

    #[test]
    fn a_token_of_another_key_is_an_error() {
        let token = Recipe::new("kid", 0)
            .sign(&TestKey::generate(2048).unwrap())
            .unwrap();
        assert!(measure(&TestKey::generate(2048).unwrap(), &[token], 1).is_err());
        assert!(measure(&TestKey::generate(2048).unwrap(), &[], 1).is_err());
    }
}
