//! Table-driven tests: every row is checked, and every row that failed is reported.

use std::any::Any;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Checks each row of `table`. A check fails by a panic, as an assertion does, and does not keep
/// the rows after it from being checked.
///
/// # Panics
/// At the end, with each row that failed and why; or when the table is empty, which would check
/// nothing.
#[track_caller]
pub(crate) fn check_rows<R: Debug>(table: impl IntoIterator<Item = R>, mut check: impl FnMut(R)) {
    let (mut count, mut failures) = (0, Vec::new());
    for row in table {
        count += 1;
        let shown = shorten(format!("{row:?}"));
        // Only the checks of other rows see what a failed check left unfinished.
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| check(row))) {
            failures.push(format!("row {count}, {shown}: {}", message(panic.as_ref())));
        }
    }
    assert!(count > 0, "the table is empty");
    let failed = failures.len();
    assert!(
        failures.is_empty(),
        "{failed} of {count} rows failed:\n{}",
        failures.join("\n")
    );
}

/// Cuts a text that would fill the screen.
fn shorten(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(200) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// Returns the text that a panic was given.
fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without a text")
}

#[cfg(test)]
mod tests {
    use super::{catch_unwind, check_rows, message};

    #[test]
    fn every_row_that_fails_is_reported_and_no_other() {
        let table = [("one", 1), ("two", 2), ("three", 3), ("four", 4)];
        let failed = catch_unwind(|| {
            check_rows(table, |(name, number)| {
                assert!(number % 2 == 1, "{name} is even");
            });
        });
        assert_eq!(
            message(failed.unwrap_err().as_ref()),
            "2 of 4 rows failed:\nrow 2, (\"two\", 2): two is even\nrow 4, (\"four\", 4): four is even"
        );
    }

    #[test]
    #[should_panic(expected = "the table is empty")]
    fn an_empty_table_fails() {
        check_rows([(); 0], drop);
    }
}
