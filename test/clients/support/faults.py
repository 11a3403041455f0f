"""Sends each message of the arguments, and prints what has come of it, one JSON list a line."""

import asyncio
import json
import sys

import chaperone_support as chaperone

kind, base_url, messages, streamed = sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), json.loads(sys.argv[4])
hasty = {
    "silent": chaperone.RequestOptions(timeout=0.3),
    "stalled": chaperone.RequestOptions(timeout=0.3, max_retries=0),
}


async def ask(client, message):
    options = hasty.get(message, chaperone.RequestOptions())
    if message in streamed:
        events = client.stream_message(message, "user_1", options=options)
        told = [event async for event in events] if kind == "async" else list(events)
        return "".join(event.text for event in told if isinstance(event, chaperone.DeltaEvent))
    answered = client.send_message(message, "user_1", options=options)
    return (await answered if kind == "async" else answered).answer


async def main():
    delays = []
    make = chaperone.AsyncChatClient if kind == "async" else chaperone.ChatClient
    client = make("sk_1", base_url=base_url, max_retries=1, on_retry=lambda notice: delays.append(notice.delay))
    for message in messages:
        try:
            print(json.dumps([message, await ask(client, message)]))
        except chaperone.ChatError as error:
            request_id = getattr(error, "request_id", None)
            print(json.dumps([message, type(error).__name__, error.code, request_id]))
    print(json.dumps(delays))


asyncio.run(main())
