//! What people are told of an error, and whether anybody is there to be told.

use std::io;

/// The error and its causes, in one line. A cause whose words are already in what it has caused is not repeated: some
/// libraries put them there, and name the cause as well.
pub(crate) fn in_one_line(error: &anyhow::Error) -> String {
    let mut said: Vec<String> = Vec::new();
    for cause in error.chain() {
        // Stores answer with whole documents.
        let words = cause.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        if said.last().is_none_or(|before| !before.contains(&words)) {
            said.push(words);
        }
    }
    said.join(": ")
}

/// Whether whoever read our output has read enough, as `head` does.
pub(crate) fn reader_is_gone(error: &anyhow::Error) -> bool {
    // Of these wrappers, neither names the error of the stream as its source.
    let kind = |cause: &(dyn std::error::Error + 'static)| {
        if let Some(error) = cause.downcast_ref::<serde_json::Error>() {
            return error.io_error_kind();
        }
        if let Some(error) = cause.downcast_ref::<csv::Error>() {
            return match error.kind() {
                csv::ErrorKind::Io(error) => Some(error.kind()),
                _ => None,
            };
        }
        cause.downcast_ref::<io::Error>().map(io::Error::kind)
    };
    error.chain().any(|cause| kind(cause) == Some(io::ErrorKind::BrokenPipe))
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    #[test]
    fn causes_are_told_behind_what_they_have_caused() {
        let error = anyhow!("no such file").context("cannot read it").context("nothing is restored");
        assert_eq!(in_one_line(&error), "nothing is restored: cannot read it: no such file");
    }

    /// As object_store words what a cloud has answered.
    #[test]
    fn cause_that_was_told_is_not_repeated_and_a_document_is_one_line() {
        let answer = "404 Not Found: <Error>\n  <Code>NoSuchBucket</Code>\n</Error>";
        let error = anyhow!(answer)
            .context(format!("PUT b/c failed - {answer}"))
            .context(format!("Object at c not found: PUT b/c failed - {answer}"))
            .context("cannot write s3://b/c");
        assert_eq!(
            in_one_line(&error),
            "cannot write s3://b/c: Object at c not found: PUT b/c failed - 404 Not Found: <Error> \
             <Code>NoSuchBucket</Code> </Error>"
        );
    }
}
