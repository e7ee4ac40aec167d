"""Crashes, restarts and lost links during calls: every leg still ends once, none is told twice."""

from ringlab.shape import shape
from ringlab.waiting import pause


def rings(lab, phone, number, caller):
    """An outside caller dials a number; the phone rings. Gives both ends."""
    call = lab.call_in(number, caller)
    return call, phone.wait_call().ring()


def talks_to_101(lab):
    """An outside caller talks to 101. Gives both ends."""
    caller, callee = rings(lab, lab.p101, "+493010010101", lab.caller)
    lab.ringing()
    callee.answer()
    caller.wait_up()
    lab.talk(1.2)
    return caller, callee


def talk_and_ring(lab):
    """A caller talks to 101, another rings 102."""
    talk = talks_to_101(lab)
    ring = rings(lab, lab.p102, "+493010010102", lab.caller2)
    lab.ringing(1.0)
    return talk, ring


@shape("""I101 A101 I102 linked=t2 a=caller2
          { E101 in @lost E102 in @lost }""", prompt=False)
def asterisk_killed_during_call(lab):
    """A caller talks to 101, another rings 102; Asterisk is killed and started again."""
    talk_and_ring(lab)
    lab.mark("lost")
    lab.kill_asterisk()
    pause(0.5)
    lab.start_asterisk()


@shape("""I101 A101 I102 linked=t2 a=caller2
          { E101 in @lost E102 in @lost }""", prompt=False)
def asterisk_restart_now_during_call(lab):
    """A caller talks to 101, another rings 102; somebody types `core restart now`."""
    talk_and_ring(lab)
    lab.mark("lost")
    lab.restart_asterisk()


@shape("""I101 A101 { E101 in @lost }
          I101b linked=t2 a=caller A101b E101b in""", prompt=False)
def asterisk_killed_then_the_same_call_again(lab):
    """Asterisk is killed during a call; after its restart, the same caller talks to 101 again."""
    talks_to_101(lab)
    lab.mark("lost")
    lab.kill_asterisk()
    lab.start_asterisk()
    lab.wait_linked()
    lab.p101.order("hangs up what is left", "hang_up_all")
    caller, callee = talks_to_101(lab)
    caller.hang_up()
    callee.wait_over()


@shape("""I101 A101 O103 b=mobile I102 linked=t3 a=caller2
          { E103 out @lost A102 O2002/101 b=caller a=* }
          { E101 in E102 in E2002/101 out }""", prompt=False)
def ami_dropped_during_call(lab):
    """The link is cut for three seconds. Before: 101 talks, 103 talks to the outside, 102 rings.
    Meanwhile: 102 answers, 103 hangs up, 2002/101 dials the outside. After: that is answered, all end.
    2002/101's own number: the dialplan has put the full one in its place before the link is back."""
    caller, first = talks_to_101(lab)
    third = lab.p103.dial(lab.mobile)
    mobile = lab.outside.wait_call().ring()
    lab.ringing()
    mobile.answer()
    third.wait_up()
    other, second = rings(lab, lab.p102, "+493010010102", lab.caller2)
    lab.talk(1.0)
    lab.mark("lost")
    lab.link("cut")
    lab.ringing()
    second.answer()
    lab.talk(0.5)
    third.hang_up()
    dora = lab.other101.dial(lab.caller)
    callee = lab.outside.wait_call().ring()
    pause(1.5)
    lab.link("mend")
    lab.wait_linked()
    lab.wait_told(7)
    callee.answer()
    dora.wait_up()
    lab.talk()
    caller.hang_up()
    second.hang_up()
    dora.hang_up()


@shape("I101 A101 E101 in", prompt=False, needs_ringbud=True)
def link_frozen_for_a_moment(lab):
    """The link stands still for two seconds while 101 answers; nothing is lost, all is told late."""
    caller, callee = rings(lab, lab.p101, "+493010010101", lab.caller)
    lab.ringing()
    lab.link("freeze")
    callee.answer()
    pause(2.0)
    lab.link("mend")
    lab.talk()
    caller.hang_up()
    callee.wait_over()


@shape("I101 A101 E101 in d=*", prompt=False, needs_ringbud=True)
def link_stranded_during_call(lab):
    """The link goes silent for good, without an end of file, while 101 talks; the caller hangs up.
    Ringbud has to notice by itself and connect anew."""
    caller, callee = talks_to_101(lab)
    lab.link("strand")
    caller.hang_up()
    callee.wait_over()


@shape("I101 A101 E101 in", prompt=False, repeats=True, needs_ringbud=True)
def ringbud_killed_during_call(lab):
    """Ringbud is killed while 101 talks and started again before the caller hangs up."""
    caller, callee = talks_to_101(lab)
    lab.kill_ringbud()
    lab.talk(1.0)
    lab.start_ringbud()
    lab.talk(1.0)
    caller.hang_up()
    callee.wait_over()


@shape("I101 A101 E101 in d=*", prompt=False, repeats=True, needs_ringbud=True)
def ringbud_killed_call_ends_meanwhile(lab):
    """Ringbud is killed while 101 talks; the caller hangs up before it is back."""
    caller, callee = talks_to_101(lab)
    lab.kill_ringbud()
    lab.talk(1.0)
    caller.hang_up()
    callee.wait_over()
    lab.start_ringbud()


@shape("I101 A101 E101 in", prompt=False, repeats=True, needs_ringbud=True)
def ringbud_killed_call_answered_meanwhile(lab):
    """Ringbud is killed while 101 rings; 101 answers before it is back."""
    caller, callee = rings(lab, lab.p101, "+493010010101", lab.caller)
    lab.ringing(1.0)
    lab.kill_ringbud()
    lab.ringing()
    callee.answer()
    lab.talk(1.0)
    lab.start_ringbud()
    lab.wait_told(2)
    lab.talk(1.0)
    caller.hang_up()
    callee.wait_over()


@shape("I101 A101 E101 in", prompt=False, repeats=True, needs_ringbud=True)
def ringbud_killed_call_begins_meanwhile(lab):
    """Ringbud is killed; a caller rings 101, who answers; then it is back, and the call ends."""
    lab.kill_ringbud()
    caller, callee = talks_to_101(lab)
    lab.start_ringbud()
    lab.wait_told(2)
    lab.talk(1.0)
    caller.hang_up()
    callee.wait_over()


@shape("I101 A101 E101 in d=*", prompt=False, repeats=True, needs_ringbud=True)
def ringbud_killed_at_every_step(lab):
    """Ringbud is killed and started right after 101 rings, answers, and hangs up: it may not
    even have read that, and then has to assume when the call ended."""
    caller, callee = rings(lab, lab.p101, "+493010010101", lab.caller)
    lab.kill_ringbud()
    lab.start_ringbud()
    callee.answer()
    lab.kill_ringbud()
    lab.start_ringbud()
    lab.wait_told(2)
    lab.talk(1.0)
    caller.hang_up()
    callee.wait_over()
    lab.kill_ringbud()
    lab.start_ringbud()


@shape("I101 A101 E101 in", prompt=False, repeats=True, needs_ringbud=True)
def receiver_refuses_for_a_while(lab):
    """The customer's server answers 503 during the call and is well again at its end."""
    lab.receiver.answer_with = 503
    caller, callee = talks_to_101(lab)
    lab.receiver.answer_with = 200
    caller.hang_up()
    callee.wait_over()
