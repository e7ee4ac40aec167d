//! Chance with a seed: the same seed gives the same chances, on every machine and version.
//!
//! For plays, tests and the jitter of pauses. Nothing a stranger must not guess may come from here: that is the
//! system's own (`getrandom`).

/// SplitMix64. Small, good enough, and not going to change under us.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// Begins with a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next chance.
    pub const fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 up to, not including, `sides`; 0 if there are none.
    pub fn below(&mut self, sides: usize) -> usize {
        let sides = u64::try_from(sides).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.roll() % sides).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::Rng;

    /// The first of seed 0 and of a seed of the reference implementation: recordings of plays depend on them.
    #[test]
    fn it_is_split_mix_64() {
        assert_eq!(Rng::new(0).roll(), 0xe220_a839_7b1d_cdaf);
        let mut rng = Rng::new(1_234_567);
        assert_eq!([rng.roll(), rng.roll()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
        assert_eq!(Rng::new(7).below(0), 0);
    }
}
