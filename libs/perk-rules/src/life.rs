//! The life of a grant.

use time::OffsetDateTime;

/// Where a grant is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GrantState {
    /// It holds what it takes, until it is confirmed, released or expires.
    Reserved,
    /// It was given.
    Confirmed,
    /// It was let go before it was given.
    Released,
    /// Nobody confirmed it in time.
    Expired,
    /// It was given, and taken back.
    Reversed,
}

/// What can be done to a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Gives what was reserved.
    Confirm,
    /// Lets go of what was reserved.
    Release,
    /// Ends a reservation whose time is over.
    Expire,
    /// Takes back what was given.
    Reverse,
}

/// What a step changes. The default changes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The state then. `None`: as it was; nothing else is to be done.
    pub state: Option<GrantState>,
    /// By how much the campaign's count of reserved grants changes.
    pub reserved: i64,
    /// By how much its count of confirmed ones does.
    pub confirmed: i64,
    /// Whether what the grant took returns to stock and budgets.
    pub gives_back: bool,
    /// Whether an uploaded code can be given to somebody else: nobody was told it.
    pub returns_code: bool,
}

/// Why a step cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepRefused {
    /// There is nothing left to confirm.
    #[error("the grant has ended: it is {}", state.as_str())]
    Ended {
        /// As which it ended.
        state: GrantState,
    },
    /// What was given cannot be released; it can be reversed.
    #[error("the grant was confirmed")]
    Confirmed,
    /// What was never given cannot be taken back.
    #[error("the grant was not confirmed")]
    NotConfirmed,
}

// === impl GrantState ===

impl GrantState {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Reserved, Self::Confirmed, Self::Released, Self::Expired, Self::Reversed];

    /// As it is written on the wire and in tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reserved => "RESERVED",
            Self::Confirmed => "CONFIRMED",
            Self::Released => "RELEASED",
            Self::Expired => "EXPIRED",
            Self::Reversed => "REVERSED",
        }
    }

    /// From [`GrantState::as_str`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Whether it holds stock and budgets.
    #[must_use]
    pub fn holds(self) -> bool {
        matches!(self, Self::Reserved | Self::Confirmed)
    }

    /// What it is at a time: a reservation has expired once its time is over, whether or not anybody wrote that down.
    #[must_use]
    pub fn at(self, expire_time: OffsetDateTime, now: OffsetDateTime) -> Self {
        if self == Self::Reserved && expire_time <= now { Self::Expired } else { self }
    }

    /// What a step changes, given the state that was written down.
    ///
    /// Each step can be repeated: the second time changes nothing. A reservation whose time is over gives back what it
    /// took by [`Step::Expire`] and by nothing else, so that it does so once.
    ///
    /// # Errors
    ///
    /// When the grant is past it, or not there yet.
    pub fn step(
        self,
        step: Step,
        expire_time: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<Change, StepRefused> {
        match (step, self.at(expire_time, now)) {
            (Step::Confirm, Self::Reserved) => Ok(Change {
                state: Some(Self::Confirmed),
                reserved: -1,
                confirmed: 1,
                ..Change::default()
            }),
            (Step::Confirm, Self::Confirmed) => Ok(Change::default()),
            (Step::Confirm, state @ (Self::Released | Self::Expired | Self::Reversed)) => {
                Err(StepRefused::Ended { state })
            }
            (Step::Release, Self::Reserved) => Ok(Change::reservation_ends(Self::Released)),
            (Step::Release, Self::Confirmed) => Err(StepRefused::Confirmed),
            (Step::Release, Self::Released | Self::Expired | Self::Reversed) => {
                Ok(Change::default())
            }
            // What counts is what was written down: only that can be written over.
            (Step::Expire, Self::Expired) if self == Self::Reserved => {
                Ok(Change::reservation_ends(Self::Expired))
            }
            (Step::Expire, _) => Ok(Change::default()),
            (Step::Reverse, Self::Confirmed) => Ok(Change {
                state: Some(Self::Reversed),
                confirmed: -1,
                gives_back: true,
                ..Change::default()
            }),
            (Step::Reverse, Self::Reversed) => Ok(Change::default()),
            (Step::Reverse, Self::Reserved | Self::Released | Self::Expired) => {
                Err(StepRefused::NotConfirmed)
            }
        }
    }
}

