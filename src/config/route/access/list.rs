//! Lists of texts in rules.

use crate::config::problem::Problems;
use crate::config::reader::Taken;

/// Reads every text of a list that must not be empty; none also where one of them is wrong.
pub(super) fn texts<T>(
    taken: Taken,
    problems: &mut Problems,
    read: impl Fn(&str) -> Result<T, String>,
) -> Option<Vec<T>> {
    let before = problems.len();
    let empty = taken.problem("is empty: nobody could pass");
    let mut list = Vec::new();
    for item in taken.items(problems) {
        let Some(text) = item.scalar(problems) else { continue };
        match read(&text) {
            Ok(value) => list.push(value),
            Err(message) => problems.push(item.problem(message)),
        }
    }
    if list.is_empty() && problems.len() == before {
        problems.push(empty);
    }
    (problems.len() == before).then_some(list)
}
