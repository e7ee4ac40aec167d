//! How the phones of the PBXs people have are named.

use super::{Naming, Product};

impl Product {
    /// How its phones are named unless somebody named them otherwise.
    pub const fn usual_naming(self) -> Naming {
        match self {
            Self::FreePbx | Self::Issabel => Naming::Ready("freepbx"),
            Self::Wazo => Naming::Ready("wazo"),
            Self::MikoPbx => Naming::Ready("ws-suffix"),
            Self::FreeSwitch | Self::FusionPbx => Naming::Domain,
            Self::Asterisk | Self::Grandstream | Self::Yeastar => Naming::Ready("number"),
        }
    }
}
