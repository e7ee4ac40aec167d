//! Where lines end. Lines of AMI are some twenty bytes long: to begin a search anew for each costs more than to look
//! at eight bytes at a time all the way.

/// A line feed in each byte of a word.
const LINE_FEEDS: u64 = 0x0a0a_0a0a_0a0a_0a0a;
/// All bits of each byte but its highest.
const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
/// Bytes of a word.
const WORD: usize = 8;

/// The places of the line feeds in some bytes, one after the other.
pub(super) struct LineEnds<'a> {
    words: std::slice::Iter<'a, [u8; WORD]>,
    /// What is behind the last whole word, until it has been looked at.
    tail: &'a [u8],
    /// What is left of the word that was looked at last: the highest bit of each byte that is one.
    found: u64,
    /// Where the word behind that begins.
    next_at: usize,
}

impl<'a> LineEnds<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        let (words, tail) = bytes.as_chunks();
        Self { words: words.iter(), tail, found: 0, next_at: 0 }
    }
}

impl Iterator for LineEnds<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.found == 0 {
            let word = match self.words.next() {
                Some(word) => u64::from_le_bytes(*word),
                None if self.tail.is_empty() => return None,
                // What is behind the end is no line feed.
                None => {
                    let tail = std::mem::take(&mut self.tail);
                    tail.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
                }
            };
            let differs = word ^ LINE_FEEDS;
            self.found = !(((differs & LOW) + LOW) | differs | LOW);
            self.next_at += WORD;
        }
        let at = self.next_at - WORD + self.found.trailing_zeros() as usize / WORD;
        self.found &= self.found - 1;
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_places_are_found_as_by_looking_at_each_byte() {
        let mut random = 1_u64;
        for length in 0..200_usize {
            let bytes: Vec<u8> = (0..length)
                .map(|_| {
                    random = random
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                    // Its neighbours, with and without the highest bit, are what a sum could take for it.
                    [b'\n', 0x0b, 0x09, 0x8a, 0x00, 0xff, b'a', b'\n'][(random >> 61) as usize]
                })
                .collect();
            let plain: Vec<usize> = (0..length).filter(|at| bytes[*at] == b'\n').collect();
            assert_eq!(LineEnds::of(&bytes).collect::<Vec<_>>(), plain, "{bytes:?}");
        }
    }
}
