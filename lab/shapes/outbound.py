"""An employee calls the outside, or a colleague."""

from ringlab.shape import BASIC, shape


@shape("O101 b=mobile E101 out", modes=BASIC)
def outbound_answered(lab):
    """101 dials an outside number, which rings and answers; the outside hangs up."""
    dialled = lab.p101.dial(lab.mobile)
    callee = lab.outside.wait_call().ring()
    lab.ringing(1.2)
    callee.answer()
    dialled.wait_up()
    lab.talk(2.2)
    callee.hang_up()
    dialled.wait_over()


@shape("O101 b=mobile E101 out")
def outbound_early_media(lab):
    """The outside number sends an announcement (183) before it answers."""
    dialled = lab.p101.dial(lab.mobile)
    callee = lab.outside.wait_call().early_media()
    lab.ringing(1.2)
    callee.answer()
    dialled.wait_up()
    lab.talk()
    dialled.hang_up()
    callee.wait_over()


@shape("O101 b=mobile E101 out d=0", modes=BASIC)
def outbound_unanswered(lab):
    """101 dials an outside number, which rings; 101 gives up."""
    dialled = lab.p101.dial(lab.mobile)
    callee = lab.outside.wait_call().ring()
    lab.ringing(1.2)
    dialled.hang_up()
    callee.wait_over()


@shape("O101 b=mobile E101 out d=0")
def outbound_busy(lab):
    """101 dials an outside number, which is busy (486)."""
    dialled = lab.p101.dial(lab.mobile)
    lab.outside.wait_call().refuse(486)
    dialled.wait_over()


@shape("O101 b=mobile E101 out d=0")
def outbound_rejected_404(lab):
    """101 dials an outside number, which the trunk does not know (404)."""
    dialled = lab.p101.dial(lab.mobile)
    lab.outside.wait_call().refuse(404)
    dialled.wait_over()


@shape("")
def outbound_wrong_number(lab):
    """101 dials a number that the PBX does not know: no call is placed."""
    lab.p101.dial("555").wait_over()


@shape("O101 b=102 I102 linked=101 a=101 A102 { E102 in E101 out }", modes=BASIC)
def internal_answered(lab):
    """101 dials 102, who rings and answers; 101 hangs up."""
    dialled = lab.p101.dial("102")
    callee = lab.p102.wait_call().ring()
    lab.ringing()
    callee.answer()
    dialled.wait_up()
    lab.talk()
    dialled.hang_up()
    callee.wait_over()


@shape("O101 b=102 I102 linked=101 a=101 { E102 in E101 out d=0 }")
def internal_unanswered(lab):
    """101 dials 102, who rings; 101 gives up."""
    dialled = lab.p101.dial("102")
    callee = lab.p102.wait_call().ring()
    lab.ringing(1.0)
    dialled.hang_up()
    callee.wait_over()


@shape("O101 b=102 I102 linked=101 a=101 { E102 in E101 out d=0 }")
def internal_refused(lab):
    """101 dials 102, who rings and refuses with 486."""
    dialled = lab.p101.dial("102")
    callee = lab.p102.wait_call().ring()
    lab.ringing()
    callee.refuse(486)
    dialled.wait_over()


@shape("O101 b=800 O102 b=800 E101 out E102 out")
def conference_3(lab):
    """An outside caller, 101 and 102 meet in a conference room; each leaves by themselves."""
    caller = lab.call_in("+493010010400")
    caller.wait_up()
    first = lab.p101.dial("800").wait_up()
    lab.talk(0.6)
    second = lab.p102.dial("800").wait_up()
    lab.talk(1.2)
    caller.hang_up()
    first.hang_up()
    lab.talk(0.4)
    second.hang_up()
