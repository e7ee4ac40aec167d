"""Calls that an application connects by Asterisk's REST interface (ARI)."""

from ringlab.shape import shape

STASIS = "+493010010190"


def into_application(lab, number):
    """The outside calls in and is taken by the application; gives its call, its channel and a bridge with it."""
    application = lab.ari  # it is there before anybody calls
    caller = lab.call_in(number).wait_up()
    channel = lab.trunk_channel_id()
    bridge = application.bridge()
    application.join(bridge, channel)
    return caller, channel, bridge


@shape("I101 A101 E101 in")
def ari_rings_employee(lab):
    """An application takes the caller, rings 101 and brings both together."""
    caller, channel, bridge = into_application(lab, STASIS)
    rung = lab.ari.ring(lab.endpoint("1001-101"), lab.caller)
    employee = lab.p101.wait_call().ring()
    lab.ringing(0.8)
    employee.answer()
    lab.ari.join(bridge, rung)
    lab.talk()
    caller.hang_up()
    employee.hang_up()


@shape("I101 E101 in", prompt=False)
def ari_rings_employee_in_vain(lab):
    """The application says for whom it rings 101 (originator), and 101 does not answer."""
    caller, channel, _bridge = into_application(lab, STASIS)
    lab.ari.ring(lab.endpoint("1001-101"), lab.caller, originator=channel)
    employee = lab.p101.wait_call().ring()
    lab.ringing(2.2)
    employee.refuse(486)
    caller.hang_up()


def click_to_call(lab):
    """The application rings 101, and for it the outside; gives the calls, the channel rung and the bridge."""
    mine = lab.ari.ring(lab.endpoint("1001-101"), lab.mobile)
    employee = lab.p101.wait_call().ring()
    lab.ringing()
    employee.answer()
    bridge = lab.ari.bridge()
    lab.ari.join(bridge, mine)
    other = lab.ari.ring(lab.endpoint(f"{lab.mobile}@trunk"), lab.mobile, originator=mine)
    callee = lab.outside.wait_call().ring()
    lab.mark("dialled", callee.began_at)
    lab.ringing(1.2)
    return employee, callee, other, bridge


@shape("O101 b=mobile a=* @dialled E101 out from=talk")
def ari_click_to_call(lab):
    """Click to call by an application: it rings 101, then the outside, and brings both together."""
    employee, callee, other, bridge = click_to_call(lab)
    callee.answer()
    lab.mark("talk", callee.up_at)
    lab.ari.join(bridge, other)
    lab.talk()
    callee.hang_up()
    employee.hang_up()


@shape("O101 b=mobile a=* @dialled E101 out d=0")
def ari_click_to_call_in_vain(lab):
    """The same, and the outside does not answer."""
    employee, callee, _other, _bridge = click_to_call(lab)
    callee.refuse(486)
    employee.hang_up()
