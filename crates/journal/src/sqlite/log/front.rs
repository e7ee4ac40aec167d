//! How far deliveries have come.

/// Deliveries that were begun together are settled in any order.
const ABREAST: i64 = 16 * 1024;
/// The front comes nearer to what is delivered by a part of the way.
const PART: i64 = 16;
/// And by so much at most: one that was tried for hours says little of where the others are.
const STEP: i64 = 64;

/// About the place of the events that are delivered now.
#[derive(Default)]
pub(super) struct Front(i64);

impl Front {
    /// An event was delivered.
    pub(super) fn moves(&mut self, seq: i64) {
        match self.0 {
            0 => self.0 = seq,
            front => self.0 += ((seq - front) / PART).clamp(-STEP, STEP),
        }
    }

    /// Whether what came later than this is delivered.
    pub(super) fn has_passed(&self, seq: i64) -> bool {
        seq + ABREAST < self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_tried_for_hours_does_not_draw_the_front_back() {
        let mut front = Front::default();
        front.moves(5_000_000);
        let mut at = 5_000_000;
        for _ in 0..100_000 {
            (0..8).for_each(|_| {
                at += 1;
                front.moves(at);
            });
            front.moves(7);
        }
        assert!(front.has_passed(at - 2 * ABREAST) && !front.has_passed(at), "{} of {at}", front.0);
    }
}
