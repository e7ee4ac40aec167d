//! What an operator is told of a PBX that is followed, in the log and by figures, each thing once.

use pbx::Notice;

use crate::clock;
use crate::config::Pbx;
use crate::directory::Stranger;
use crate::link::Status;

/// Endpoints that place or get calls and are nobody's phone: for people to see what they miss.
pub(super) fn strangers_told(pbx: &Pbx, status: &Status, strangers: Vec<Stranger>) {
    for Stranger { endpoint, is_provider } in strangers {
        if !status.stranger(&endpoint, is_provider, clock::wall()) {
            continue;
        }
        let labels = [("pbx", pbx.name.to_string()), ("provider", is_provider.to_string())];
        metrics::counter!("ringbud_endpoints_without_rule_total", &labels).increment(1);
        if is_provider {
            tracing::info!(pbx = %pbx.name, %endpoint, "a provider's line, by what the PBX says of it: no phone");
        } else {
            tracing::info!(
                pbx = %pbx.name,
                %endpoint,
                "this endpoint places or gets calls and no rule takes it, so nothing is told of it: if it is a phone, give it a rule in [[pbx.phones]]"
            );
        }
    }
}

pub(super) fn notice_told(pbx: &Pbx, status: &Status, notice: &Notice) {
    match notice {
        Notice::Missing(missing) => {
            let is_news = status.with(|status| !status.missing.contains(missing));
            if is_news {
                tracing::warn!(pbx = %pbx.name, code = missing.code(), "{}", missing.sentence(pbx.product));
                status.change(|status| status.missing.push(*missing));
            }
        }
        Notice::Mended(mended) => {
            status.change(|status| status.missing.retain(|missing| missing != mended));
        }
        // Only asked for by who looks.
        Notice::Hook(_) | Notice::HooksNotTold => {}
        Notice::Excess(what) => tracing::warn!(pbx = %pbx.name, "{}", what.sentence(pbx.product)),
        Notice::Skipped(what) => {
            metrics::counter!("ringbud_pbx_skipped_total", "pbx" => pbx.name.to_string()).increment(1);
            tracing::warn!(pbx = %pbx.name, "{what}");
        }
        Notice::UnusableList => {
            tracing::warn!(pbx = %pbx.name, "the PBX's list of channels was not complete; it is asked for again");
        }
    }
}
