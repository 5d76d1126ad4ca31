//! Who moves most.

use std::cmp::Ordering;

use super::Both;

/// How many are named in each direction.
pub(crate) const MOVERS_MAX: usize = 20;

/// Who gains most and who loses most, the most first; of equal ones the lower id.
pub(super) fn movers(both: &[Both], order: &mut [u32]) -> (Vec<Both>, Vec<Both>) {
    let mut first = |before: fn(&Both, &Both) -> Ordering, moves: fn(&Both) -> bool| {
        let compare = |one: &u32, other: &u32| {
            let (one, other) = (&both[*one as usize], &both[*other as usize]);
            before(one, other).then(one.person.cmp(&other.person))
        };
        if order.len() > MOVERS_MAX {
            order.select_nth_unstable_by(MOVERS_MAX - 1, compare);
        }
        let first = order.len().min(MOVERS_MAX);
        let first = &mut order[..first];
        first.sort_unstable_by(compare);
        first.iter().map(|index| both[*index as usize]).filter(moves).collect::<Vec<_>>()
    };
    let up = first(|one, other| other.change().total_cmp(&one.change()), |it| it.change() > 0.0);
    let down = first(|one, other| one.change().total_cmp(&other.change()), |it| it.change() < 0.0);
    (up, down)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::ranks;

    fn moved(changes: &[f64]) -> (Vec<u64>, Vec<u64>) {
        let both: Vec<_> = (1..)
            .zip(changes)
            .map(|(person, it)| Both { person, old: 50.0, new: 50.0 + it })
            .collect();
        let (up, down) = movers(&both, &mut ranks::order(both.len()));
        let people = |movers: Vec<Both>| movers.iter().map(|it| it.person).collect();
        (people(up), people(down))
    }

    #[test]
    fn the_most_come_first_and_who_stays_is_no_mover() {
        assert_eq!(moved(&[1.0, 0.0, -2.0, 3.0, 3.0]), (vec![4, 5, 1], vec![3]));
        assert_eq!(moved(&[]), (vec![], vec![]));
    }

    #[test]
    fn there_are_twenty_in_each_direction_at_most() {
        let changes: Vec<_> = (-30..=30).map(f64::from).collect();
        let (up, down) = moved(&changes);
        assert_eq!(up, (42..=61).rev().collect::<Vec<u64>>());
        assert_eq!(down, (1..=20).collect::<Vec<u64>>());
    }
}
