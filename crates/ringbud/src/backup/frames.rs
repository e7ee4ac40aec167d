//! The content in frames: four bytes for a frame's length, the highest bit set on the last one, then the frame.
//!
//! Sealed, they are a stream in the sense of Hoang, Reyhanitabar, Rogaway and Vizár: no frame can be left out, moved, or
//! taken for the last one. Each is sealed together with the header. Open, the last one ends with a SHA-256 of header and
//! content.

use std::io::{self, Read, Write};

use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::Payload;
use chacha20poly1305::aead::stream::{DecryptorBE32, EncryptorBE32};
use sha2::{Digest, Sha256};

use super::BackupError;
use super::passphrase::NONCE_BYTES;

const FRAME_BYTES: usize = 64 * 1024;
/// What a seal, or the sum, adds to a frame at most.
const MORE_BYTES: usize = 32;
const LAST: u32 = 1 << 31;

type Seal = (XChaCha20Poly1305, [u8; NONCE_BYTES]);

/// Writes content in frames.
pub struct Writer<W> {
    to: W,
    gathered: Vec<u8>,
    header: Vec<u8>,
    sum: Sha256,
    seal: Option<EncryptorBE32<XChaCha20Poly1305>>,
}

impl<W: Write> Writer<W> {
    pub(super) fn new(to: W, header: &[u8], seal: Option<Seal>) -> Self {
        let seal = seal.map(|(cipher, nonce)| EncryptorBE32::from_aead(cipher, &nonce.into()));
        let gathered = Vec::with_capacity(FRAME_BYTES);
        Self { to, gathered, header: header.to_vec(), sum: Sha256::new_with_prefix(header), seal }
    }

    fn put(&mut self, frame: &[u8], last: bool) -> io::Result<()> {
        let length = u32::try_from(frame.len()).map_err(io::Error::other)?;
        self.to.write_all(&(length | if last { LAST } else { 0 }).to_be_bytes())?;
        self.to.write_all(frame)
    }

    fn frame(&mut self) -> io::Result<()> {
        let gathered = std::mem::replace(&mut self.gathered, Vec::with_capacity(FRAME_BYTES));
        match &mut self.seal {
            Some(seal) => {
                let payload = Payload { msg: &gathered, aad: &self.header };
                let sealed =
                    seal.encrypt_next(payload).map_err(|_| io::Error::other("too much for one backup"))?;
                self.put(&sealed, false)
            }
            None => {
                self.sum.update(&gathered);
                self.put(&gathered, false)
            }
        }
    }

    /// Writes the end; without it a backup is cut off.
    ///
    /// # Errors
    /// The system's.
    pub fn finish(mut self) -> io::Result<W> {
        let mut gathered = std::mem::take(&mut self.gathered);
        let last = match self.seal.take() {
            Some(seal) => {
                let payload = Payload { msg: &gathered, aad: &self.header };
                seal.encrypt_last(payload).map_err(|_| io::Error::other("too much for one backup"))?
            }
            None => {
                self.sum.update(&gathered);
                gathered.extend_from_slice(&self.sum.finalize_reset());
                gathered
            }
        };
        self.put(&last, true)?;
        self.to.flush()?;
        Ok(self.to)
    }
}

impl<W: Write> Write for Writer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.gathered.len() == FRAME_BYTES {
            self.frame()?;
        }
        let taken = bytes.len().min(FRAME_BYTES - self.gathered.len());
        self.gathered.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads content back, frame by frame.
pub struct Reader<R> {
    from: R,
    header: Vec<u8>,
    sum: Sha256,
    seal: Option<DecryptorBE32<XChaCha20Poly1305>>,
    is_sealed: bool,
    opened_one: bool,
    ended: bool,
}

impl<R: Read> Reader<R> {
    pub(super) fn new(from: R, header: &[u8], seal: Option<Seal>) -> Self {
        let seal = seal.map(|(cipher, nonce)| DecryptorBE32::from_aead(cipher, &nonce.into()));
        let (is_sealed, sum) = (seal.is_some(), Sha256::new_with_prefix(header));
        Self { from, header: header.to_vec(), sum, seal, is_sealed, opened_one: false, ended: false }
    }

