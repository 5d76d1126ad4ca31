//! Visits on real Postgres, of a network that is played: it answers what a test says, the truth or not.

mod hostile;
mod lists;
mod played;
mod turns;
mod whose;
