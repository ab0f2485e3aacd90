//! What happens to a world, as its seed has it.

use std::time::Duration;

use super::dice::{mood, pick};
use super::judge::{judge, pending};
use super::program::Mood;
use super::template::Template;
use super::told::Log;
use super::world::World;

const HOUR: Duration = Duration::from_hours(1);
/// How long a world without trouble may take until nothing is left to do, in looks.
const LOOKS: u32 = 60;

/// Plays one world to its end, and judges it.
pub(super) async fn play(seed: u64, template: &Template, log: Log) -> Result<(), String> {
    let mut world = World::new(seed, template, log).await;
    for _ in 0..pick(&mut world.dice, [1, 1, 2]) {
        world.make_trigger().await;
    }
    let mut days = world.dice.u8(..2);
    let mut reopened = world.dice.u8(..3);
    for _ in 0..world.dice.usize(6..=20) {
        step(&mut world, &mut days, &mut reopened).await;
        let millis = pick(&mut world.dice, [10, 100, 400, 1500]);
        let pause = Duration::from_millis(world.dice.u64(..millis));
        world.sleep(pause).await;
    }
    calm_down(&mut world).await;
    come_to_rest(&mut world).await?;
    let letters = world.letters().await;
    judge(&world, &letters)
}

async fn step(world: &mut World, days: &mut u8, reopened: &mut u8) {
    match world.dice.u8(..100) {
        ..8 => world.cut(),
        8..16 => {
            let function = world.dice.choice(&world.functions).unwrap().clone();
            let mood = mood(&mut world.dice);
            world.behave(&function, mood);
        }
        16..24 => world.trouble(false),
        24..28 => world.trouble(true),
        28..34 => world.change_trigger().await,
        34..36 => world.switch_trigger(None, false).await,
        36..38 => world.switch_trigger(None, true).await,
        38..40 => world.miss_function().await,
        40 => world.throttle(true).await,
        41 => world.throttle(false).await,
        42 => world.allow(false).await,
        43 => world.allow(true).await,
        44 => world.delete_trigger().await,
        45 => world.make_trigger().await,
        46..49 => {
            let time = pick(&mut world.dice, [HOUR / 120, HOUR / 50, HOUR / 3]);
            world.jump(time).await;
        }
        49..51 if *days > 0 => {
            *days -= 1;
            world.jump(25 * HOUR).await;
        }
        51..54 if *reopened > 0 => {
            *reopened -= 1;
            let mut after = Duration::from_millis(world.dice.u64(..5000));
            if *days > 0 && world.dice.u8(..4) == 0 {
                *days -= 1;
                after += 25 * HOUR;
            }
            let is_killed = world.dice.u8(..3) > 0;
            world.reopen(after, is_killed).await;
        }
        _ => world.write().await,
    }
}

/// Ends all trouble.
async fn calm_down(world: &mut World) {
    world.say("calm down");
    world.trouble(true);
    world.allow(true).await;
    world.throttle(false).await;
    for function in world.functions.clone() {
        world.behave(&function, Mood::default());
    }
    for at in 0..world.triggers.len() {
        if !world.triggers[at].is_gone {
            world.switch_trigger(Some(at), true).await;
        }
    }
    world.learn().await;
}

/// Waits until every trigger is through with its stream and has no window open.
async fn come_to_rest(world: &mut World) -> Result<(), String> {
    let mut left = None;
    for look in 0..LOOKS {
        world.sleep(Duration::from_secs(1)).await;
        left = pending(world);
        if left.is_none() {
            // The longest window ends, and nothing more comes of anything.
            world.jump(Duration::from_secs(35)).await;
            world.sleep(Duration::from_secs(2)).await;
            return Ok(());
        }
        // Retries wait for a minute at most, windows for half of one.
        if look % 3 == 2 {
            world.jump(Duration::from_secs(20)).await;
        }
    }
    let left = left.unwrap_or_default();
    Err(format!("it does not come to rest: {left}"))
}
