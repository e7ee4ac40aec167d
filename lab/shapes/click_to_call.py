"""Calls that a program places for an employee (AMI Originate)."""

from ringlab.shape import shape


def originate(lab, channel, exten, **more):
    """Tells the PBX to ring `channel` and, once that answers, to dial `exten`."""
    lab.diary.note("lab", f"Originate {channel} to {exten}")
    lab.ami.action("Originate", Channel=channel, Exten=exten, Context="tenant-1001", Priority=1,
                   Timeout=15000, Async="true", **more)


def click_to_call(lab, channel):
    """101's phone rings first and answers; then the outside number rings and answers."""
    originate(lab, channel, lab.mobile, CallerID=lab.mobile)
    employee = lab.p101.wait_call().ring()
    lab.ringing()
    employee.answer()
    callee = lab.outside.wait_call().ring()
    lab.mark("dialled", callee.began_at)
    lab.ringing(1.2)
    callee.answer()
    lab.mark("talk", callee.up_at)
    lab.talk()
    employee.hang_up()
    callee.wait_over()


@shape("O101 b=mobile a=* @dialled E101 out from=talk")
def originate_click_to_call(lab):
    """Click to call: the PBX rings 101's phone, then dials the outside number for it."""
    click_to_call(lab, lab.endpoint("1001-101"))


@shape("O101 b=mobile a=* @dialled E101 out from=talk")
def originate_local_click_to_call(lab):
    """The same, with 101 reached over a Local channel."""
    click_to_call(lab, "Local/101@tenant-1001")


@shape("")
def originate_not_answered(lab):
    """Click to call, but 101's phone refuses: no call was placed."""
    originate(lab, lab.endpoint("1001-101"), lab.mobile, CallerID=lab.mobile)
    employee = lab.p101.wait_call().ring()
    lab.ringing()
    employee.refuse(486)


@shape("I101 a=* A101 E101 in")
def originate_external_first(lab):
    """A program dials the outside first; once that answers, 101 rings and answers."""
    originate(lab, lab.endpoint(f"{lab.mobile}@trunk"), "101", CallerID=lab.mobile)
    callee = lab.outside.wait_call().ring()
    lab.ringing()
    callee.answer()
    employee = lab.p101.wait_call().ring()
    lab.ringing()
    employee.answer()
    lab.talk()
    callee.hang_up()
    employee.wait_over()
