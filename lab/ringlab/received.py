"""From the receiver's raw requests to events, and what must hold for every one of them."""

import json
import urllib.parse

ORDER_SLACK = 0.05         # between requests to different webhooks
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
        self.accepted = raw["answered"] < 300
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
    firsts = {}
    for event in events:
        firsts.setdefault(event.webhook_id, event)
    return list(firsts.values())


_PLACE = {"Incoming": 0, "Outgoing": 0, "Answered": 1, "Ended": 2}


def broken_invariants(events, in_order=True):
    """What breaks invariant 1, for every leg, whatever was expected.

    A leg's requests go to up to four webhooks. Those are not ordered among each other, so the
    order is looked at only `in_order`, when nothing was down, and never to the millisecond.
    """
    legs, broken = {}, []
    for event in events:
        legs.setdefault((event.account, event.id), []).append(event)
    for (account, leg), told in legs.items():
        kinds = [event.kind for event in told]
        story = f"leg {account} {leg} {{}}: {' '.join(kinds)}"
        begins = [kind for kind in kinds if kind in ("Incoming", "Outgoing")]
        if len(begins) != 1:
            broken.append(story.format("does not begin once"))
        if kinds.count("Ended") != 1:
            broken.append(story.format("does not end once"))
        if kinds.count("Answered") > 1 or ("Answered" in kinds and begins == ["Outgoing"]):
            broken.append(story.format("is answered wrongly"))
        if in_order and any(_PLACE[one.kind] > _PLACE[other.kind] and one.at < other.at - ORDER_SLACK
                            for one in told for other in told):
            broken.append(story.format("is told in the wrong order"))
    return broken
