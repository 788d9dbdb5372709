//! What a Rust file names, read from its text.

use std::fs;
use std::path::{Path, PathBuf};

/// Says whether the file holds nothing but tests.
pub(crate) fn is_test_file(path: &str) -> bool {
    path.split('/').any(|part| part == "tests" || part == "tests.rs" || part.ends_with("_tests.rs"))
}

/// Returns the text without line comments and without the items under `#[cfg(test)]`. An item
/// ends where rustfmt ends it: by a `;` or `,` before any brace, or by the brace in its own column.
pub(crate) fn without_tests_and_comments(text: &str) -> String {
    let mut code = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if !line.trim_start().starts_with("#[cfg(test)]") {
            code.push(without_comment(line));
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        for line in lines.by_ref() {
            let is_outer = line.len() - line.trim_start().len() == indent;
            let is_last =
                line.trim_start().starts_with('}') || line.trim_end().ends_with([';', ',']);
            if is_outer && is_last {
                break;
            }
        }
    }
    code.join("\n")
}

/// A `//` after a `:` belongs to an address.
fn without_comment(line: &str) -> &str {
    let starts = line.match_indices("//").find(|(at, _)| !line[..*at].ends_with(':'));
    starts.map_or(line, |(at, _)| &line[..at])
}

/// Returns as many `super::` as lead from the file to the crate's root.
pub(crate) fn to_root(path: &str) -> String {
    let inner = path.trim_end_matches("/mod.rs").trim_end_matches(".rs");
    "super::".repeat(inner.split('/').count())
}

/// Returns what text without spaces names under `root`: `root::name` or `root::{name, name::…}`.
pub(crate) fn named_from(root: &str, tight: &str) -> Vec<String> {
    let mut named = Vec::new();
    for (at, _) in tight.match_indices(root) {
        let rest = &tight[at + root.len()..];
        match rest.strip_prefix('{') {
            Some(group) => named.extend(top_names(group)),
            None => named.push(first_name(rest)),
        }
    }
    named
}

fn first_name(text: &str) -> String {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '*';
    text.chars().take_while(|c| is_part(*c)).collect()
}

/// Returns the first word of each member of a `use` group, up to the group's end.
fn top_names(group: &str) -> Vec<String> {
    let mut names = vec![first_name(group)];
    let mut depth = 0;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(first_name(&group[at + 1..])),
            _ => {}
        }
    }
    names
}

/// Returns the Rust files of a folder and of the folders in it.
pub(crate) fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}
