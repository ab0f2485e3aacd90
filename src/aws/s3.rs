//! Buckets: on-failure destinations that keep the records.

use super::{Aws, Error};

/// A bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    pub name: String,
    pub arn: String,
}

/// Every bucket.
pub async fn list_buckets(aws: Aws) -> Result<Vec<Bucket>, Error> {
    let partition = match aws.about.region.split('-').next() {
        Some("cn") => "aws-cn",
        _ if aws.about.region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    };
    let mut found = Vec::new();
    let mut pages = aws.s3.list_buckets().into_paginator().send();
    while let Some(page) = pages.next().await {
        let buckets = page?.buckets.unwrap_or_default().into_iter();
        found.extend(buckets.filter_map(|bucket| bucket.name).map(|name| Bucket {
            arn: format!("arn:{partition}:s3:::{name}"),
            name,
        }));
    }
    Ok(found)
}
