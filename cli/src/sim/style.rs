//! How numbers, times and names look in what people read.

use std::borrow::Cow;

pub(crate) const BOLD: &str = "\x1b[1m";
pub(crate) const FAINT: &str = "\x1b[2m";
pub(crate) const RED: &str = "\x1b[31m";
pub(crate) const GREEN: &str = "\x1b[32m";
pub(crate) const RESET: &str = "\x1b[0m";

/// The width of a time.
pub(crate) const TIME: usize = 10;
/// The width of a name.
pub(crate) const NAME: usize = 13;

/// `  3.141 s`.
pub(crate) fn seconds(us: u64) -> String {
    format!("{:>4}.{:03} s", us / 1_000_000, us / 1_000 % 1_000)
}

/// `26,865`.
pub(crate) fn thousands(number: impl Into<u64>) -> String {
    let digits = number.into().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 key group`, `2 key groups`.
pub(crate) fn counted(count: impl Into<u64>, noun: &str) -> String {
    let count = count.into();
    format!("{} {noun}{}", thousands(count), if count == 1 { "" } else { "s" })
}

/// Text from outside, on one line and without control characters.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    if text.chars().any(char::is_control) {
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
    } else {
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_numbers_are_grouped_in_threes() {
        let expected =
            [(0, "0"), (999, "999"), (1_000, "1,000"), (26_865, "26,865"), (1_234_567, "1,234,567")];
        for (number, text) in expected {
            assert_eq!(thousands(number as u64), text);
        }
    }
}
