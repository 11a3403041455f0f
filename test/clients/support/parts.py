"""Reads cases from its input, and prints what the client makes of them."""

import json
import sys

from chaperone_support._event_stream import EventReader
from chaperone_support._retries import choose_delay
from chaperone_support.errors import ChatConnectionError, class_of

cases = json.load(sys.stdin)


def make_error(status, retry_after, is_final):
    if status is None:
        return ChatConnectionError("broken")
    return class_of(status)(status, "code", "No.", {}, None, retry_after, is_final)


delays = [
    choose_delay(make_error(case["status"], case["retryAfter"], case["isFinal"]), case["failures"], 3, 60, case["random"])
    for case in cases["delays"]
]
events = []
for chunks in cases["streams"]:
    reader = EventReader()
    events.append([[event.event, event.data] for chunk in chunks for event in reader.feed(bytes(chunk))])
json.dump({"delays": delays, "events": events}, sys.stdout)
