"""Server-sent events.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

from __future__ import annotations

import codecs
import re
from typing import List, NamedTuple

# A CR at the end may be the first half of a CR LF. Unlike str.splitlines, only these three end a line.
_LINE_END = re.compile(r"\r\n|\n|\r(?!\Z)")


class ServerSentEvent(NamedTuple):
    event: str
    data: str


class EventReader:
    """Reads events from a body, however it was cut into chunks. Comments, which keep the connection alive, are left out."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._event = ""
        self._data: List[str] = []

    def feed(self, chunk: bytes) -> List[ServerSentEvent]:
        """The events that end in this chunk."""
        *lines, self._rest = _LINE_END.split(self._rest + self._decoder.decode(chunk))
        events: List[ServerSentEvent] = []
        for line in lines:
            if line == "":
                if self._data:
                    events.append(ServerSentEvent(self._event or "message", "\n".join(self._data)))
                self._event, self._data = "", []
                continue
            field, _, value = line.partition(":")
            value = value[1:] if value.startswith(" ") else value
            if field == "event":
                self._event = value
            elif field == "data":
                self._data.append(value)
        return events
