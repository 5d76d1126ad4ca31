//! The made-up world of `klout up --sample`.

use klout_chassis::Clock;

use crate::{client::Client, data_directory::DataDirectory, exit::Failure};

/// Whether a start was asked for the sample and ended before it was in.
pub(crate) fn is_unfinished(_directory: &DataDirectory) -> Result<bool, Failure> {
    Ok(false)
}

/// The world, on its way in.
#[derive(Debug)]
pub(crate) struct Loading;

impl Loading {
    pub(crate) fn begin(_directory: &DataDirectory) -> Result<Self, Failure> {
        Ok(Self)
    }

    pub(crate) fn load(
        self,
        _client: &Client,
        _directory: &DataDirectory,
        _clock: &Clock,
    ) -> impl Future<Output = Result<(), Failure>> {
        std::future::ready(Ok(()))
    }
}
