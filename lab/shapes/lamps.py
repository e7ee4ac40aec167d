"""Calls taken by a lamp key: an INVITE that replaces another phone's call."""

from ringlab.shape import shape

DID_101 = "+493010010101"


@shape("I101 { E101 in @pickup I102 @pickup A102 @pickup } E102 in")
def pickup_by_lamp(lab):
    """101 rings; 102 takes the call by the key that watches 101, which names the number 101."""
    caller = lab.call_in(DID_101)
    first = lab.p101.wait_call().ring()
    lab.ringing(0.8)
    second = lab.p102.take("101", lab.p101.dialog_of(first)).wait_up()
    lab.mark("pickup", second.up_at)
    first.wait_over()
    lab.talk()
    caller.hang_up()
    second.wait_over()


@shape("I101 A101 { E101 in @taken I102 @taken A102 @taken } E102 in")
def call_taken_over(lab):
    """101 talks with the caller; 102 takes the call over, by the same key."""
    caller = lab.call_in(DID_101)
    first = lab.p101.wait_call().ring()
    lab.ringing()
    first.answer()
    lab.talk()
    second = lab.p102.take("101", lab.p101.dialog_of(first)).wait_up()
    lab.mark("taken", second.up_at)
    first.wait_over()
    lab.talk()
    caller.hang_up()
    second.wait_over()


@shape("I101 E101 in")
def lamp_with_nothing_to_take(lab):
    """101 rings and stops; 102's key comes too late and is refused. Nobody was called."""
    caller = lab.call_in(DID_101)
    first = lab.p101.wait_call().ring()
    lab.ringing()
    dialog = lab.p101.dialog_of(first)
    caller.hang_up()
    first.wait_over()
    lab.p102.take("101", dialog).wait_over()
