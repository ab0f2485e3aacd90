//! Keys that encrypt the filters of event source mappings: who may see the filters, and what is said where nobody can.
//!
//! There is no KMS here: filters are stored as they are, and every key works unless it is declared unusable. What is
//! said is modelled on what Lambda says of encrypted environment variables.

use serde_json::{Value, json};

use crate::engine::Engine;
use crate::engine::call::{Call, Fault};
use crate::engine::iam;
use crate::engine::state::{Mapping, State};

/// Declares a key usable or unusable, as one that is disabled on AWS. Mappings whose filters it encrypts rest meanwhile.
pub fn set_key_usable(engine: &Engine, key_arn: &str, is_usable: bool) -> Result<(), Fault> {
    engine.change(|state| {
        if is_usable {
            state.unusable_keys.remove(key_arn);
        } else {
            state.unusable_keys.insert(key_arn.to_owned());
        }
        Ok(())
    })
}

/// Why Lambda itself cannot read the filters of a mapping, in words; `None` where it can.
pub fn trouble(state: &State, mapping: &Mapping) -> Option<String> {
    let key = key_of(mapping)?;
    state.unusable_keys.contains(key).then(|| {
        in_words(
            "the KMS key used is disabled",
            "DisabledException",
            &format!("{key} is disabled."),
        )
    })
}

/// Takes the filters out of what a list shows of a mapping.
pub(super) fn hide(shown: &mut Value, mapping: &Mapping) {
    if key_of(mapping).is_some() {
        shown["FilterCriteria"] = Value::Null;
    }
}

/// Puts `FilterCriteriaError` in the place of filters that this caller cannot read.
pub(super) fn reveal(
    engine: &Engine,
    state: &State,
    call: &Call,
    mapping: &Mapping,
    shown: &mut Value,
) {
    let Some(key) = key_of(mapping) else {
        return;
    };
    let error = match trouble(state, mapping) {
        Some(words) => Some(("KMSDisabledException", words)),
        None => denied(engine, state, call, mapping, key),
    };
    if let (Some((code, message)), Some(members)) = (error, shown.as_object_mut()) {
        members.remove("FilterCriteria");
        let error = json!({ "ErrorCode": code, "Message": message });
        members.insert("FilterCriteriaError".to_owned(), error);
    }
}

fn denied(
    engine: &Engine,
    state: &State,
    call: &Call,
    mapping: &Mapping,
    key: &str,
) -> Option<(&'static str, String)> {
    if !engine.enforces_iam() {
        return None;
    }
    let context = |name: &str| format!("kms:EncryptionContext:aws:lambda:{name}");
    let (source, function) = (context("EventSourceArn"), context("FunctionArn"));
    let facts = vec![
        (source.as_str(), mapping.stream_arn.clone()),
        (function.as_str(), mapping.function_arn.clone()),
        (
            "kms:ViaService",
            format!("lambda.{}.amazonaws.com", call.account.region),
        ),
    ];
    let refusal = iam::authorize_call_with(state, call, "kms:Decrypt", key, facts).err()?;
    let words = in_words(
        "KMS access was denied",
        "AccessDeniedException",
        &refusal.message,
    );
    Some(("KMSAccessDeniedException", words))
}

fn in_words(why: &str, exception: &str, message: &str) -> String {
    format!(
        "Lambda was unable to decrypt your filter criteria because {why}. Please check your KMS key settings. KMS Exception: {exception} KMS Message: {message}"
    )
}

/// The key, where there is anything it encrypts.
fn key_of(mapping: &Mapping) -> Option<&str> {
    let key = mapping.config.kms_key.as_deref()?;
    (!mapping.config.filters.is_empty()).then_some(key)
}
