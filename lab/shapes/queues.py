"""Queues: the queue answers the caller, which is no employee's answer."""

from ringlab.shape import shape

RING_ALL, LINEAR, LOCAL, LOCAL_OPTIMISED, AGAIN = (f"+49301001020{n}" for n in range(5))


def both_ring(lab, number):
    """The caller joins a queue whose members 101 and 102 ring at once."""
    caller = lab.call_in(number)
    first, second = lab.p101.wait_call(), lab.p102.wait_call()
    return caller, first.ring(), second.ring()


def second_answers(lab, number):
    """101 and 102 ring, 102 answers, the caller hangs up."""
    caller, first, second = both_ring(lab, number)
    lab.ringing()
    second.answer()
    first.wait_over()
    lab.talk()
    caller.hang_up()
    second.wait_over()


@shape("{ I101 I102 } { A102 E101 in } E102 in", shared=True)
def queue_answered_ringall(lab):
    """A queue rings 101 and 102; 102 answers; the caller hangs up."""
    second_answers(lab, RING_ALL)


@shape("{ I101 I102 } { A102 E101 in } E102 in")
def queue_local_member_answered(lab):
    """A queue whose members are Local channels that stay; 102 answers."""
    second_answers(lab, LOCAL)


@shape("{ I101 I102 } { A102 E101 in } E102 in")
def queue_local_member_optimised(lab):
    """A queue whose members are Local channels that optimise away; 102 answers."""
    second_answers(lab, LOCAL_OPTIMISED)


@shape("I101 E101 in I102 A102 E102 in")
def queue_answered_linear(lab):
    """A queue rings 101 for two seconds, who does not answer, then 102, who does."""
    caller = lab.call_in(LINEAR)
    lab.p101.wait_call().ring().wait_over()
    callee = lab.p102.wait_call().ring()
    lab.ringing()
    callee.answer()
    lab.talk()
    callee.hang_up()
    caller.wait_over()


@shape("I101 E101 in I102 A102 E102 in")
def queue_member_refuses(lab):
    """A queue rings 101, who refuses with 486, then 102, who answers."""
    caller = lab.call_in(LINEAR)
    callee = lab.p101.wait_call().ring()
    lab.ringing()
    callee.refuse(486)
    callee = lab.p102.wait_call().ring()
    lab.ringing()
    callee.answer()
    lab.talk()
    caller.hang_up()
    callee.wait_over()


@shape("I101 E101 in I101b A101b E101b in")
def queue_rings_again(lab):
    """A queue rings 101 in two rounds; only in the second does 101 answer."""
    caller = lab.call_in(AGAIN)
    lab.p101.wait_call().ring().wait_over()
    callee = lab.p101.wait_call().ring()
    lab.ringing()
    callee.answer()
    lab.talk()
    caller.hang_up()
    callee.wait_over()


@shape("{ I101 I102 } { E101 in E102 in }")
def queue_caller_abandons(lab):
    """The caller hangs up while 101 and 102 ring for the queue."""
    caller, first, second = both_ring(lab, RING_ALL)
    lab.ringing(1.0)
    caller.hang_up()
    first.wait_over()
    second.wait_over()


@shape("""O103 b=200
          { I101 linked=103 a=103 I102 linked=103 a=103 }
          { A101 E102 in }
          { E101 in E103 out from=answered }""")
def internal_to_queue(lab):
    """103 dials the queue; 101 answers. 103's conversation counts from there."""
    dialled = lab.p103.dial("200")
    first, second = lab.p101.wait_call().ring(), lab.p102.wait_call().ring()
    lab.ringing(1.2)
    first.answer()
    lab.mark("answered", first.up_at)
    second.wait_over()
    lab.talk()
    dialled.hang_up()
    first.wait_over()


@shape("""{ I101 I102 } { A101 E102 in }
          { E101 in T(t,caller,103) @transfer I103 }
          A103 E103 in T(t,caller,103)""")
def queue_then_blind_transfer(lab):
    """A queue call, which 101 answers and transfers to 103."""
    caller, first, second = both_ring(lab, RING_ALL)
    lab.ringing()
    first.answer()
    second.wait_over()
    lab.talk()
    lab.mark("transfer")
    first.transfer("103")
    callee = lab.p103.wait_call().ring()
    first.wait_over()
    lab.ringing()
    callee.answer()
    lab.talk()
    caller.hang_up()
    callee.wait_over()
