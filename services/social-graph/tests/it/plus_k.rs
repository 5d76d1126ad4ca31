//! Members vouch for members.

mod budget;
mod giving;
mod proposing;
mod telling;
mod thanking;
mod world;
