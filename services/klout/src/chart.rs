//! The look of our charts.

use std::fmt::Display;

use plotters::{
    chart::SeriesAnno,
    coord::{
        Shift,
        ranged1d::{Ranged, ValueFormatter},
    },
    prelude::*,
};

use crate::exit::Failure;

/// In pixels of the drawing, which scales.
pub(crate) const SIZE: (u32, u32) = (640, 420);
pub(crate) const INK: RGBColor = RGBColor(64, 64, 64);
const GRID: RGBColor = RGBColor(230, 230, 230);
/// Of everything but the caption, in pixels.
const LETTERS: u32 = 13;

pub(crate) type Area<'b> = DrawingArea<SVGBackend<'b>, Shift>;
type Chart<'a, 'b, X, Y> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<X, Y>>;

/// A chart with a caption and room for its axes.
pub(crate) fn builder<'a, 'b>(
    area: &'a Area<'b>,
    caption: &str,
) -> Result<ChartBuilder<'a, 'b, SVGBackend<'b>>, Failure> {
    area.fill(&WHITE).map_err(failed)?;
    let mut builder = ChartBuilder::on(area);
    builder
        .caption(caption, ("sans-serif", 18).into_font().color(&INK))
        .margin(12)
        .margin_right(24)
        .x_label_area_size(44)
        .y_label_area_size(56);
    Ok(builder)
}

/// Draws axes that are called so, with as many numbers below as fit.
pub(crate) fn axes<X, Y>(chart: &mut Chart<'_, '_, X, Y>, x: &str, y: &str) -> Result<(), Failure>
where
    X: Ranged<ValueType = f64> + ValueFormatter<f64>,
    Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(INK)
        .label_style(("sans-serif", LETTERS).into_font().color(&INK))
        .x_desc(x)
        .y_desc(y)
        .x_label_formatter(&|value| format!("{value}"))
        .y_label_formatter(&|value| format!("{value}"))
        .draw()
        .map_err(failed)
}

/// Gives a series its name in the key.
pub(crate) fn name<'b>(
    series: &mut SeriesAnno<'_, SVGBackend<'b>>,
    name: impl Into<String>,
    style: ShapeStyle,
) {
    series.label(name).legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
}

/// Draws the key: the names of the series.
pub(crate) fn key<'a, 'b: 'a, X: Ranged, Y: Ranged>(
    chart: &mut Chart<'a, 'b, X, Y>,
    position: SeriesLabelPosition,
) -> Result<(), Failure> {
    chart
        .configure_series_labels()
        .position(position)
        .label_font(("sans-serif", LETTERS).into_font().color(&INK))
        .background_style(WHITE.mix(0.85))
        .margin(8)
        .draw()
        .map_err(failed)
}

/// Errors of the drawing borrow it.
pub(crate) fn failed(error: impl Display) -> Failure {
    Failure::Failed(format!("could not draw: {error}"))
}
