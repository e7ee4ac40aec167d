//! The audit log at rest: the kind of who did it as a number; and the log of older stores, which was one text.

use calls::AccountId;

use crate::{ActorKind, AuditEntry, WallTime};

pub(crate) const fn kind_number(kind: ActorKind) -> u8 {
    match kind {
        ActorKind::Person => 0,
        ActorKind::Token => 1,
        ActorKind::Cli => 2,
    }
}

pub(crate) const fn kind_of(number: u8) -> Option<ActorKind> {
    match number {
        0 => Some(ActorKind::Person),
        1 => Some(ActorKind::Token),
        2 => Some(ActorKind::Cli),
        _ => None,
    }
}

/// What a name began with in an older store when it was a token's.
const BY_API: &str = "API ";

/// The entries of the text an older store had, oldest first. A line that is none is left out.
pub(crate) fn of_old_text(text: &str) -> Vec<AuditEntry> {
    let mut entries: Vec<_> = text.lines().filter_map(of_old_line).collect();
    entries.reverse();
    entries
}

fn of_old_line(line: &str) -> Option<AuditEntry> {
    let mut parts = line.splitn(5, '\t');
    let at = WallTime(parts.next()?.parse().ok()?);
    let who = parts.next()?;
    // A token's name has no blank or bracket in it, and a person's that begins so has.
    let token = who.strip_prefix(BY_API).filter(|token| !token.contains([' ', '[']));
    let (kind, actor) = token.map_or((ActorKind::Person, who), |token| (ActorKind::Token, token));
    let (what, account, detail) = (parts.next()?, parts.next()?, parts.next()?);
    Some(AuditEntry {
        at,
        kind,
        actor: actor.to_owned(),
        address: None,
        account: (!account.is_empty()).then(|| AccountId::new(account)),
        what: what.to_owned(),
        subject: String::new(),
        detail: detail.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_stores_text_is_read_oldest_first_and_a_tokens_name_is_told_from_a_persons() {
        let text = "9\tAPI crm\taudit.phone\t1\t201\n8\tAPI [oidc:nordlys:7]\taudit.oidc\t\tNordlys\nnonsense\n\
                    7\tolga\taudit.login\t\t\n";
        let read = of_old_text(text);
        let told: Vec<_> =
            read.iter().map(|e| (e.at.0, e.kind, e.actor.as_str(), e.detail.as_str())).collect();
        assert_eq!(
            told,
            [
                (7, ActorKind::Person, "olga", ""),
                (8, ActorKind::Person, "API [oidc:nordlys:7]", "Nordlys"),
                (9, ActorKind::Token, "crm", "201"),
            ]
        );
        assert_eq!(read[2].account, Some(AccountId::new("1")));
        assert_eq!(read[0].account, None);
    }
}
