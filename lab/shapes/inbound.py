"""An outside caller and one employee."""

from ringlab.shape import BASIC, shape
from ringlab.waiting import pause

DID_101 = "+493010010101"


def answered_call(lab):
    """An outside caller dials 101, who rings and answers. Gives both ends of the call."""
    caller = lab.call_in(DID_101)
    callee = lab.p101.wait_call().ring()
    lab.ringing()
    callee.answer()
    caller.wait_up()
    return caller, callee


@shape("I101 A101 E101 in", modes=BASIC, shared=True)
def inbound_answered(lab):
    """An outside caller dials 101's number; 101 rings and answers; the caller hangs up."""
    caller, callee = answered_call(lab)
    lab.talk(2.2)
    caller.hang_up()
    callee.wait_over()


@shape("I101 A101 E101 in")
def inbound_callee_hangs_up(lab):
    """101 answers an outside call and hangs up."""
    caller, callee = answered_call(lab)
    lab.talk()
    callee.hang_up()
    caller.wait_over()


@shape("I101 A101 E101 in d=0 | I101 E101 in d=0")
def inbound_answer_and_cancel_race(lab):
    """101 answers at the very moment the caller gives up."""
    caller = lab.call_in(DID_101)
    callee = lab.p101.wait_call().ring()
    lab.ringing()
    callee.answer(wait=False)
    caller.hang_up()
    callee.wait_over()


@shape("I101 a=- A101 E101 in")
def inbound_anonymous(lab):
    """A caller who withholds the number."""
    caller = lab.call_in(DID_101, caller="anonymous", name="Anonymous")
    callee = lab.p101.wait_call().ring()
    lab.ringing()
    callee.answer()
    lab.talk()
    caller.hang_up()
    callee.wait_over()


@shape("I101 E101 in", modes=BASIC)
def inbound_unanswered_caller_hangs_up(lab):
    """101 rings; the caller gives up before any answer."""
    caller = lab.call_in(DID_101)
    callee = lab.p101.wait_call().ring()
    lab.ringing(1.2)
    caller.hang_up()
    callee.wait_over()


@shape("I101 E101 in")
def inbound_busy(lab):
    """101 rings for a moment, then refuses with 486."""
    caller = lab.call_in(DID_101)
    callee = lab.p101.wait_call().ring()
    lab.ringing()
    callee.refuse(486)
    caller.wait_over()


@shape("I101 E101 in")
def inbound_refused(lab):
    """101 rings for a moment, then declines with 603."""
    caller = lab.call_in(DID_101)
    callee = lab.p101.wait_call().ring()
    lab.ringing()
    callee.refuse(603)
    caller.wait_over()


@shape("")
def inbound_busy_at_once(lab):
    """101 refuses with 486 without ever ringing (do not disturb)."""
    caller = lab.call_in(DID_101)
    lab.p101.wait_call().refuse(486)
    caller.wait_over()


@shape("")
def inbound_phone_off(lab):
    """101's phone is not registered: the PBX has nothing to ring."""
    lab.p101.unregister()
    try:
        lab.call_in(DID_101).wait_over()
    finally:
        lab.p101.register()


@shape("{ I101 A101 } E101 in")
def inbound_no_ringing(lab):
    """101 answers at once; no 180 is ever sent."""
    caller = lab.call_in(DID_101)
    callee = lab.p101.wait_call().answer()
    lab.talk()
    caller.hang_up()
    callee.wait_over()


@shape("I101 A101 E101 in")
def inbound_early_media(lab):
    """101 sends early media (183), then rings (180), then answers."""
    caller = lab.call_in(DID_101)
    callee = lab.p101.wait_call().early_media()
    pause(0.4)
    callee.ring()
    lab.ringing()
    callee.answer()
    lab.talk()
    caller.hang_up()
    callee.wait_over()


@shape("I101 A101 E101 in")
def inbound_menu_then_answered(lab):
    """A menu answers the caller at once; a second later 101 rings and answers."""
    caller = lab.call_in("+493010010500")
    caller.wait_up()
    callee = lab.p101.wait_call().ring()
    lab.ringing()
    callee.answer()
    lab.talk()
    caller.hang_up()
    callee.wait_over()


@shape("I101 E101 in")
def inbound_menu_caller_hangs_up_while_ringing(lab):
    """The same, but the caller hangs up while 101 rings: answered by the menu, by no employee."""
    caller = lab.call_in("+493010010500")
    callee = lab.p101.wait_call().ring()
    lab.ringing()
    caller.hang_up()
    callee.wait_over()


@shape("I101 E101 in")
def voicemail(lab):
    """101 rings two seconds; then the voicemail answers, the caller speaks and hangs up."""
    caller = lab.call_in("+493010010303")
    lab.p101.wait_call().ring().wait_over()
    caller.wait_up()
    lab.talk()
    caller.hang_up()


@shape("I101 A101 E101 in")
def hold_unhold(lab):
    """101 holds the caller for a second and takes them back."""
    caller, callee = answered_call(lab)
    lab.talk(0.5)
    callee.hold()
    pause(1.0)
    callee.unhold()
    lab.talk(0.6)
    caller.hang_up()
    callee.wait_over()
