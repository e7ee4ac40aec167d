"""The small language in which a shape says which requests it must cause.

    I101 A101 E101 in                       Incoming, Answered, Ended of phone 101
    I102 linked=101 a=101                   its counterpart and caller, where not `t` and `caller`
    O101 b=mobile                           Outgoing to a number
    E101 in T(t,caller,102) @transfer       Transfer True: TransferedUniqueId, TransferedNumber,
                                            TransferTo; ended at the moment marked `transfer`
    E101 out d=0                            a duration of exactly 0
    E101 in d=*                             at most what the phones saw, since part was assumed
    E101 out from=joined                    a duration that counts from the moment marked `joined`
    { I101 I102 }                           of one moment, in either order
    101b, 2002/101                          a phone's second leg; a phone of another account
    I101 E101 in | I101 A101 E101 in        either of both: who wins a race is open

`t`, `t2` are the trunk's first and second channel, `caller`, `caller2`, `mobile` numbers; a leg's
name (`101b`) as an id is that leg's UniqueCallId; `-` is the empty text, `*` anything.
"""

import re

KINDS = {"I": "Incoming", "A": "Answered", "O": "Outgoing", "E": "Ended"}

_EVENT = re.compile(r"([IAOE])(?:(\d{4})/)?(\d+)([b-z]?)$")
_TRANSFER = re.compile(r"T\(([^,()]*),([^,()]*),([^,()]*)\)$")
_DETAIL = re.compile(r"(linked|a|b|d|from)=(.*)$")


class Expected:
    """One expected request."""

    def __init__(self, kind, account, phone, letter, group):
        self.kind, self.account, self.phone, self.group = kind, account, phone, group
        self.leg = ("" if account == "1001" else account + "/") + phone + letter
        self.direction = self.transfer = self.at = None
        self.details = {}

    def __str__(self):
        return f"{self.kind[0]}{self.leg}"

    def detail(self, key, otherwise):
        """A `key=value`, or what stands for it."""
        return self.details.get(key, otherwise)


def parse_alternatives(text):
    """What is between the `|`, each parsed."""
    return [parse(part) for part in text.split("|")]


def parse(text):
    """The expected requests, in order; those of one `{ }` share a `group`."""
    expected, group, in_braces = [], 0, False
    for word in re.sub(r"([{}])", r" \1 ", text).split():
        event = _EVENT.match(word)
        if word in "{}":
            in_braces, group = word == "{", group + 1
        elif event:
            group += not in_braces
            letter, account, phone, more = event.groups()
            expected.append(Expected(KINDS[letter], account or "1001", phone, more, group))
        elif not expected:
            raise ValueError(f"an expectation cannot begin with {word!r}")
        else:
            _add_detail(expected[-1], word)
    for one in expected:
        if one.kind == "Ended" and one.direction is None:
            raise ValueError(f"{one} says neither `in` nor `out`")
    return expected


def _add_detail(expected, word):
    if word in ("in", "out"):
        expected.direction = {"in": "Incoming", "out": "Outgoing"}[word]
    elif word.startswith("@"):
        expected.at = word[1:]
    elif found := _TRANSFER.match(word):
        expected.transfer = found.groups()
    elif found := _DETAIL.match(word):
        expected.details[found[1]] = found[2]
    else:
        raise ValueError(f"cannot read {word!r} in an expectation")
