//! What policies allow. Pure: knows no roles, no requests, no clock.

mod check;
mod condition;
mod context;
mod explain;
mod judge;
mod parse;
mod pattern;
mod position;
mod principal;

#[cfg(test)]
mod cases;

use std::sync::Arc;

pub use check::{check_identity, check_trust};
pub use condition::Condition;
pub use context::Context;
pub use judge::{Judged, Kind, Policies, judge};
pub use parse::{Malformed, parse};
pub use position::{Span, statement_spans};
pub use principal::{Principals, Reach, Who};

/// A policy document.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// `Version` where it is given.
    pub version: Option<String>,
    pub statements: Vec<Statement>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Allow,
    Deny,
}

/// `Action` or `NotAction`, `Resource` or `NotResource`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Clause {
    AnyOf(Vec<String>),
    NoneOf(Vec<String>),
}

impl Clause {
    /// The patterns, whichever way they count.
    pub fn patterns(&self) -> &[String] {
        match self {
            Self::AnyOf(patterns) | Self::NoneOf(patterns) => patterns,
        }
    }

    /// `matches` says `None` of a pattern that has a variable without a value: it never helps.
    fn holds(&self, matches: impl Fn(&str) -> Option<bool>) -> bool {
        match self {
            Self::AnyOf(patterns) => patterns.iter().any(|it| matches(it) == Some(true)),
            Self::NoneOf(patterns) => patterns.iter().all(|it| matches(it) == Some(false)),
        }
    }
}

/// One statement of a policy, with the name of the policy it stands in.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// Name of the policy, for people.
    pub policy: Arc<str>,
    /// Position in its policy, counted from 1.
    pub number: usize,
    pub sid: Option<String>,
    pub effect: Effect,
    pub principals: Option<Principals>,
    /// `NotPrincipal`.
    pub not_principals: Option<Principals>,
    pub actions: Clause,
    /// `None` in trust policies.
    pub resources: Option<Clause>,
    pub conditions: Vec<Condition>,
    /// Policies of 2012-10-17 know variables; older ones take `${` literally.
    pub has_variables: bool,
}

/// What a set of statements says of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// By this statement: its `Sid`, or "statement 2".
    Allowed { policy: String, statement: String },
    /// A statement with `Deny` matches, whatever else allows it.
    ExplicitDeny { policy: String, statement: String },
    /// No statement allows it.
    ImplicitDeny { closest: Option<NearMiss> },
}

/// The statement that came closest to allowing a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearMiss {
    pub policy: String,
    /// `Sid`, or "statement 2".
    pub statement: String,
    /// A phrase: "allows it on …:table/Order/stream/*: the table name differs".
    pub why: String,
}

impl Decision {
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed { .. })
    }

    /// IAM's `EvalDecision`: `allowed`, `explicitDeny`, `implicitDeny`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Allowed { .. } => "allowed",
            Self::ExplicitDeny { .. } => "explicitDeny",
            Self::ImplicitDeny { .. } => "implicitDeny",
        }
    }
}

/// An explicit deny beats every allow; silence is a deny.
pub fn evaluate(
    statements: &[Statement],
    action: &str,
    resource: &str,
    context: &Context,
) -> Decision {
    decide(statements, action, resource, context, |statement| {
        statement.matches(action, resource, context)
    })
}

/// Like [`evaluate`] for a policy that names principals; trust policies have no resources.
pub fn evaluate_for(
    statements: &[Statement],
    who: Who<'_>,
    action: &str,
    resource: &str,
    context: &Context,
) -> Decision {
    decide(statements, action, resource, context, |statement| {
        statement.reach(who).is_some() && statement.matches(action, resource, context)
    })
}

fn decide(
    statements: &[Statement],
    action: &str,
    resource: &str,
    context: &Context,
    matches: impl Fn(&Statement) -> bool,
) -> Decision {
    let mut allowed = None;
    for statement in statements.iter().filter(|statement| matches(statement)) {
        let policy = statement.policy.to_string();
        let label = statement.label();
        match statement.effect {
            Effect::Deny => {
                return Decision::ExplicitDeny {
                    policy,
                    statement: label,
                };
            }
            Effect::Allow => {
                allowed.get_or_insert(Decision::Allowed {
                    policy,
                    statement: label,
                });
            }
        }
    }
    allowed.unwrap_or_else(|| Decision::ImplicitDeny {
        closest: explain::closest(statements, action, resource, context),
    })
}

impl Statement {
    /// How people find it: its `Sid`, or "statement 2".
    pub fn label(&self) -> String {
        self.sid
            .clone()
            .filter(|sid| !sid.is_empty())
            .unwrap_or_else(|| format!("statement {}", self.number))
    }

    /// Action, resource and every condition match; the effect is not looked at.
    pub fn matches(&self, action: &str, resource: &str, context: &Context) -> bool {
        self.matches_action(action)
            && self.matches_resource(resource, context)
            && self.unmet(context).is_none()
    }

    /// Whether it depends on more than who asks, the action and the resource.
    pub fn asks_for_context(&self) -> bool {
        let has_variable = |clause: &Clause| clause.patterns().iter().any(|it| it.contains("${"));
        let resources = self.resources.as_ref();
        !self.conditions.is_empty() || (self.has_variables && resources.is_some_and(has_variable))
    }

    fn matches_action(&self, action: &str) -> bool {
        self.actions
            .holds(|pattern| Some(pattern::matches_action(pattern, action)))
    }

    fn matches_resource(&self, resource: &str, context: &Context) -> bool {
        self.resources.as_ref().is_none_or(|resources| {
            resources.holds(|text| {
                pattern::expand(text, context, self.has_variables)
                    .map(|pattern| pattern::matches_resource(&pattern, resource))
            })
        })
    }

    /// The first condition that does not hold.
    fn unmet(&self, context: &Context) -> Option<&Condition> {
        self.conditions
            .iter()
            .find(|condition| !condition.holds(context, self.has_variables))
    }

    /// How near its `Principal` or `NotPrincipal` comes to this caller; `None` where it is not about them.
    pub fn reach(&self, who: Who<'_>) -> Option<Reach> {
        match (&self.principals, &self.not_principals) {
            (Some(principals), _) => principals.reach(who),
            (None, Some(principals)) => (!principals.spare(who)).then_some(Reach::Caller),
            (None, None) => None,
        }
    }
}
