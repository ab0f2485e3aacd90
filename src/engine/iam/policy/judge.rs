//! What all the policies that have a say decide together, within one account. Pure.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics.html>

use super::{Context, Decision, Effect, Reach, Statement, Who, evaluate};

/// The kinds of policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Of the user or the role.
    Identity,
    /// Of the table or stream.
    Resource,
    /// Permissions boundary of the user or the role.
    Boundary,
    /// Given to `AssumeRole`.
    Session,
}

/// Every policy that has a say in one request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Policies<'a> {
    pub identity: &'a [Statement],
    /// Statements that name principals.
    pub resource: &'a [Statement],
    /// `None` where there is no boundary.
    pub boundary: Option<&'a [Statement]>,
    /// `None` where the session was given none.
    pub session: Option<&'a [Statement]>,
}

/// A decision, and by which kind of policies, or for want of which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    pub kind: Kind,
    pub decision: Decision,
}

/// One request, and what is known of it.
struct Asked<'a> {
    who: Who<'a>,
    action: &'a str,
    resource: &'a str,
    context: &'a Context,
}

/// An explicit deny of any policy beats every allow. Where there is none, the resource may let the caller in by name;
/// otherwise identity or resource must allow it, and the boundary and the session's policies as well.
pub fn judge(
    policies: &Policies<'_>,
    who: Who<'_>,
    action: &str,
    resource: &str,
    context: &Context,
) -> Judged {
    let asked = Asked {
        who,
        action,
        resource,
        context,
    };
    if let Some(denied) = asked.denied(policies) {
        return denied;
    }
    let granted = asked.granted(policies.resource);
    let identity = match granted {
        Some((Reach::Caller, by)) => return Kind::Resource.judged(by),
        Some((Reach::Role, by)) => Kind::Resource.judged(by),
        Some((Reach::Account, _)) | None => {
            Kind::Identity.judged(asked.evaluate(policies.identity))
        }
    };
    if !identity.decision.is_allowed() {
        return identity;
    }
    for (kind, limit) in [
        (Kind::Boundary, policies.boundary),
        (Kind::Session, policies.session),
    ] {
        let limited = limit.map(|statements| asked.evaluate(statements));
        if let Some(decision) = limited.filter(|it| !it.is_allowed()) {
            return kind.judged(decision);
        }
    }
    identity
}

impl Kind {
    fn judged(self, decision: Decision) -> Judged {
        Judged {
            kind: self,
            decision,
        }
    }
}

impl Asked<'_> {
    fn evaluate(&self, statements: &[Statement]) -> Decision {
        evaluate(statements, self.action, self.resource, self.context)
    }

    fn matches(&self, statement: &Statement) -> bool {
        statement.matches(self.action, self.resource, self.context)
    }

    fn denied(&self, policies: &Policies<'_>) -> Option<Judged> {
        let own = [
            (Kind::Identity, policies.identity),
            (Kind::Boundary, policies.boundary.unwrap_or_default()),
            (Kind::Session, policies.session.unwrap_or_default()),
        ];
        let denies = |it: &&Statement| it.effect == Effect::Deny && self.matches(it);
        let of_resource = || {
            let statement = policies.resource.iter().find(|it| {
                denies(it) && (it.reach(self.who).is_some() || is_bound(it, policies))
            })?;
            Some((Kind::Resource, statement))
        };
        let mut of_own = own.into_iter().filter_map(|(kind, statements)| {
            let statement = statements.iter().find(denies)?;
            Some((kind, statement))
        });
        let (kind, by) = of_own.next().or_else(of_resource)?;
        let decision = Decision::ExplicitDeny {
            policy: by.policy.to_string(),
            statement: by.label(),
        };
        Some(kind.judged(decision))
    }

    /// How near the resource's policy comes to the caller where it allows this, and by which statement.
    fn granted(&self, statements: &[Statement]) -> Option<(Reach, Decision)> {
        let allowing = statements
            .iter()
            .filter(|it| it.effect == Effect::Allow)
            .filter_map(|it| Some((it.reach(self.who)?, it)))
            .filter(|(_, it)| self.matches(it));
        // The first of equals, as people read from the top.
        let (reach, by) = allowing.rev().max_by_key(|(reach, _)| *reach)?;
        let decision = Decision::Allowed {
            policy: by.policy.to_string(),
            statement: by.label(),
        };
        Some((reach, decision))
    }
}

/// `NotPrincipal` with `Deny` denies everybody who has a boundary, listed or not.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html>
fn is_bound(statement: &Statement, policies: &Policies<'_>) -> bool {
    policies.boundary.is_some() && statement.not_principals.is_some()
}
