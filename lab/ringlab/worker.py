"""One stage in a process and a network of its own: runs the shapes it is told, one after the other.

stdin: one JSON line a shape, {"system": …, "shape": …, "mode": …}; stdout: one JSON line a result.
"""

import json
import os
import pathlib
import re
import signal
import sys
import time
import traceback

from .check import PROMPT_SECONDS, compare
from .gateways import Gateways
from .network import isolate
from .received import Event, without_repeats
from .ringbud import Ringbud
from .shape import load
from .stage import Stage
from .standstill import Standstills
from .summary import summary
from .systems import SYSTEMS
from .waiting import NotInTime, wait_for

NOT_AS_TOLD = "the call did not go as told"
NOT_RINGBUDS = (
    "in vain for AMI's",  # Asterisk did not do what the shape waits for
    "could not do:",      # a phone failed at what it was told
)
SETTLE_SECONDS = 0.4       # a request nobody expects has this long to come
REQUEST_SECONDS = 6        # one that is expected this long
LATE_REQUEST_SECONDS = 40  # … after something was down


def is_late_by(wrong, stood):
    """Whether all that is wrong is that something came late, and it would not have been without that standstill."""
    late = [re.search(r": came (\d+\.\d+) s after its moment$", one) for one in wrong]
    return bool(wrong) and all(one and float(one[1]) - stood < PROMPT_SECONDS for one in late)


