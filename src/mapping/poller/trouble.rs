//! An SDK error as a mapping shows it: AWS's words, code, status and request id.

use aws_sdk_lambda::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_lambda::operation::RequestId as _;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

/// A request that did not succeed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trouble {
    /// 0 where no answer arrived.
    pub status: u16,
    /// Empty where no answer arrived.
    pub code: String,
    pub message: String,
    /// Empty where no answer arrived.
    pub request_id: String,
}

impl Trouble {
    /// As `LastProcessingResult` words it.
    pub(super) fn words(&self, service: &str) -> String {
        let Self {
            status,
            code,
            message,
            request_id,
        } = self;
        if *status == 0 {
            return message.clone();
        }
        format!(
            "{message} (Service: {service}; Status Code: {status}; Error Code: {code}; Request ID: {request_id})"
        )
    }

    /// As AWS words trouble with reading a stream.
    pub(super) fn with_stream(&self, arn: &str) -> String {
        match self.code.as_str() {
            "AccessDeniedException" => format!(
                "Cannot access stream {arn}. Please ensure the role can perform the GetRecords, GetShardIterator, DescribeStream, and ListStreams Actions on your stream in IAM."
            ),
            "ResourceNotFoundException" => format!("Stream not found: {arn}"),
            _ => self.words("AmazonDynamoDBStreams"),
        }
    }
}

impl<E> From<SdkError<E, HttpResponse>> for Trouble
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    fn from(error: SdkError<E, HttpResponse>) -> Self {
        let status = error.raw_response().map_or(0, |it| it.status().as_u16());
        let request_id = error.request_id().unwrap_or_default().to_owned();
        let (code, message) = match error.as_service_error() {
            Some(service) => (service.code(), service.message().map(str::to_owned)),
            None => (None, None),
        };
        Self {
            status,
            code: code.unwrap_or_default().to_owned(),
            message: message.unwrap_or_else(|| DisplayErrorContext(&error).to_string()),
            request_id,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_is_told_in_the_words_of_aws() {
        let trouble = Trouble {
            status: 404,
            code: "ResourceNotFoundException".to_owned(),
            message: "Function not found: fn".to_owned(),
            request_id: "1".to_owned(),
        };
        assert_eq!(
            trouble.words("AWSLambda"),
            "Function not found: fn (Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: 1)"
        );
        assert_eq!(trouble.with_stream("arn"), "Stream not found: arn");
    }
}
