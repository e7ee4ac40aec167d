"""An office whose dialplan is shaped as a distribution writes it: macros, Local channels, recording (office.conf)."""

from ringlab.shape import shape

DID = "+493030030"


def answers(lab, name):
    """A phone rings and answers. Gives its call."""
    call = lab.phone(name).wait_call().ring()
    lab.ringing()
    return call.answer()


def talks_to_301(lab):
    """An outside caller talks to 301. Gives both ends of the call."""
    for name in ("301", "302", "303"):
        lab.phone(name)
    caller = lab.call_in(DID + "301")
    first = answers(lab, "301")
    caller.wait_up()
    lab.talk()
    return caller, first


def both_ring(lab, number):
    """The caller dials what rings 301 and 302 at once."""
    first, second = lab.phone("301"), lab.phone("302")
    caller = lab.call_in(DID + number)
    return caller, first.wait_call().ring(), second.wait_call().ring()


@shape("I3003/301 A3003/301 E3003/301 in")
def office_inbound_answered(lab):
    """An outside caller dials 301, who answers; the call is dialled by a macro of a macro, and recorded."""
    caller, first = talks_to_301(lab)
    caller.hang_up()
    first.wait_over()


@shape("I3003/301 E3003/301 in")
def office_inbound_unanswered(lab):
    """301 rings until the dialplan gives up."""
    lab.phone("301")
    caller = lab.call_in(DID + "301")
    lab.phone("301").wait_call().ring().wait_over()
    caller.wait_over()


@shape("O3003/301 b=302 I3003/302 linked=3003/301 a=301 A3003/302 { E3003/302 in E3003/301 out }")
def office_internal_answered(lab):
    """301 dials 302; where that is dialled, the extension is `s`."""
    lab.phone("302")
    dialled = lab.phone("301").dial("302")
    callee = answers(lab, "302")
    dialled.wait_up()
    lab.talk()
    dialled.hang_up()
    callee.wait_over()


@shape("O3003/301 b=mobile E3003/301 out")
def office_outbound_answered(lab):
    """301 dials out; the dialplan puts the company's number in the place of 301's own."""
    dialled = lab.phone("301").dial(lab.mobile)
    callee = lab.outside.wait_call().ring()
    lab.ringing(1.2)
    callee.answer()
    dialled.wait_up()
    lab.talk()
    callee.hang_up()
    dialled.wait_over()


@shape("{ I3003/301 I3003/302 } { A3003/302 E3003/301 in } E3003/302 in")
def office_group_answered(lab):
    """A group rings 301 and 302 through Local channels of from-internal; 302 answers."""
    caller, first, second = both_ring(lab, "600")
    lab.ringing()
    second.answer()
    first.wait_over()
    lab.talk()
    caller.hang_up()
    second.wait_over()


@shape("""O3003/303 b=600 { I3003/301 linked=3003/303 a=303 I3003/302 linked=3003/303 a=303 }
          { A3003/301 E3003/302 in } { E3003/301 in E3003/303 out }""")
def office_internal_to_group(lab):
    """303 dials the group; 301 answers."""
    first, second = lab.phone("301"), lab.phone("302")
    dialled = lab.phone("303").dial("600")
    winner, loser = first.wait_call().ring(), second.wait_call().ring()
    lab.ringing()
    winner.answer()
    loser.wait_over()
    dialled.wait_up()
    lab.talk()
    winner.hang_up()
    dialled.wait_over()


@shape("I3003/301 E3003/301 in")
def office_group_mobile_accepts(lab):
    """A group of 301 and a mobile, which lifts, is asked, and accepts with 1: only then 301 stops ringing."""
    lab.phone("301")
    caller = lab.call_in(DID + "610")
    first = lab.phone("301").wait_call().ring()
    mobile = answers(lab, "outside")
    lab.talk()
    mobile.keys("1")
    first.wait_over()
    lab.talk()
    caller.hang_up()
    mobile.wait_over()


@shape("I3003/301 A3003/301 E3003/301 in")
def office_group_mobile_does_not_accept(lab):
    """The same, but the mobile declines with 2; 301 answers."""
    lab.phone("301")
    caller = lab.call_in(DID + "610")
    first = lab.phone("301").wait_call().ring()
    mobile = answers(lab, "outside")
    lab.talk()
    mobile.keys("2")
    mobile.wait_over()
    lab.ringing()
    first.answer()
    lab.talk()
    caller.hang_up()
    first.wait_over()


@shape("{ I3003/301 I3003/302 } { A3003/302 E3003/301 in } E3003/302 in")
def office_queue_answered(lab):
    """A queue whose members are Local channels of from-queue that stay; 302 answers."""
    caller, first, second = both_ring(lab, "400")
    lab.ringing()
    second.answer()
    first.wait_over()
    lab.talk()
    caller.hang_up()
    second.wait_over()


