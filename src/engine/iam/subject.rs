//! Users and roles as policies see them: their documents, and what is known of everything they ask.

use std::sync::Arc;
use std::time::SystemTime;

use super::policy::{Context, Statement};
use super::{managed, read};
use crate::clock::{epoch_millis, iso_secs};
use crate::engine::call::{Account, Principal};
use crate::engine::state::{Grants, Role, State, User};

/// Who is judged.
#[derive(Clone, Copy)]
pub(super) enum Subject<'a> {
    /// A role, and the name of its session where one calls.
    Role(&'a Role, Option<&'a str>),
    User(&'a User),
}

impl<'a> Subject<'a> {
    /// `None` where the role or the user is gone.
    pub(super) fn of(state: &'a State, principal: &'a Principal) -> Option<Self> {
        match principal {
            Principal::Role { role, session } => {
                let role = state.roles.get(role)?;
                Some(Self::Role(role, Some(session)))
            }
            Principal::User { name, .. } => state.users.get(name).map(Self::User),
            Principal::Root | Principal::Service(_) => None,
        }
    }

    pub(super) fn grants(self) -> &'a Grants {
        match self {
            Self::Role(role, _) => &role.grants,
            Self::User(user) => &user.grants,
        }
    }

    /// Of the user or the role, not of its session.
    pub(super) fn arn(self) -> &'a str {
        match self {
            Self::Role(role, _) => &role.arn,
            Self::User(user) => &user.arn,
        }
    }

    /// Names and texts of every document that counts for it: inline policies by name, then attached ones.
    pub(super) fn documents(
        self,
        state: &'a State,
    ) -> impl Iterator<Item = (&'a str, &'a str)> + Clone {
        let grants = self.grants();
        let inline = grants
            .inline
            .iter()
            .map(|(name, document)| (name.as_str(), document.as_str()));
        let attached = grants
            .attached
            .iter()
            .filter_map(|arn| managed::find(state, arn))
            .map(|policy| (policy.name.as_str(), policy.document.as_str()));
        inline.chain(attached)
    }

    /// Name and text of its permissions boundary; empty where the policy is gone, which allows nothing.
    pub(super) fn boundary_document(self, state: &'a State) -> Option<(&'a str, &'a str)> {
        let arn = self.grants().boundary.as_ref()?;
        let policy = managed::find(state, arn);
        Some(policy.map_or((arn, ""), |it| (&it.name, &it.document)))
    }

    pub(super) fn statements(self, state: &State) -> Arc<[Statement]> {
        read::statements(self.arn(), self.documents(state))
    }

    pub(super) fn boundary(self, state: &State) -> Option<Arc<[Statement]>> {
        let document = self.boundary_document(state)?;
        Some(read::boundary(self.arn(), document))
    }

    /// What is known of every request of its, without the time.
    pub(super) fn context(self, account: &Account) -> Context {
        let mut context = everywhere(account).with("aws:PrincipalArn", self.arn());
        match self {
            Self::Role(role, session) => {
                context.add("aws:PrincipalType", "AssumedRole");
                if let Some(session) = session {
                    context.add("aws:userid", format!("{}:{session}", role.id));
                }
            }
            Self::User(user) => {
                context.add("aws:PrincipalType", "User");
                context.add("aws:userid", &user.id);
                context.add("aws:username", &user.name);
            }
        }
        for (key, value) in &self.grants().tags {
            context.add(&format!("aws:PrincipalTag/{key}"), value);
        }
        context
    }
}

/// What is known of every request.
pub(super) fn everywhere(account: &Account) -> Context {
    Context::default()
        .with("aws:PrincipalAccount", &account.id)
        .with("aws:ResourceAccount", &account.id)
        .with("aws:RequestedRegion", &account.region)
        .with("aws:SecureTransport", "true")
}

/// The same context at this time.
pub(super) fn at(context: Context, now: SystemTime) -> Context {
    let secs = epoch_millis(now) / 1000;
    context
        .with("aws:CurrentTime", iso_secs(now))
        .with("aws:EpochTime", secs.to_string())
}