class Worker:
    """Builds the stage when first needed, and again after a shape broke it."""

    def __init__(self, options):
        self.options, self.shapes, self.stage, self.count = options, load(), None, 0
        self.did = ""  # to gateways that share a store
        self.may_repeat = set()  # webhook-ids of shapes that killed something: they may come again
        self.out = pathlib.Path(options["out"])
        self.out.mkdir(parents=True, exist_ok=True)
        self.standstills = Standstills(self.out / f"standstill-{options['number']}")

    def run(self, system, shape, mode):
        """Runs a shape on a system; gives what to tell about it. Where Asterisk or a phone did not do what was waited for,
        the call is made once more, and that is told: what came of another call than the shape's says nothing about
        Ringbud. So does what came late by as much as the machine or its disk stood still meanwhile. Whatever else went
        wrong stays wrong. What is left of a call that did not go as told is nothing for the
        next one: that has a new stage."""
        began, first, self.did = time.monotonic(), None, ""
        wrong = self._play(system, shape, mode)
        stood = self.standstills.seconds_since(began)
        if is_late_by(wrong, stood):
            first = f"{wrong[0]}, and the machine or its disk stood still for {stood:.2f} s"
            wrong = self._play(system, shape, mode)
        while wrong and wrong[0].startswith(NOT_AS_TOLD):
            self.strike()
            if first or not any(words in wrong[0] for words in NOT_RINGBUDS):
                break
            first = wrong[0]
            wrong = self._play(system, shape, mode)
        return {"system": system, "shape": shape, "mode": mode, "wrong": wrong, "first": first, "did": self.did,
                "seconds": round(time.monotonic() - began, 1)}

    def _play(self, system, shape, mode):
        one = self.shapes[shape]
        try:
            self._set_stage(SYSTEMS[system])
            stage = self.stage
            stage.begin(shape)
            if stage.ringbud:
                stage.ringbud.set_mode(mode)
            return self._act(one, mode)
        except Exception as error:  # the stage itself failed: say so, and build a new one
            traceback.print_exc()
            self.strike()
            return [f"the lab failed: {error}"]

    def _set_stage(self, system):
        if self.stage and self.stage.system is not system:
            self.strike()
        if self.stage is None:
            folder = self._new_folder(system)
            self.stage = Stage(system, self.options["lab_dir"], folder, self._ringbud_maker(system, folder),
                               bool(self.options["record"]), self.options["systemname"])

    def _new_folder(self, system):
        """A stage's own: another run may have left its stages in the same place."""
        while True:
            self.count += 1
            folder = self.out / system.name / f"stage-{self.options['number']}-{self.count}"
            if not folder.exists():
                folder.mkdir(parents=True)
                return folder

    def _ringbud_maker(self, system, folder):
        binary = self.options["ringbud"]

        def make(stage):
            rest = stage.asterisk.ringbud_secret, stage.receiver, system.technology
            if system.gateways > 1:
                return Gateways(binary, folder, stage.proxies, *rest)
            ringbud = Ringbud(binary, folder, stage.proxy, *rest)
            ringbud.create_token()
            return ringbud
        return binary and make

    def strike(self):
        """Takes the stage down."""
        if self.stage:
            self.stage.stop()
            self.stage = None

    def _act(self, one, mode):
        stage, wrong, prompt = self.stage, [], one.prompt
        if is_shared := stage.system.gateways > 1:
            prompt = False
            stage.ringbud.begin_unrest(f"{self.options['seed']} {one.name}")
        try:
            one.act(stage)
        except (NotInTime, RuntimeError) as error:
            wrong.append(f"{NOT_AS_TOLD}: {error}")
            traceback.print_exc()
        stage.ami.clear_channels()
        if is_shared:
            self.did = stage.ringbud.end_unrest()
        if stage.ringbud:
            self._await_requests(one, mode, prompt)
        seen = stage.seen()
        raw = list(stage.receiver.requests)
        if stage.ringbud:
            events = self._events(one.repeats or is_shared, mode, raw)
            wrong += min((compare(expected, events, seen, prompt) for expected in one.alternatives), key=len)
            wrong += [f"{event} is assumed" for event in events if is_shared and event.params.get("Assumed") == "True"]
        self._keep(one, mode, raw, wrong)
        stage.finish()
        return wrong

    def _events(self, may_repeat, mode, raw):
        """What was accepted, without what may come twice."""
        events = [event for event in (Event(request, mode) for request in raw)
                  if event.accepted and event.webhook_id not in self.may_repeat]
        if may_repeat:
            events = without_repeats(events)
            self.may_repeat.update(event.webhook_id for event in events)
        return events

    def _await_requests(self, one, mode, prompt):
        fewest = min(map(len, one.alternatives))

        def enough():
            told = [Event(request, mode) for request in list(self.stage.receiver.requests)]
            told = [event for event in told if event.accepted and event.webhook_id not in self.may_repeat]
            legs = {(event.account, event.id) for event in told}
            over = {(event.account, event.id) for event in told if event.kind == "Ended"}
            return len({event.webhook_id or id(event) for event in told}) >= fewest and legs == over
        try:
            wait_for(enough, REQUEST_SECONDS if prompt else LATE_REQUEST_SECONDS, "the requests")
        except NotInTime:
            pass  # the comparison says which ones are missing
        time.sleep(SETTLE_SECONDS)

    def _keep(self, one, mode, raw, wrong):
        """Writes what the shape left: requests always, the reason for a failure, recordings if asked."""
        stage, out = self.stage, self.out / self.stage.system.name
        label = one.name if len(one.modes) == 1 else f"{one.name}.{mode}"
        with open(out / f"{label}.requests.jsonl", "w") as file:
            file.writelines(json.dumps(request) + "\n" for request in raw)
        if wrong:
            story = [f"{one.name} ({mode}): {one.what}", "", "Expected: " + " ".join(one.expectation.split()), "",
                     *[f"WRONG {what}" for what in wrong], "", "What the lab did:", *stage.diary.lines(), "",
                     "What Asterisk said:", *summary(stage.events(), stage.diary.began_at), "", "What came:",
                     *[f"{r['at'] - stage.diary.began_at:7.3f} {r['method']} {r['path']} {r['query'] or r['body']}"
                       for r in raw]]
            (out / f"{label}.why.txt").write_text("\n".join(story) + "\n")
            (out / f"{label}.link.ami").write_bytes(stage.link_stream())
        if self.options["record"]:
            self._record(one, pathlib.Path(self.options["record"]) / stage.system.name)

    def _record(self, one, folder):
        stage = self.stage
        folder.mkdir(parents=True, exist_ok=True)
        own, tracker = stage.raw_streams()
        (folder / f"{one.name}.ami").write_bytes(own)
        (folder / f"{one.name}.tracker.ami").write_bytes(tracker)
        meta = {"name": one.name, "what": one.what, "expect": " ".join(one.expectation.split()),
                "began": stage.diary.began_at, "steps": sorted(stage.diary.steps, key=lambda step: step["at"])}
        (folder / f"{one.name}.meta.json").write_text(json.dumps(meta, indent=1) + "\n")
        (folder / f"{one.name}.summary.txt").write_text(
            "\n".join(summary(stage.events(), stage.diary.began_at)) + "\n")


def main():
    """Takes orders until stdin ends."""
    results = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever prints does not mix with the results
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    options = json.loads(sys.argv[1])
    isolate()  # where the machine does not let us, stages share its loopback: `lab/run` says so
    worker = Worker(options)
    try:
        for line in sys.stdin:
            order = json.loads(line)
            results.write(json.dumps(worker.run(**order)) + "\n")
    finally:
        worker.strike()


if __name__ == "__main__":
    main()
