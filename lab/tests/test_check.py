"""The check itself is checked: it must pass what is right and name what is wrong.

Needs neither Asterisk nor phones: `python3 -m unittest discover -s lab/tests`.
"""

import io
import json
import pathlib
import sys
import types
import unittest
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from ringlab.ari import messages  # noqa: E402
from ringlab.check import Seen, compare  # noqa: E402
from ringlab.notation import parse  # noqa: E402
from ringlab.received import Event, without_repeats  # noqa: E402

T0 = 1795392000.0          # 2026-11-23T00:00:00Z
NUMBERS = {"caller": "+491701111111", "mobile": "+491758888888"}
CHANNELS = {"1.0": "PJSIP/trunk", "1.1": "PJSIP/1001-101", "1.2": "PJSIP/1001-102"}


def call(direction="in", rang=0.0, answered=1.0, over=4.0):
    """What a phone saw of a call, in seconds after T0."""
    def at(seconds):
        return None if seconds is None else T0 + seconds
    return types.SimpleNamespace(direction=direction, began_at=T0, rang_at=at(rang), answered_at=at(answered),
                                 up_at=at(answered), over_at=at(over))


def request(event, at, mode="form", webhook_id=None, **params):
    """A request as the receiver keeps it."""
    texts = {"form": urllib.parse.urlencode(params), "json": json.dumps(params)}
    types_ = {"form": "application/x-www-form-urlencoded", "json": "application/json"}
    return Event({"at": T0 + at, "method": "POST", "path": f"/1001/{event}", "query": "", "body": texts[mode],
                  "answered": 200, "headers": {"webhook-id": webhook_id or f"{event}-{params['UniqueCallId']}",
                              "webhook-timestamp": "1", "content-type": types_[mode]}}, mode)


def incoming(at=0.1, **changes):
    """The Incoming of 101."""
    return request("in", at, **{"AccountId": "1001", "UniqueCallId": "pbx1-1.1", "Calledphone": "101",
                                "ANumber": "+491701111111", "TimeStamp": "2026-11-23T01:00:00+01:00",
                                "EmployeeLocalNumber": "101", "LinkedUniqueCallId": "pbx1-1.0", **changes})


def answered(at=1.1, **changes):
    """The Answered of 101."""
    return request("answered", at, **{"AccountId": "1001", "UniqueCallId": "pbx1-1.1", "EmployeeLocalNumber": "101",
                                      "ANumber": "+491701111111", "TimeStamp": "2026-11-23T01:00:01+01:00",
                                      "LinkedUniqueCallId": "pbx1-1.0", **changes})


def ended(at=4.1, **changes):
    """The Ended of 101."""
    return request("ended", at, **{"AccountId": "1001", "UniqueCallId": "pbx1-1.1", "Duration": "3",
                                   "Transfer": "False", "CallDirection": "Incoming", "TransferedUniqueId": "",
                                   "TransferedNumber": "", "TransferTo": "", **changes})


def wrong(expectation, events, calls=None, marks=None):
    """What the check finds wrong, as one text."""
    seen = Seen(calls or {("1001", "101"): [call()]}, CHANNELS, NUMBERS, marks or {})
    return "\n".join(compare(parse(expectation), events, seen))


