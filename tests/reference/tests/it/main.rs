//! The engine against the slow reference, and both against the page that says how a score is made.

mod agreement;
mod both;
mod by_hand;
mod worlds;
