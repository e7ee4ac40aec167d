"""Blind transfers: by REFER, by feature code, away from a queue, to nowhere."""

from ringlab.shape import shape

DID_101 = "+493010010101"


def talks_to_101(lab, number=DID_101):
    """An outside caller talks to 101. Gives both ends of the call."""
    caller = lab.call_in(number)
    callee = lab.p101.wait_call().ring()
    lab.ringing()
    callee.answer()
    caller.wait_up()
    lab.talk()
    return caller, callee


def transfers(lab, call, number):
    """Transfers a call at the moment marked `transfer`."""
    lab.mark("transfer")
    call.transfer(number)


def answers(lab, phone):
    """The phone transferred to rings and answers. Gives its call."""
    call = phone.wait_call().ring()
    lab.ringing()
    return call.answer()


@shape("""I101 A101
          { E101 in T(t,caller,102) @transfer I102 }
          A102
          E102 in T(t,caller,102)""", shared=True)
def blind_transfer_to_employee(lab):
    """101 talks to an outside caller and transfers (REFER) to 102, who answers."""
    caller, first = talks_to_101(lab)
    transfers(lab, first, "102")
    second = answers(lab, lab.p102)
    first.wait_over()
    lab.talk()
    caller.hang_up()
    second.wait_over()


@shape("""I101 A101
          { E101 in T(t,caller,102) @transfer I102 }
          A102
          E102 in T(t,caller,102)""")
def blind_transfer_by_feature_code(lab):
    """101 keys ##102 during the call; 102 answers."""
    caller, first = talks_to_101(lab)
    first.keys("##")
    lab.wait_event("Hold")
    lab.talk(0.3)
    first.keys("102")
    transferred = lab.wait_event("BlindTransfer")
    lab.mark("transfer", float(transferred["Timestamp"]))
    second = answers(lab, lab.p102)
    first.wait_over()
    lab.talk()
    caller.hang_up()
    second.wait_over()


@shape("I101 A101 E101 in T(t,caller,mobile) @transfer")
def blind_transfer_to_external(lab):
    """101 transfers an outside caller to an outside number, which answers."""
    caller, first = talks_to_101(lab)
    transfers(lab, first, lab.mobile)
    mobile = answers(lab, lab.outside)
    first.wait_over()
    lab.talk()
    caller.hang_up()
    mobile.wait_over()


@shape("""I101 A101
          { E101 in T(t,caller,102) @transfer I102 }
          E102 in T(t,caller,102)""")
def blind_transfer_unanswered(lab):
    """101 transfers to 102, who rings and never answers; the caller is dropped."""
    caller, first = talks_to_101(lab)
    transfers(lab, first, "102")
    second = lab.p102.wait_call().ring()
    first.wait_over()
    second.wait_over()
    caller.wait_over()


@shape("""I101 A101
          { E101 in T(t,caller,102) @transfer I102 }
          E102 in T(t,caller,102)""")
def blind_transfer_busy_target(lab):
    """101 transfers to 102, who rings and refuses."""
    caller, first = talks_to_101(lab)
    transfers(lab, first, "102")
    second = lab.p102.wait_call().ring()
    lab.ringing()
    second.refuse(486)
    caller.wait_over()


@shape("""I101 A101
          { E101 in T(t,caller,102) @transfer I102 }
          E102 in T(t,caller,102)""")
def blind_transfer_caller_hangs_up(lab):
    """101 transfers to 102; the caller hangs up while 102 rings."""
    caller, first = talks_to_101(lab)
    transfers(lab, first, "102")
    second = lab.p102.wait_call().ring()
    lab.ringing(0.8)
    caller.hang_up()
    second.wait_over()


@shape("I101 A101 E101 in")
def blind_transfer_wrong_number(lab):
    """101 transfers to a number that does not exist, and so stays in the call."""
    caller, first = talks_to_101(lab)
    first.transfer("555")
    first.wait_transfer_failed()
    lab.talk()
    first.hang_up()
    caller.wait_over()


@shape("""O101 b=mobile
          { E101 out T(t,mobile,102) @transfer I102 a=mobile }
          A102
          E102 in T(t,mobile,102)""")
def blind_transfer_caller_side(lab):
    """101 calls the outside and transfers the one called to 102."""
    first = lab.p101.dial(lab.mobile)
    mobile = answers(lab, lab.outside)
    first.wait_up()
    lab.talk()
    transfers(lab, first, "102")
    second = answers(lab, lab.p102)
    first.wait_over()
    lab.talk()
    mobile.hang_up()
    second.wait_over()


@shape("""O101 b=102 I102 linked=101 a=101 A102
          { E102 in T(101,101,103) @transfer I103 linked=101 a=101 }
          A103
          { E103 in T(101,101,103) E101 out T(101,101,103) }""")
def blind_transfer_internal(lab):
    """101 calls 102, who transfers 101 to 103."""
    first = lab.p101.dial("102")
    second = answers(lab, lab.p102)
    first.wait_up()
    lab.talk()
    transfers(lab, second, "103")
    third = answers(lab, lab.p103)
    second.wait_over()
    lab.talk()
    first.hang_up()
    third.wait_over()


@shape("""I101 A101
          { E101 in T(t,caller,102) @transfer I102 }
          A102
          { E102 in T(t,caller,103) @again I103 }
          A103
          E103 in T(t,caller,103)""")
def blind_transfer_twice(lab):
    """101 transfers to 102, who transfers on to 103."""
    caller, first = talks_to_101(lab)
    transfers(lab, first, "102")
    second = answers(lab, lab.p102)
    lab.talk()
    lab.mark("again")
    second.transfer("103")
    third = answers(lab, lab.p103)
    second.wait_over()
    lab.talk()
    caller.hang_up()
    third.wait_over()


@shape("""I103 A103
          { E103 in T(t,caller,200) @transfer I101 I102 }
          { A102 E101 in T(t,caller,200) }
          E102 in T(t,caller,200)""")
def blind_transfer_to_queue(lab):
    """103 transfers an outside caller to the queue, where 101 and 102 ring; 102 answers."""
    caller = lab.call_in("+493010010103")
    first = answers(lab, lab.p103)
    lab.talk()
    transfers(lab, first, "200")
    loser, winner = lab.p101.wait_call().ring(), lab.p102.wait_call().ring()
    lab.ringing()
    winner.answer()
    loser.wait_over()
    lab.talk()
    caller.hang_up()
    winner.wait_over()
