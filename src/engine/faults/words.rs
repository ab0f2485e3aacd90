//! Injected refusals as each service words them. Pure.

use serde_json::json;

use super::Strike;
use crate::engine::call::{Call, Fault, Operation};
use crate::engine::{iam, streams};

pub(super) fn fault(strike: Strike, call: &Call, operation: &Operation) -> Fault {
    match strike {
        Strike::Throttle => throttled(call.service),
        Strike::InternalError => failed(call.service),
        Strike::AccessDenied => denied(call, operation),
        Strike::ExpiredIterator => streams::expired_iterator(),
        Strike::TrimmedData => streams::trimmed(),
    }
}

fn denied(call: &Call, operation: &Operation) -> Fault {
    let who = call.principal.arn(&call.account);
    // Some ask for each of the tables they are given, some for nothing.
    if operation.action.is_empty() {
        let action = format!("{}:{}", call.service, call.operation);
        return iam::denied_by_nobody(&who, &action, "*");
    }
    iam::denied_by_nobody(&who, operation.action, &(operation.resource)(call))
}

fn throttled(service: &str) -> Fault {
    match service {
        "dynamodb" => Fault::new(
            400,
            "ProvisionedThroughputExceededException",
            "The level of configured provisioned throughput for the table was exceeded. \
             Consider increasing your provisioning level with the UpdateTable API.",
        ),
        "lambda" => {
            let mut fault = Fault::new(429, "TooManyRequestsException", "Rate Exceeded.");
            let reason = "ReservedFunctionConcurrentInvocationLimitExceeded";
            fault.extra = Some(json!({ "Reason": reason }));
            fault
        }
        "s3" => Fault::new(503, "SlowDown", "Please reduce your request rate."),
        "sns" => Fault::new(429, "Throttled", "Rate exceeded"),
        "sqs" => Fault::new(403, "RequestThrottled", "Request is throttled."),
        _ => Fault::new(400, "ThrottlingException", "Rate exceeded"),
    }
}

fn failed(service: &str) -> Fault {
    match service {
        "lambda" => Fault::new(
            500,
            "ServiceException",
            "An error occurred and the request cannot be processed.",
        ),
        "logs" => Fault::new(
            503,
            "ServiceUnavailableException",
            "The service cannot complete the request.",
        ),
        "s3" => Fault::new(
            500,
            "InternalError",
            "We encountered an internal error. Please try again.",
        ),
        _ => Fault::internal("Internal server error"),
    }
}
