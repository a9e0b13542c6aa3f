//! RSA signing keys on disk, as a Clerk instance holds them and publishes them.

use crate::Outcome;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RsaEncoding};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// An RSA key pair that signs test tokens.
pub struct TestKey {
    pair: KeyPair,
}

impl TestKey {
    /// A new key of 2048, 3072 or 4096 bits.
    pub fn generate(bits: u32) -> Outcome<Self> {
        let size = match bits {
            2048 => KeySize::Rsa2048,
            3072 => KeySize::Rsa3072,
            4096 => KeySize::Rsa4096,
            _ => return Err(format!("--bits {bits}: 2048, 3072 and 4096 can be made").into()),
        };
        let pair = KeyPair::generate(size).map_err(|_| "the key could not be made")?;
        Ok(Self { pair })
    }

    /// Reads the folder that [`TestKey::save`] wrote; gives the key and its `kid`.
    pub fn load(directory: &Path) -> Outcome<(Self, String)> {
        let pem = read(&directory.join("private.pem"))?;
        let body: String = pem
            .lines()
            .filter(|line| !line.starts_with("-----"))
            .collect();
        let pair = KeyPair::from_pkcs8(&STANDARD.decode(body)?)
            .map_err(|_| "private.pem holds no RSA key in PKCS#8")?;
        let key_set: Value = serde_json::from_str(&read(&directory.join("jwks.json"))?)?;
        let kid = key_set["keys"][0]["kid"]
            .as_str()
            .ok_or("jwks.json names no kid")?
            .to_owned();
        Ok((Self { pair }, kid))
    }

    /// Writes `private.pem` (PKCS#8, mode 0600), `public.pem` and `jwks.json` into `directory`, over older ones.
    pub fn save(&self, directory: &Path, kid: &str) -> Outcome<()> {
        fs::create_dir_all(directory)?;
        let private: Pkcs8V1Der<'_> = self
            .pair
            .as_der()
            .map_err(|_| "the key could not be encoded")?;
        let path = directory.join("private.pem");
        // The mode of an existing file would stay as it is.
        if path.exists() {
            fs::remove_file(&path)?;
        }
        fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?
            .write_all(pem("PRIVATE KEY", private.as_ref()).as_bytes())?;
        fs::write(directory.join("public.pem"), self.public_pem()?)?;
        let key_set = json!({"keys": [self.jwk(kid)]});
        fs::write(directory.join("jwks.json"), format!("{key_set}\n"))?;
        Ok(())
    }

    /// The public key as Clerk publishes it in its JWKS.
    pub fn jwk(&self, kid: &str) -> Value {
        let public = self.pair.public_key();
        let number = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({
            "use": "sig",
            "kty": "RSA",
            "kid": kid,
            "alg": "RS256",
            "n": number(public.modulus().big_endian_without_leading_zero()),
            "e": number(public.exponent().big_endian_without_leading_zero()),
        })
    }

    /// The public key as SubjectPublicKeyInfo in PEM, as Clerk's dashboard shows it.
    pub fn public_pem(&self) -> Outcome<String> {
        let der: PublicKeyX509Der<'_> = self
            .pair
            .public_key()
            .as_der()
            .map_err(|_| "the public key could not be encoded")?;
        Ok(pem("PUBLIC KEY", der.as_ref()))
    }

    /// The public key in DER, as aws-lc takes it.
    pub(crate) fn public_der(&self) -> Vec<u8> {
        self.pair.public_key().as_ref().to_vec()
    }

    /// Modulus and exponent of the public key, big-endian.
    pub(crate) fn public_components(&self) -> (Vec<u8>, Vec<u8>) {
        let public = self.pair.public_key();
        let number = |bytes: &[u8]| bytes.to_vec();
        (
            number(public.modulus().big_endian_without_leading_zero()),
            number(public.exponent().big_endian_without_leading_zero()),
        )
    }

    /// Signs `message` under one of the RSA schemes.
    pub fn sign(&self, scheme: &'static dyn RsaEncoding, message: &[u8]) -> Outcome<Vec<u8>> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(scheme, &SystemRandom::new(), message, &mut signature)
            .map_err(|_| "the token could not be signed")?;
        Ok(signature)
    }
}

fn read(path: &Path) -> Outcome<String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()).into())
}

fn pem(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    let encoded = STANDARD.encode(der);
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}
