"""Compares the requests that came with a shape's expectation and with what the phones saw."""

import datetime
import itertools
import math

from .received import broken_invariants
from .ringbud import PBX_NAME

PROMPT_SECONDS = 1.5      # from the moment at the phone to the request's arrival
STAMP_BEFORE, STAMP_AFTER = 1.3, 0.5   # a TimeStamp is cut to whole seconds
DURATION_SLACK = 0.25     # between the phone's clock and the PBX's
ORDER_SLACK = 0.25        # between requests of different legs
MOST_ASSIGNMENTS = 5000


class Seen:
    """What the lab itself saw of a shape."""

    def __init__(self, calls, channels, numbers, marks, technology="PJSIP"):
        self.calls = calls          # (account, phone) → its PhoneCalls
        self.channels = channels    # Uniqueid → endpoint, in the order they began
        self.numbers = numbers      # `caller` → number
        self.marks = marks          # name → moment
        self.technology = technology  # of the channels' names

    def phone_of(self, call_id):
        """(account, phone) of a UniqueCallId, by the lab's own AMI connection."""
        endpoint = self.channels.get(call_id.removeprefix(f"{PBX_NAME}-"), "")
        account, _, phone = endpoint.removeprefix(f"{self.technology}/").partition("-")
        return (account, phone) if phone.isdigit() else None

    def trunk_ids(self):
        """The UniqueCallIds of the trunk's channels, in order."""
        return [f"{PBX_NAME}-{uniqueid}" for uniqueid, endpoint in self.channels.items()
                if endpoint == f"{self.technology}/trunk"]


class Leg:
    """Which actual leg, and which call at the phone, stands for an expected leg."""

    def __init__(self, call_id, call):
        self.call_id, self.call = call_id, call

    def began(self):
        """When the phone rang, answered at once, or dialled."""
        call = self.call
        return (call.rang_at or call.answered_at or call.began_at) if call.direction == "in" else call.began_at

    def answered(self):
        """When this phone answered, or (a dialled call) was answered."""
        return self.call.answered_at or self.call.up_at

    def ended(self):
        """When the call was over at the phone."""
        return self.call.over_at


def compare(expected, events, seen, prompt=True):
    """All that is wrong, in words; an empty list if all is right."""
    wrong = [f"{event}: {what}" for event in events for what in event.wrong]
    wrong += broken_invariants(events, prompt)
    stray = [event for event in events if seen.phone_of(event.id) is None]
    wrong += [f"{event}: no channel of a phone has this id" for event in stray]
    results = (_compare_assigned(expected, events, seen, legs, prompt)
               for legs in itertools.islice(_assignments(expected, events, seen), MOST_ASSIGNMENTS))
    best = None
    for found in results:
        if best is None or len(found) < len(best):
            best = found
        if not best:
            break
    return wrong + (best or [])


def _assignments(expected, events, seen):
    """Every way to say which actual leg and which phone's call is meant by each expected leg."""
    labels = {}
    for one in expected:
        known = labels.setdefault((one.account, one.phone), [])
        if one.leg not in known:
            known.append(one.leg)
    choices = []
    for phone, names in labels.items():
        ids = list(dict.fromkeys(e.id for e in events if seen.phone_of(e.id) == phone))
        ids += ["(none)"] * (len(names) - len(ids))
        calls = seen.calls.get(phone, [])
        calls += [None] * (len(names) - len(calls))
        choices.append([list(zip(names, some_ids, some_calls))
                        for some_ids in itertools.permutations(ids, len(names))
                        for some_calls in itertools.permutations(calls, len(names))])
    for choice in itertools.product(*choices):
        yield {name: Leg(call_id, call) for part in choice for name, call_id, call in part}


def _compare_assigned(expected, events, seen, legs, prompt):
    wrong, left = [], list(events)
    latest_of_groups, current, group = 0.0, 0.0, 0
    for one in expected:
        leg = legs[one.leg]
        event = next((e for e in left if e.id == leg.call_id and e.kind == one.kind), None)
        if one.group != group:
            latest_of_groups, group = max(latest_of_groups, current), one.group
        if event is None:
            wrong.append(f"{one} ({one.kind}) is missing")
            continue
        left.remove(event)
        if prompt and event.at < latest_of_groups - ORDER_SLACK:
            wrong.append(f"{one} came {latest_of_groups - event.at:.2f} s too early, before what goes first")
        current = max(current, event.at)
        if leg.call is None:
            wrong.append(f"{one}: the phone has no such call")
        else:
            wrong += [f"{one}: {what}" for what in _compare_one(one, event, leg, seen, legs, expected, prompt)]
    wrong += [f"unexpected {event.kind} of {'-'.join(seen.phone_of(event.id) or ['?'])} ({event.id})"
              for event in left]
    return wrong


