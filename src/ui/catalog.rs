//! Shared listings, reloaded on wish; read-only to panels.

use super::cx::Listing;
use super::remote::Remote;
use crate::aws;

/// What the palette, pickers and the overview share.
#[derive(Default)]
pub struct Catalog {
    pub tables: Remote<Vec<aws_sdk_dynamodb::types::TableDescription>>,
    pub functions: Remote<Vec<aws_sdk_lambda::types::FunctionConfiguration>>,
    pub roles: Remote<Vec<aws_sdk_iam::types::Role>>,
    pub mappings: Remote<Vec<aws_sdk_lambda::types::EventSourceMappingConfiguration>>,
    pub queues: Remote<Vec<aws::sqs::Queue>>,
    pub topics: Remote<Vec<aws::sns::Topic>>,
    pub buckets: Remote<Vec<aws::s3::Bucket>>,
}

impl Catalog {
    /// Takes what has arrived.
    pub fn poll(&mut self) -> bool {
        let mut any = self.tables.poll();
        any |= self.functions.poll();
        any |= self.roles.poll();
        any |= self.mappings.poll();
        any |= self.queues.poll();
        any |= self.topics.poll();
        any |= self.buckets.poll();
        any
    }

    /// Asks again for one listing, or for all.
    pub fn reload(&mut self, which: Listing, cx: &super::Cx<'_>) {
        let aws = || cx.aws.clone();
        let wanted = |listing| which == listing || which == Listing::All;
        if wanted(Listing::Tables) {
            self.tables.start(cx, aws::dynamodb::list_tables(aws()));
        }
        if wanted(Listing::Functions) {
            self.functions.start(cx, aws::lambda::list_functions(aws()));
        }
        if wanted(Listing::Roles) {
            self.roles.start(cx, aws::iam::list_roles(aws()));
        }
        if wanted(Listing::Mappings) {
            self.mappings.start(cx, aws::lambda::list_mappings(aws()));
        }
        if wanted(Listing::Queues) {
            self.queues.start(cx, aws::sqs::list_queues(aws()));
        }
        if wanted(Listing::Topics) {
            self.topics.start(cx, aws::sns::list_topics(aws()));
        }
        if wanted(Listing::Buckets) {
            self.buckets.start(cx, aws::s3::list_buckets(aws()));
        }
    }
}
