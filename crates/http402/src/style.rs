//! How things look on a terminal.

use anstyle::{AnsiColor, Style};
use std::{error::Error, fmt::Write};

pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(crate) const TITLE: Style = Style::new().bold();
pub(crate) const NAME: Style = AnsiColor::Cyan.on_default();
pub(crate) const QUIET: Style = Style::new().dimmed();

/// An error with its causes, in one line.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            let _ = write!(text, ": {more}");
        }
        cause = error.source();
    }
    text
}

/// Long hexadecimal text with its middle left out.
pub(crate) fn short(text: &str) -> String {
    if text.starts_with("0x") && text.len() > 70 && text.is_ascii() {
        let bytes = (text.len() - 2) / 2;
        return format!(
            "{}…{} ({bytes} bytes)",
            &text[..12],
            &text[text.len() - 8..]
        );
    }
    text.into()
}
