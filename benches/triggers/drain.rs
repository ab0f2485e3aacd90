//! A backlog that a trigger works off.

use anyhow::{Context as _, ensure};
use waterwheel::mapping::progress::{Outcome, What};

use crate::world::World;

/// How many records a second come through a trigger, in batches of 100, after so many were written.
pub(crate) async fn drained(world: &World, backlog: usize) -> anyhow::Result<f64> {
    let stream = world.table("backlog").await?;
    for page in (0..backlog).collect::<Vec<_>>().chunks(25) {
        let ids = page.iter().map(usize::to_string);
        world.put_all("backlog", ids, 0).await?;
    }
    let (_, mut progress) = world.host.engine().watch();
    let stopwatch = world.clock.stopwatch();
    world.trigger(&stream).await?;
    let mut seen = 0;
    while seen < backlog {
        match progress.next().await.context("the cloud is gone")?.what {
            What::Invoked {
                outcome, answer, ..
            } => {
                ensure!(outcome == Outcome::Succeeded, "{}", answer.payload);
            }
            What::Invoking { records, .. } => seen += records.len(),
            What::Skipped { .. } => anyhow::bail!("too much progress at once"),
            _ => {}
        }
    }
    Ok(f64::from(u32::try_from(backlog)?) / stopwatch.elapsed().as_secs_f64())
}
