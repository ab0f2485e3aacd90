//! Roles, policies and what they allow.

use std::collections::BTreeMap;

use aws_sdk_iam::types::{PolicyEvaluationDecisionType, Role};
use percent_encoding::percent_decode_str;

use super::{Aws, Error};
use crate::arn::Arn;

/// A role with everything that decides what it may do.
#[derive(Clone, Debug)]
pub struct RoleDetail {
    pub role: Role,
    /// JSON text of the trust policy.
    pub trust: String,
    pub inline: Vec<InlinePolicy>,
    pub attached: Vec<AttachedPolicy>,
}

/// A policy that lives in its role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InlinePolicy {
    pub name: String,
    /// JSON text.
    pub document: String,
}

/// A managed policy on a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachedPolicy {
    pub name: String,
    pub arn: String,
    /// JSON text of the default version; `None` where it may not be read.
    pub document: Option<String>,
}

/// A role that does not exist yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewRole {
    pub name: String,
    /// JSON text; empty is [`LAMBDA_TRUST`].
    pub trust: String,
    pub inline: Vec<InlinePolicy>,
    /// ARNs of managed policies.
    pub attached: Vec<String>,
}

/// What a role may do, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// `by` names the policies whose statements allow it.
    Allowed { by: String },
    /// `by` names the policies whose statements deny it.
    Denied { by: String },
    /// Nothing allows it.
    NoStatement,
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

/// Lets Lambda assume a role.
pub const LAMBDA_TRUST: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": { "Service": "lambda.amazonaws.com" },
      "Action": "sts:AssumeRole"
    }
  ]
}"#;

/// AWS's own policies for functions on streams: name, ARN and what it is for.
pub const MANAGED_TRIGGER_POLICIES: [(&str, &str, &str); 3] = [
    (
        "AWSLambdaDynamoDBExecutionRole",
        "arn:aws:iam::aws:policy/service-role/AWSLambdaDynamoDBExecutionRole",
        "Read any stream and write logs",
    ),
    (
        "AWSLambdaBasicExecutionRole",
        "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
        "Write logs only",
    ),
    (
        "AWSLambdaInvocation-DynamoDB",
        "arn:aws:iam::aws:policy/AWSLambdaInvocation-DynamoDB",
        "Read any stream and invoke functions; from before event source mappings",
    ),
];

/// Every role.
pub async fn list_roles(aws: Aws) -> Result<Vec<Role>, Error> {
    let mut found = Vec::new();
    let mut pages = aws.iam.list_roles().into_paginator().items().send();
    while let Some(role) = pages.next().await {
        found.push(role?);
    }
    Ok(found)
}

/// One role with its policies, documents decoded.
pub async fn get_role(aws: Aws, name: String) -> Result<RoleDetail, Error> {
    let answer = aws.iam.get_role().role_name(&name).send().await?;
    let role = answer.role.ok_or_else(|| Error::odd("GetRole", "Role"))?;
    let mut inline = Vec::new();
    let pages = aws.iam.list_role_policies().role_name(&name);
    let mut names = pages.into_paginator().items().send();
    while let Some(policy) = names.next().await {
        let policy = policy?;
        let answer = aws.iam.get_role_policy().role_name(&name);
        let answer = answer.policy_name(&policy).send().await?;
        inline.push(InlinePolicy {
            name: policy,
            document: decoded(&answer.policy_document),
        });
    }
    let mut attached = Vec::new();
    for (name, arn) in attached_policies(&aws, &name).await? {
        let document = managed_document(&aws, &arn).await.ok();
        attached.push(AttachedPolicy {
            name,
            arn,
            document,
        });
    }
    Ok(RoleDetail {
        trust: decoded(role.assume_role_policy_document().unwrap_or_default()),
        role,
        inline,
        attached,
    })
}

/// Makes a role with its policies. When a policy is refused, the half-made role is deleted again.
pub async fn create_role(aws: Aws, new: NewRole) -> Result<Role, Error> {
    let trust = if new.trust.is_empty() {
        LAMBDA_TRUST.to_owned()
    } else {
        new.trust
    };
    let answer = aws
        .iam
        .create_role()
        .role_name(&new.name)
        .assume_role_policy_document(trust)
        .send()
        .await?;
    let role = answer
        .role
        .ok_or_else(|| Error::odd("CreateRole", "Role"))?;
    let policies = async {
        for InlinePolicy { name, document } in new.inline {
            put_inline(aws.clone(), new.name.clone(), name, document).await?;
        }
        for arn in new.attached {
            attach(aws.clone(), new.name.clone(), arn).await?;
        }
        Ok(())
    };
    if let Err(error) = policies.await {
        delete_role(aws.clone(), new.name.clone()).await?;
        return Err(error);
    }
    Ok(role)
}

