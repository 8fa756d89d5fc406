//! A page around pictures: one file that loads nothing.

use std::fmt::Write as _;

use super::escaped;

/// What pages with pictures and states look like.
const STYLE: &str = concat!(include_str!("colours.css"), include_str!("page.css"));

/// A complete HTML document. `body` is HTML, `title` is text.
pub(crate) fn page(title: &str, body: &str) -> String {
    let mut html = String::new();
    let _ = write!(
        html,
        "<!doctype html>\n<html lang=\"en\" class=\"kg\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <link rel=\"icon\" href=\"data:,\">\n<title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n\
         <body>\n{body}\n</body>\n</html>\n",
        escaped(title)
    );
    html
}
