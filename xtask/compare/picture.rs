//! The same as a picture: one bar a case, in a scale of powers of ten.

use http402_benches::Measured;
use std::fmt::Write as _;

const LEFT: f64 = 330.0;
const WIDTH: f64 = 430.0;
const ROW: f64 = 22.0;

/// An SVG of what was measured.
pub(crate) fn draw(all: &[Measured]) -> String {
    let least = all.iter().map(|case| case.ratio).fold(f64::MAX, f64::min);
    let most = all.iter().map(|case| case.ratio).fold(0.0, f64::max);
    let (from, to) = (least.log10().floor(), most.log10().ceil());
    let at = |ratio: f64| (ratio.log10() - from) / (to - from) * WIDTH;
    let height = ROW * (all.len() as f64 + 3.0);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"10\" y=\"18\" font-weight=\"bold\">From header to verdict, as a multiple of libsecp256k1\u{2019}s bare recovery (logarithmic)</text>\n",
        LEFT + WIDTH + 70.0,
    );
    let mut power = from;
    while power <= to {
        let x = LEFT + at(10_f64.powf(power));
        let _ = writeln!(
            out,
            "<line x1=\"{x:.1}\" y1=\"30\" x2=\"{x:.1}\" y2=\"{:.1}\" stroke=\"#ddd\"/><text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#666\">{}</text>",
            height - 24.0,
            height - 8.0,
            10_f64.powf(power)
        );
        power += 1.0;
    }
    for (row, case) in all.iter().enumerate() {
        let y = 34.0 + ROW * row as f64;
        let ours = case.name.contains("http402");
        let fill = match (row, ours) {
            (0, _) => "#888",
            (_, true) => "#2a7",
            (_, false) => "#c74",
        };
        let name = case.name.replace('&', "&amp;").replace('<', "&lt;");
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{name}</text><rect x=\"{LEFT}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"16\" fill=\"{fill}\"/><text x=\"{:.1}\" y=\"{:.1}\" fill=\"#333\">{:.2}</text>",
            LEFT - 8.0,
            y + 12.0,
            at(case.ratio).max(1.0),
            LEFT + at(case.ratio).max(1.0) + 5.0,
            y + 12.0,
            case.ratio
        );
    }
    out.push_str("</svg>\n");
    out
}