/// Adds or replaces a policy that lives in the role.
pub async fn put_inline(
    aws: Aws,
    role: String,
    policy: String,
    document: String,
) -> Result<(), Error> {
    aws.iam
        .put_role_policy()
        .role_name(role)
        .policy_name(policy)
        .policy_document(document)
        .send()
        .await?;
    Ok(())
}

/// Removes a policy that lives in the role.
pub async fn delete_inline(aws: Aws, role: String, policy: String) -> Result<(), Error> {
    aws.iam
        .delete_role_policy()
        .role_name(role)
        .policy_name(policy)
        .send()
        .await?;
    Ok(())
}

/// Attaches a managed policy.
pub async fn attach(aws: Aws, role: String, arn: String) -> Result<(), Error> {
    aws.iam
        .attach_role_policy()
        .role_name(role)
        .policy_arn(arn)
        .send()
        .await?;
    Ok(())
}

/// Detaches a managed policy.
pub async fn detach(aws: Aws, role: String, arn: String) -> Result<(), Error> {
    aws.iam
        .detach_role_policy()
        .role_name(role)
        .policy_arn(arn)
        .send()
        .await?;
    Ok(())
}

/// Replaces who may assume the role.
pub async fn update_trust(aws: Aws, role: String, document: String) -> Result<(), Error> {
    aws.iam
        .update_assume_role_policy()
        .role_name(role)
        .policy_document(document)
        .send()
        .await?;
    Ok(())
}

/// Deletes a role and the policies that live in it; managed ones are detached first.
pub async fn delete_role(aws: Aws, name: String) -> Result<(), Error> {
    let pages = aws.iam.list_role_policies().role_name(&name);
    let mut names = pages.into_paginator().items().send();
    let mut inline = Vec::new();
    while let Some(policy) = names.next().await {
        inline.push(policy?);
    }
    for policy in inline {
        delete_inline(aws.clone(), name.clone(), policy).await?;
    }
    for (_, arn) in attached_policies(&aws, &name).await? {
        detach(aws.clone(), name.clone(), arn).await?;
    }
    aws.iam.delete_role().role_name(name).send().await?;
    Ok(())
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
            Err(error) if error.kind == super::error::Kind::Service => {
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
        let action = match arn.parse::<Arn>() {
            Ok(arn) if arn.service == "sns" => "sns:Publish",
            Ok(arn) if arn.service == "s3" => "s3:PutObject",
            _ => "sqs:SendMessage",
        };
        let resource = if action == "s3:PutObject" {
            format!("{arn}/*")
        } else {
            arn.to_owned()
        };
        needs.push(pair(action, resource));
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
        let decision = match result.eval_decision {
            PolicyEvaluationDecisionType::Allowed => Decision::Allowed { by },
            PolicyEvaluationDecisionType::ExplicitDeny => Decision::Denied { by },
            _ if missing.is_empty() => Decision::NoStatement,
            _ => Decision::CannotTell {
                why: format!("a condition asks for {}", missing.join(", ")),
            },
        };
        out.push((result.eval_action_name.to_lowercase(), decision));
    }
    Ok(out)
}

/// Name and ARN of every managed policy on a role.
async fn attached_policies(aws: &Aws, role: &str) -> Result<Vec<(String, String)>, Error> {
    let pages = aws.iam.list_attached_role_policies().role_name(role);
    let mut pages = pages.into_paginator().items().send();
    let mut found = Vec::new();
    while let Some(policy) = pages.next().await {
        let policy = policy?;
        found.push((
            policy.policy_name.unwrap_or_default(),
            policy.policy_arn.unwrap_or_default(),
        ));
    }
    Ok(found)
}

async fn managed_document(aws: &Aws, arn: &str) -> Result<String, Error> {
    let answer = aws.iam.get_policy().policy_arn(arn).send().await?;
    let version = answer
        .policy
        .and_then(|it| it.default_version_id)
        .ok_or_else(|| Error::odd("GetPolicy", "DefaultVersionId"))?;
    let answer = aws.iam.get_policy_version().policy_arn(arn);
    let answer = answer.version_id(version).send().await?;
    let document = answer.policy_version.and_then(|it| it.document);
    Ok(decoded(&document.unwrap_or_default()))
}

/// IAM sends documents URL-encoded.
fn decoded(document: &str) -> String {
    percent_decode_str(document)
        .decode_utf8_lossy()
        .into_owned()
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
    }

    #[test]
    fn the_least_policy_has_one_statement_per_resource() {
        let policy = policy_for(&trigger_needs(STREAM, None, "/aws/lambda/f"));
        let policy: serde_json::Value = serde_json::from_str(&policy).unwrap();
        assert_eq!(policy["Statement"].as_array().unwrap().len(), 3);
        assert_eq!(policy["Version"], "2012-10-17");
    }
}
