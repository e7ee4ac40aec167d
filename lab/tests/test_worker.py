"""Which calls are made once more, and what the next shape finds."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from ringlab.worker import Worker  # noqa: E402


class Stood:
    def __init__(self, seconds):
        self._seconds = seconds

    def seconds_since(self, _):
        return self._seconds


class Played(Worker):
    """One whose plays end as they are told here."""

    def __init__(self, *ends, stood=0):
        self.ends, self.struck, self.standstills = list(ends), 0, Stood(stood)

    def _play(self, *_):
        return self.ends.pop(0)

    def strike(self):
        self.struck += 1


NOT_RINGBUDS = [
    ["the call did not go as told: waited in vain for AMI's Bridge"],
    ["the call did not go as told: outside could not do: rings: it was over"],
]


class CallsMadeOnceMore(unittest.TestCase):
    def test_where_asterisk_or_a_phone_did_not_do_it(self):
        for wrong in NOT_RINGBUDS:
            worker = Played(wrong, [])
            result = worker.run("22", "a-shape", "form")
            self.assertEqual((result["wrong"], result["first"], worker.struck), ([], wrong[0], 1))

    def test_and_only_once(self):
        for wrong in NOT_RINGBUDS:
            worker = Played(wrong, wrong)
            self.assertEqual((worker.run("22", "a-shape", "form")["wrong"], worker.struck), (wrong, 2))

    def test_where_something_came_late_by_as_much_as_the_machine_stood_still(self):
        late = ["A102: came 1.97 s after its moment", "E101: came 1.80 s after its moment"]
        again = Played(late, [], stood=1.9).run("22", "a-shape", "form")
        self.assertEqual((again["wrong"], again["first"].startswith(late[0])), ([], True))
        self.assertEqual(Played(late, late, stood=1.9).run("22", "a-shape", "form")["wrong"], late)
        for wrong, stood in ((late, 0), (late, 0.4), (late + ["A101 (Answered) is missing"], 5)):
            result = Played(wrong, stood=stood).run("22", "a-shape", "form")
            self.assertEqual((result["wrong"], result["first"]), (wrong, None))

    def test_what_ringbud_told_wrong_is_never_tried_again(self):
        worker = Played(["A101 (Answered) is missing"])
        self.assertEqual((worker.run("22", "a-shape", "form")["first"], worker.struck), (None, 0))

    def test_whatever_else_did_not_go_as_told_stays_wrong_and_leaves_nothing_to_the_next(self):
        wrong = ["the call did not go as told: 101 waited in vain"]
        worker = Played(wrong)
        self.assertEqual((worker.run("22", "a-shape", "form")["wrong"], worker.struck), (wrong, 1))


if __name__ == "__main__":
    unittest.main()
