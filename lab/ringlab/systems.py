"""The PBXs that the shapes are played on: which tree, which channel driver, what is spelt otherwise."""

import dataclasses
import pathlib
import re


@dataclasses.dataclass(frozen=True)
class System:
    """One kind of Asterisk. `lab/setup` installs its tree, `lab/asterisk/NAME` has its phones."""

    name: str
    what: str
    technology: str            # of its channels: `PJSIP/1001-101-00000001`
    driver: str                # the other driver's modules are not loaded: those of this pattern
    every_device_of_101: str   # how the dialplan rings all devices of an endpoint
    sub: str                   # how the dialplan calls a subroutine, and leaves it
    sub_return: str

    def tree(self, lab_dir):
        """The folder that it is run in."""
        return pathlib.Path(lab_dir) / f"asterisk{self.name}"

    def endpoint(self, user):
        """A phone or the trunk, as the PBX names it."""
        return f"{self.technology}/{user}"

    def spelt(self, text):
        """A template with the subroutines as this system has them: a later one has no macros."""
        return re.sub(r"\bSub\(([\w-]+),([^()]*)\)", self.sub, text.replace("SubReturn()", self.sub_return))

    def words(self, modules):
        """What the configuration's templates say for this system."""
        return {"technology": self.technology, "every_device_of_101": self.every_device_of_101,
                "noload_lines": "\n".join(f"noload = {path.name}" for path in sorted(modules.glob(self.driver)))}


SYSTEMS = {one.name: one for one in (
    System("22", "Asterisk 22 with PJSIP", "PJSIP", "chan_sip.so", "${PJSIP_DIAL_CONTACTS(1001-101)}",
           r"Gosub(macro-\1,s,1(\2))", "Return()"),
    # A peer of chan_sip has one device, the one that registered last.
    System("16", "Asterisk 16 with chan_sip", "SIP", "*pjsip*.so", "SIP/1001-101",
           r"Macro(\1,\2)", "MacroExit()"),
)}
