//! A made-up social world, the same for the same seed. Pure.
//!
//! It feeds demos, load tests and tests of attacks: [`World`] simulates people with latent influence
//! who post, follow and react on three networks for [`DAYS`] days, beside fakes of every kind whose
//! truth it knows; [`Interactions`] makes rows of a heavy-tailed graph as fast as a benchmark wants
//! them. What both do, with formulas, sources and limits, is `docs/world.md`.
//!
//! No clock, no I/O, no environment: a world is a function of its [`Recipe`], to the bit on every
//! machine. It holds its people and their ties in memory and never more than a day of events.

mod account;
mod attack;
mod day;
mod draw;
mod edges;
mod event;
mod home;
mod name;
mod people;
mod recipe;
mod rhythm;
mod ties;
mod topic;
mod world;

pub use crate::account::{Account, Attack, Member, Nature, Scheme, Truth};
pub use crate::edges::{Edge, Interactions};
pub use crate::event::{Content, Event, Events};
pub use crate::home::Home;
pub use crate::recipe::{Attacks, DAYS, LAST_DAY, Recipe, RecipeInvalid};
pub use crate::topic::Topic;
pub use crate::world::World;
