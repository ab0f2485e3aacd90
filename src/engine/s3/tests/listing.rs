//! Lists of objects: order, pages, groups, encoded names.

use super::{World, between, refusal};

#[tokio::test]
async fn keys_are_listed_in_order_and_by_pages() {
    let world = World::with_bucket().await;
    world.put(&["b/2", "a", "b/1", "c", "b-"]).await;
    let (keys, groups, page) = world.list("list-type=2").await;
    assert_eq!(keys, ["a", "b-", "b/1", "b/2", "c"]);
    assert!(groups.is_empty());
    assert!(page.contains("<KeyCount>5</KeyCount><IsTruncated>false</IsTruncated>"));
    assert!(page.contains("<ETag>&quot;9dd4e461268c8034f5c8564e155c67a6&quot;</ETag>"));
    let (keys, _, page) = world.list("list-type=2&max-keys=2").await;
    assert_eq!(keys, ["a", "b-"]);
    let token = between(&page, "<NextContinuationToken>", "<").unwrap();
    let next = format!("list-type=2&max-keys=3&continuation-token={token}");
    let (keys, _, page) = world.list(&next).await;
    assert_eq!(keys, ["b/1", "b/2", "c"]);
    assert!(page.contains("<IsTruncated>false</IsTruncated>"));
    assert_eq!(world.list("list-type=2&prefix=b/").await.0, ["b/1", "b/2"]);
    assert_eq!(
        world.list("list-type=2&start-after=b/1").await.0,
        ["b/2", "c"]
    );
    assert_eq!(world.list("list-type=2&max-keys=0").await.0.len(), 0);
    for wrong in [
        "list-type=2&max-keys=x",
        "list-type=2&max-keys=-1",
        "list-type=2&continuation-token=%21",
        "encoding-type=html",
    ] {
        assert_eq!(
            world
                .refused("GET", &format!("/b12?{wrong}"), &[], "")
                .await,
            refusal(400, "InvalidArgument")
        );
    }
}

#[tokio::test]
async fn a_delimiter_groups_keys_also_over_pages() {
    let world = World::with_bucket().await;
    world
        .put(&["a", "b/1", "b/2", "b/3", "c/1", "c/d/1", "d"])
        .await;
    let (keys, groups, page) = world.list("list-type=2&delimiter=/").await;
    assert_eq!((keys, groups), (owned(&["a", "d"]), owned(&["b/", "c/"])));
    assert!(page.contains("<KeyCount>4</KeyCount>"));
    let (keys, groups, _) = world.list("list-type=2&delimiter=/&prefix=c/").await;
    assert_eq!((keys, groups), (owned(&["c/1"]), owned(&["c/d/"])));
    let (_, groups, page) = world.list("list-type=2&delimiter=/&max-keys=2").await;
    assert_eq!(groups, ["b/"]);
    let token = between(&page, "<NextContinuationToken>", "<").unwrap();
    let next = format!("list-type=2&delimiter=/&continuation-token={token}");
    let (keys, groups, _) = world.list(&next).await;
    assert_eq!((keys, groups), (owned(&["d"]), owned(&["c/"])));
    // The former kind of listing goes on by names.
    let (_, _, page) = world.list("delimiter=/&max-keys=2").await;
    assert!(page.contains("<NextMarker>b/</NextMarker>"), "{page}");
    let (keys, groups, _) = world.list("delimiter=/&marker=b/").await;
    assert_eq!((keys, groups), (owned(&["d"]), owned(&["c/"])));
    let (keys, _, page) = world.list("max-keys=2&marker=a").await;
    assert_eq!(keys, ["b/1", "b/2"]);
    assert!(!page.contains("NextMarker"));
}

#[tokio::test]
async fn names_are_encoded_where_that_is_asked_for() {
    let world = World::with_bucket().await;
    world.put(&["a%20%E2%82%AC+/k"]).await;
    let (keys, ..) = world.list("list-type=2&encoding-type=url").await;
    assert_eq!(keys, ["a%20%E2%82%AC%2B/k"]);
    assert_eq!(world.list("list-type=2").await.0, ["a €+/k"]);
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|it| (*it).to_owned()).collect()
}
