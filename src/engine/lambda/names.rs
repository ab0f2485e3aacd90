//! Functions by name, partial ARN or full ARN. Pure but for the look into the state.

use std::sync::Arc;

use super::checks::{Checks, invalid, not_found};
use super::targets;
use crate::engine::call::{Account, Call, Fault};
use crate::engine::state::{Function, State, Version};

/// The version that can be changed.
pub const LATEST: &str = "$LATEST";

const NAME_CHARS_MAX: usize = 64;
const REFERENCE_CHARS_MAX: usize = 140;
/// Longest name or ARN of a function in requests on event source mappings, in characters.
const NAMESPACED_CHARS_MAX: usize = 256;
/// Operations whose model allows names as long as those.
const NAMESPACED: [&str; 6] = [
    "DeleteFunction",
    "GetFunction",
    "GetFunctionConfiguration",
    "GetFunctionPackage",
    "Invoke",
    "ListVersionsByFunction",
];
const QUALIFIER_CHARS_MAX: usize = 128;
const QUALIFIER_PATTERN: &str = r"\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+";
const PATTERN: &str = "(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:)?(\\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?";

/// `fn`, `fn:q`, `function:fn`, `123456789012:function:fn:q`, `arn:aws:lambda:r:123456789012:function:fn:q`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) name: String,
    pub(super) qualifier: Option<String>,
    region: Option<String>,
    account: Option<String>,
}

impl Reference {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts: Vec<&str> = text.split(':').collect();
        let mut region = None;
        let mut account = None;
        if parts[0] == "arn" {
            if parts.len() < 7 || !parts[1].starts_with("aws") || parts[2] != "lambda" {
                return None;
            }
            parts.drain(..3);
            if !is_region(parts[0]) || !is_account(parts[1]) || parts[2] != "function" {
                return None;
            }
        }
        let mut take = |fits: fn(&str) -> bool| {
            (parts.len() > 1 && fits(parts[0])).then(|| parts.remove(0).to_owned())
        };
        region = take(is_region).or(region);
        account = take(is_account).or(account);
        take(|part| part == "function");
        let (name, qualifier) = match parts[..] {
            [name] => (name, None),
            [name, qualifier] => (name, Some(qualifier)),
            _ => return None,
        };
        let fits = is_name(name) && qualifier.is_none_or(|it| it == LATEST || is_name(it));
        fits.then(|| Self {
            name: name.to_owned(),
            qualifier: qualifier.map(str::to_owned),
            region,
            account,
        })
    }

    /// The function's ARN with the qualifier that was given.
    pub(super) fn arn(&self, account: &Account) -> String {
        let arn = function_arn(account, &self.name);
        match &self.qualifier {
            Some(qualifier) => format!("{arn}:{qualifier}"),
            None => arn,
        }
    }

    /// The function alone.
    pub(super) fn unqualified(&self) -> Self {
        Self {
            qualifier: None,
            ..self.clone()
        }
    }

    /// The same function with this qualifier.
    pub(super) fn with(&self, qualifier: &str) -> Self {
        Self {
            qualifier: Some(qualifier.to_owned()),
            ..self.clone()
        }
    }

    /// As the words of a few operations name a function that is not there.
    pub(super) fn or_latest(mut self) -> Self {
        self.qualifier.get_or_insert_with(|| LATEST.to_owned());
        self
    }

    fn is_of(&self, account: &Account) -> bool {
        self.account.as_ref().is_none_or(|it| *it == account.id)
    }
}

pub(super) fn function_arn(account: &Account, name: &str) -> String {
    account
        .arn("lambda", format!("function:{name}"))
        .to_string()
}