class Check(unittest.TestCase):
    """One answered call of 101, and everything that can be wrong with it."""

    def test_an_answered_call_is_right(self):
        self.assertEqual(wrong("I101 A101 E101 in", [incoming(), answered(), ended()]), "")

    def test_a_missing_request_is_named(self):
        self.assertIn("A101 (Answered) is missing", wrong("I101 A101 E101 in", [incoming(), ended()]))

    def test_an_unexpected_request_is_named(self):
        self.assertIn("unexpected Answered", wrong("I101 E101 in", [incoming(), answered(), ended(Duration="0")]))

    def test_an_end_is_needed(self):
        self.assertIn("does not end once", wrong("I101", [incoming()]))

    def test_two_ends_are_one_too_many(self):
        self.assertIn("does not end once", wrong("I101 A101 E101 in", [incoming(), answered(), ended(), ended()]))

    def test_an_answer_before_the_ringing_is_wrong(self):
        events = [answered(0.1), incoming(1.1), ended()]
        self.assertIn("is told in the wrong order", wrong("I101 A101 E101 in", events))

    def test_the_duration_is_that_of_the_phone(self):
        for told in ("1", "4", "", "x"):
            self.assertIn("Duration", wrong("I101 A101 E101 in", [incoming(), answered(), ended(Duration=told)]))

    def test_the_duration_may_end_at_a_mark(self):
        events = [incoming(), answered(), ended(2.1, Duration="1")]
        self.assertEqual(wrong("I101 A101 E101 in @gone", events, marks={"gone": T0 + 2}), "")

    def test_the_time_stamp_is_that_of_the_phone(self):
        late = incoming(TimeStamp="2026-11-23T01:00:02+01:00")
        self.assertIn("TimeStamp", wrong("I101 A101 E101 in", [late, answered(), ended()]))

    def test_a_late_request_is_wrong(self):
        self.assertIn("after its moment", wrong("I101 A101 E101 in", [incoming(), answered(), ended(9.0)]))

    def test_ids_and_numbers_are_compared(self):
        for changes in ({"LinkedUniqueCallId": ""}, {"ANumber": "101"}, {"EmployeeLocalNumber": "102"}):
            self.assertIn(next(iter(changes)),
                          wrong("I101 A101 E101 in", [incoming(**changes), answered(), ended()]))

    def test_an_id_must_be_a_channel_of_the_phone(self):
        strange = [incoming(UniqueCallId="pbx1-9.9"), answered(UniqueCallId="pbx1-9.9"), ended(UniqueCallId="pbx1-9.9")]
        self.assertIn("no channel of a phone has this id", wrong("I101 A101 E101 in", strange))

    def test_a_transfer_is_compared(self):
        moved = ended(Transfer="True", TransferedUniqueId="pbx1-1.0", TransferedNumber="+491701111111",
                      TransferTo="102")
        self.assertEqual(wrong("I101 A101 E101 in T(t,caller,102)", [incoming(), answered(), moved]), "")
        self.assertIn("TransferTo", wrong("I101 A101 E101 in T(t,caller,103)", [incoming(), answered(), moved]))
        self.assertIn("Transfer", wrong("I101 A101 E101 in", [incoming(), answered(), moved]))

    def test_the_parameters_and_their_order_are_the_source_texts(self):
        names = incoming().params
        shuffled = request("in", 0.1, **dict(reversed(names.items())))
        self.assertIn("parameters are", wrong("I101 A101 E101 in", [shuffled, answered(), ended()]))

    def test_json_is_read_too(self):
        one = request("in", 0.1, "json", **incoming().params)
        self.assertEqual(one.wrong, [])
        self.assertEqual(one.params, incoming().params)

    def test_a_repeat_has_the_same_webhook_id(self):
        first, second = incoming(), incoming(0.5)
        self.assertEqual(without_repeats([first, second]), [first])

    def test_two_legs_of_one_phone_are_told_apart(self):
        calls = {("1001", "101"): [call(answered=None, over=1.0), call(rang=0.0)]}
        channels = {**CHANNELS, "1.3": "PJSIP/1001-101"}
        loser = [incoming(UniqueCallId="pbx1-1.3"), ended(1.1, UniqueCallId="pbx1-1.3", Duration="0")]
        events = [incoming(), loser[0], answered(), loser[1], ended()]
        seen = Seen(calls, channels, NUMBERS, {})
        expected = parse("{ I101 I101b } { A101 E101b in } E101 in")
        self.assertEqual(compare(expected, events, seen), [])


class WebSocket(unittest.TestCase):
    """What an application hears comes whole, however it is framed."""

    def test_messages_come_whole_from_frames_of_every_length(self):
        short, medium, long = "a" * 5, "b" * 300, "c" * 70_000
        frames = (bytes([0x81, 5]) + short.encode()
                  + bytes([0x81, 126]) + (300).to_bytes(2, "big") + medium.encode()
                  + bytes([0x89, 2]) + b"hi"
                  + bytes([0x01, 126]) + (300).to_bytes(2, "big") + medium.encode()
                  + bytes([0x8A, 0])
                  + bytes([0x80, 127]) + (70_000).to_bytes(8, "big") + long.encode())
        self.assertEqual(list(messages(io.BytesIO(frames))), [short, medium, medium + long])


if __name__ == "__main__":
    unittest.main()
