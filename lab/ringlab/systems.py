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
    version: str = ""          # of the Asterisk, where the name says more
    gateways: int = 1          # that follow it, with one store

    @property
    def asterisk(self):
        """Its folder's name, and that of its own templates."""
        return self.version or self.name

    def tree(self, lab_dir):
        """The folder that it is run in."""
        return pathlib.Path(lab_dir) / f"asterisk{self.asterisk}"

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


_PJSIP = System("22", "Asterisk 22 with PJSIP", "PJSIP", "chan_sip.so", "${PJSIP_DIAL_CONTACTS(1001-101)}",
                r"Gosub(macro-\1,s,1(\2))", "Return()")
SYSTEMS = {one.name: one for one in (
    _PJSIP,
    # A peer of chan_sip has one device, the one that registered last.
    System("16", "Asterisk 16 with chan_sip", "SIP", "*pjsip*.so", "SIP/1001-101",
           r"Macro(\1,\2)", "MacroExit()"),
    dataclasses.replace(_PJSIP, name="22x2", version="22", gateways=2,
                        what="Asterisk 22, followed by two gateways that share a PostgreSQL and die in turn"),
)}
