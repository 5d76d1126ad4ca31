//! The one figure: what came afterwards, by band of the score.

use std::path::Path;

use anyhow::{Result, anyhow, ensure};
use plotters::prelude::*;

/// In pixels of the drawing, which scales.
const SIZE: (u32, u32) = (640, 360);
const BAR: RGBColor = RGBColor(31, 97, 141);
const INK: RGBColor = RGBColor(64, 64, 64);
const GRID: RGBColor = RGBColor(230, 230, 230);

/// The bands that measure.py cuts, in percent of the accounts by score.
const BANDS: [&str; 7] = ["0–50", "50–80", "80–90", "90–95", "95–98", "98–99", "99–100"];

/// Draws `means`, by band, into `file`.
pub(super) fn bands(file: &Path, means: &[f64]) -> Result<()> {
    ensure!(means.len() == BANDS.len(), "measure.py cuts {} bands", means.len());
    let most = means.iter().copied().fold(1.0, f64::max);
    let area = SVGBackend::new(file, SIZE).into_drawing_area();
    area.fill(&WHITE).map_err(failed)?;
    let label = || ("sans-serif", 13).into_font().color(&INK);
    let mut chart = ChartBuilder::on(&area)
        .caption("Higgs on Twitter, 2012", ("sans-serif", 18).into_font().color(&INK))
        .margin(12)
        .margin_right(24)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d((0..BANDS.len() - 1).into_segmented(), (0.1..most * 2.0).log_scale())
        .map_err(failed)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(INK)
        .label_style(label())
        .x_desc("accounts by their score before, in percent")
        .y_desc("people who reshare them afterwards, mean")
        .x_label_formatter(&|band| match band {
            SegmentValue::CenterOf(band) => {
                BANDS.get(*band).copied().unwrap_or_default().to_owned()
            }
            SegmentValue::Exact(_) | SegmentValue::Last => String::new(),
        })
        .y_label_formatter(&|mean| mean.to_string())
        .y_labels(5)
        .draw()
        .map_err(failed)?;
    for (band, mean) in means.iter().enumerate() {
        let corners = [(SegmentValue::Exact(band), 0.1), (SegmentValue::Exact(band + 1), *mean)];
        let mut bar = Rectangle::new(corners, BAR.filled());
        bar.set_margin(0, 0, 10, 10);
        let text =
            Text::new(format!("{mean:.1}"), (SegmentValue::CenterOf(band), *mean * 1.5), label());
        chart.draw_series([bar]).map_err(failed)?;
        chart.draw_series([text]).map_err(failed)?;
    }
    area.present().map_err(failed)
}

/// Errors of the drawing borrow it.
fn failed(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("could not draw: {error}")
}
