//! The plots of docs/attacks.md.

use std::path::Path;

use plotters::prelude::*;

use super::{
    offline::{LAST, OnDay},
    report::Size,
};
use crate::{
    chart::{self, SIZE, builder, failed},
    exit::Failure,
};

/// Told apart without colour vision, by their lightness.
const COLOURS: [RGBColor; 5] = [
    RGBColor(232, 190, 90),
    RGBColor(214, 110, 16),
    RGBColor(31, 97, 141),
    RGBColor(20, 20, 20),
    RGBColor(170, 50, 60),
];
const HONEST: RGBColor = RGBColor(60, 140, 80);

/// Score against the number of fakes, one line an attack, beside as many people who joined.
pub(super) fn sizes(
    folder: &Path,
    curves: &[(&'static str, Vec<Size>)],
    honest: &[(u32, f64)],
) -> Result<(), Failure> {
    let file = folder.join("attack-size.svg");
    let area = SVGBackend::new(&file, SIZE).into_drawing_area();
    let mut chart = builder(&area, "What bought reactions do for a score")?
        .build_cartesian_2d((1.0..10_000.0_f64).log_scale(), 0.0..100.0_f64)
        .map_err(failed)?;
    chart::axes(
        &mut chart,
        "fakes, each of which reacts five times",
        "score of the buyer, median",
    )?;
    let points = honest.iter().map(|(people, score)| (f64::from(*people), *score));
    let line = HONEST.stroke_width(2);
    let series = chart.draw_series(LineSeries::new(points, line)).map_err(failed)?;
    chart::name(series, "people who joined, once each", line);
    // The first are broad, so that those on top of them leave them to be seen.
    for (((attack, sizes), colour), width) in curves.iter().zip(COLOURS).zip([10, 7, 4, 1, 2]) {
        let points = sizes.iter().map(|size| (f64::from(size.fakes), size.score));
        let line = colour.stroke_width(width);
        let series = chart.draw_series(LineSeries::new(points, line)).map_err(failed)?;
        chart::name(series, *attack, line);
    }
    chart::key(&mut chart, SeriesLabelPosition::UpperLeft)?;
    area.present().map_err(failed)
}

/// Score day by day through a month of silence and after.
pub(super) fn offline(folder: &Path, days: &[OnDay]) -> Result<(), Failure> {
    let file = folder.join("month-offline.svg");
    let area = SVGBackend::new(&file, SIZE).into_drawing_area();
    let mut chart = builder(&area, "A month offline, and back")?
        .build_cartesian_2d(0.0..f64::from(LAST), 40.0..80.0_f64)
        .map_err(failed)?;
    chart::axes(&mut chart, "day; silent from the first to the thirtieth", "score")?;
    let line = |score: fn(&OnDay) -> Option<f64>| -> Vec<(f64, f64)> {
        days.iter().filter_map(|it| Some((f64::from(it.day), score(it)?))).collect()
    };
    let [_, orange, blue, ink, _] = COLOURS;
    type Line = (&'static str, fn(&OnDay) -> Option<f64>, ShapeStyle);
    let lines: [Line; 4] = [
        (
            "people of the made-up world, third quartile",
            |it| Some(it.quartiles?[2]),
            blue.stroke_width(1),
        ),
        ("median", |it| Some(it.quartiles?[1]), blue.stroke_width(3)),
        ("first quartile", |it| Some(it.quartiles?[0]), blue.mix(0.6).stroke_width(1)),
        ("whose audience reacts once each", |it| Some(it.pure), orange.stroke_width(2)),
    ];
    let end = [(30.0, 40.0), (30.0, 80.0)];
    chart.draw_series(LineSeries::new(end, ink.mix(0.4))).map_err(failed)?;
    for (name, score, style) in lines {
        let series = chart.draw_series(LineSeries::new(line(score), style)).map_err(failed)?;
        chart::name(series, name, style);
    }
    chart::key(&mut chart, SeriesLabelPosition::LowerRight)?;
    area.present().map_err(failed)
}
