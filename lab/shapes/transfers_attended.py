"""Attended transfers: the employee first speaks with the one transferred to."""

from ringlab.shape import shape
from ringlab.waiting import pause

DID_101 = "+493010010101"


def talks_to_101(lab):
    """An outside caller talks to 101. Gives both ends of the call."""
    caller = lab.call_in(DID_101)
    callee = lab.p101.wait_call().ring()
    lab.ringing()
    callee.answer()
    caller.wait_up()
    lab.talk(1.2)
    return caller, callee


def consults(lab, held, number="102"):
    """101 holds its call and dials another number. Gives the consultation."""
    held.hold()
    pause(0.2)
    return lab.p101.dial(number)


def answers(lab, phone):
    """The phone consulted rings and answers. Gives its call."""
    call = phone.wait_call().ring()
    lab.ringing()
    return call.answer()


def joins(lab, held, consultation):
    """Joins both calls at the moment marked `transfer`."""
    lab.mark("transfer")
    held.join(consultation)
    held.wait_over()
    consultation.wait_over()


@shape("""I101 A101
          O101b b=102 I102 linked=101b a=101 A102
          { E101 in T(t,caller,102) @transfer E101b out T(t,caller,102) @transfer }
          E102 in T(t,caller,102)""", shared=True)
def attended_transfer_to_employee(lab):
    """101 holds the caller, dials 102, who answers; 101 joins them (REFER with Replaces)."""
    caller, first = talks_to_101(lab)
    consultation = consults(lab, first)
    second = answers(lab, lab.p102)
    lab.talk(1.2)
    joins(lab, first, consultation)
    lab.talk()
    caller.hang_up()
    second.wait_over()


@shape("""I101 A101
          O101b b=102 I102 linked=101b a=101
          { E101 in T(t,caller,102) @transfer E101b out T(t,caller,102) d=0 @transfer }
          A102 linked=t a=caller
          E102 in T(t,caller,102)""")
def attended_transfer_while_ringing(lab):
    """101 joins the caller to 102 while 102 still rings; 102 answers later."""
    caller, first = talks_to_101(lab)
    consultation = consults(lab, first)
    second = lab.p102.wait_call().ring()
    consultation.wait_ringing()
    lab.ringing()
    joins(lab, first, consultation)
    lab.ringing()
    second.answer()
    lab.talk()
    caller.hang_up()
    second.wait_over()


@shape("""I101 A101
          I102 linked=101 a=101 A102
          E101 in T(t,caller,102) @transfer
          E102 in T(t,caller,102)""")
def attended_transfer_by_feature_code(lab):
    """101 keys *2 and 102; 102 answers; 101 hangs up, which joins the caller and 102."""
    caller, first = talks_to_101(lab)
    first.keys("*2")
    lab.wait_event("Hold")
    lab.talk(0.3)
    first.keys("102")
    second = answers(lab, lab.p102)
    lab.talk(1.2)
    lab.mark("transfer")
    first.hang_up()
    lab.talk()
    caller.hang_up()
    second.wait_over()


@shape("""I101 A101
          I102 linked=101 a=101
          E101 in T(t,caller,102) @transfer
          A102 linked=* a=*
          E102 in T(t,caller,102)""")
def attended_transfer_by_feature_code_hanging_up_early(lab):
    """101 keys *2 and 102 and hangs up while 102 still rings; 102 answers later."""
    caller, first = talks_to_101(lab)
    first.keys("*2")
    lab.wait_event("Hold")
    lab.talk(0.3)
    first.keys("102")
    second = lab.p102.wait_call().ring()
    lab.ringing()
    lab.mark("transfer")
    first.hang_up()
    lab.ringing(0.8)
    second.answer()
    lab.talk()
    caller.hang_up()
    second.wait_over()


@shape("""I101 A101
          O101b b=mobile
          { E101 in T(t,caller,mobile) @transfer E101b out T(t,caller,mobile) @transfer }""")
def attended_transfer_to_external(lab):
    """101 consults an outside number and joins the caller to it."""
    caller, first = talks_to_101(lab)
    consultation = consults(lab, first, lab.mobile)
    mobile = answers(lab, lab.outside)
    lab.talk(1.2)
    joins(lab, first, consultation)
    lab.talk()
    caller.hang_up()
    mobile.wait_over()


@shape("""O101 b=mobile
          O101b b=102 I102 linked=101b a=101 A102
          { E101 out T(t,mobile,102) @transfer E101b out T(t,mobile,102) @transfer }
          E102 in T(t,mobile,102)""")
def attended_transfer_caller_side(lab):
    """101 calls the outside, consults 102, and joins the two."""
    first = lab.p101.dial(lab.mobile)
    mobile = answers(lab, lab.outside)
    first.wait_up()
    lab.talk(1.2)
    consultation = consults(lab, first)
    second = answers(lab, lab.p102)
    lab.talk(1.2)
    joins(lab, first, consultation)
    lab.talk()
    mobile.hang_up()
    second.wait_over()


@shape("""O103 b=101 I101 linked=103 a=103 A101
          O101b b=102 I102 linked=101b a=101 A102
          { E101 in T(103,103,102) @transfer E101b out T(103,103,102) @transfer }
          { E102 in T(103,103,102) E103 out T(103,103,102) }""")
def attended_transfer_internal(lab):
    """103 calls 101, who consults 102 and joins the two."""
    dialled = lab.p103.dial("101")
    first = answers(lab, lab.p101)
    lab.talk(1.2)
    consultation = consults(lab, first)
    second = answers(lab, lab.p102)
    lab.talk(1.2)
    joins(lab, first, consultation)
    lab.talk()
    dialled.hang_up()
    second.wait_over()


@shape("""I101 linked=t a=caller A101
          I101b linked=t2 a=caller2 A101b
          { E101 in T(t,caller,caller2) @transfer E101b in T(t,caller,caller2) @transfer }""")
def attended_transfer_of_two_inbound(lab):
    """101 has two outside callers and joins them."""
    caller, first = talks_to_101(lab)
    first.hold()
    other = lab.call_in(DID_101, caller=lab.caller2)
    second = answers(lab, lab.p101)
    lab.talk(1.2)
    joins(lab, first, second)
    lab.talk()
    caller.hang_up()
    other.wait_over()


@shape("""I101 A101
          O101b b=102 I102 linked=101b a=101 A102
          { E102 in E101b out }
          E101 in""")
def attended_transfer_abandoned(lab):
    """101 holds the caller and consults 102, who hangs up; 101 takes the caller back."""
    caller, first = talks_to_101(lab)
    consultation = consults(lab, first)
    second = answers(lab, lab.p102)
    lab.talk(1.2)
    second.hang_up()
    consultation.wait_over()
    first.unhold()
    lab.talk(0.6)
    caller.hang_up()
    first.wait_over()