@shape("I3003/301 E3003/301 in I3003/302 A3003/302 E3003/302 in")
def office_queue_one_after_the_other(lab):
    """A queue rings 301 for three seconds, then 302, who answers."""
    first, second = lab.phone("301"), lab.phone("302")
    caller = lab.call_in(DID + "410")
    first.wait_call().ring().wait_over()
    callee = second.wait_call().ring()
    lab.ringing()
    callee.answer()
    lab.talk()
    callee.hang_up()
    caller.wait_over()


@shape("I3003/301 E3003/301 in I3003/302 A3003/302 @accepted E3003/302 in from=accepted")
def office_follow_me_accepted(lab):
    """301's follow-me: the own phone does not answer; 302 lifts, is asked, and accepts with 1."""
    first, second = lab.phone("301"), lab.phone("302")
    caller = lab.call_in(DID + "311")
    first.wait_call().ring().wait_over()
    callee = second.wait_call().ring()
    lab.ringing()
    callee.answer()
    lab.talk()
    callee.keys("1")
    lab.mark("accepted")
    caller.wait_up()
    lab.talk()
    caller.hang_up()
    callee.wait_over()


@shape("I3003/301 E3003/301 in I3003/302 E3003/302 in d=0")
def office_follow_me_not_accepted(lab):
    """The same, but 302 lifts and declines with 2: nobody answered."""
    first, second = lab.phone("301"), lab.phone("302")
    caller = lab.call_in(DID + "311")
    first.wait_call().ring().wait_over()
    callee = second.wait_call().ring()
    lab.ringing()
    callee.answer()
    lab.talk()
    callee.keys("2")
    callee.wait_over()
    caller.wait_over()


@shape("""I3003/301 A3003/301
          { E3003/301 in T(t,caller,302) @transfer I3003/302 }
          A3003/302
          E3003/302 in T(t,caller,302)""")
def office_blind_transfer(lab):
    """301 transfers (REFER) to 302, by way of from-internal-xfer."""
    caller, first = talks_to_301(lab)
    lab.mark("transfer")
    first.transfer("302")
    second = answers(lab, "302")
    first.wait_over()
    lab.talk()
    caller.hang_up()
    second.wait_over()


@shape("""I3003/303 A3003/303
          { E3003/303 in T(t,caller,600) @transfer I3003/301 I3003/302 }
          { A3003/302 E3003/301 in T(t,caller,600) }
          E3003/302 in T(t,caller,600)""")
def office_blind_transfer_to_group(lab):
    """303 picks up for the house and transfers the caller to the group; 302 answers."""
    first, second, third = lab.phone("301"), lab.phone("302"), lab.phone("303")
    caller = lab.call_in(DID + "303")
    call = third.wait_call().ring()
    lab.ringing()
    call.answer()
    lab.talk()
    lab.mark("transfer")
    call.transfer("600")
    loser, winner = first.wait_call().ring(), second.wait_call().ring()
    call.wait_over()
    lab.ringing()
    winner.answer()
    loser.wait_over()
    lab.talk()
    caller.hang_up()
    winner.wait_over()


@shape("""I3003/301 A3003/301
          O3003/301b b=302 I3003/302 linked=3003/301b a=301 A3003/302
          { E3003/301 in T(t,caller,302) @transfer E3003/301b out T(t,caller,302) @transfer }
          E3003/302 in T(t,caller,302)""")
def office_attended_transfer(lab):
    """301 holds the caller, dials 302, who answers, and joins the two."""
    caller, first = talks_to_301(lab)
    first.hold()
    consultation = lab.phone("301").dial("302")
    second = answers(lab, "302")
    lab.talk(1.2)
    lab.mark("transfer")
    first.join(consultation)
    first.wait_over()
    consultation.wait_over()
    lab.talk()
    caller.hang_up()
    second.wait_over()


def click_to_call(lab, channel):
    """A program rings `channel` with the employee's own number as caller id; then the outside is dialled."""
    lab.phone("301")
    lab.ami.action("Originate", Channel=channel, Exten=lab.mobile, Context="from-internal", Priority=1, Timeout=15000,
                   Async="true", CallerID="301")
    employee = lab.phone("301").wait_call().ring()
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


@shape("O3003/301 b=mobile a=* @dialled E3003/301 out from=talk")
def office_click_to_call(lab):
    """Click to call: the PBX rings Local/301@from-internal, then dials out for it."""
    click_to_call(lab, "Local/301@from-internal")


@shape("O3003/301 b=mobile a=* @dialled E3003/301 out from=talk")
def office_click_to_call_follow_me(lab):
    """The same by way of 301's follow-me: one Local pair behind the other."""
    click_to_call(lab, "Local/311@from-internal")
