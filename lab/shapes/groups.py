"""One caller, several phones: ring groups, two devices, two tenants, two calls."""

from ringlab.shape import shape
from ringlab.waiting import NotInTime, wait_for

RING_GROUP = "+493010010100"


@shape("""{ I101 I102 I103 }
          { A102 E101 in E103 in }
          E102 in""")
def ring_group_second_answers(lab):
    """An outside call rings 101, 102 and 103 at once; 102 answers, the others stop ringing."""
    caller = lab.call_in(RING_GROUP)
    first, second, third = (phone.wait_call().ring() for phone in (lab.p101, lab.p102, lab.p103))
    lab.ringing()
    second.answer()
    first.wait_over()
    third.wait_over()
    lab.talk()
    caller.hang_up()
    second.wait_over()


@shape("""{ I101 I102 I103 } { A101 E102 in d=0 @taken E103 in } E101 in
        | { I101 I102 I103 } { A102 E101 in d=0 @taken E103 in } E102 in""")
def ring_group_two_answer_at_once(lab):
    """A ring group: 101 and 102 answer at the same moment; only one of them can have the call. chan_sip
    says so to the PBX only: the loser's phone stays in a dead call until it is hung up."""
    caller = lab.call_in(RING_GROUP)
    first, second, third = (phone.wait_call().ring() for phone in (lab.p101, lab.p102, lab.p103))
    lab.ringing()
    first.answer(wait=False)
    second.answer(wait=False)
    lab.mark("taken")
    third.wait_over()
    lab.talk()
    caller.hang_up()
    try:
        wait_for(lambda: first.over_at and second.over_at, 2, "both calls to be over")
    except NotInTime:
        for loser in (first, second):
            if not loser.over_at:
                loser.hang_up()


@shape("""{ I102 I103 }
          { A103 E102 in }
          E103 in""")
def ring_group_one_busy_at_once(lab):
    """A ring group: 101 refuses at once and never rang, 103 answers."""
    caller = lab.call_in(RING_GROUP)
    second, third = lab.p102.wait_call().ring(), lab.p103.wait_call().ring()
    lab.p101.wait_call().refuse(486)
    lab.ringing()
    third.answer()
    second.wait_over()
    lab.talk()
    third.hang_up()
    caller.wait_over()


@shape("""{ I101 I102 I103 }
          E101 in
          { A103 E102 in }
          E103 in""")
def ring_group_one_busy(lab):
    """A ring group: 101 rings, then refuses; 103 answers."""
    caller = lab.call_in(RING_GROUP)
    first, second, third = (phone.wait_call().ring() for phone in (lab.p101, lab.p102, lab.p103))
    lab.ringing()
    first.refuse(486)
    lab.ringing()
    third.answer()
    second.wait_over()
    lab.talk()
    third.hang_up()
    caller.wait_over()


@shape("""{ I101 I102 }
          { A102 E101 in }
          E102 in""")
def ring_group_local(lab):
    """A ring group made of Local channels, which optimise away once 102 has answered."""
    caller = lab.call_in("+493010010110")
    first, second = lab.p101.wait_call().ring(), lab.p102.wait_call().ring()
    lab.ringing()
    second.answer()
    first.wait_over()
    lab.talk()
    caller.hang_up()
    second.wait_over()


@shape("I101 E101 in")
def ring_group_with_mobile(lab):
    """101 and an outside mobile ring; the mobile answers."""
    caller = lab.call_in("+493010010130")
    callee, mobile = lab.p101.wait_call().ring(), lab.outside.wait_call().ring()
    lab.ringing()
    mobile.answer()
    callee.wait_over()
    lab.talk()
    caller.hang_up()
    mobile.wait_over()


@shape("I101 A101 E101 in")
def local_no_optimise(lab):
    """101 is reached over a Local channel that stays for the whole call."""
    caller = lab.call_in("+493010010120")
    callee = lab.p101.wait_call().ring()
    lab.ringing()
    callee.answer()
    lab.talk()
    caller.hang_up()
    callee.wait_over()


@shape("""{ I101 I101b }
          { A101 E101b in }
          E101 in""", only=("22",))
def two_devices_one_employee(lab):
    """101 has two devices on one endpoint; both ring, one answers."""
    second_device = lab.phone("101b")
    caller = lab.call_in("+493010010140")
    one, other = lab.p101.wait_call().ring(), second_device.wait_call().ring()
    lab.ringing()
    other.answer()
    one.wait_over()
    lab.talk()
    caller.hang_up()
    other.wait_over()


@shape("""{ I101 linked=t a=caller I2002/101 linked=t2 a=caller2 }
          { A101 A2002/101 }
          E101 in
          E2002/101 in""")
def two_tenants_same_extension_simultaneously(lab):
    """Two callers ring 101 of account 1001 and 101 of account 2002 at the same time."""
    one = lab.call_in("+493010010101")
    ours = lab.p101.wait_call()
    other = lab.call_in("+492020020101", caller=lab.caller2)
    theirs = lab.other101.wait_call()
    ours.ring()
    theirs.ring()
    lab.ringing()
    ours.answer()
    theirs.answer()
    lab.talk()
    one.hang_up()
    ours.wait_over()
    lab.talk(0.5)
    theirs.hang_up()
    other.wait_over()


@shape("""I101 linked=t a=caller A101
          I101b linked=t2 a=caller2 A101b
          E101b in
          E101 in""")
def call_waiting_two_calls_on_one_employee(lab):
    """101 talks; a second caller rings; 101 holds the first, talks to the second, comes back."""
    first = lab.call_in("+493010010101")
    talk = lab.p101.wait_call().ring()
    lab.ringing()
    talk.answer()
    lab.talk(0.5)
    second = lab.call_in("+493010010101", caller=lab.caller2)
    waiting = lab.p101.wait_call().ring()
    lab.ringing()
    talk.hold()
    waiting.answer()
    lab.talk()
    waiting.hang_up()
    second.wait_over()
    talk.unhold()
    lab.talk(0.5)
    first.hang_up()
    talk.wait_over()


@shape("""I101 linked=t a=caller A101 E101 in
          I101b linked=t2 a=caller A101b E101b in""")
def same_caller_twice(lab):
    """The same caller calls 101 twice, one call after the other."""
    for _ in range(2):
        caller = lab.call_in("+493010010101")
        callee = lab.p101.wait_call().ring()
        lab.ringing()
        callee.answer()
        lab.talk(1.2)
        caller.hang_up()
        callee.wait_over()
        lab.talk(0.3)
