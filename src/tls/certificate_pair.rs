//! A certificate of ours and its key, read again when their files change: certificates live for
//! days or hours, a gateway for months (S65).

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use rustls::sign::CertifiedKey;

use super::{BadCertificate, certified_key};

/// A certificate and its key, in PEM files that may be replaced at any time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// What is shown to peers, and the files it comes from.
#[derive(Debug)]
pub struct CertificatePair {
    files: CertificateFiles,
    /// What it is for, for the log.
    whose: &'static str,
    shown: Mutex<Shown>,
}

#[derive(Debug)]
struct Shown {
    key: Arc<CertifiedKey>,
    /// How the files looked when they were last read, well or badly.
    seen: Looks,
    looked: Instant,
}

/// When a certificate and its key were changed, and their sizes; none for a file that is not there.
type Looks = [Option<(SystemTime, u64)>; 2];

impl CertificatePair {
    /// Reads both files, which must fit each other.
    pub fn read(files: CertificateFiles, whose: &'static str) -> Result<Self, BadCertificate> {
        // Looked at before they are read: a change in between is seen the next time.
        let seen = looks(&files);
        let key = Arc::new(certified_key(&files.certificate, &files.key)?);
        Ok(Self { files, whose, shown: Mutex::new(Shown { key, seen, looked: Instant::now() }) })
    }

    /// The newest sound pair.
    pub fn current(&self, now: Instant) -> Arc<CertifiedKey> {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        match shown.renew(&self.files, now) {
            Ok(false) => {}
            Ok(true) => tracing::info!("{} was replaced", self.whose),
            Err(error) => {
                tracing::warn!(%error, "{}: a new one can't be used; the old one stays", self.whose);
            }
        }
        Arc::clone(&shown.key)
    }
}

impl Shown {
    /// Takes over files that changed; says whether they did. A broken pair, such as a certificate
    /// whose key is still to come, is an error once and leaves the old pair in use.
    fn renew(&mut self, files: &CertificateFiles, now: Instant) -> Result<bool, BadCertificate> {
        if now.saturating_duration_since(self.looked) < PAUSE {
            return Ok(false);
        }
        self.looked = now;
        let looks = looks(files);
        if looks == self.seen {
            return Ok(false);
        }
        self.seen = looks;
        self.key = Arc::new(certified_key(&files.certificate, &files.key)?);
        Ok(true)
    }
}

fn looks(files: &CertificateFiles) -> Looks {
    let look = |path: &Path| {
        let file = fs::metadata(path).ok()?;
        Some((file.modified().ok()?, file.len()))
    };
    [look(&files.certificate), look(&files.key)]
}

/// Handshakes come in numbers; files change seldom.
const PAUSE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    struct Pair {
        certificate: String,
        key: String,
    }

    fn pair() -> Pair {
        let made = rcgen::generate_simple_self_signed([String::from("client")]).unwrap();
        Pair { certificate: made.cert.pem(), key: made.signing_key.serialize_pem() }
    }

    /// Writes a file as if `second` seconds into the day, whatever the file system's clock counts.
    fn write(path: &Path, text: &str, second: u64) {
        fs::write(path, text).unwrap();
        let moment = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + second);
        fs::File::options().append(true).open(path).unwrap().set_modified(moment).unwrap();
    }

    fn files(folder: &TempDir, pair: &Pair) -> CertificateFiles {
        let files = CertificateFiles {
            certificate: folder.path().join("tls.crt"),
            key: folder.path().join("tls.key"),
        };
        write(&files.certificate, &pair.certificate, 0);
        write(&files.key, &pair.key, 0);
        files
    }

    #[test]
    fn only_a_pair_that_fits_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (pair(), pair());
        let files = files(&folder, &one);
        assert!(CertificatePair::read(files.clone(), "it").is_ok());
        for (certificate, key) in [
            (&one.certificate, &other.key),
            (&one.key, &one.key),
            (&one.certificate, &String::new()),
        ] {
            write(&files.certificate, certificate, 1);
            write(&files.key, key, 1);
            assert!(CertificatePair::read(files.clone(), "it").is_err());
        }
        fs::remove_file(&files.key).unwrap();
        assert!(CertificatePair::read(files, "it").is_err());
    }

    #[test]
    fn s65_a_changed_pair_is_shown_and_a_broken_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (pair(), pair());
        let files = files(&folder, &old);
        let begun = Instant::now();
        let shown = CertificatePair::read(files.clone(), "it").unwrap();
        let at = |seconds: u64| shown.current(begun + Duration::from_secs(seconds)).cert[0].clone();
        let first = at(10);

        // Half of the new pair is no pair.
        write(&files.certificate, &new.certificate, 1);
        assert_eq!(at(20), first);
        write(&files.key, &new.key, 1);
        let second = at(30);
        assert_ne!(second, first);

        fs::remove_file(&files.key).unwrap();
        assert_eq!(at(40), second);
        write(&files.key, "no key", 2);
        assert_eq!(at(50), second);
        write(&files.certificate, &old.certificate, 3);
        write(&files.key, &old.key, 3);
        assert_eq!(at(60), first);
    }

    #[test]
    fn a_change_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (pair(), pair());
        let files = files(&folder, &old);
        let begun = Instant::now();
        let certificate = CertificatePair::read(files.clone(), "it").unwrap();
        let mut shown = certificate.shown.into_inner().unwrap();
        let mut at =
            |seconds: u64| shown.renew(&files, begun + Duration::from_secs(seconds)).map_err(drop);
        assert_eq!(at(10), Ok(false));
        write(&files.certificate, &new.certificate, 1);
        assert_eq!((at(20), at(30)), (Err(()), Ok(false)));
        write(&files.key, &new.key, 1);
        assert_eq!((at(40), at(50)), (Ok(true), Ok(false)));
    }

    #[test]
    fn the_files_are_looked_at_once_a_second_at_most() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (pair(), pair());
        let files = files(&folder, &old);
        let begun = Instant::now();
        let shown = CertificatePair::read(files.clone(), "it").unwrap();
        let at = |millis: u64| shown.current(begun + Duration::from_millis(millis)).cert[0].clone();
        let first = at(10_000);
        write(&files.certificate, &new.certificate, 1);
        write(&files.key, &new.key, 1);
        assert_eq!(at(10_999), first);
        assert_ne!(at(11_000), first);
    }
}
