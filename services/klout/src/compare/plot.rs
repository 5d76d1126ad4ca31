//! The drawings of a comparison.

use plotters::prelude::*;

use super::{BAND_POINTS, Band, CELL_POINTS, Comparison, DECADES, Distribution, count, share};
use crate::{
    chart::{self, INK, builder, failed},
    exit::Failure,
};

/// Told apart without colour vision, by their lightness.
const OLD: RGBColor = RGBColor(31, 97, 141);
const NEW: RGBColor = RGBColor(232, 150, 60);

/// As wide as half a page, so that letters are as large as those around.
const SIZE: (u32, u32) = (480, 330);
/// Both axes are scores, and as long.
const SQUARE: (u32, u32) = (480, 490);

/// How many people have which two scores.
pub(super) fn density(comparison: &Comparison, old: &str, new: &str) -> Result<String, Failure> {
    let mut drawing = String::new();
    {
        let area = SVGBackend::with_string(&mut drawing, SQUARE).into_drawing_area();
        let mut chart = builder(&area, "Everybody by both models")?
            .build_cartesian_2d(0.0..100.0_f64, 0.0..100.0_f64)
            .map_err(failed)?;
        chart::axes(&mut chart, &format!("score by {old}"), &format!("score by {new}"))?;
        let most = comparison.density.iter().flatten().copied().max().unwrap_or(0);
        let cells = comparison.density.iter().enumerate().flat_map(|(x, column)| {
            column.iter().enumerate().map(move |(y, people)| (x, y, *people))
        });
        let squares = cells.filter(|(_, _, people)| *people > 0).map(|(x, y, people)| {
            let low = |cell: usize| count(cell) * CELL_POINTS;
            let corners = [(low(x), low(y)), (low(x + 1), low(y + 1))];
            Rectangle::new(corners, shade(people, most).filled())
        });
        chart.draw_series(squares).map_err(failed)?;
        let same = [(0.0, 0.0), (100.0, 100.0)];
        chart.draw_series(LineSeries::new(same, INK.mix(0.5))).map_err(failed)?;
        area.present().map_err(failed)?;
    }
    Ok(drawing)
}

/// How many people are in which decade, by each model.
pub(super) fn decades(comparison: &Comparison, old: &str, new: &str) -> Result<String, Failure> {
    let shares = |distribution: &Option<Distribution>| {
        distribution.as_ref().map_or([0.0; DECADES], |it| {
            let people = it.decades.iter().sum();
            it.decades.map(|decade| 100.0 * share(decade, people))
        })
    };
    let (of_old, of_new) = (shares(&comparison.old), shares(&comparison.new));
    let most = of_old.iter().chain(&of_new).copied().fold(1.0, f64::max);
    let mut drawing = String::new();
    {
        let area = SVGBackend::with_string(&mut drawing, SIZE).into_drawing_area();
        let mut chart = builder(&area, "How many people are where")?
            .build_cartesian_2d(0.0..100.0_f64, 0.0..most * 1.35)
            .map_err(failed)?;
        chart::axes(&mut chart, "score", "% of people")?;
        for (shares, name, colour, left) in [(of_old, old, OLD, 1.0), (of_new, new, NEW, 5.0)] {
            let bars = shares.iter().enumerate().filter(|(_, share)| **share > 0.0).map(
                |(decade, share)| {
                    let low = count(decade) * 10.0 + left;
                    Rectangle::new([(low, 0.0), (low + 4.0, *share)], colour.filled())
                },
            );
            let series = chart.draw_series(bars).map_err(failed)?;
            chart::name(series, name, colour.stroke_width(8));
        }
        chart::key(&mut chart, SeriesLabelPosition::UpperRight)?;
        area.present().map_err(failed)?;
    }
    Ok(drawing)
}

/// How the score changes by how high it was.
pub(super) fn changes(comparison: &Comparison, old: &str) -> Result<String, Failure> {
    let bands: Vec<(f64, Band)> = comparison
        .bands
        .iter()
        .enumerate()
        .filter_map(|(index, band)| Some(((count(index) + 0.5) * BAND_POINTS, (*band)?)))
        .collect();
    let far = bands.iter().flat_map(|(_, band)| [band.low.abs(), band.high.abs()]);
    let most = far.fold(1.0, f64::max) * 1.15;
    let mut drawing = String::new();
    {
        let area = SVGBackend::with_string(&mut drawing, SIZE).into_drawing_area();
        let mut chart = builder(&area, "Who gains and who loses")?
            .build_cartesian_2d(0.0..100.0_f64, -most..most)
            .map_err(failed)?;
        chart::axes(&mut chart, &format!("score by {old}"), "points that it changes")?;
        let nothing = [(0.0, 0.0), (100.0, 0.0)];
        chart.draw_series(LineSeries::new(nothing, INK.mix(0.5))).map_err(failed)?;
        let there = bands.iter().map(|(score, band)| (*score, band.low));
        let back = bands.iter().rev().map(|(score, band)| (*score, band.high));
        let eight_of_ten = Polygon::new(there.chain(back).collect::<Vec<_>>(), NEW.mix(0.35));
        let series = chart.draw_series([eight_of_ten]).map_err(failed)?;
        chart::name(series, "eight of ten people", NEW.mix(0.35).stroke_width(8));
        let medians: Vec<_> = bands.iter().map(|(score, band)| (*score, band.median)).collect();
        let line = OLD.stroke_width(2);
        let series =
            chart.draw_series(LineSeries::new(medians, line).point_size(3)).map_err(failed)?;
        chart::name(series, "median", line);
        // Where less is drawn.
        let gain: f64 = bands.iter().map(|(_, band)| band.median).sum();
        let free = if gain > 0.0 {
            SeriesLabelPosition::LowerRight
        } else {
            SeriesLabelPosition::UpperRight
        };
        chart::key(&mut chart, free)?;
        area.present().map_err(failed)?;
    }
    Ok(drawing)
}

/// The darker the more people, so that one is still seen beside thousands.
fn shade(people: u32, most: u32) -> RGBColor {
    let full = f64::from(most).ln_1p();
    let part = if full > 0.0 { f64::from(people).ln_1p() / full } else { 0.0 };
    let (pale, dark) = (RGBColor(214, 228, 238), RGBColor(10, 45, 75));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between two colours is a colour"
    )]
    let mix = |pale: u8, dark: u8| {
        (f64::from(pale) + (f64::from(dark) - f64::from(pale)) * part).round() as u8
    };
    RGBColor(mix(pale.0, dark.0), mix(pale.1, dark.1), mix(pale.2, dark.2))
}