/// What a call says about its function, checked for form; `Qualifier` is folded in.
pub(super) fn reference(call: &Call) -> Result<Reference, Fault> {
    let mut checks = Checks::default();
    let asked = call.text("Qualifier");
    if let Some(asked) = asked {
        let fits = asked == "$LATEST.PUBLISHED"
            || !asked.is_empty() && asked.bytes().all(|it| is_in_name(it) || it == b'$');
        checks.pattern("qualifier", asked, fits, QUALIFIER_PATTERN);
        checks.length("qualifier", asked, QUALIFIER_CHARS_MAX);
    }
    let chars_max = if NAMESPACED.contains(&call.operation) {
        NAMESPACED_CHARS_MAX
    } else {
        REFERENCE_CHARS_MAX
    };
    let parsed = check_name(call.text("FunctionName"), chars_max, &mut checks);
    checks.finish()?;
    let mut reference = reachable(parsed, &call.account)?;
    match (asked, &reference.qualifier) {
        (Some(asked), Some(derived)) if asked != derived => Err(invalid(
            "The derived qualifier from the function name does not match the specified qualifier.",
        )),
        (Some(asked), _) => {
            reference.qualifier = Some(asked.to_owned());
            Ok(reference)
        }
        (None, _) => Ok(reference),
    }
}

/// Refuses what is no function name, and functions of other regions.
pub(super) fn parse_checked(text: Option<&str>, account: &Account) -> Result<Reference, Fault> {
    let mut checks = Checks::default();
    let parsed = check_name(text, REFERENCE_CHARS_MAX, &mut checks);
    checks.finish()?;
    reachable(parsed, account)
}

/// Gathers what is wrong with the form of a function's name in a request on event source mappings.
pub(super) fn check_namespaced(text: &str, checks: &mut Checks) -> Option<Reference> {
    check_form(text, NAMESPACED_CHARS_MAX, checks)
}

/// Refuses functions of other regions.
pub(super) fn reachable(
    reference: Option<Reference>,
    account: &Account,
) -> Result<Reference, Fault> {
    let Some(reference) = reference else {
        return Err(Fault::validation("the function name is missing"));
    };
    match &reference.region {
        Some(region) if *region != account.region => Err(not_found(format!(
            "Functions from '{region}' are not reachable in this region ('{}')",
            account.region
        ))),
        _ => Ok(reference),
    }
}

fn check_name(text: Option<&str>, chars_max: usize, checks: &mut Checks) -> Option<Reference> {
    if text.is_none() {
        checks.missing("functionName");
    }
    check_form(text?, chars_max, checks)
}

fn check_form(text: &str, chars_max: usize, checks: &mut Checks) -> Option<Reference> {
    let parsed = Reference::parse(text);
    checks.pattern("functionName", text, parsed.is_some(), PATTERN);
    checks.length("functionName", text, chars_max);
    if let Some(parsed) = &parsed {
        checks.length("functionName", &parsed.name, NAME_CHARS_MAX);
    }
    parsed
}

/// What a call names.
#[derive(Debug)]
pub(super) struct Named<'s> {
    pub(super) function: &'s Function,
    /// The one an alias mainly points to, where the call names an alias.
    pub(super) version: &'s Arc<Version>,
    /// As the call gives it.
    pub(super) qualifier: Option<String>,
}

/// The version, alias or function a call names.
pub(super) fn find<'s>(state: &'s State, call: &Call) -> Result<Named<'s>, Fault> {
    let reference = reference(call)?;
    let found = function(state, &reference, &call.account).and_then(|function| {
        let version = targets::version(function, reference.qualifier.as_deref())?;
        Some((function, version))
    });
    match found {
        Some((function, version)) => Ok(Named {
            function,
            version,
            qualifier: reference.qualifier,
        }),
        None => Err(missing(&reference, &call.account)),
    }
}

/// The function of an operation that is about all of it: a call may name nothing of it but `$LATEST`.
pub(super) fn find_whole<'s>(state: &'s State, call: &Call) -> Result<&'s Function, Fault> {
    let reference = reference(call)?;
    if reference
        .qualifier
        .as_deref()
        .is_some_and(|it| it != LATEST)
    {
        return Err(whole_only());
    }
    function(state, &reference, &call.account).ok_or_else(|| missing(&reference, &call.account))
}

/// What a call says that names a version or an alias where it cannot.
pub(super) fn whole_only() -> Fault {
    invalid(
        "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN.",
    )
}

/// The function a reference names, whatever its qualifier.
pub(super) fn function<'s>(
    state: &'s State,
    reference: &Reference,
    account: &Account,
) -> Option<&'s Function> {
    let function = state.functions.get(&reference.name);
    function.filter(|_| reference.is_of(account))
}

