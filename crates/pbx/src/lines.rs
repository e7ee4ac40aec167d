//! Where lines end. Lines of a PBX are some twenty to forty bytes long: to begin a search anew for each costs more
//! than to look at all bytes of a block at once and to take its line feeds one after the other.

/// Bytes of a block: a bit each in a word.
const BLOCK: usize = 64;

/// The places of the line feeds in some bytes, one after the other.
pub(crate) struct LineEnds<'a> {
    blocks: std::slice::Iter<'a, [u8; BLOCK]>,
    /// What is behind the last whole block, until it has been looked at.
    tail: &'a [u8],
    /// The line feeds that are left of the block that was looked at last, a bit each.
    found: u64,
    /// Where the block behind that begins.
    next_at: usize,
}

impl<'a> LineEnds<'a> {
    #[inline]
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        let (blocks, tail) = bytes.as_chunks();
        Self { blocks: blocks.iter(), tail, found: 0, next_at: 0 }
    }
}

impl Iterator for LineEnds<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.found == 0 {
            self.found = match self.blocks.next() {
                Some(block) => line_feeds(block),
                None if self.tail.is_empty() => return None,
                None => line_feeds_of_few(std::mem::take(&mut self.tail)),
            };
            self.next_at += BLOCK;
        }
        let at = self.next_at - BLOCK + self.found.trailing_zeros() as usize;
        self.found &= self.found - 1;
        Some(at)
    }
}

/// The line feeds of less than a block. What is behind the end is none.
fn line_feeds_of_few(bytes: &[u8]) -> u64 {
    let mut block = [0; BLOCK];
    block[..bytes.len()].copy_from_slice(bytes);
    line_feeds(&block)
}

/// The line feeds of a block, the first byte's bit being the lowest. Written so that the compiler compares sixteen
/// bytes at once.
#[inline]
fn line_feeds(block: &[u8; BLOCK]) -> u64 {
    /// Brings the bits of eight bytes together in the highest one.
    const TOGETHER: u64 = 0x0101_0101_0101_0101;
    let bits: [u8; BLOCK] = std::array::from_fn(|at| if block[at] == b'\n' { 1 << (at % 8) } else { 0 });
    let (words, _) = bits.as_chunks::<8>();
    words.iter().rev().fold(0, |found, word| {
        found << 8 | u64::from_le_bytes(*word).wrapping_mul(TOGETHER) >> (u64::BITS - 8)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_places_are_found_as_by_looking_at_each_byte() {
        let mut random = 1_u64;
        for length in 0..400_usize {
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
