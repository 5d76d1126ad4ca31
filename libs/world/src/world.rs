//! The world: who is in it, and any day of it.

use std::ops::Range;

use klout_model::{Day, Network, WINDOW_DAYS};
use time::{Duration, OffsetDateTime};

use crate::{
    Account, DAYS, Events, Member, Recipe, RecipeInvalid, Scheme, attack,
    attack::Plans,
    day::{self, Diary, Source},
    draw::index,
    name::Place,
    people::{People, Traits, Urns},
    ties::Ties,
};

/// A made-up social world: its people, their ties, and on demand what happens on any of its days.
#[derive(Debug)]
pub struct World {
    pub(crate) seed: u64,
    pub(crate) first_day: Day,
    /// How many honest people there are.
    pub(crate) population: u32,
    /// See [`Recipe::said`].
    pub(crate) said: f64,
    pub(crate) networks: [Network; 3],
    pub(crate) people: People,
    pub(crate) urns: Urns,
    pub(crate) ties: Ties,
    pub(crate) plans: Plans,
    /// The network of each fake; those of people are in their traits.
    pub(crate) fake_places: Vec<Place>,
}

// === impl World ===

impl World {
    /// # Errors
    ///
    /// When the recipe is out of range.
    pub fn new(recipe: &Recipe) -> Result<Self, RecipeInvalid> {
        recipe.check()?;
        let networks = Place::ALL
            .map(|place| place.as_str().parse().expect("our names are those of networks"));
        let people = People::new(recipe, &networks);
        let urns = Urns::new(&people);
        let ties = Ties::new(recipe.seed, &people, &urns);
        let mut world = Self {
            seed: recipe.seed,
            first_day: recipe.last_day.minus(DAYS - 1),
            population: recipe.people,
            said: recipe.said,
            networks,
            people,
            urns,
            ties,
            plans: Plans::default(),
            fake_places: Vec::new(),
        };
        world.plans = Plans::new(&mut world, recipe.attacks);
        Ok(world)
    }

    /// The day that [`day`](Self::day) calls 0.
    #[must_use]
    pub const fn first_day(&self) -> Day {
        self.first_day
    }

    /// The networks on which people have accounts.
    #[must_use]
    pub const fn networks(&self) -> &[Network; 3] {
        &self.networks
    }

    /// Everybody who joined: people, and the noise bots, whose owners claim to be people.
    pub fn members(&self) -> impl ExactSizeIterator<Item = Member<'_>> {
        self.people.members.iter().map(|(number, accounts)| Member {
            world: self,
            number: *number,
            accounts,
        })
    }

    /// Every account, of people and fakes, with its truth.
    pub fn accounts(&self) -> impl ExactSizeIterator<Item = &Account> {
        self.people.accounts.iter()
    }

    /// Every kind of attack once; with nobody in it when the recipe wants none.
    pub fn schemes(&self) -> impl ExactSizeIterator<Item = Scheme<'_>> {
        self.plans.plans.iter().map(|plan| Scheme { world: self, plan })
    }

    /// What happens on the UTC day `day` days after the first, in the order of time. Any day may be
    /// asked for alone; it takes memory for one day.
    ///
    /// # Panics
    ///
    /// Unless `day` is below [`DAYS`].
    #[must_use]
    pub fn day(&self, day: u16) -> Events<'_> {
        assert!(day < DAYS, "a world lives {DAYS} days");
        let mut honest = Diary::new(Source::Honest, day);
        day::live(self, &mut honest);
        let mut said = Diary::new(Source::Said, day);
        day::say(self, &mut said);
        let mut attacks = Diary::new(Source::Attack, day);
        attack::live(self, &mut attacks);
        let mut happenings = honest.happenings;
        happenings.append(&mut said.happenings);
        happenings.append(&mut attacks.happenings);
        // Numbers differ, so what happens at the same time has an order too.
        happenings.sort_unstable();
        Events { world: self, day, happenings: happenings.into_iter() }
    }

    /// The days that a score as of the last one looks at.
    #[must_use]
    pub const fn window() -> Range<u16> {
        DAYS - WINDOW_DAYS as u16..DAYS
    }

    /// All days in a row.
    pub fn events(&self) -> impl Iterator<Item = crate::Event<'_>> {
        (0..DAYS).flat_map(|day| self.day(day))
    }

    pub(crate) fn account(&self, account: u32) -> &Account {
        &self.people.accounts[account as usize]
    }

    /// Of an account of a person.
    pub(crate) fn traits(&self, account: u32) -> Traits {
        self.people.traits[account as usize]
    }

    pub(crate) fn place(&self, account: u32) -> Place {
        let account = account as usize;
        let fakes = self.people.traits.len();
        if account < fakes {
            self.people.traits[account].place
        } else {
            self.fake_places[account - fakes]
        }
    }

    /// How many accounts are those of people; they come first.
    pub(crate) fn honest(&self) -> u32 {
        index(self.people.traits.len())
    }

    pub(crate) fn midnight(&self, day: u16) -> OffsetDateTime {
        let days = i64::from(self.first_day.number()) + i64::from(day);
        OffsetDateTime::UNIX_EPOCH + Duration::days(days)
    }
}
