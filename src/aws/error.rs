//! What can go wrong when the console asks a cloud, and the one conversion from the SDK's errors.

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::gate::Refused;

/// Which side the trouble is on; decides the words around the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The service said no.
    Service,
    /// No answer: network, endpoint, timeout.
    Unreachable,
    /// No or expired credentials.
    Credentials,
    /// This connection is read-only and the call would have changed something.
    ReadOnly,
    /// What the user typed or chose cannot be sent, or a file cannot be read or written.
    Input,
}

/// An error as the console shows it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    pub kind: Kind,
    /// AWS's code, `ConditionalCheckFailedException`; empty where there is none.
    pub code: String,
    /// AWS's words, or ours with what to do about it.
    pub message: String,
    pub request_id: Option<String>,
}

impl Error {
    pub fn input(message: impl Into<String>) -> Self {
        Self {
            kind: Kind::Input,
            code: String::new(),
            message: message.into(),
            request_id: None,
        }
    }

    /// The work behind a question ended without an answer.
    pub fn stopped(message: impl Into<String>) -> Self {
        Self {
            kind: Kind::Unreachable,
            ..Self::input(message)
        }
    }

    /// The service answered without something its API promises.
    pub(super) fn odd(operation: &str, member: &str) -> Self {
        Self {
            kind: Kind::Service,
            ..Self::input(format!("{operation} answered without {member}"))
        }
    }

    /// A few words for the head of an error box.
    pub fn title(&self) -> &str {
        match self.kind {
            Kind::Service if !self.code.is_empty() => &self.code,
            Kind::Service => "The service refused",
            Kind::Unreachable => "No answer",
            Kind::Credentials => "Credentials",
            Kind::ReadOnly => "Read-only connection",
            Kind::Input => "Not sent",
        }
    }

    /// Everything known, for the clipboard.
    pub fn details(&self) -> String {
        let request = self.request_id.as_deref().unwrap_or("none");
        format!("{}: {}\nrequest id: {request}", self.title(), self.message)
    }
}

/// The engine's own service said no.
impl From<crate::engine::control::Refused> for Error {
    fn from(refused: crate::engine::control::Refused) -> Self {
        Self {
            kind: Kind::Service,
            code: refused.code,
            ..Self::input(refused.message)
        }
    }
}

/// A request that misses a required member: something was not filled in.
impl From<aws_smithy_types::error::operation::BuildError> for Error {
    fn from(error: aws_smithy_types::error::operation::BuildError) -> Self {
        Self::input(words_of(&error))
    }
}

impl<E, R> From<SdkError<E, R>> for Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug + 'static,
{
    fn from(error: SdkError<E, R>) -> Self {
        if let Some(refused) = refused(&error) {
            return Self {
                kind: Kind::ReadOnly,
                ..Self::input(refused.to_string())
            };
        }
        match &error {
            SdkError::ServiceError(context) => {
                let it = context.err();
                let code = it.code().unwrap_or_default().to_owned();
                let kind = match code.as_str() {
                    "ExpiredToken"
                    | "ExpiredTokenException"
                    | "UnrecognizedClientException"
                    | "InvalidClientTokenId"
                    | "InvalidSignatureException"
                    | "SignatureDoesNotMatch"
                    | "MissingAuthenticationToken" => Kind::Credentials,
                    _ => Kind::Service,
                };
                let message = it.message().map_or_else(|| words_of(&error), str::to_owned);
                let request_id = it.meta().extra("aws_request_id").map(str::to_owned);
                Self {
                    kind,
                    code,
                    message,
                    request_id,
                }
            }
            _ => Self::from_words(&words_of(&error)),
        }
    }
}

/// An error and its causes in a line, nothing said twice.
fn words_of(error: &(dyn std::error::Error + 'static)) -> String {
    let mut words = String::new();
    let mut cause = Some(error);
    while let Some(error) = cause {
        let more = error.to_string();
        if !words.contains(&more) {
            words.extend([if words.is_empty() { "" } else { ": " }, &more]);
        }
        cause = error.source();
    }
    words
}

/// The gate's refusal, if that is what is behind an error.
fn refused<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a Refused> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(refused) = error.downcast_ref::<Refused>() {
            return Some(refused);
        }
        cause = error.source();
    }
    None
}

impl Error {
    /// Failures before or without an answer, told apart by where they came from.
    fn from_words(words: &str) -> Self {
        let about = ["credential", "identity", "SSO", "profile"];
        let kind = if about.iter().any(|it| words.contains(it)) {
            Kind::Credentials
        } else {
            Kind::Unreachable
        };
        Self {
            kind,
            ..Self::input(words)
        }
    }
}
