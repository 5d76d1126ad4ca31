//! What perks answers: decode, call, encode.

mod desk;
mod parse;
mod perk;
mod person_data;
mod show;

use klout_chassis::page;

pub(crate) use desk::DeskRpc;
pub(crate) use perk::PerkRpc;
pub(crate) use person_data::PersonDataRpc;
