//! What IAM asks of a document before it becomes a role's policy or a trust policy. Pure.

use super::parse::{Malformed, Place};
use super::{Policy, Principals, pattern};

const TRUST_ACTIONS: &[&str] = &[
    "sts:AssumeRole",
    "sts:AssumeRoleWithSAML",
    "sts:AssumeRoleWithWebIdentity",
    "sts:TagSession",
    "sts:SetSourceIdentity",
    "sts:SetContext",
];

/// What IAM asks of a policy that is put on a role, a user or a group.
pub fn check_identity(policy: &Policy) -> Result<(), Malformed> {
    for statement in &policy.statements {
        let place = Place {
            number: statement.number,
        };
        if statement.principals.is_some() || statement.not_principals.is_some() {
            return Err(place.refused("Policy document should not specify a principal."));
        }
        if let Some(sid) = &statement.sid
            && !sid.chars().all(|it| it.is_ascii_alphanumeric())
        {
            return Err(place.refused(
                "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*",
            ));
        }
        for action in statement.actions.patterns() {
            place.check_action(action)?;
        }
        let Some(resources) = &statement.resources else {
            return Err(place.refused("Policy statement must contain resources."));
        };
        for resource in resources.patterns() {
            if resource != "*" && !resource.starts_with("arn:") {
                return Err(place.refused(&format!(
                    "Resource {resource} must be in ARN format or \"*\"."
                )));
            }
        }
    }
    Ok(())
}

/// What IAM asks of the policy that says who may assume a role.
pub fn check_trust(policy: &Policy) -> Result<(), Malformed> {
    for statement in &policy.statements {
        let place = Place {
            number: statement.number,
        };
        if statement.resources.is_some() {
            return Err(place.refused("Has prohibited field Resource"));
        }
        if statement.principals.is_none() && statement.not_principals.is_none() {
            return Err(place.refused("Missing required field Principal"));
        }
        for action in statement.actions.patterns() {
            let known = TRUST_ACTIONS
                .iter()
                .any(|it| pattern::matches_action(action, it));
            if !known || action == "*" {
                return Err(place.refused(&format!(
                    "AssumeRole policy must only specify STS AssumeRole actions. ({action} is none)"
                )));
            }
        }
        let listed = statement.principals.iter().chain(&statement.not_principals);
        for principals in listed {
            place.check_principals(principals)?;
        }
    }
    Ok(())
}

impl Place {
    /// `dynamodb:Get*` or `*`.
    fn check_action(self, action: &str) -> Result<(), Malformed> {
        if action == "*" {
            return Ok(());
        }
        let Some((vendor, name)) = action.split_once(':') else {
            return Err(self.refused(&format!(
                "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc. ({action} has none)"
            )));
        };
        let valid = |it: char| it.is_ascii_alphanumeric() || "-*?".contains(it);
        if vendor.is_empty() || !vendor.chars().all(valid) {
            return Err(self.refused(&format!("Vendor {vendor} is not valid")));
        }
        if name.is_empty() || !name.chars().all(valid) {
            return Err(self.wrong(format!("{action} is no action")));
        }
        Ok(())
    }

    fn check_principals(self, principals: &Principals) -> Result<(), Malformed> {
        let Principals::Listed(listed) = principals else {
            return Ok(());
        };
        for (kind, value) in listed {
            let valid = match kind.as_str() {
                "Service" => value.contains('.') && !value.contains([' ', '/', '*']),
                "AWS" => {
                    value == "*"
                        || value.starts_with("arn:")
                        || (value.len() == 12 && value.bytes().all(|it| it.is_ascii_digit()))
                }
                _ => true,
            };
            if !valid {
                let shown = if kind == "Service" { "SERVICE" } else { kind };
                return Err(self.refused(&format!(
                    "Invalid principal in policy: \"{shown}\":\"{value}\""
                )));
            }
        }
        Ok(())
    }
}
