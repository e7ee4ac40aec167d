"""Calls that are moved some other way: 302, overflow, pickup, parking, by the PBX itself."""

from ringlab.shape import shape

DID_101 = "+493010010101"


def answers(lab, phone):
    """A phone rings and answers. Gives its call."""
    call = phone.wait_call().ring()
    lab.ringing()
    return call.answer()


def talks_to_101(lab):
    """An outside caller talks to 101. Gives both ends of the call."""
    caller = lab.call_in(DID_101)
    callee = answers(lab, lab.p101)
    lab.talk()
    return caller, callee


@shape("""I101
          { E101 in T(t,caller,102) I102 }
          A102
          E102 in T(t,caller,102)""")
def forward_302_to_employee(lab):
    """101's phone rings, then redirects (302) to 102, who answers."""
    caller = lab.call_in(DID_101)
    first = lab.p101.wait_call().ring()
    lab.ringing(0.8)
    first.redirect("102")
    second = answers(lab, lab.p102)
    lab.talk()
    caller.hang_up()
    second.wait_over()


@shape("I102 A102 E102 in T(t,caller,102)")
def forward_302_at_once_to_employee(lab):
    """101's phone redirects to 102 without ringing: 101 has no leg."""
    caller = lab.call_in(DID_101)
    lab.p101.wait_call().redirect("102")
    second = answers(lab, lab.p102)
    lab.talk()
    caller.hang_up()
    second.wait_over()


@shape("")
def forward_302_to_external(lab):
    """101's phone redirects to an outside number without ringing: no employee takes part."""
    caller = lab.call_in(DID_101)
    lab.p101.wait_call().redirect(lab.mobile)
    mobile = answers(lab, lab.outside)
    lab.talk()
    caller.hang_up()
    mobile.wait_over()


@shape("I101 E101 in I102 A102 E102 in")
def forward_no_answer_to_employee(lab):
    """101 rings two seconds; then the PBX rings 102, who answers."""
    caller = lab.call_in("+493010010301")
    lab.p101.wait_call().ring().wait_over()
    second = answers(lab, lab.p102)
    lab.talk()
    caller.hang_up()
    second.wait_over()


def picked_up(lab, code, ringing):
    """102 dials a pickup code while others ring."""
    second = lab.p102.dial(code).wait_up()
    lab.mark("pickup", second.up_at)
    for call in ringing:
        call.wait_over()
    lab.talk()
    return second


@shape("I101 { E101 in @pickup I102 @pickup A102 @pickup } E102 in", shared=True)
def pickup(lab):
    """101 rings; 102 dials *8 and gets the call."""
    caller = lab.call_in(DID_101)
    first = lab.p101.wait_call().ring()
    lab.ringing(0.8)
    second = picked_up(lab, "*8", [first])
    caller.hang_up()
    second.wait_over()


@shape("I101 { E101 in @pickup I102 @pickup A102 @pickup } E102 in")
def pickup_directed(lab):
    """101 rings; 102 dials *8101 and gets the call."""
    caller = lab.call_in(DID_101)
    first = lab.p101.wait_call().ring()
    lab.ringing(0.8)
    second = picked_up(lab, "*8101", [first])
    caller.hang_up()
    second.wait_over()


@shape("{ I101 I103 } { E101 in @pickup E103 in @pickup I102 @pickup A102 @pickup } E102 in")
def pickup_from_ring_group(lab):
    """101 and 103 ring as a group; 102 dials *8 and gets the call."""
    caller = lab.call_in("+493010010150")
    first, third = lab.p101.wait_call().ring(), lab.p103.wait_call().ring()
    lab.ringing(0.8)
    second = picked_up(lab, "*8", [first, third])
    caller.hang_up()
    second.wait_over()


def parks(lab, call, number):
    """Parks a call at the moment marked `transfer`; waits until it is parked."""
    lab.mark("transfer")
    call.transfer(number)
    lab.wait_event("ParkedCall")
    call.wait_over()


@shape("""I101 A101 E101 in T(t,caller,700) @transfer
          O102 b=701 E102 out""")
def parking_retrieve(lab):
    """101 parks the caller at 700 (slot 701); 102 dials 701 and talks."""
    caller, first = talks_to_101(lab)
    parks(lab, first, "700")
    second = lab.p102.dial("701").wait_up()
    lab.talk()
    caller.hang_up()
    second.wait_over()


@shape("""I101 A101 E101 in T(t,caller,700) @transfer
          { I102 @retrieved A102 @retrieved } E102 in""")
def parking_retrieve_by_feature_code(lab):
    """101 parks the caller; 102 dials *701, a feature code, and talks."""
    caller, first = talks_to_101(lab)
    parks(lab, first, "700")
    second = lab.p102.dial("*701").wait_up()
    lab.mark("retrieved", second.up_at)
    lab.talk()
    caller.hang_up()
    second.wait_over()


@shape("""I101 A101 E101 in T(t,caller,750) @transfer
          I101b A101b E101b in""")
def parking_timeout_returns(lab):
    """101 parks the caller where calls may stay four seconds; 101's phone rings again and answers."""
    caller, first = talks_to_101(lab)
    parks(lab, first, "750")
    again = answers(lab, lab.p101)
    lab.talk()
    caller.hang_up()
    again.wait_over()


@shape("I101 A101 { E101 in I102 } A102 E102 in")
def ami_redirect(lab):
    """Somebody else's program moves the caller from 101 to 102 (AMI Redirect)."""
    caller, first = talks_to_101(lab)
    lab.ami.action("Redirect", Channel=lab.trunk_channel(), Exten="102", Context="tenant-1001", Priority=1)
    first.wait_over()
    second = answers(lab, lab.p102)
    lab.talk()
    caller.hang_up()
    second.wait_over()
