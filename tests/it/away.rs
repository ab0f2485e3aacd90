//! A console on another cloud than its own: what only the local cloud can do is not offered there.

use egui_kittest::kittest::Queryable as _;
use waterwheel::aws::{Aws, Connection, demo};
use waterwheel::clock::Clock;
use waterwheel::engine::{EngineHost, Options, server};
use waterwheel::ui::{Action, Listing, Route};

use crate::console::Lab;

/// Words that something only the local cloud can do is offered by, and where.
fn offered(mapping: &str) -> Vec<(Route, Vec<&'static str>)> {
    vec![
        (
            Route::Trigger(mapping.to_owned()),
            vec!["Pause poller", "What if…", "Metrics"],
        ),
        (
            Route::Function(demo::FUNCTION.to_owned()),
            vec!["Deploy this, and again whenever it is saved"],
        ),
        (Route::Table(demo::TABLE.to_owned()), vec!["Trim stream…"]),
    ]
}

/// Opens the page with everything on it that is folded away at first.
fn look(lab: &mut Lab, route: &Route) {
    lab.go(route.clone());
    match route {
        Route::Trigger(_) => lab.wait_for("the trigger is there", |it| {
            it.query_by_label("Edit").is_some()
        }),
        Route::Function(_) => {
            lab.wait_for("the code is there", |it| {
                it.query_by_label("Load from disk…").is_some()
            });
            lab.click("Load from disk…");
        }
        Route::Table(_) => {
            lab.wait_for("the table is there", |it| {
                it.query_by_label("Stream tab").is_some()
            });
            lab.click("Stream tab");
            lab.wait_for("its shards are there", |it| {
                let mut found = it.query_all_by_label_contains(", open");
                found.next().is_some()
            });
        }
        _ => lab.settle(),
    }
}

#[test]
fn what_only_the_local_cloud_does_is_not_offered_elsewhere() {
    let mut lab = Lab::new();
    let built = lab.ask(demo::build(lab.aws.clone()));
    lab.harness.state_mut().wish(Action::Reload(Listing::All));
    lab.settle();
    for (route, words) in offered(&built.mapping) {
        look(&mut lab, &route);
        for words in words {
            lab.wait_for(words, |it| it.query_by_label(words).is_some());
        }
    }

    let mut away = Lab::new();
    let (aws, built, _cloud) = away.runtime.block_on(async {
        let host = EngineHost::open(Options::temporary(Clock::real())).unwrap();
        let port = server::listen(host.engine().clone(), 0).await.unwrap();
        let connection = Connection::Endpoint {
            url: port.endpoint(),
            region: "us-east-1".to_owned(),
        };
        let aws: Aws = connection.open().await.unwrap();
        aws.gate().unlock();
        let built = demo::build(aws.clone()).await.unwrap();
        (aws, built, (host, port))
    });
    assert!(!aws.is_local());
    let ctx = away.harness.ctx.clone();
    away.harness.state_mut().connect(&ctx, aws);
    away.wait_for("what is there is listed", |it| {
        let mut found = it.query_all_by_label_contains(demo::FUNCTION);
        found.next().is_some()
    });
    for (route, words) in offered(&built.mapping) {
        look(&mut away, &route);
        for words in words {
            assert!(!away.shows(words), "{route:?} offers \"{words}\"");
        }
    }
}
