"""`lab/run`: hands the shapes to workers, prints a line for each, and the sum."""

import argparse
import json
import os
import pathlib
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time

from . import children, engine, network
from .shape import load
from .systems import SYSTEMS

LAB = pathlib.Path(__file__).resolve().parent.parent


def parse_arguments(shapes):
    """The command line."""
    parser = argparse.ArgumentParser(prog="lab/run", description="Makes real calls on a real Asterisk and checks "
                                     "what Ringbud tells about them.")
    parser.add_argument("--ringbud", metavar="PATH", default=str(LAB.parent / "target/release/ringbud"),
                        help="the program under test (default: target/release/ringbud)")
    parser.add_argument("--no-ringbud", action="store_true", help="only make the calls, as for --record")
    parser.add_argument("--asterisk", metavar="N,M", default=",".join(SYSTEMS), type=known_systems,
                        help="only on these systems: " + ", ".join(f"{one.name} ({one.what})" for one in SYSTEMS.values()))
    parser.add_argument("--shapes", metavar="A,B,C", help="only these (a name may end in *)")
    parser.add_argument("--all", action="store_true", help="every shape (the default)")
    parser.add_argument("--modes", metavar="M,N", help="only these ways of delivery: form, get, json")
    parser.add_argument("--repeat", metavar="N", type=int, default=1, help="run each so often: races show late")
    parser.add_argument("--seed", metavar="N", type=int, default=1,
                        help="when gateways that share a store die (default: 1)")
    parser.add_argument("--out", metavar="DIR", help="where requests and reasons are kept")
    parser.add_argument("--record", metavar="DIR", help="also write the raw AMI stream of each shape here")
    parser.add_argument("--systemname", metavar="NAME", help="what Asterisk calls itself in its ids")
    parser.add_argument("--jobs", metavar="N", type=int, default=4, help="stages side by side, on one system or several (default: 4)")
    parser.add_argument("--list", action="store_true", help="say which shapes there are, and end")
    options = parser.parse_args()
    if options.list:
        for one in shapes.values():
            print(f"{one.name}: {one.what}\n    {' '.join(one.expectation.split()) or 'nothing'}")
        sys.exit(0)
    if not options.no_ringbud and not os.access(options.ringbud, os.X_OK):
        parser.error(f"{options.ringbud} is no program; build it, or name another with --ringbud")
    return options


def known_systems(text):
    """The names given to --asterisk."""
    names = text.split(",")
    for name in names:
        if name not in SYSTEMS:
            raise argparse.ArgumentTypeError(f"there is no Asterisk {name} here, only {' and '.join(SYSTEMS)}")
    return names


def chosen(options, shapes):
    """What to run: (system, shape, mode), grouped by system."""
    names = list(shapes)
    if options.shapes:
        names = []
        for word in options.shapes.split(","):
            found = [n for n in shapes if n == word or word.endswith("*") and n.startswith(word[:-1])]
            if not found:
                sys.exit(f"lab/run: there is no shape {word}; see --list")
            names += found
    wanted = options.modes.split(",") if options.modes else None
    names = without_missing(names, shapes)
    work = []
    for system in options.asterisk:
        if SYSTEMS[system].gateways > 1 and not has_what_sharing_needs(options):
            continue
        for name in names:
            modes = shapes[name].modes_on(system)
            if options.no_ringbud:
                modes = () if shapes[name].needs_ringbud else modes[:1]
            work += [(system, name, mode) for mode in modes if wanted is None or mode in wanted]
    return work * options.repeat


def has_what_sharing_needs(options):
    """Whether gateways can share a store on this machine; in CI they have to."""
    lacks = [] if options.no_ringbud or os.environ.get("CI") == "true" else engine.missing()
    if lacks:
        print(f"LEFT OUT gateways that share a store: they need {', '.join(lacks)}", flush=True)
    return not lacks and not options.no_ringbud


def without_missing(names, shapes):
    """Leaves out, loudly, what this machine cannot run. In CI everything is run, and fails."""
    if os.environ.get("CI") == "true":
        return names
    for name in names:
        if lacks := shapes[name].missing():
            print(f"LEFT OUT {name}: it needs {', '.join(lacks)}", flush=True)
    return [name for name in names if not shapes[name].missing()]


