//! Events as a telephony person writes them down.

use std::fmt::Write;

use calls::{Event, Output, PbxTime, What};

/// One line an output: `I101 linked t from +45…`, `E101 in 2s hungup_by_counterpart T(t, +45…, 102)`.
pub(crate) fn line(output: &Output, at: PbxTime) -> Option<String> {
    match output {
        Output::Event(event) => Some(event_line(event, at)),
        Output::Note(_) => None,
        Output::Anomaly(anomaly) => Some(format!("! {}: {}", anomaly.channel, anomaly.what)),
    }
}

fn event_line(event: &Event, at: PbxTime) -> String {
    let channel = event.leg.as_str().trim_start_matches("p-");
    let mut line = String::new();
    let letter = &event.kind().name()[..1];
    let _ = write!(line, "{letter}{channel}");
    let number = event.phone.employee.as_ref().map(|employee| &employee.number);
    if number.is_none_or(|number| **number != *event.phone.number) {
        let _ = write!(line, " ({})", number.map_or("nobody", |number| number));
    }
    match &event.what {
        What::Incoming | What::Answered => {
            let linked =
                event.counterpart.as_ref().map_or("?", |linked| linked.as_str().trim_start_matches("p-"));
            let from = if event.a_number.is_empty() { "-" } else { &event.a_number };
            let _ = write!(line, " linked {linked} from {from}");
            if !event.queue.is_empty() {
                let _ = write!(line, " queue {}", event.queue);
            }
        }
        What::Outgoing => {
            let _ = write!(line, " to {} from {}", event.b_number, event.a_number);
        }
        What::Ended(ended) => {
            let direction = if event.direction == calls::Direction::Incoming { "in" } else { "out" };
            let _ = write!(line, " {direction} {}s {}", event.duration().as_secs(), ended.reason.name());
            if let Some(transfer) = &ended.transfer {
                let party = transfer.party.as_str().trim_start_matches("p-");
                let number = if transfer.party_number.is_empty() { "-" } else { &transfer.party_number };
                let _ = write!(line, " T({party}, {number}, {})", transfer.to);
            }
        }
    }
    if event.assumed {
        line.push_str(" assumed");
    }
    if event.at != at {
        let _ = write!(line, " at {:.3}", event.at.as_micros() as f64 / 1e6);
    }
    line
}
