"""What a shape is, and where the shapes are found."""

import importlib.util
import pathlib
import re

from .notation import parse_alternatives
from .systems import SYSTEMS

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "shapes"
BASIC = ("form", "get", "json")
_shapes = {}


class Shape:
    """A call to make on the stage, and the requests it must cause."""

    def __init__(self, act, expectation, modes, prompt, repeats, needs_ringbud, missing, only, shared):
        self.name = act.__name__.replace("_", "-").strip("-")
        self.what = re.sub(r"\s+", " ", act.__doc__ or "").strip()
        self.act, self.expectation, self.alternatives = act, expectation, parse_alternatives(expectation)
        self.modes, self.prompt, self.repeats = modes, prompt, repeats
        self.needs_ringbud, self.missing, self.only, self.shared = needs_ringbud, missing, only, shared

    def modes_on(self, system):
        """The ways of delivery to check on a system: all of them on the first, which is enough."""
        if SYSTEMS[system].gateways > 1:
            return ("json",) if self.shared else ()  # the extras say what was assumed
        if self.only and system not in self.only:
            return ()
        return self.modes if system == next(iter(SYSTEMS)) else self.modes[:1]


def shape(expectation, modes=("form",), prompt=True, repeats=False, needs_ringbud=False,
          missing=lambda: [], only=(), shared=False):
    """Makes a function `act(lab)` a shape. Its docstring says in words what happens.

    `modes`: the ways of delivery to check it in (see ringbud.MODES). `prompt=False`: requests may
    come late, since something was down. `repeats=True`: a request may come twice with one
    webhook-id, since the program was killed between sending and noting it. `missing()`: what the
    shape needs and the machine has not; it is then left out, and fails in CI. `only`: the systems
    (see systems.SYSTEMS) on which there is such a call, where not on all of them. `shared`: it is
    also played to two gateways that share a store.
    """
    def keep(act):
        one = Shape(act, expectation, modes, prompt, repeats, needs_ringbud, missing, only, shared)
        _shapes[one.name] = one
        return act
    return keep


def load():
    """All shapes by name, in the order of the files and within them."""
    for path in sorted(FOLDER.glob("*.py")):
        spec = importlib.util.spec_from_file_location(f"shapes.{path.stem}", path)
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    return _shapes
