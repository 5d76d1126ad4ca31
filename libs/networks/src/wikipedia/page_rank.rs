//! How likely who follows links comes by a page.

/// How likely somebody follows a link, rather than going to any page. As in Brin and Page, "The Anatomy of a Large-Scale
/// Hypertextual Web Search Engine" (1998).
const DAMPING: f64 = 0.85;

/// After so many rounds the rank of no page changes by more than 0.85⁵⁰ = 0.0003 of the whole.
const ROUNDS: usize = 50;

/// The PageRank of each of some pages of a larger web, of which all links to one are known, and few of those to others.
///
/// ```text
/// rank(p) = (1 − d) / n + d · (Σ rank(q) / out(q) over links q → p  +  elsewhere / (n − 1), unless p is that one)
/// elsewhere = Σ rank(q) · (1 − kept(q) / out(q)) over all q
/// ```
///
/// in 50 rounds from `1 / n`, with `d = 0.85` and `n` pages. `out(q)` is how many links `q` has, `kept(q)` how many of them
/// lead to pages among these: who follows another one is lost to somewhere else, and comes back over a link that is not
/// known, so anywhere but to the page of which all are. A page without links is lost whole.
///
/// - `out`: how many links each page has, to whatever page. Less than are among `links`: as many as are.
/// - `links`: from which page to which, by their places in `out`. A link that is named twice is one; one from a page to
///   itself, or from or to no page, is none.
/// - `known`: the place of the page of which all links to it are known. No such place: of none.
/// - Output: a rank for each page, 0 to 1. They sum to 1, but for rounding. No pages: none; one: 1. Times `n`, it is in
///   multiples of the mean page's, as `docs/scoring.md`, section 8, reads `page_rank`.
/// - The same bits for any order of `links`: they are followed by where they lead to, then by where they come from.
///
/// Source: the formula is Brin and Page's with the usual treatment of dangling pages. That links out of the part that is
/// known are treated as dangling, and where who follows them comes back, is ours.
#[must_use]
pub(super) fn page_rank(out: &[u32], links: &[(u32, u32)], known: usize) -> Vec<f64> {
    let count = f64::from(u32::try_from(out.len()).unwrap_or(u32::MAX));
    // Where there is but one page, everybody comes back to it.
    let alone = out.len() < 2;
    let back = if known < out.len() && !alone { count - 1.0 } else { count };
    let place = |it: u32| usize::try_from(it).ok().filter(|it| *it < out.len());
    let mut links: Vec<(usize, usize)> = links
        .iter()
        .filter_map(|(from, to)| Some((place(*to)?, place(*from)?)))
        .filter(|(to, from)| to != from)
        .collect();
    links.sort_unstable();
    links.dedup();

    let mut kept = vec![0_u32; out.len()];
    for (_, from) in &links {
        kept[*from] = kept[*from].saturating_add(1);
    }
    let degrees: Vec<f64> =
        out.iter().zip(&kept).map(|(out, kept)| f64::from(*out.max(kept))).collect();
    let lost: Vec<f64> = degrees
        .iter()
        .zip(&kept)
        .map(|(degree, kept)| if *degree > 0.0 { 1.0 - f64::from(*kept) / degree } else { 1.0 })
        .collect();

    let mut ranks = vec![1.0 / count; out.len()];
    for _ in 0..ROUNDS {
        let elsewhere: f64 = ranks.iter().zip(&lost).map(|(rank, lost)| rank * lost).sum();
        let jumps = (1.0 - DAMPING) / count;
        let mut next = vec![jumps + DAMPING * elsewhere / back; out.len()];
        if let Some(rank) = next.get_mut(known).filter(|_| !alone) {
            *rank = jumps;
        }
        for (to, from) in &links {
            next[*to] += DAMPING * ranks[*from] / degrees[*from];
        }
        ranks = next;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Links = Vec<(u32, u32)>;

    fn any_web() -> impl Strategy<Value = (Vec<u32>, Links)> {
        (1_u32..20).prop_flat_map(|pages| {
            let count = usize::try_from(pages).expect("few");
            let out = prop::collection::vec(0_u32..30, count);
            (out, prop::collection::vec((0..pages + 2, 0..pages + 2), 0..80))
        })
    }

    proptest! {
        #[test]
        fn ranks_sum_to_one((out, links) in any_web(), known in 0_usize..25) {
            let ranks = page_rank(&out, &links, known);
            let sum: f64 = ranks.iter().sum();
            prop_assert!((sum - 1.0).abs() < 1e-12, "{sum}");
            prop_assert!(ranks.iter().all(|rank| (0.0..=1.0 + 1e-12).contains(rank)), "{ranks:?}");
        }

        #[test]
        fn the_order_of_links_and_their_repetition_change_no_bit(
            (out, links) in any_web(),
            shift in 0_usize..80,
        ) {
            let mut others = links.clone();
            others.reverse();
            let shift = shift % others.len().max(1);
            others.rotate_left(shift);
            others.extend_from_within(..shift);
            prop_assert_eq!(page_rank(&out, &links, 0), page_rank(&out, &others, 0));
        }

        #[test]
        fn one_more_page_that_links_to_a_page_does_not_lower_it(
            (out, links) in any_web(),
            from in 1_u32..20,
        ) {
            // The link takes the place of one that led out of what is known.
            let count = u32::try_from(out.len()).expect("few");
            prop_assume!(from < count && !links.contains(&(from, 0)));
            let kept = links.iter().filter(|(it, to)| *it == from && *to < count && it != to);
            let kept: std::collections::BTreeSet<_> = kept.collect();
            let has = usize::try_from(out[usize::try_from(from).expect("few")]).expect("few");
            prop_assume!(has > kept.len());
            let before = page_rank(&out, &links, 0)[0];
            let mut more = links;
            more.push((from, 0));
            prop_assert!(page_rank(&out, &more, 0)[0] >= before - 1e-12);
        }
    }

    #[test]
    fn no_pages_have_no_rank_and_one_has_it_all() {
        assert!(page_rank(&[], &[], 0).is_empty());
        assert_eq!(page_rank(&[0], &[], 0), [1.0]);
    }

    #[test]
    fn pages_in_a_circle_are_equal() {
        let ranks = page_rank(&[1, 1, 1, 1], &[(0, 1), (1, 2), (2, 3), (3, 0)], 0);
        assert_eq!(ranks, [0.25; 4]);
    }

    #[test]
    fn two_pages_of_which_one_links_to_the_other_are_as_by_hand() {
        let two = |known| {
            let ranks = page_rank(&[1, 0], &[(0, 1)], known);
            let [from, to] = ranks.try_into().expect("two");
            (from, to)
        };
        // Of neither all is known: r0 = 0.075 + 0.425 · r1, r1 = 1 − r0.
        let (from, _): (f64, f64) = two(2);
        assert!((from - 0.5 / 1.425).abs() < 1e-9, "{from}");
        // Nobody links to the first, which is known: nobody comes there but by chance.
        let (from, to) = two(0);
        assert!((from - 0.075).abs() < 1e-12 && (to - 0.925).abs() < 1e-12, "{from} {to}");
        // All that link to the second are known: who is lost there comes back to the first.
        let (from, to) = two(1);
        assert!((from - 0.5).abs() < 1e-9 && (to - 0.5).abs() < 1e-9, "{from} {to}");
    }

    #[test]
    fn a_link_among_many_gives_less_than_one_alone() {
        let of = |links| page_rank(&[0, links], &[(1, 0)], 0)[0];
        assert!(of(1) > of(2) && of(2) > of(100));
    }
}
