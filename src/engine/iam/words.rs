//! How services word it that somebody may not do something.

use super::policy::{Decision, Judged, Kind};
use crate::engine::call::Fault;

/// The refusal that a decision against the caller means.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>
pub(super) fn refusal(judged: &Judged, who: &str, action: &str, resource: &str) -> Fault {
    let policy = match judged.kind {
        Kind::Identity => "identity-based policy",
        Kind::Resource => "resource-based policy",
        Kind::Boundary => "permissions boundary",
        Kind::Session => "session policy",
    };
    let why = match (&judged.decision, judged.kind) {
        (Decision::ExplicitDeny { .. }, Kind::Identity) => {
            format!("with an explicit deny in an {policy}")
        }
        (Decision::ExplicitDeny { .. }, _) => format!("with an explicit deny in a {policy}"),
        _ => {
            let shown = shown_action(action);
            format!("because no {policy} allows the {shown} action")
        }
    };
    denied(action, who, resource, &why)
}

/// What somebody, by their ARN, is told whom no policy allows this.
pub fn denied_by_nobody(who: &str, action: &str, resource: &str) -> Fault {
    let judged = Judged {
        kind: Kind::Identity,
        decision: Decision::ImplicitDeny { closest: None },
    };
    refusal(&judged, who, action, resource)
}

fn denied(action: &str, who: &str, resource: &str, why: &str) -> Fault {
    let (status, code) = match service_of(action) {
        "iam" | "s3" | "sts" => (403, "AccessDenied"),
        "sns" => (403, "AuthorizationError"),
        "lambda" | "sqs" => (403, "AccessDeniedException"),
        _ => (400, "AccessDeniedException"),
    };
    let shown = shown_action(action);
    // S3 alone quotes what a caller may not touch.
    let quote = if service_of(action) == "s3" { "\"" } else { "" };
    Fault::new(
        status,
        code,
        format!(
            "User: {who} is not authorized to perform: {shown} on resource: {quote}{resource}{quote} {why}"
        ),
    )
}

/// The session's role, or the user, is gone.
pub(super) fn invalid_token(action: &str) -> Fault {
    let (status, code) = match service_of(action) {
        "s3" => {
            return Fault::new(
                403,
                "InvalidAccessKeyId",
                "The AWS Access Key Id you provided does not exist in our records.",
            );
        }
        "iam" | "sns" | "sts" | "sqs" => (403, "InvalidClientTokenId"),
        "lambda" => (403, "UnrecognizedClientException"),
        _ => (400, "UnrecognizedClientException"),
    };
    Fault::new(
        status,
        code,
        "The security token included in the request is invalid.",
    )
}

fn service_of(action: &str) -> &str {
    action.split(':').next().unwrap_or_default()
}

/// SQS names actions in lower case in its refusals, SNS names itself in capitals.
fn shown_action(action: &str) -> String {
    match action.split_once(':') {
        Some(("sqs", _)) => action.to_lowercase(),
        Some(("sns", operation)) => format!("SNS:{operation}"),
        _ => action.to_owned(),
    }
}
