//! What perks answers: decode, call, encode.

mod desk;
mod perk;
mod person_data;

pub(crate) use desk::DeskRpc;
pub(crate) use perk::PerkRpc;
pub(crate) use person_data::PersonDataRpc;
