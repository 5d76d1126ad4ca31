//! Messages of Jetstream, in both framings.

#![no_main]

use klout_fuzz::NOW;
use klout_networks::bluesky::jetstream::{Framing, Happened, Message};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for framing in [Framing::Subscribe, Framing::SubscribeEvents] {
        let Ok(Message::Event(event)) = framing.read(bytes, NOW) else { continue };
        if let Happened::Made { signals, .. } = event.happened {
            assert!(signals.iter().all(|it| it.network == "bluesky" && it.content.is_some()));
        }
    }
});
