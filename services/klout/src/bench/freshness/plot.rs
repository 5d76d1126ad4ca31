//! The plot of the matrix.

use std::path::Path;

use plotters::prelude::*;

use super::Times;
use crate::{
    chart::{self, INK, SIZE, builder, failed},
    exit::Failure,
    output,
};

/// Told apart without colour vision, by their lightness.
const COLOURS: [RGBColor; 3] =
    [RGBColor(214, 137, 16), RGBColor(31, 97, 141), RGBColor(20, 20, 20)];

/// What p99 should not pass.
const AIM_MS: f64 = 1_000.0;

/// Draws a broad line for p99 and a narrow one for p50 of each number of people.
pub(super) fn draw(file: &Path, rows: &[(u32, Vec<Times>)]) -> Result<(), Failure> {
    let area = SVGBackend::new(file, SIZE).into_drawing_area();
    let rates = || rows.iter().flat_map(|(_, row)| row).map(|times| f64::from(times.rate));
    let least = rates().fold(f64::INFINITY, f64::min);
    let most = rates().fold(1.0, f64::max);
    let mut chart = builder(&area, "From a signal to its score")?
        .y_label_area_size(64)
        .build_cartesian_2d((least..most).log_scale(), (1.0..10_000.0_f64).log_scale())
        .map_err(failed)?;
    chart::axes(&mut chart, "signals a second", "ms: p99 broad, p50 narrow")?;
    let aim = [(least, AIM_MS), (most, AIM_MS)];
    chart.draw_series(LineSeries::new(aim, INK.mix(0.4))).map_err(failed)?;
    for ((people, row), colour) in rows.iter().zip(COLOURS.into_iter().cycle()) {
        let points = |value: fn((f64, f64)) -> f64| -> Vec<(f64, f64)> {
            let point = |times: &Times| Some((f64::from(times.rate), value(times.ms?)));
            row.iter().filter_map(point).collect()
        };
        let (p50, p99) = (points(|ms| ms.0), points(|ms| ms.1));
        chart.draw_series(LineSeries::new(p50, colour.stroke_width(1))).map_err(failed)?;
        let broad = colour.stroke_width(3);
        let line = LineSeries::new(p99, broad).point_size(4);
        let series = chart.draw_series(line).map_err(failed)?;
        chart::name(series, format!("{} people", output::grouped(people)), broad);
    }
    chart::key(&mut chart, SeriesLabelPosition::UpperLeft)?;
    area.present().map_err(failed)
}
