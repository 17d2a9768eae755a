//! A small line chart in SVG: counts by powers of ten from left to right, figures upwards from 0.

use std::fmt::Write;

use crate::growth::Point;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 320.0;

/// Around the field of curves: for texts.
const LEFT: f64 = 60.0;
const RIGHT: f64 = 110.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 40.0;

/// Lines across the field.
const STEPS: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];

/// Told apart by everybody.
const COLOURS: [&str; 4] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"];

/// A curve for each name: its figures are at the same place in each point.
pub(crate) fn draw(title: &str, names: &[&str], points: &[Point]) -> String {
    let figures = points.iter().flat_map(|(_, figures)| figures);
    let top = round_up(figures.copied().fold(0.0, f64::max));
    let across = |nth: usize| {
        let steps = count(points.len().saturating_sub(1).max(1));
        LEFT + (WIDTH - LEFT - RIGHT) * count(nth) / steps
    };
    let up = |figure: f64| HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * figure / top;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>\n\
         <text x=\"{LEFT}\" y=\"22\" font-size=\"14\">{title}</text>\n"
    );
    // Writing to a string does not fail.
    for step in STEPS {
        let (y, right) = (up(top * step), WIDTH - RIGHT);
        let _ = writeln!(
            svg,
            "<path d=\"M{LEFT} {y:.1}H{right}\" stroke=\"#ddd\"/>\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{:.0}</text>",
            LEFT - 6.0,
            y + 4.0,
            top * step
        );
    }
    for (nth, (number, _)) in points.iter().enumerate() {
        let (x, y) = (across(nth), HEIGHT - BOTTOM + 18.0);
        let _ = writeln!(
            svg,
            "<text x=\"{x:.1}\" y=\"{y}\" text-anchor=\"middle\">{number}</text>"
        );
    }
    for (place, (name, colour)) in names.iter().zip(COLOURS).enumerate() {
        let figure = |(nth, (_, figures)): (usize, &Point)| {
            let figure = figures.get(place).copied().unwrap_or_default();
            format!("{:.1},{:.1}", across(nth), up(figure))
        };
        let curve: Vec<String> = points.iter().enumerate().map(figure).collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\
             <text x=\"{}\" y=\"{}\" fill=\"{colour}\">{name}</text>",
            curve.join(" "),
            WIDTH - RIGHT + 12.0,
            TOP + 12.0 + 18.0 * count(place)
        );
    }
    svg.push_str("</svg>\n");
    svg
}

/// To one, two or five of a power of ten.
fn round_up(figure: f64) -> f64 {
    let power = 10_f64.powf(figure.max(f64::MIN_POSITIVE).log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .map(|step| step * power)
        .into_iter()
        .find(|step| *step >= figure)
        .unwrap_or(figure)
}

#[expect(clippy::cast_precision_loss, reason = "a handful")]
fn count(number: usize) -> f64 {
    number as f64
}
