//! The engine as the HTTP client of the official SDK: no socket, no TLS, and where asked for no signatures. Knows no
//! service.

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::{
    AuthScheme, AuthSchemeEndpointConfig, AuthSchemeId, Sign,
};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::identity::{Identity, SharedIdentityResolver};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::{GetIdentityResolver, RuntimeComponents};
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_smithy_runtime_api::shared::IntoShared as _;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use bytes::Bytes;
use http_body_util::BodyExt as _;

use super::Engine;
use super::call::Principal;
use super::faults::AnswerLost;
use crate::mapping::poller::Door;

/// Shown to users who want to sign requests themselves; the engine judges the key id only.
pub const SECRET: &str = "waterwheel";

/// Shorter bodies are copied sooner than taken out of their request.
const COPIED_MAX: usize = 4096;

impl Engine {
    /// Settings for SDK clients that call this engine in process, as this principal.
    ///
    /// Nothing is retried and nothing times out by itself, and time is the engine's.
    pub fn sdk_config(&self, principal: &Principal) -> SdkConfig {
        let key = self.issue_key(principal);
        let credentials = Credentials::new(key, SECRET, None, None, "waterwheel");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(self.account().region.clone()))
            .http_client(InProcess(self.clone()))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .time_source(self.clock().clone())
            .disable_clock_skew_correction(true)
            .build()
    }
}

/// Says in the SDK's place who sends a request, for one principal and service. Nobody would look at a signature, and to
/// make one takes longer than many an answer.
#[derive(Debug)]
pub struct Unsigned {
    /// The `Authorization` header.
    authorization: String,
}

impl Engine {
    /// For requests of this principal to a service, by its name in signatures: `dynamodb`.
    pub fn unsigned(&self, principal: &Principal, service: &str) -> Unsigned {
        Unsigned {
            authorization: self.authorization(principal, service),
        }
    }

    /// The way for a poller to call a service as this principal without the SDK.
    pub fn door(&self, principal: &Principal, service: &str) -> Door {
        let engine = self.clone();
        Door::new(self.authorization(principal, service), move |request| {
            let engine = engine.clone();
            Box::pin(async move { engine.exchange(request).await })
        })
    }

    /// The answer to a request, unless an injected fault loses it.
    async fn exchange(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, ConnectorError> {
        let response = self.handle(request).await;
        if response.extensions().get::<AnswerLost>().is_some() {
            return Err(ConnectorError::io(AnswerLost.into()));
        }
        Ok(response)
    }

    /// The `Authorization` header of such requests: the engine judges the key only.
    pub(super) fn authorization(&self, principal: &Principal, service: &str) -> String {
        let key = self.issue_key(principal);
        let region = &self.account().region;
        format!(
            "AWS4-HMAC-SHA256 Credential={key}/19700101/{region}/{service}/aws4_request, SignedHeaders=host, Signature=0"
        )
    }
}

impl AuthScheme for Unsigned {
    fn scheme_id(&self) -> AuthSchemeId {
        AuthSchemeId::new("sigv4")
    }

    fn identity_resolver(
        &self,
        resolvers: &dyn GetIdentityResolver,
    ) -> Option<SharedIdentityResolver> {
        resolvers.identity_resolver(self.scheme_id())
    }

    fn signer(&self) -> &dyn Sign {
        self
    }
}

impl Sign for Unsigned {
    fn sign_http_request(
        &self,
        request: &mut HttpRequest,
        _: &Identity,
        _: AuthSchemeEndpointConfig<'_>,
        _: &RuntimeComponents,
        _: &ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = request.headers_mut();
        headers.try_insert("authorization", self.authorization.clone())?;
        Ok(())
    }
}

#[derive(Clone, Debug)]
struct InProcess(Engine);

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let engine = self.0.clone();
        HttpConnectorFuture::new(async move {
            let request = request
                .try_into_http1x()
                .map_err(|error| ConnectorError::user(error.into()))?;
            let (head, body) = request.into_parts();
            let body = match body.bytes() {
                Some(bytes) if bytes.len() < COPIED_MAX => Bytes::copy_from_slice(bytes),
                _ => body
                    .collect()
                    .await
                    .map_err(ConnectorError::user)?
                    .to_bytes(),
            };
            let response = engine
                .exchange(http::Request::from_parts(head, body))
                .await?;
            HttpResponse::try_from(response.map(SdkBody::from))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

impl HttpClient for InProcess {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        self.clone().into_shared()
    }
}