// === impl Change ===

impl Change {
    /// Whether there is anything to write down.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.state.is_none()
    }

    fn reservation_ends(state: GrantState) -> Self {
        Self {
            state: Some(state),
            reserved: -1,
            confirmed: 0,
            gives_back: true,
            returns_code: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::Duration;

    use super::*;

    const EXPIRES: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
    const BEFORE: OffsetDateTime = EXPIRES.saturating_sub(Duration::SECOND);

    #[test]
    fn a_state_is_found_by_its_name() {
        for state in GrantState::ALL {
            assert_eq!(GrantState::from_name(state.as_str()), Some(state));
        }
        assert_eq!(GrantState::from_name("LOST"), None);
    }

    #[test]
    fn a_reservation_is_confirmed_or_given_back() {
        let step = |step| GrantState::Reserved.step(step, EXPIRES, BEFORE);
        let confirmed = Change {
            state: Some(GrantState::Confirmed),
            reserved: -1,
            confirmed: 1,
            ..Change::default()
        };
        assert_eq!(step(Step::Confirm), Ok(confirmed));
        assert_eq!(step(Step::Release), Ok(Change::reservation_ends(GrantState::Released)));
        assert_eq!(step(Step::Expire), Ok(Change::default()), "its time has not come");
        assert_eq!(step(Step::Reverse), Err(StepRefused::NotConfirmed));
    }

    #[test]
    fn a_reservation_expires_at_its_time_and_not_after() {
        let step = |step| GrantState::Reserved.step(step, EXPIRES, EXPIRES);
        assert_eq!(step(Step::Confirm), Err(StepRefused::Ended { state: GrantState::Expired }));
        assert_eq!(
            step(Step::Release),
            Ok(Change::default()),
            "it gives back when it is written down as expired"
        );
        assert_eq!(step(Step::Expire), Ok(Change::reservation_ends(GrantState::Expired)));
    }

    #[test]
    fn what_was_given_can_be_taken_back_but_its_code_is_not_given_again() {
        let step = |step| GrantState::Confirmed.step(step, EXPIRES, EXPIRES);
        assert_eq!(step(Step::Confirm), Ok(Change::default()));
        assert_eq!(step(Step::Release), Err(StepRefused::Confirmed));
        let reversed = Change {
            state: Some(GrantState::Reversed),
            confirmed: -1,
            gives_back: true,
            ..Change::default()
        };
        assert_eq!(step(Step::Reverse), Ok(reversed));
        assert_eq!(
            GrantState::Reversed.step(Step::Confirm, EXPIRES, BEFORE),
            Err(StepRefused::Ended { state: GrantState::Reversed })
        );
    }

    proptest! {
        #[test]
        fn whatever_happens_a_grant_gives_back_what_it_took_once(
            happens in prop::collection::vec((0_usize..4, 0_i64..3), 0..30),
        ) {
            let steps = [Step::Confirm, Step::Release, Step::Expire, Step::Reverse];
            let (mut state, mut reserved, mut confirmed, mut returns, mut now) =
                (GrantState::Reserved, 1, 0, 0, EXPIRES - Duration::seconds(10));
            for (index, seconds) in happens {
                now += Duration::seconds(seconds);
                let Ok(change) = state.step(steps[index], EXPIRES, now) else { continue };
                prop_assert_eq!(change.is_nothing(), change == Change::default());
                state = change.state.unwrap_or(state);
                reserved += change.reserved;
                confirmed += change.confirmed;
                returns += i32::from(change.gives_back);
                prop_assert_eq!(state.step(steps[index], EXPIRES, now), Ok(Change::default()), "repeated, it does nothing");
                prop_assert_eq!(reserved, i64::from(state == GrantState::Reserved));
                prop_assert_eq!(confirmed, i64::from(state == GrantState::Confirmed));
                prop_assert_eq!(returns, i32::from(!state.holds()));
            }
        }
    }
}
