//! Secrets in the configuration: `{ env = "NAME" }`, `{ file = "path" }`, or a literal with a
//! warning. No error shows a value.

use std::path::Path;

use zeroize::Zeroizing;

use super::environment::Environment;
use super::problem::Problems;
use super::reader::Taken;
use crate::secret::Secret;

/// Reads a secret from where the configuration says it is.
pub(super) fn read(
    taken: Taken,
    environment: &Environment,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> Option<Secret<String>> {
    if !taken.is_table() {
        let literal = taken.text(problems)?;
        warnings.push(literal_warning(&taken.key));
        return Some(Secret::new(literal));
    }
    let key = taken.key.clone();
    let mut section = taken.section(problems)?;
    let variable = section.take("env");
    let file = section.take("file");
    let secret = match (variable, file) {
        (Some(variable), None) => {
            let name = variable.text(problems)?;
            match environment.get(&name) {
                Some(value) => Some(Secret::new(value.to_owned())),
                None => {
                    problems
                        .push(variable.problem(format!("the variable {name} is not set or empty")));
                    None
                }
            }
        }
        (None, Some(file)) => {
            let path = file.text(problems)?;
            match read_file(Path::new(&path), &key, warnings) {
                Ok(secret) => Some(secret),
                Err(message) => {
                    problems.push(file.problem(message));
                    None
                }
            }
        }
        _ => {
            problems.push(section.problem("", "needs { env = \"NAME\" } or { file = \"path\" }"));
            None
        }
    };
    section.finish(problems);
    secret
}

/// What is said of a secret that anyone sees who sees the configuration.
pub(super) fn literal_warning(key: &str) -> String {
    format!(
        "{key}: a secret stands in the configuration itself; use {{ env = … }} or {{ file = … }}"
    )
}

/// Reads a secret file: exactly one newline at its end is no part of it (C-110).
fn read_file(path: &Path, key: &str, warnings: &mut Vec<String>) -> Result<Secret<String>, String> {
    let said = |why: &dyn std::fmt::Display| format!("can't read {}: {why}", path.display());
    let metadata = std::fs::metadata(path).map_err(|error| said(&error))?;
    if metadata.len() > MAX_SECRET {
        return Err(said(&"larger than 64 KiB, which no secret is"));
    }
    warn_if_readable_by_all(&metadata, path, key, warnings);
    let text = std::fs::read_to_string(path).map_err(|error| said(&error))?;
    let text = Zeroizing::new(text);
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() {
        return Err(said(&"it is empty"));
    }
    Ok(Secret::new(line.to_owned()))
}

/// Kubernetes mounts secrets 0644, so this is only a warning.
fn warn_if_readable_by_all(
    metadata: &std::fs::Metadata,
    path: &Path,
    key: &str,
    warnings: &mut Vec<String>,
) {
    use std::os::unix::fs::PermissionsExt as _;
    if metadata.permissions().mode() & 0o004 != 0 {
        warnings
            .push(format!("{key}: {} can be read by every user of this machine", path.display()));
    }
}

const MAX_SECRET: u64 = 64 * 1024;
