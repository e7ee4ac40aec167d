//! Keys to sign with.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use rsa::pkcs1v15::SigningKey;
use rsa::signature::{SignatureEncoding as _, Signer as _};
use rsa::traits::PublicKeyParts as _;
use serde_json::{Value, json};

/// What a key signs by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RSA with SHA-256, what most providers use.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
}

/// A key, made anew each time.
#[derive(Clone)]
pub struct Key {
    id: String,
    pair: Pair,
}

#[derive(Clone)]
enum Pair {
    Rsa(Box<rsa::RsaPrivateKey>),
    Ec(Arc<EcdsaKeyPair>),
}

impl Key {
    pub(super) fn make(algorithm: Algorithm, id: &str) -> Self {
        let pair = match algorithm {
            Algorithm::Rs256 => {
                let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2_048);
                Pair::Rsa(Box::new(key.expect("there is randomness")))
            }
            Algorithm::Es256 => {
                let (of, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
                let made = EcdsaKeyPair::generate_pkcs8(of, &random).expect("there is randomness");
                let pair = EcdsaKeyPair::from_pkcs8(of, made.as_ref(), &random);
                Pair::Ec(Arc::new(pair.expect("it was just made")))
            }
        };
        Self { id: id.to_owned(), pair }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn algorithm(&self) -> &'static str {
        match &self.pair {
            Pair::Rsa(_) => "RS256",
            Pair::Ec(_) => "ES256",
        }
    }

    /// As it stands among the provider's keys.
    pub(super) fn public(&self) -> Value {
        let coded = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let (id, algorithm) = (&self.id, self.algorithm());
        match &self.pair {
            Pair::Rsa(key) => json!({
                "kty": "RSA", "use": "sig", "kid": id, "alg": algorithm,
                "n": coded(&key.n().to_bytes_be()), "e": coded(&key.e().to_bytes_be()),
            }),
            Pair::Ec(pair) => {
                let point = pair.public_key().as_ref();
                json!({
                    "kty": "EC", "use": "sig", "kid": id, "alg": algorithm, "crv": "P-256",
                    "x": coded(&point[1..33]), "y": coded(&point[33..]),
                })
            }
        }
    }

    pub(super) fn sign(&self, text: &str) -> Vec<u8> {
        match &self.pair {
            Pair::Rsa(key) => {
                SigningKey::<rsa::sha2::Sha256>::new((**key).clone()).sign(text.as_bytes()).to_vec()
            }
            Pair::Ec(pair) => {
                let signed = pair.sign(&SystemRandom::new(), text.as_bytes());
                signed.expect("there is randomness").as_ref().to_vec()
            }
        }
    }
}
