//! What nobody can guess.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::{Code, Refusal};

/// 32 random bytes as text that goes into a URL; refused where the system has none.
pub fn random_text() -> Result<String, Refusal> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|_| Refusal::new(Code::NoRandom))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