def _compare_one(one, event, leg, seen, legs, expected, prompt):
    moment = _moment(one, leg, seen)
    wrong = []
    for name, value in _wanted(one, leg, seen, legs, expected).items():
        if value is not None and event.params.get(name) != value:
            wrong.append(f"{name} is {event.params.get(name)!r}, not {value!r}")
    if one.kind == "Ended":
        wrong += _compare_duration(one, event, leg, moment, seen, expected)
    else:
        wrong += _compare_stamp(event.params.get("TimeStamp", ""), moment)
    if moment is None:
        wrong.append("the lab does not know when it should have happened")
    elif prompt and not -ORDER_SLACK < event.at - moment < PROMPT_SECONDS:
        wrong.append(f"came {event.at - moment:.2f} s after its moment")
    return wrong


def _moment(one, leg, seen):
    if one.at:
        return seen.marks.get(one.at)
    if one.kind == "Ended":
        return leg.ended()
    if one.kind == "Answered" or leg.call.direction == "out" and one.kind == "Incoming":
        return leg.answered()
    return leg.began()


def _wanted(one, leg, seen, legs, expected):
    """Parameter → value that it must have; None where anything will do."""
    begin = next((e for e in expected if e.leg == one.leg and e.kind in ("Incoming", "Outgoing")), one)

    def number(word):
        return None if word == "*" else "" if word == "-" else seen.numbers.get(word, word)

    def call_id(word):
        trunk = seen.trunk_ids()
        if word in ("*", "-"):
            return number(word)
        if word in legs:
            return legs[word].call_id
        place = int(word[1:] or 1) - 1
        return trunk[place] if place < len(trunk) else f"(no trunk channel {word})"

    wanted = {"AccountId": one.account}
    if one.kind in ("Incoming", "Answered"):
        wanted["LinkedUniqueCallId"] = call_id(one.detail("linked", begin.detail("linked", "t")))
        wanted["ANumber"] = number(one.detail("a", begin.detail("a", "caller")))
    if one.kind == "Incoming":
        wanted["Calledphone"] = one.phone
    if one.kind == "Outgoing":
        wanted.update(PhoneLocalNumber=one.phone, ANumber=number(one.detail("a", one.phone)),
                      BNumber=number(one.detail("b", "mobile")))
    if one.kind != "Ended":
        return {**wanted, "EmployeeLocalNumber": one.phone}
    to_id, to_number, to = one.transfer or ("-", "-", "-")
    return {**wanted, "CallDirection": one.direction, "Transfer": "True" if one.transfer else "False",
            "TransferedUniqueId": call_id(to_id), "TransferedNumber": number(to_number), "TransferTo": number(to)}


def _compare_duration(one, event, leg, moment, seen, expected):
    text = event.params.get("Duration", "")
    if not text.isdigit():
        return [f"Duration is {text!r}"]
    told = int(text)
    was_answered = any(e.leg == one.leg and e.kind == "Answered" for e in expected)
    begun_out = one.direction == "Outgoing" and leg.call.up_at
    if one.details.get("d", "*") != "*":
        return [] if text == one.details["d"] else [f"Duration is {text}, not {one.details['d']}"]
    if not was_answered and not begun_out:
        return [] if told == 0 else [f"Duration is {told}, though nobody answered"]
    since = seen.marks.get(one.details["from"]) if "from" in one.details else leg.answered()
    if since is None or moment is None:
        return ["the lab does not know how long it should have been"]
    long = max(0.0, moment - since)
    least, most = math.floor(max(0.0, long - DURATION_SLACK)), math.floor(long + DURATION_SLACK)
    if "d" in one.details:
        least = 0
    return [] if least <= told <= most else [f"Duration is {told}, the phones saw {long:.2f} s"]


def _compare_stamp(text, moment):
    try:
        stamp = datetime.datetime.fromisoformat(text)
    except ValueError:
        return [f"TimeStamp is {text!r}"]
    if stamp.tzinfo is None:
        return [f"TimeStamp {text} has no zone"]
    if moment is not None and not -STAMP_BEFORE < stamp.timestamp() - moment < STAMP_AFTER:
        return [f"TimeStamp is {text}, {stamp.timestamp() - moment:+.2f} s from the phone's moment"]
    return []
