//! Tokens of transactions: a request that comes twice within ten minutes happens once.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use serde_json::Value;

use crate::engine::call::{Call, Fault};

const LIFETIME: Duration = Duration::from_mins(10);

/// Tokens of transactions that succeeded, with the time and a hash of the request.
#[derive(Default)]
pub(super) struct Tokens(Mutex<HashMap<String, (SystemTime, u64)>>);

impl Tokens {
    /// Whether this very request was answered before; a fault when the token came with another.
    pub(super) fn is_repeated(&self, call: &Call) -> Result<bool, Fault> {
        let Some(token) = call.text("ClientRequestToken") else {
            return Ok(false);
        };
        let tokens = self.0.lock();
        match tokens.get(token) {
            Some((at, hash)) if *at + LIFETIME > call.now => {
                if *hash == hash_of(&call.input) {
                    return Ok(true);
                }
                Err(Fault::new(
                    400,
                    "IdempotentParameterMismatchException",
                    "The request uses the same client token as a previous, but non-identical request. Do not reuse a \
                     client token with different requests, unless the requests are identical",
                ))
            }
            _ => Ok(false),
        }
    }

    /// Remembers a request that succeeded.
    pub(super) fn remember(&self, call: &Call) {
        let Some(token) = call.text("ClientRequestToken") else {
            return;
        };
        let mut tokens = self.0.lock();
        tokens.retain(|_, (at, _)| *at + LIFETIME > call.now);
        tokens.insert(token.to_owned(), (call.now, hash_of(&call.input)));
    }
}

fn hash_of(input: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    input["TransactItems"].hash(&mut hasher);
    input["TransactStatements"].hash(&mut hasher);
    hasher.finish()
}
