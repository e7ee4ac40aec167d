"""An outside caller and one employee."""

from ringlab.shape import BASIC, shape


@shape("I101 A101 E101 in", modes=BASIC)
def inbound_answered(lab):
    """An outside caller dials 101's number; 101 rings and answers; the caller hangs up."""
    caller = lab.call_in("+493010010101")
    callee = lab.p101.wait_call().ring()
    lab.ringing()
    callee.answer()
    caller.wait_up()
    lab.talk()
    caller.hang_up()
    callee.wait_over()
