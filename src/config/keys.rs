//! The keys that seal cookies: given, or made once and kept in the state folder.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::environment::Environment;
use crate::secret::{SealKey, Secret};

/// Where keys come from.
#[derive(Debug)]
pub enum KeySource {
    Given(Vec<SealKey>),
    /// One is made in this file, once; none: there is no folder to keep it in.
    File(Option<PathBuf>),
}

/// The state folder can't keep a key.
#[derive(Debug)]
pub struct NoStateFolder {
    /// Why, in words for the operator.
    pub reason: String,
}

impl KeySource {
    /// `$STATE_DIRECTORY` (systemd sets it), or the user's state folder.
    pub(super) fn state_folder(environment: &Environment) -> Self {
        let folder = match (environment.get("STATE_DIRECTORY"), environment.get("XDG_STATE_HOME")) {
            // systemd may give several, separated by colons.
            (Some(folders), _) => folders.split(':').next().map(PathBuf::from),
            (None, Some(state)) => Some(Path::new(state).join("askara-gate")),
            (None, None) => {
                environment.get("HOME").map(|home| Path::new(home).join(".local/state/askara-gate"))
            }
        };
        Self::File(folder.map(|folder| folder.join("session.key")))
    }
}

/// Reads the key in `file`, or writes `fresh` there (mode 0600) and takes it. Several processes
/// that start at once end up with the same key: it appears whole, under its name, once.
pub fn obtain_key(file: Option<&Path>, fresh: SealKey) -> Result<SealKey, NoStateFolder> {
    let Some(file) = file else {
        let reason = String::from("neither STATE_DIRECTORY nor HOME is set");
        return Err(NoStateFolder { reason });
    };
    let said = |why: &dyn std::fmt::Display| NoStateFolder {
        reason: format!("{}: {why}", file.display()),
    };
    match keep(file, &fresh) {
        Ok(()) => return Ok(fresh),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        // What is there can still be read where nothing can be written.
        Err(error) if !file.exists() => return Err(said(&error)),
        Err(_) => {}
    }
    let text = fs::read_to_string(file).map_err(|error| said(&error))?;
    parse_key(&Secret::new(text.trim_end().to_owned())).ok_or_else(|| said(&"it holds no key"))
}

/// Reads a key: 32 bytes in base64, base64url or hexadecimal.
pub(super) fn parse_key(text: &Secret<String>) -> Option<SealKey> {
    let text = text.expose().trim();
    let hex = (text.len() == 64).then(|| {
        let digit =
            |at: usize| text.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
        (0..64).step_by(2).map(digit).collect::<Option<Vec<u8>>>()
    });
    let decoded = hex.flatten().or_else(|| {
        [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD]
            .iter()
            .find_map(|alphabet| alphabet.decode(text).ok())
    });
    let bytes = Zeroizing::new(decoded?);
    <[u8; 32]>::try_from(bytes.as_slice()).ok().map(Secret::new)
}

/// The text form of a key, for a file or a variable.
pub(crate) fn key_text(key: &SealKey) -> Zeroizing<String> {
    Zeroizing::new(STANDARD.encode(key.expose()))
}

fn keep(file: &Path, key: &SealKey) -> io::Result<()> {
    if file.exists() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    let folder = file.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(folder)?;
    let draft = folder.join(format!(".session.key.{}", std::process::id()));
    let mut out =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    let written = out
        .write_all(key_text(key).as_bytes())
        .and_then(|()| out.write_all(b"\n"))
        .and_then(|()| out.sync_all())
        // A link fails when the name is taken, where a rename would replace another's key.
        .and_then(|()| fs::hard_link(&draft, file));
    fs::remove_file(&draft)?;
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_thirty_two_bytes_in_any_usual_spelling_and_no_passphrase() {
        let key = [0xfb; 32];
        for text in [
            STANDARD.encode(key),
            URL_SAFE_NO_PAD.encode(key),
            crate::auth::tokens::to_hex(&key),
            format!("{}\n", STANDARD.encode(key)),
        ] {
            let read = parse_key(&Secret::new(text.clone()));
            assert!(read.is_some_and(|read| read.ct_eq(&key)), "{text}");
        }
        let short = STANDARD.encode([1; 31]);
        for text in ["", "0123456789abcdef0123456789abcdef", "correct horse battery staple", &short]
        {
            assert!(parse_key(&Secret::new(text.to_owned())).is_none(), "{text}");
        }
    }

    #[test]
    fn a_key_is_made_once_and_found_again() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state/session.key");
        let first = obtain_key(Some(&file), Secret::new([1; 32])).unwrap();
        let second = obtain_key(Some(&file), Secret::new([2; 32])).unwrap();
        assert!(first.ct_eq(&[1; 32]) && second.ct_eq(&[1; 32]));
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&file, "nonsense").unwrap();
        assert!(obtain_key(Some(&file), Secret::new([2; 32])).is_err());
        assert!(obtain_key(None, Secret::new([2; 32])).is_err());
        assert!(obtain_key(Some(Path::new("/proc/nowhere/key")), Secret::new([2; 32])).is_err());
    }
}
