//! Chance with a seed.

/// With a bound.
pub(super) struct Rng(splitmix::Rng);

impl Rng {
    pub(super) const fn new(seed: u64) -> Self {
        Self(splitmix::Rng::new(seed))
    }

    /// From 0 up to, not including, `sides`.
    pub(super) fn below(&mut self, sides: u64) -> u64 {
        self.0.roll() % sides
    }
}
