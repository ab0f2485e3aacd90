//! Roles and their policies. What they allow is in `check`.

mod check;

use aws_sdk_iam::types::Role;
use percent_encoding::percent_decode_str;

pub use check::{Decision, Verdict, check, policy_for, trigger_needs};

use super::{Aws, Error};

/// A role with everything that decides what it may do.
#[derive(Clone, Debug)]
pub struct RoleDetail {
    pub role: Role,
    /// JSON text of the trust policy.
    pub trust: String,
    pub inline: Vec<InlinePolicy>,
    pub attached: Vec<AttachedPolicy>,
    /// The permissions boundary, where there is one.
    pub boundary: Option<AttachedPolicy>,
}

/// A policy that lives in its role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InlinePolicy {
    pub name: String,
    /// JSON text.
    pub document: String,
}

/// A managed policy on a role, or its permissions boundary.
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
    let boundary = role
        .permissions_boundary()
        .and_then(|it| it.permissions_boundary_arn());
    let boundary = match boundary {
        Some(arn) => Some(AttachedPolicy {
            name: arn.rsplit('/').next().unwrap_or(arn).to_owned(),
            arn: arn.to_owned(),
            document: managed_document(&aws, arn).await.ok(),
        }),
        None => None,
    };
    Ok(RoleDetail {
        boundary,
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

/// JSON text of a managed policy: its default version.
pub async fn managed_policy(aws: Aws, arn: String) -> Result<String, Error> {
    managed_document(&aws, &arn).await
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
