//! Whom `Principal` and `NotPrincipal` mean. Pure.

/// `Principal` of a trust or resource policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principals {
    Anyone,
    /// Kind (`AWS`, `Service`, `Federated`, `CanonicalUser`) and value, in the order written.
    Listed(Vec<(String, String)>),
}

/// Who asks, for policies that name principals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who<'a> {
    /// `lambda.amazonaws.com`
    Service(&'a str),
    /// ARN of a user, role or session.
    Arn(&'a str),
}

/// How near a policy of a resource comes to a caller; greater is nearer.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// The account is named: its administrator decides by policies of users and roles who may.
    Account,
    /// The role is named whose session calls: its boundary and session policies limit what it gets.
    Role,
    /// The caller is named, or everybody: nothing but an explicit deny limits it.
    Caller,
}

impl Principals {
    pub(super) fn reach(&self, who: Who<'_>) -> Option<Reach> {
        let listed = match self {
            Self::Anyone => return Some(Reach::Caller),
            Self::Listed(listed) => listed,
        };
        let reach = |(kind, value): &(String, String)| match who {
            Who::Service(name) => {
                (kind == "Service" && value.eq_ignore_ascii_case(name)).then_some(Reach::Caller)
            }
            Who::Arn(arn) if kind == "AWS" => Identities::of(arn).named(value),
            Who::Arn(_) => None,
        };
        listed.iter().filter_map(reach).max()
    }

    /// `NotPrincipal` leaves a caller out only where it lists everything they are: a session with its role and account.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html>
    pub(super) fn spare(&self, who: Who<'_>) -> bool {
        let listed = match self {
            Self::Anyone => return true,
            Self::Listed(listed) => listed,
        };
        let Who::Arn(arn) = who else {
            return self.reach(who).is_some();
        };
        let identities = Identities::of(arn);
        let named = || {
            let accounts = listed.iter().filter(|(kind, _)| kind == "AWS");
            accounts.filter_map(|(_, value)| identities.named(value))
        };
        let is_listed = |wanted: Reach| named().any(|it| it == wanted);
        let everybody = listed
            .iter()
            .any(|(kind, value)| kind == "AWS" && value == "*");
        everybody
            || is_listed(Reach::Account)
                && (identities.is_account() || is_listed(Reach::Caller))
                && (identities.session_of.is_none() || is_listed(Reach::Role))
    }
}

/// What a caller is at once.
struct Identities<'a> {
    arn: &'a str,
    account: &'a str,
    /// `user/jo`
    resource: &'a str,
    /// Name of the role of a session.
    session_of: Option<&'a str>,
}

impl<'a> Identities<'a> {
    fn of(arn: &'a str) -> Self {
        let mut parts = arn.splitn(6, ':').skip(4);
        let account = parts.next().unwrap_or_default();
        let resource = parts.next().unwrap_or_default();
        let session = resource.strip_prefix("assumed-role/");
        Self {
            arn,
            account,
            resource,
            session_of: session.and_then(|it| it.split('/').next()),
        }
    }

    fn is_account(&self) -> bool {
        self.resource == "root"
    }

    fn named(&self, value: &str) -> Option<Reach> {
        let is_role = self.resource.starts_with("role/");
        let is_account = value == self.account
            || value
                .strip_suffix(":root")
                .and_then(|it| it.strip_suffix(self.account))
                .is_some_and(|it| it.ends_with(":iam::"));
        if is_account {
            Some(Reach::Account)
        } else if value == self.arn && is_role {
            Some(Reach::Role)
        } else if value == "*" || value == self.arn {
            Some(Reach::Caller)
        } else if self
            .session_of
            .is_some_and(|role| self.is_role(value, role))
        {
            Some(Reach::Role)
        } else {
            None
        }
    }

    /// Sessions do not say the path of their role, whose name is its account's only one.
    fn is_role(&self, value: &str, role: &str) -> bool {
        value
            .split_once(":iam::")
            .and_then(|(_, it)| it.strip_prefix(self.account))
            .and_then(|it| it.strip_prefix(":role/"))
            .is_some_and(|it| it.rsplit('/').next() == Some(role))
    }
}
