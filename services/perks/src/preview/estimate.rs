//! What a sample says of everybody. Pure.

/// 95 % of what is normally distributed lies within so many standard deviations.
const Z: f64 = 1.959_963_985;

/// Of `members`, of whom `sampled` were drawn at random and `qualifying` of these qualify: not fewer than, about, and not
/// more than so many, with 95 % of confidence. The interval is Wilson's, which holds also where hardly anybody
/// qualifies, or nearly all. When everybody was looked at it is exact.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "people are fewer than 2^53, and what was one before stays within them"
)]
pub(super) fn estimate(qualifying: i64, sampled: i64, members: i64) -> (i64, i64, i64) {
    if sampled <= 0 {
        return (0, 0, members);
    }
    if sampled >= members {
        return (qualifying, qualifying, qualifying);
    }
    let (n, all) = (sampled as f64, members as f64);
    let share = qualifying as f64 / n;
    let z2 = Z * Z;
    let middle = (share + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z / (1.0 + z2 / n) * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
    // Of those who were looked at it is known.
    let (least, most) = (qualifying, members - (sampled - qualifying));
    let low = (((middle - half) * all).floor() as i64).clamp(least, most);
    let high = (((middle + half) * all).ceil() as i64).clamp(least, most);
    let about = ((share * all).round() as i64).clamp(low, high);
    (low, about, high)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn it_is_exact_when_everybody_was_looked_at_and_says_nothing_when_nobody_was() {
        assert_eq!(estimate(7, 100, 100), (7, 7, 7));
        assert_eq!(estimate(0, 0, 100), (0, 0, 100));
        assert_eq!(estimate(0, 0, 0), (0, 0, 0));
    }

    #[test]
    fn a_tenth_of_ten_thousand_is_a_tenth_give_or_take_a_little() {
        // Wilson's interval of 1,000 of 10,000: 0.09427 to 0.10603.
        assert_eq!(estimate(1_000, 10_000, 1_000_000), (94_272, 100_000, 106_035));
        // Nobody of 10,000: still up to 0.000384.
        assert_eq!(estimate(0, 10_000, 1_000_000), (0, 0, 384));
    }

    proptest! {
        #[test]
        fn it_is_in_order_and_within_what_is_known(
            sampled in 1..10_000_i64, qualifying in 0..10_000_i64, others in 0..10_000_000_i64
        ) {
            let qualifying = qualifying.min(sampled);
            let (low, about, high) = estimate(qualifying, sampled, sampled + others);
            prop_assert!(qualifying <= low && low <= about && about <= high);
            prop_assert!(high <= qualifying + others);
        }
    }
}
