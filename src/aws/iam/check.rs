//! What a role may do, what a triggered function needs, and policies that allow just that.

use std::collections::BTreeMap;

use aws_sdk_iam::types::{PermissionsBoundaryDecisionDetail, PolicyEvaluationDecisionType};

use crate::arn::Arn;
use crate::aws::{Aws, Error};

/// What a role may do, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// `by` names the policies whose statements allow it.
    Allowed { by: String },
    /// `by` names the policies whose statements deny it.
    Denied { by: String },
    /// Nothing allows it.
    NoStatement,
    /// The permissions boundary does not allow it, whatever else does.
    Bounded,
    /// The simulation was refused or needs values it was not given.
    CannotTell { why: String },
}

impl Decision {
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed { .. })
    }
}

/// One judged action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub action: String,
    pub resource: String,
    pub decision: Decision,
}

/// Asks IAM what the role may do, in the order asked. A refused simulation is an answer
/// ([`Decision::CannotTell`]), not an error.
pub async fn check(
    aws: Aws,
    role_arn: String,
    wanted: Vec<(String, String)>,
) -> Result<Vec<Verdict>, Error> {
    let mut by_resource: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (action, resource) in &wanted {
        by_resource
            .entry(resource)
            .or_default()
            .push(action.clone());
    }
    let mut decisions = BTreeMap::new();
    for (resource, actions) in by_resource {
        match simulate(&aws, &role_arn, resource, actions.clone()).await {
            Ok(judged) => {
                for (action, decision) in judged {
                    decisions.insert((action, resource.to_owned()), decision);
                }
            }
            Err(error) if error.kind == crate::aws::error::Kind::Service => {
                for action in actions {
                    let why = error.message.clone();
                    let decision = Decision::CannotTell { why };
                    decisions.insert((action.to_lowercase(), resource.to_owned()), decision);
                }
            }
            Err(error) => return Err(error),
        }
    }
    let verdict = |(action, resource): (String, String)| {
        let key = (action.to_lowercase(), resource);
        let decision = decisions.get(&key).cloned();
        Verdict {
            action,
            resource: key.1,
            decision: decision.unwrap_or_else(|| Decision::CannotTell {
                why: "IAM did not answer for this action".to_owned(),
            }),
        }
    };
    Ok(wanted.into_iter().map(verdict).collect())
}

/// What the role of a triggered function must be allowed: reading the stream, sending to the
/// on-failure destination, and writing the function's log group (by name).
pub fn trigger_needs(
    stream_arn: &str,
    on_failure: Option<&str>,
    log_group: &str,
) -> Vec<(String, String)> {
    let pair = |action: &str, resource: String| (action.to_owned(), resource);
    let mut needs: Vec<_> = ["GetRecords", "GetShardIterator", "DescribeStream"]
        .into_iter()
        .map(|action| pair(&format!("dynamodb:{action}"), stream_arn.to_owned()))
        .collect();
    needs.push(pair("dynamodb:ListStreams", "*".to_owned()));
    if let Some(arn) = on_failure {
        match arn.parse::<Arn>() {
            Ok(it) if it.service == "sns" => needs.push(pair("sns:Publish", arn.to_owned())),
            Ok(it) if it.service == "s3" => {
                needs.push(pair("s3:PutObject", format!("{arn}/*")));
                needs.push(pair("s3:ListBucket", arn.to_owned()));
            }
            _ => needs.push(pair("sqs:SendMessage", arn.to_owned())),
        }
    }
    let (region, account) = stream_arn
        .parse::<Arn>()
        .map_or(("*".to_owned(), "*".to_owned()), |arn| {
            (arn.region, arn.account)
        });
    let logs = |rest: &str| Arn::new("logs", &region, &account, rest).to_string();
    let group = logs(&format!("log-group:{log_group}:*"));
    needs.push(pair("logs:CreateLogGroup", group.clone()));
    needs.push(pair("logs:CreateLogStream", group.clone()));
    needs.push(pair("logs:PutLogEvents", group));
    needs
}

/// A policy document that allows exactly these, one statement per resource.
pub fn policy_for(needs: &[(String, String)]) -> String {
    let mut by_resource: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (action, resource) in needs {
        by_resource.entry(resource).or_default().push(action);
    }
    let statement = |(resource, actions): (&str, Vec<&str>)| serde_json::json!({ "Effect": "Allow", "Action": actions, "Resource": resource });
    let statements: Vec<_> = by_resource.into_iter().map(statement).collect();
    let document = serde_json::json!({ "Version": "2012-10-17", "Statement": statements });
    format!("{document:#}")
}

async fn simulate(
    aws: &Aws,
    role_arn: &str,
    resource: &str,
    actions: Vec<String>,
) -> Result<Vec<(String, Decision)>, Error> {
    let request = aws
        .iam
        .simulate_principal_policy()
        .policy_source_arn(role_arn)
        .set_action_names(Some(actions))
        .resource_arns(resource);
    let mut out = Vec::new();
    let mut pages = request.into_paginator().items().send();
    while let Some(result) = pages.next().await {
        let result = result?;
        let policies: Vec<&str> = result
            .matched_statements()
            .iter()
            .filter_map(|it| it.source_policy_id())
            .collect();
        let by = policies.join(", ");
        let missing = result.missing_context_values();
        let boundary = result.permissions_boundary_decision_detail();
        let is_within =
            boundary.is_none_or(PermissionsBoundaryDecisionDetail::allowed_by_permissions_boundary);
        let decision = match result.eval_decision {
            PolicyEvaluationDecisionType::Allowed => Decision::Allowed { by },
            PolicyEvaluationDecisionType::ExplicitDeny => Decision::Denied { by },
            _ if missing.is_empty() && !is_within => Decision::Bounded,
            _ if missing.is_empty() => Decision::NoStatement,
            _ => Decision::CannotTell {
                why: format!("a condition asks for {}", missing.join(", ")),
            },
        };
        out.push((result.eval_action_name.to_lowercase(), decision));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = "arn:aws:dynamodb:eu-west-1:111122223333:table/T/stream/2026";

    #[test]
    fn a_trigger_needs_its_stream_its_destination_and_its_logs() {
        let queue = "arn:aws:sqs:eu-west-1:111122223333:dlq";
        let needs = trigger_needs(STREAM, Some(queue), "/aws/lambda/f");
        let has = |action: &str, resource: &str| {
            needs.contains(&(action.to_owned(), resource.to_owned()))
        };
        assert!(has("dynamodb:GetRecords", STREAM));
        assert!(has("dynamodb:ListStreams", "*"));
        assert!(has("sqs:SendMessage", queue));
        let group = "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/f:*";
        assert!(has("logs:PutLogEvents", group));
        assert_eq!(needs.len(), 8);
        let bucket = "arn:aws:s3:::lost";
        let needs = trigger_needs(STREAM, Some(bucket), "/aws/lambda/f");
        let has = |action: &str, resource: &str| {
            needs.contains(&(action.to_owned(), resource.to_owned()))
        };
        assert!(has("s3:PutObject", "arn:aws:s3:::lost/*"));
        assert!(has("s3:ListBucket", bucket));
    }

    #[test]
    fn the_least_policy_has_one_statement_per_resource() {
        let policy = policy_for(&trigger_needs(STREAM, None, "/aws/lambda/f"));
        let policy: serde_json::Value = serde_json::from_str(&policy).unwrap();
        assert_eq!(policy["Statement"].as_array().unwrap().len(), 3);
        assert_eq!(policy["Version"], "2012-10-17");
    }
}