    /// The next piece; `None` after the last one, when all of it is known to be whole.
    ///
    /// # Errors
    /// That it is cut off or damaged, or the passphrase is another one.
    pub fn piece(&mut self) -> Result<Option<Vec<u8>>, BackupError> {
        if self.ended {
            return Ok(None);
        }
        let mut length = [0; 4];
        self.fill(&mut length)?;
        let length = u32::from_be_bytes(length);
        let (last, length) = (length & LAST != 0, (length & !LAST) as usize);
        if length > FRAME_BYTES + MORE_BYTES {
            return Err(BackupError::Damaged);
        }
        let mut frame = vec![0; length];
        self.fill(&mut frame)?;
        self.ended = last;
        let piece = if self.is_sealed { self.opened(&frame, last)? } else { self.summed(frame, last)? };
        if last && self.from.read(&mut [0])? > 0 {
            return Err(BackupError::Damaged);
        }
        Ok(Some(piece))
    }

    fn opened(&mut self, frame: &[u8], last: bool) -> Result<Vec<u8>, BackupError> {
        let payload = Payload { msg: frame, aad: &self.header };
        let opened = if last {
            self.seal.take().and_then(|seal| seal.decrypt_last(payload).ok())
        } else {
            self.seal.as_mut().and_then(|seal| seal.decrypt_next(payload).ok())
        };
        let wrong = if self.opened_one { BackupError::Damaged } else { BackupError::WrongPassphrase };
        self.opened_one = true;
        opened.ok_or(wrong)
    }

    fn summed(&mut self, mut frame: Vec<u8>, last: bool) -> Result<Vec<u8>, BackupError> {
        let content = if last {
            frame.len().checked_sub(Sha256::output_size()).ok_or(BackupError::Damaged)?
        } else {
            frame.len()
        };
        let sum = frame.split_off(content);
        self.sum.update(&frame);
        if last && self.sum.finalize_reset().as_slice() != sum {
            return Err(BackupError::Damaged);
        }
        Ok(frame)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), BackupError> {
        self.from.read_exact(bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => BackupError::CutOff,
            _ => error.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{BackupError, Header};

    fn header() -> Header {
        Header::new(7, "2026-11-22T08:53:00Z".into(), "ab12".into(), true)
    }

    fn written(content: &[u8], passphrase: Option<&str>) -> Vec<u8> {
        let mut writer = header().write(Vec::new(), passphrase).unwrap();
        std::io::Write::write_all(&mut writer, content).unwrap();
        writer.finish().unwrap()
    }

    fn read(mut file: &[u8], passphrase: Option<&str>) -> Result<Vec<u8>, BackupError> {
        let header = Header::read(&mut file)?;
        let mut reader = header.open(file, passphrase)?;
        let mut all = Vec::new();
        while let Some(piece) = reader.piece()? {
            all.extend_from_slice(&piece);
        }
        Ok(all)
    }

    #[test]
    fn what_was_written_is_read_again_whatever_its_length() {
        for length in [0, 1, super::FRAME_BYTES - 1, super::FRAME_BYTES, 2 * super::FRAME_BYTES + 7] {
            let content: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            assert_eq!(read(&written(&content, None), None).unwrap(), content, "{length}");
        }
        let content = vec![7; super::FRAME_BYTES + 1];
        assert_eq!(read(&written(&content, Some("a sentence")), Some("a sentence")).unwrap(), content);
    }

    /// Open and sealed: cut anywhere, changed anywhere, or with something behind it.
    #[test]
    fn a_backup_that_is_not_as_it_was_written_is_refused() {
        let passphrase = Some("a sentence");
        for (passphrase, step) in [(None, 1), (passphrase, 97)] {
            let whole = written(b"what is kept", passphrase);
            for cut in (0..whole.len()).step_by(step) {
                assert!(read(&whole[..cut], passphrase).is_err(), "cut at {cut}");
            }
            for at in (0..whole.len()).step_by(step).chain([whole.len() - 1]) {
                let mut changed = whole.clone();
                changed[at] ^= 1;
                assert!(read(&changed, passphrase).is_err(), "changed at {at}");
            }
            let longer = [&whole[..], b"x"].concat();
            assert!(read(&longer, passphrase).is_err(), "longer");
        }
        let cut = &written(b"what is kept", None);
        assert!(matches!(read(&cut[..cut.len() - 1], None), Err(BackupError::CutOff)));
    }

    #[test]
    fn a_passphrase_is_asked_for_where_one_was_used_and_only_the_right_one_opens() {
        let (sealed, open) = (written(b"kept", Some("one")), written(b"kept", None));
        assert!(!sealed.windows(4).any(|bytes| bytes == b"kept"));
        assert!(matches!(read(&sealed, Some("other")), Err(BackupError::WrongPassphrase)));
        assert!(matches!(read(&sealed, None), Err(BackupError::NeedsPassphrase)));
        assert!(matches!(read(&open, Some("one")), Err(BackupError::NotEncrypted)));
        assert!(matches!(read(b"SQLite format 3\0 and so on", None), Err(BackupError::NoBackup)));
    }
}