/// The version a reference names, or the one its alias mainly points to.
pub(super) fn known<'s>(
    state: &'s State,
    reference: &Reference,
    account: &Account,
) -> Option<&'s Arc<Version>> {
    let function = function(state, reference, account)?;
    targets::version(function, reference.qualifier.as_deref())
}

pub(super) fn missing(reference: &Reference, account: &Account) -> Fault {
    not_found(format!("Function not found: {}", reference.arn(account)))
}

/// For the rows of the operations table: the ARN that IAM judges, with the qualifier where the call names one.
pub(super) fn resource(call: &Call) -> String {
    let name = call.text("FunctionName").unwrap_or_default();
    let Some(mut reference) = Reference::parse(name) else {
        return function_arn(&call.account, name);
    };
    if let Some(asked) = call.text("Qualifier") {
        reference.qualifier = Some(asked.to_owned());
    }
    reference.arn(&call.account)
}

pub(super) fn is_region(part: &str) -> bool {
    let words: Vec<&str> = part.split('-').collect();
    matches!(words[..], [first, .., last] if words.len() >= 3
        && first.len() == 2
        && first.bytes().all(|byte| byte.is_ascii_lowercase())
        && last.len() == 1
        && last.bytes().all(|byte| byte.is_ascii_digit()))
}

pub(super) fn is_account(part: &str) -> bool {
    part.len() == 12 && part.bytes().all(|byte| byte.is_ascii_digit())
}

pub(super) fn is_name(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(is_in_name)
}

fn is_in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> Account {
        Account {
            id: "111122223333".to_owned(),
            region: "us-east-1".to_owned(),
        }
    }

    #[test]
    fn a_function_may_be_named_in_five_ways() {
        for text in [
            "bill",
            "function:bill",
            "111122223333:function:bill",
            "111122223333:bill",
            "arn:aws:lambda:us-east-1:111122223333:function:bill",
        ] {
            let reference = parse_checked(Some(text), &account()).unwrap();
            assert_eq!(reference.name, "bill", "{text}");
            assert_eq!(reference.qualifier, None, "{text}");
        }
        for text in [
            "bill:$LATEST",
            "function:bill:$LATEST",
            "arn:aws:lambda:us-east-1:111122223333:function:bill:$LATEST",
        ] {
            let reference = parse_checked(Some(text), &account()).unwrap();
            assert_eq!(reference.qualifier.as_deref(), Some(LATEST), "{text}");
            assert_eq!(
                reference.arn(&account()),
                "arn:aws:lambda:us-east-1:111122223333:function:bill:$LATEST"
            );
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in ["", "a b", "a:b:c:d:e", "arn:aws:s3:::bucket", "fn:pro.d"] {
            let fault = parse_checked(Some(text), &account()).unwrap_err();
            assert_eq!(fault.code, "ValidationException", "{text}");
            assert!(fault.message.contains("at 'functionName' failed"), "{text}");
        }
        let long = "a".repeat(65);
        let fault = parse_checked(Some(&long), &account()).unwrap_err();
        assert!(
            fault
                .message
                .ends_with("Member must have length less than or equal to 64")
        );
    }

    #[test]
    fn mappings_take_longer_names_than_calls_do() {
        let arn = |chars: usize| {
            let arn = "arn:aws:lambda:us-east-1:111122223333:function:bill:";
            format!("{arn}{}", "q".repeat(chars - arn.len()))
        };
        assert!(parse_checked(Some(&arn(140)), &account()).is_ok());
        let fault = parse_checked(Some(&arn(141)), &account()).unwrap_err();
        assert!(fault.message.ends_with("less than or equal to 140"));
        let mut checks = Checks::default();
        check_namespaced(&arn(256), &mut checks);
        assert!(std::mem::take(&mut checks).finish().is_ok());
        check_namespaced(&arn(257), &mut checks);
        let fault = checks.finish().unwrap_err();
        assert!(fault.message.ends_with("less than or equal to 256"));
    }

    #[test]
    fn a_function_of_another_region_is_out_of_reach() {
        let arn = "arn:aws:lambda:eu-west-1:111122223333:function:bill";
        let fault = parse_checked(Some(arn), &account()).unwrap_err();
        assert_eq!(fault.status, 404);
        assert_eq!(
            fault.message,
            "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"
        );
    }
}
