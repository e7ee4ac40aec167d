"""From the receiver's raw requests to events, and what must hold for every one of them."""

import json
import urllib.parse

PATHS = {"in": "Incoming", "answered": "Answered", "out": "Outgoing", "ended": "Ended"}

# The source text's parameters, in its order.
PARAMETERS = {
    "Incoming": ["AccountId", "UniqueCallId", "Calledphone", "ANumber", "TimeStamp", "EmployeeLocalNumber",
                 "LinkedUniqueCallId"],
    "Answered": ["AccountId", "UniqueCallId", "EmployeeLocalNumber", "ANumber", "TimeStamp", "LinkedUniqueCallId"],
    "Outgoing": ["AccountId", "UniqueCallId", "EmployeeLocalNumber", "ANumber", "TimeStamp", "PhoneLocalNumber",
                 "BNumber"],
    "Ended": ["AccountId", "UniqueCallId", "Duration", "Transfer", "CallDirection", "TransferedUniqueId",
              "TransferedNumber", "TransferTo"],
}


class Event:
    """One request as an event. `wrong` lists what is wrong with its form."""

    def __init__(self, raw, mode):
        self.raw, self.at, self.wrong = raw, raw["at"], []
        _, self.account, last = (raw["path"].split("/") + ["", ""])[:3]
        self.kind = PATHS.get(last, "")
        pairs = self._pairs(mode)
        self.params = dict(pairs)
        self.id = self.params.get("UniqueCallId", "")
        self.webhook_id = raw["headers"].get("webhook-id", "")
        self._check_form(mode, [name for name, _ in pairs])

    def __str__(self):
        return f"{self.kind} {self.id}"

    def _pairs(self, mode):
        text = self.raw["query"] if mode == "get" else self.raw["body"]
        if mode != "json":
            return urllib.parse.parse_qsl(text, keep_blank_values=True)
        try:
            return [(name, value if isinstance(value, str) else str(value))
                    for name, value in json.loads(text or "{}").items()]
        except (ValueError, AttributeError):
            self.wrong.append(f"the body is no JSON object: {text[:80]!r}")
            return []

    def _check_form(self, mode, names):
        method = "GET" if mode == "get" else "POST"
        content_type = self.raw["headers"].get("content-type", "").split(";")[0]
        wants_type = {"form": "application/x-www-form-urlencoded", "json": "application/json", "get": ""}[mode]
        if self.raw["method"] != method:
            self.wrong.append(f"came by {self.raw['method']}, not {method}")
        if content_type != wants_type:
            self.wrong.append(f"content type is {content_type!r}, not {wants_type!r}")
        if mode == "get" and self.raw["body"]:
            self.wrong.append("a GET with a body")
        if not self.kind:
            self.wrong.append(f"came to {self.raw['path']}")
            return
        wanted = PARAMETERS[self.kind]
        # `json` asks for the extras, which follow the source text's parameters.
        if (names[:len(wanted)] if mode == "json" else names) != wanted:
            self.wrong.append(f"parameters are {' '.join(names)}, not {' '.join(wanted)}")
        if self.params.get("AccountId") != self.account:
            self.wrong.append(f"AccountId {self.params.get('AccountId')} at the URL of {self.account}")
        for header in ("webhook-id", "webhook-timestamp"):
            if not self.raw["headers"].get(header):
                self.wrong.append(f"has no {header}")


def without_repeats(events):
    """The first of each webhook-id. A repeat is right only after a crash or a lost answer."""
    seen, firsts = set(), []
    for event in events:
        if event.webhook_id not in seen:
            seen.add(event.webhook_id)
            firsts.append(event)
    return firsts


def broken_invariants(events):
    """What breaks invariant 1, for every leg, whatever was expected."""
    legs, broken = {}, []
    for event in events:
        legs.setdefault((event.account, event.id), []).append(event.kind)
    for (account, leg), kinds in legs.items():
        begins = [kind for kind in kinds if kind in ("Incoming", "Outgoing")]
        if len(begins) != 1 or kinds[0] != begins[0]:
            broken.append(f"leg {account} {leg} does not begin once: {' '.join(kinds)}")
        if kinds.count("Ended") != 1 or kinds[-1] != "Ended":
            broken.append(f"leg {account} {leg} does not end once, and last: {' '.join(kinds)}")
        if kinds.count("Answered") > 1 or ("Answered" in kinds and begins == ["Outgoing"]):
            broken.append(f"leg {account} {leg} is answered wrongly: {' '.join(kinds)}")
    return broken
