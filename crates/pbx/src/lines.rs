//! Where lines end. Lines of a PBX are some twenty to forty bytes long: to begin a search anew for each costs more
//! than to look at all bytes of a block at once and to take its line feeds one after the other.

use wide::u8x16;

/// Bytes of a block: a bit each in a word.
pub(crate) const BLOCK: usize = 64;
/// Line feeds that are taken out of a block at once: more than most have, so that the way hardly ever turns.
const AT_ONCE: usize = 4;
/// Room for the lines of nearly all messages of either PBX.
const ROOM: usize = 512;

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

/// The line feeds of the block that begins there, the first byte's bit being the lowest.
#[inline]
pub(crate) fn line_feeds_at(bytes: &[u8], at: usize) -> u64 {
    let rest = &bytes[at..];
    rest.first_chunk().map_or_else(|| line_feeds_of_few(rest), line_feeds)
}

/// Places of line feeds. Room for more than there are stays at hand, so that those of a block are written without a
/// look at how many they are.
#[derive(Debug, Default)]
pub(crate) struct Places {
    room: Vec<u32>,
    count: usize,
}

impl Places {
    /// Adds those of some bytes that begin where all begins: of fewer than four billion.
    pub(crate) fn add_all(&mut self, bytes: &[u8]) {
        let mut at = 0;
        while at < bytes.len() {
            self.add(line_feeds_at(bytes, at), at as u32);
            at += BLOCK;
        }
    }

    #[inline]
    pub(crate) fn as_slice(&self) -> &[u32] {
        &self.room[..self.count]
    }

    #[inline]
    pub(crate) const fn len(&self) -> usize {
        self.count
    }

    #[inline]
    pub(crate) const fn clear(&mut self) {
        self.count = 0;
    }

    /// Adds those of a block that begins `at`.
    #[inline]
    pub(crate) fn add(&mut self, mut feeds: u64, at: u32) {
        if self.room.len() < self.count + BLOCK + AT_ONCE {
            self.grow();
        }
        while let Some(some) = self.room[self.count..].first_chunk_mut::<AT_ONCE>() {
            // Counted as they come: a processor of any age counts the bits of a word in a dozen steps.
            for place in some {
                *place = at + feeds.trailing_zeros();
                self.count += usize::from(feeds != 0);
                feeds &= feeds.wrapping_sub(1);
            }
            if feeds == 0 {
                break;
            }
        }
    }

    #[cold]
    fn grow(&mut self) {
        self.room.resize((2 * self.room.len()).max(ROOM), 0);
    }
}

/// The line feeds of less than a block. What is behind the end is none.
fn line_feeds_of_few(bytes: &[u8]) -> u64 {
    let mut block = [0; BLOCK];
    block[..bytes.len()].copy_from_slice(bytes);
    line_feeds(&block)
}

/// The line feeds of a block.
#[inline]
fn line_feeds(block: &[u8; BLOCK]) -> u64 {
    let line_feed = u8x16::splat(b'\n');
    let (lanes, _) = block.as_chunks();
    let feeds = |lane: &[u8; 16]| u64::from(u8x16::new(*lane).simd_eq(line_feed).to_bitmask());
    lanes.iter().rev().fold(0, |found, lane| found << 16 | feeds(lane))
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
            let mut places = Places::default();
            places.add_all(&bytes);
            assert_eq!(
                places.as_slice().iter().map(|place| *place as usize).collect::<Vec<_>>(),
                plain,
                "{bytes:?}"
            );
        }
    }
}
