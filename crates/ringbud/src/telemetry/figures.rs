//! What the figures for Prometheus mean, and those that have to be there from the start.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

use crate::config::Pbx;

/// Says what each means.
pub(super) fn describe() {
    describe_counter!("ringbud_events_total", "Call events kept, by PBX and kind");
    describe_counter!(
        "ringbud_events_unkept_total",
        "Call events that could not be kept before the program ended"
    );
    describe_histogram!(
        "ringbud_event_kept_seconds",
        Unit::Seconds,
        "From an event's arrival until it is on disk"
    );
    describe_histogram!("ringbud_journal_append_seconds", Unit::Seconds, "How long a commit of events took");
    describe_histogram!(
        "ringbud_journal_commit_seconds",
        Unit::Seconds,
        "How long a commit of the journal's writer took, whatever was in it"
    );
    describe_histogram!("ringbud_journal_commit_jobs", "How many jobs went into one commit");
    describe_counter!("ringbud_journal_commit_failures_total", "Commits that failed");
    describe_gauge!("ringbud_journal_waiting", "Jobs that wait for the journal's writer");
    describe_gauge!("ringbud_journal_damaged", "1 once the store was found damaged");
    describe_counter!(
        "ringbud_notices_dropped_total",
        "What the operator was not told because too much waited"
    );
    describe_counter!("ringbud_alerts_dropped_total", "What accounts were not told because too much waited");
    describe_gauge!(
        "ringbud_journal_unwritable",
        "How many wait for a journal that cannot be written: PBXs with events, the sender with outcomes"
    );
    describe_gauge!("ringbud_journal_bytes", Unit::Bytes, "Size of the journal on disk");
    describe_gauge!(
        "ringbud_journal_used_bytes",
        Unit::Bytes,
        "What the journal uses of that; the room of what was forgotten is used again"
    );
    describe_gauge!("ringbud_journal_events", "Events kept");
    describe_gauge!("ringbud_journal_events_to_roll_up", "Events that lists and reports look through");
    describe_gauge!(
        "ringbud_gateway_standing_by",
        "1 while this gateway waits for another that has the store"
    );
    describe_counter!(
        "ringbud_gateway_takeovers_total",
        "Stores, or parts of one, taken from a gateway that was gone, by this one"
    );
    describe_gauge!(
        "ringbud_gateways_beating",
        "Gateways on the store that are heard, where several share it"
    );
    describe_gauge!("ringbud_part_owner", "1 where the PBX is this gateway's, 0 where another's or nobody's");
    describe_gauge!("ringbud_part_epoch", "How often the PBX was taken by a gateway");
    describe_gauge!(
        "ringbud_part_next_deaf",
        "Gateways that listen to the PBX beside the one that has it and are not let in"
    );
    describe_gauge!("ringbud_part_asked", "1 while something asked of the PBX's gateway is not answered");
    describe_counter!(
        "ringbud_part_takeovers_total",
        "Times this gateway took the PBX from one that was gone"
    );
    describe_counter!(
        "ringbud_part_given_up_total",
        "Times this gateway gave the PBX to one that hears it, because it did not any more"
    );
    describe_counter!(
        "ringbud_fenced_total",
        "Outcomes that counted for nothing: the PBX was another gateway's by then"
    );
    describe_gauge!("ringbud_spool_events", "Events kept on this machine's disk while PostgreSQL is away");
    describe_gauge!("ringbud_spool_bytes", Unit::Bytes, "What they and outcomes of deliveries take there");
    describe_counter!("ringbud_spool_merged_total", "Events brought from there to PostgreSQL");
    describe_counter!(
        "ringbud_spool_handed_over_total",
        "Events brought from there to the gateway that has their PBX by now"
    );
    describe_counter!(
        "ringbud_spool_refused_total",
        "Events brought from a spool that came too late: their leg had ended"
    );
    describe_gauge!("ringbud_link_state", "1 for the state a link to a PBX is in");
    describe_gauge!(
        "ringbud_link_lag_seconds",
        Unit::Seconds,
        "Age of the newest PBX message when it was worked off"
    );
    describe_gauge!("ringbud_link_queued_bytes", Unit::Bytes, "What a PBX said and is not worked off");
    describe_counter!("ringbud_link_losses_total", "How often a link to a PBX was lost");
    describe_counter!("ringbud_pbx_messages_total", "Messages a PBX sent");
    describe_counter!("ringbud_pbx_skipped_total", "Messages of a PBX that were too long and were skipped");
    describe_counter!("ringbud_anomalies_total", "Things a PBX said that the call logic did not expect");
    describe_gauge!("ringbud_channels", "Live channels of a PBX");
    describe_gauge!("ringbud_legs", "Legs that have begun and not ended");
    describe_counter!("ringbud_deliveries_total", "Deliveries settled, by outcome");
    describe_gauge!("ringbud_deliveries_pending", "Deliveries not settled");
    describe_gauge!("ringbud_deliveries_in_flight", "Requests that are out");
    describe_gauge!(
        "ringbud_delivery_oldest_seconds",
        Unit::Seconds,
        "How long the oldest delivery has waited"
    );
    describe_gauge!("ringbud_schedule_bytes", Unit::Bytes, "What pending deliveries take in memory");
    describe_counter!("ringbud_failed_attempts_total", "Requests that were not accepted");
    describe_counter!("ringbud_settle_failures_total", "Outcomes that could not be written at once");
    describe_histogram!("ringbud_attempt_seconds", Unit::Seconds, "How long a request took");
    describe_histogram!(
        "ringbud_received_to_accepted_seconds",
        Unit::Seconds,
        "From an event's arrival until a web service accepted it"
    );
    describe_counter!("ringbud_connections_opened_total", "Connections made to web services");
    describe_counter!(
        "ringbud_connections_replaced_total",
        "Connections that were dead when they were to be used"
    );
    describe_counter!(
        "ringbud_http_full_total",
        "Times an HTTP client came when all common places were taken"
    );
    describe_counter!("ringbud_http_closed_total", "HTTP connections closed to make room, by why");
    describe_counter!("ringbud_http_refused_total", "HTTP connections there was no place for");
    describe_gauge!("ringbud_http_connections", "HTTP connections, by who has them");
    describe_gauge!("ringbud_webhooks_paused", "Webhooks that are paused, in all accounts");
    describe_gauge!("ringbud_disk_free_bytes", Unit::Bytes, "Room on the disk of the data folder");
    describe_gauge!(
        "ringbud_disk_full_in_seconds",
        Unit::Seconds,
        "When that disk has no room, at the pace of the last day"
    );
    describe_gauge!(
        "ringbud_certificate_good_until_seconds",
        Unit::Seconds,
        "Until when the HTTP server's certificate is good, since the epoch"
    );
    describe_counter!("ringbud_task_deaths_total", "Parts of the program that died, by part");
    describe_gauge!("process_resident_memory_bytes", Unit::Bytes, "Memory the process takes");
}

/// Puts up what only moves in bad times, so that an alert can tell none from unknown.
pub fn begin(pbxs: &[Pbx]) {
    metrics::gauge!("ringbud_journal_unwritable").set(0.0);
    metrics::gauge!("ringbud_journal_damaged").set(0.0);
    metrics::gauge!("ringbud_gateway_standing_by").set(0.0);
    metrics::gauge!("ringbud_spool_events").set(0.0);
    metrics::gauge!("ringbud_spool_bytes").set(0.0);
    metrics::counter!("ringbud_spool_merged_total").increment(0);
    metrics::counter!("ringbud_spool_handed_over_total").increment(0);
    metrics::counter!("ringbud_spool_refused_total").increment(0);
    metrics::counter!("ringbud_gateway_takeovers_total").increment(0);
    metrics::counter!("ringbud_fenced_total").increment(0);
    metrics::counter!("ringbud_events_unkept_total").increment(0);
    metrics::counter!("ringbud_http_full_total").increment(0);
    for pbx in pbxs {
        for name in ["ringbud_link_losses_total", "ringbud_pbx_skipped_total"] {
            metrics::counter!(name, "pbx" => pbx.name.to_string()).increment(0);
        }
    }
}
