//! The plot of the matrix.

use std::path::Path;

use plotters::prelude::*;

use super::Times;
use crate::exit::Failure;

/// In pixels of the drawing, which scales.
const SIZE: (u32, u32) = (640, 420);
/// Told apart without colour vision, by their lightness.
const COLOURS: [RGBColor; 3] =
    [RGBColor(214, 137, 16), RGBColor(31, 97, 141), RGBColor(20, 20, 20)];
const INK: RGBColor = RGBColor(64, 64, 64);
const GRID: RGBColor = RGBColor(230, 230, 230);

/// What p99 should not pass.
const AIM_MS: f64 = 1_000.0;

/// Draws a broad line for p99 and a narrow one for p50 of each number of people.
pub(super) fn draw(file: &Path, rows: &[(u32, Vec<Times>)]) -> Result<(), Failure> {
    let area = SVGBackend::new(file, SIZE).into_drawing_area();
    area.fill(&WHITE).map_err(failed)?;
    let rates = || rows.iter().flat_map(|(_, row)| row).map(|times| f64::from(times.rate));
    let least = rates().fold(f64::INFINITY, f64::min);
    let most = rates().fold(1.0, f64::max);
    let mut chart = ChartBuilder::on(&area)
        .caption("From a signal to its score", ("sans-serif", 18).into_font().color(&INK))
        .margin(12)
        .margin_right(24)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d((least..most).log_scale(), (1.0..10_000.0_f64).log_scale())
        .map_err(failed)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(INK)
        .label_style(("sans-serif", 13).into_font().color(&INK))
        .x_desc("signals a second")
        .y_desc("ms: p99 broad, p50 narrow")
        .x_label_formatter(&|value| format!("{value}"))
        .y_label_formatter(&|value| format!("{value}"))
        .draw()
        .map_err(failed)?;
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
        chart
            .draw_series(LineSeries::new(p99, broad).point_size(4))
            .map_err(failed)?
            .label(format!("{} people", super::grouped(*people)))
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], broad));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .label_font(("sans-serif", 13).into_font().color(&INK))
        .background_style(WHITE.mix(0.85))
        .margin(8)
        .draw()
        .map_err(failed)?;
    area.present().map_err(failed)
}

/// Errors of the drawing borrow it.
fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::Failed(format!("could not draw: {error}"))
}
