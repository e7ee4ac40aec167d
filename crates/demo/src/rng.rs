//! Chance with a seed: the same seed gives the same calls, on every machine and version.

use std::time::Duration;

/// With what a play asks of it.
#[derive(Clone, Debug)]
pub(crate) struct Rng(splitmix::Rng);

impl Rng {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(splitmix::Rng::new(seed))
    }

    pub(crate) const fn roll(&mut self) -> u64 {
        self.0.roll()
    }

    /// From 0 up to, not including, `sides`; 0 if there are none.
    pub(crate) fn below(&mut self, sides: usize) -> usize {
        self.0.below(sides)
    }

    /// Between two factors.
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        let unit = f64::from(u32::try_from(self.roll() >> 32).unwrap_or(0)) / f64::from(u32::MAX);
        low + (high - low) * unit
    }

    /// A pause around `mean`, from a third of it to about twice.
    pub(crate) fn around(&mut self, mean: Duration) -> Duration {
        mean.mul_f64(self.between(0.35, 1.65))
    }

    /// Which of some weighted things, by index; `None` if all weights are zero.
    pub(crate) fn weighted(&mut self, weights: impl Iterator<Item = u32> + Clone) -> Option<usize> {
        let total: u64 = weights.clone().map(u64::from).sum();
        let mut left = self.roll().checked_rem(total)?;
        for (index, weight) in weights.enumerate() {
            match left.checked_sub(u64::from(weight)) {
                Some(rest) => left = rest,
                None => return Some(index),
            }
        }
        None
    }

    /// `count` different items out of `items`, in random order.
    pub(crate) fn pick<T: Copy>(&mut self, items: &[T], count: usize) -> Vec<T> {
        let mut left = items.to_vec();
        let mut picked = Vec::with_capacity(count);
        while picked.len() < count && !left.is_empty() {
            picked.push(left.swap_remove(self.below(left.len())));
        }
        picked
    }
}
