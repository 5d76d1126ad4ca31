//! The plots: the real sample against the made-up one.

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;

use crate::sample::{Sample, float};

/// In pixels of the drawing, which scales.
const SIZE: (u32, u32) = (640, 420);
/// Told apart without colour vision, and by their widths: the real sample is a broad line that the
/// made-up one is drawn over.
const REAL: RGBColor = RGBColor(214, 137, 16);
const MADE_UP: RGBColor = RGBColor(31, 97, 141);
const INK: RGBColor = RGBColor(64, 64, 64);
const GRID: RGBColor = RGBColor(230, 230, 230);

type Points = Vec<(f64, f64)>;
/// How the numbers of an axis are written.
type Format = fn(&f64) -> String;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Words of one plot.
struct Words {
    file: &'static str,
    title: &'static str,
    x: &'static str,
    y: &'static str,
}

/// Draws all plots into `folder`, which is there.
pub(crate) fn all(folder: &Path, real: &Sample, made_up: &Sample) -> Result<()> {
    let counts = |words: &Words, counts: fn(&Sample) -> Vec<usize>| {
        let curves = [real, made_up].map(|sample| at_least(&counts(sample)));
        draw(folder, words, |area| {
            let most = curves.iter().flatten().map(|(x, _)| *x).fold(10.0, f64::max);
            let least = curves.iter().flatten().map(|(_, y)| *y).fold(0.1, f64::min);
            let x = (1.0..most * 1.3).log_scale();
            curves_on(area, words, x, (least * 0.7..1.3).log_scale(), &curves, (plain, power))
        })
    };
    counts(
        &Words {
            file: "world-subjects.svg",
            title: "Reactions per subject",
            x: "reactions, at least",
            y: "share of the subjects",
        },
        Sample::by_subject,
    )?;
    counts(
        &Words {
            file: "world-actors.svg",
            title: "Reactions per actor",
            x: "reactions, at least",
            y: "share of the actors",
        },
        Sample::by_actor,
    )?;

    let words = Words {
        file: "world-hours.svg",
        title: "Hours of the day",
        x: "hour of the day, UTC",
        y: "share of the reactions",
    };
    let curves = [real, made_up].map(|sample| steps(&sample.hours()));
    draw(folder, &words, |area| {
        curves_on(area, &words, 0.0..24.0, 0.0..0.1, &curves, (plain, percent))
    })?;

    let words = Words {
        file: "world-bursts.svg",
        title: "Bursts: subjects with at least 20 reactions",
        x: "share of the subject's reactions in its busiest hour, at least",
        y: "share of the subjects",
    };
    let curves = [real, made_up].map(|sample| descending(&sample.busiest_hours()));
    draw(folder, &words, |area| {
        curves_on(area, &words, 0.0..1.0, 0.0..1.02, &curves, (percent, percent))
    })
}

/// Draws with `chart` into the file that `words` name.
fn draw(folder: &Path, words: &Words, chart: impl FnOnce(&Area<'_>) -> Result<()>) -> Result<()> {
    let path = folder.join(words.file);
    let area = SVGBackend::new(&path, SIZE).into_drawing_area();
    area.fill(&WHITE).map_err(failed)?;
    chart(&area)?;
    area.present().map_err(failed)
}

fn curves_on<X, Y>(
    area: &Area<'_>,
    words: &Words,
    x: X,
    y: Y,
    curves: &[Points; 2],
    (format_x, format_y): (Format, Format),
) -> Result<()>
where
    X: AsRangedCoord<Value = f64>,
    Y: AsRangedCoord<Value = f64>,
    X::CoordDescType: ValueFormatter<f64>,
    Y::CoordDescType: ValueFormatter<f64>,
{
    let mut chart = ChartBuilder::on(area)
        .caption(words.title, ("sans-serif", 18).into_font().color(&INK))
        .margin(12)
        .margin_right(24)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(x, y)
        .map_err(failed)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(INK)
        .label_style(("sans-serif", 13).into_font().color(&INK))
        .x_desc(words.x)
        .y_desc(words.y)
        .x_labels(12)
        .y_labels(7)
        .x_label_formatter(&format_x)
        .y_label_formatter(&format_y)
        .draw()
        .map_err(failed)?;
    let styles = [("Higgs on Twitter, 2012", REAL, 4), ("made-up world", MADE_UP, 2)];
    for (points, (name, colour, width)) in curves.iter().zip(styles) {
        let style = colour.stroke_width(width);
        chart
            .draw_series(LineSeries::new(points.iter().copied(), style))
            .map_err(failed)?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .label_font(("sans-serif", 13).into_font().color(&INK))
        .background_style(WHITE.mix(0.85))
        .margin(8)
        .draw()
        .map_err(failed)
}

/// Of counts in descending order: the share of them that is at least each value.
fn at_least(descending: &[usize]) -> Points {
    let total = float(descending.len());
    let mut points = Points::new();
    for (place, count) in descending.iter().enumerate() {
        let (x, y) = (float(*count), float(place + 1) / total);
        match points.last_mut() {
            Some(last) if last.0.total_cmp(&x).is_eq() => last.1 = y,
            _ => points.push((x, y)),
        }
    }
    points
}

/// Of values in ascending order: the share of them that is at least each.
fn descending(ascending: &[f64]) -> Points {
    let total = float(ascending.len());
    let share = |place| 1.0 - float(place) / total;
    let mut points = vec![(0.0, 1.0)];
    points.extend(ascending.iter().enumerate().map(|(place, value)| (*value, share(place))));
    points
}

/// A value for each hour, as a line that stays even for it.
fn steps(values: &[f64; 24]) -> Points {
    let step = |(hour, value): (usize, &f64)| [(float(hour), *value), (float(hour + 1), *value)];
    values.iter().enumerate().flat_map(step).collect()
}

fn plain(value: &f64) -> String {
    format!("{value}")
}

fn percent(value: &f64) -> String {
    format!("{:.0} %", value * 100.0)
}

/// A power of ten as a share.
fn power(value: &f64) -> String {
    let percent = value * 100.0;
    if percent >= 1.0 { format!("{percent:.0} %") } else { format!("{percent} %") }
}

/// Errors of the drawing borrow it.
fn failed(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("could not draw: {error}")
}
