"""What an integrator writes by hand: panoramisk reads the AMI, workers post with aiohttp. Nothing is kept."""
import asyncio
import sys
from urllib.parse import urlencode

import aiohttp
import panoramisk

AMI_PORT, URL, WORKERS = int(sys.argv[1]), sys.argv[2], 64
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def main():
    todo, live = asyncio.Queue(), {}
    manager = panoramisk.Manager(host="127.0.0.1", port=AMI_PORT, username="ringbud", secret="ringbud")

    def tell(kind, channel, **more):
        account, _, phone = channel["endpoint"].partition("-")
        fields = {"Event": kind, "AccountId": account, "EmployeeLocalNumber": phone}
        fields.update(UniqueCallId=channel["id"], ANumber=channel["caller"], TimeStamp=channel["at"], **more)
        todo.put_nowait(urlencode(fields))

    def on_event(_, event):
        name = event.event
        if name == "DialBegin":
            endpoint = event.DestChannel.split("/")[1].rsplit("-", 1)[0]
            live[event.DestUniqueid] = {
                "endpoint": endpoint, "id": event.DestUniqueid, "caller": event.CallerIDNum, "at": event.Timestamp,
            }
        elif name == "Newstate" and event.Uniqueid in live:
            if event.ChannelStateDesc == "Ringing":
                tell("Incoming", live[event.Uniqueid])
            elif event.ChannelStateDesc == "Up":
                tell("Answered", live[event.Uniqueid])
        elif name == "Hangup" and event.Uniqueid in live:
            tell("Ended", live.pop(event.Uniqueid), Cause=event.Cause)

    async def work(session):
        while True:
            body = await todo.get()
            async with session.post(URL, data=body, headers=FORM) as response:
                await response.read()

    manager.register_event("*", on_event)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=WORKERS)) as session:
        workers = [asyncio.create_task(work(session)) for _ in range(WORKERS)]
        await manager.connect()
        print("follows", flush=True)
        await asyncio.gather(*workers)


asyncio.run(main())
