//! What perks answers: decode, call, encode.

mod desk;
mod page;
mod parse;
mod perk;
mod person_data;
mod show;

pub(crate) use desk::DeskRpc;
pub(crate) use perk::PerkRpc;
pub(crate) use person_data::PersonDataRpc;
