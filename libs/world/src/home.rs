//! Where people say to live.

use crate::{
    draw::{Draw, Purpose},
    rhythm::Zone,
};

/// The shares of those who say in which country they live, and of those of them who say in which city.
const TELLS_COUNTRY: f64 = 0.7;
const TELLS_CITY: f64 = 0.8;

/// Where somebody says to live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Home {
    /// An ISO 3166-1 alpha-2 code, such as `DE`.
    pub country: &'static str,
    pub city: Option<&'static str>,
}

/// Countries and cities by hours before UTC.
const HOMES: [(i8, &[(&str, &str)]); 9] = [
    (-8, &[("US", "Los Angeles"), ("US", "Seattle"), ("CA", "Vancouver")]),
    (-6, &[("US", "Chicago"), ("US", "Austin"), ("MX", "Mexico City")]),
    (-5, &[("US", "New York"), ("US", "Boston"), ("CA", "Toronto"), ("CO", "Bogotá")]),
    (-3, &[("BR", "São Paulo"), ("AR", "Buenos Aires")]),
    (
        0,
        &[("GB", "London"), ("GB", "Bristol"), ("PT", "Lisbon"), ("IE", "Dublin"), ("GH", "Accra")],
    ),
    (
        1,
        &[
            ("DE", "Berlin"),
            ("DE", "Bremen"),
            ("FR", "Lyon"),
            ("ES", "Madrid"),
            ("IT", "Bologna"),
            ("NG", "Lagos"),
        ],
    ),
    (
        2,
        &[
            ("FI", "Helsinki"),
            ("GR", "Athens"),
            ("ZA", "Cape Town"),
            ("UA", "Kyiv"),
            ("EG", "Cairo"),
        ],
    ),
    (5, &[("PK", "Lahore"), ("UZ", "Tashkent")]),
    (8, &[("SG", "Singapore"), ("TW", "Taipei"), ("PH", "Manila"), ("AU", "Perth")]),
];

// === impl Home ===

impl Home {
    /// `None`: the person does not say.
    pub(crate) fn draw(seed: u64, person: u32, zone: Zone) -> Option<Self> {
        let draw = &mut Draw::new(seed, Purpose::Home, &[u64::from(person)]);
        if !draw.chance(TELLS_COUNTRY) {
            return None;
        }
        let homes = HOMES.iter().find(|(hours, _)| *hours == zone.hours())?.1;
        let (country, city) = *draw.pick(homes);
        Some(Self { country, city: draw.chance(TELLS_CITY).then_some(city) })
    }
}
