//! The world as its users see it.

mod attacks;
mod edges;
mod events;
mod sameness;
mod shape;

use klout_model::Day;
use klout_world::{Recipe, World};
use time::macros::date;

/// The recipe of a small world.
fn recipe(seed: u64) -> Recipe {
    Recipe::new(seed, 1_000, Day::from_date(date!(2026 - 10 - 31)))
}

fn world(seed: u64) -> World {
    World::new(&recipe(seed)).expect("a recipe in range")
}