class Crew:
    """The workers, each a process fed by a thread. A worker goes to another system only when there is
    nothing left to do on its own, for that takes a new stage."""

    def __init__(self, options, work):
        self.todo, self.results = {system: queue.SimpleQueue() for system in options.asterisk}, queue.SimpleQueue()
        for system, name, mode in work:
            self.todo[system].put((system, name, mode))
        self.processes = []
        for number in range(1, max(1, min(options.jobs, len(work))) + 1):
            told = {"number": number, "out": options.out, "record": options.record, "lab_dir": options.lab_dir,
                    "systemname": options.systemname, "seed": options.seed,
                    "ringbud": None if options.no_ringbud else os.path.abspath(options.ringbud)}
            with open(pathlib.Path(options.out) / f"worker-{number}.log", "ab") as log:
                process = children.spawn([sys.executable, "-m", "ringlab.worker", json.dumps(told)], text=True,
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, bufsize=1)
            self.processes.append(process)
            first = options.asterisk[(number - 1) % len(options.asterisk)]
            threading.Thread(target=self._feed, args=(process, first), daemon=True).start()

    def _next(self, first):
        for todo in [self.todo[first], *self.todo.values()]:
            try:
                return todo.get_nowait()
            except queue.Empty:
                pass
        return None

    def _feed(self, process, first):
        while True:
            order = self._next(first)
            if order is None:
                process.stdin.close()
                return
            first, name, mode = order
            order = {"system": first, "shape": name, "mode": mode}
            try:
                process.stdin.write(json.dumps(order) + "\n")
                line = process.stdout.readline()
            except OSError:
                line = ""
            if not line:
                self.results.put({**order, "wrong": ["the worker died; see its log"], "seconds": 0})
                return
            self.results.put(json.loads(line))

    def next_result(self, seconds=180):
        """The next result, or None when every worker is gone or stuck."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                return self.results.get(timeout=1)
            except queue.Empty:
                if all(process.poll() is not None for process in self.processes) and self.results.empty():
                    return None
        return None

    def stop(self):
        """Ends the workers, who take their stages down."""
        for process in self.processes:
            if process.poll() is None and not process.stdin.closed:
                process.terminate()
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                children.kill(process)


def main():
    """Runs, prints, and says by the exit code whether all is well."""
    shapes = load()
    options = parse_arguments(shapes)
    options.lab_dir = os.environ["RINGBUD_LAB_DIR"]
    options.out = os.path.abspath(options.out or tempfile.mkdtemp(prefix="ringbud-lab-"))
    for folder in filter(None, (options.out, options.record)):
        os.makedirs(folder, exist_ok=True)
    options.record = options.record and os.path.abspath(options.record)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's `&` ignores it
    work, began, failed = chosen(options, shapes), time.monotonic(), []
    if why_not := network.why_not():
        print(f"the stages share this machine's loopback, for they get no networks of their own: {why_not}", flush=True)
    crew, passed = Crew(options, work), 0
    try:
        for _ in work:
            result = crew.next_result()
            if result is None:
                failed.append("lost")
                print("FAIL: the workers ended or hang; see their logs", flush=True)
                break
            label = f"{result['system']} {result['shape']}" + (f" ({result['mode']})" if len(shapes[result["shape"]].modes) > 1 else "")
            if result["wrong"]:
                failed.append(label)
                more = f" (and {len(result['wrong']) - 1} more)" if len(result["wrong"]) > 1 else ""
                print(f"FAIL {label}: {result['wrong'][0]}{more} [{result['seconds']} s]", flush=True)
            else:
                passed += 1
                again = f", at the second try, for {result['first']}" if result.get("first") else ""
                print(f"ok   {label} [{result['seconds']} s]{again}", flush=True)
            if result.get("did"):
                print(f"     {result['did']}", flush=True)
    except KeyboardInterrupt:
        failed.append("interrupted")
    finally:
        crew.stop()
    print(f"requests and reasons: {options.out}")
    print(f"took {time.monotonic() - began:.0f} s")
    print(f"{passed} passed, {len(work) - passed} failed")
    sys.exit(1 if failed or passed != len(work) else 0)


if __name__ == "__main__":
    main()
