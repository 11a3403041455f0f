"""The events of an answer that is streamed."""

from __future__ import annotations

from typing import Iterator, Optional

from ._calls import parse_response
from ._event_stream import EventReader, ServerSentEvent
from .errors import ChatConnectionError, ChatError, StreamError, parse_json
from .models import ChatEvent, DeltaEvent, DoneEvent, MessageEvent


class ChatEventReader:
    """Reads the chunks of a stream up to ``done``.

    Where the connection breaks, the same stream comes again, and only what was not told yet is told.
    """

    def __init__(self) -> None:
        self._told = 0
        self._message_id: Optional[str] = None
        self.begin()

    def begin(self) -> None:
        """Says that the chunks of another attempt follow."""
        self._reader = EventReader()
        self._position = 0
        self.is_done = False

    def feed(self, chunk: bytes) -> Iterator[ChatEvent]:
        for event in self._reader.feed(chunk):
            shown = _read_event(event)
            if shown is None:
                continue
            if isinstance(shown, MessageEvent):
                self._require_same(shown.message_id)
            self.is_done = isinstance(shown, DoneEvent)
            self._position += 1
            if self._position > self._told:
                self._told = self._position
                yield shown
            if self.is_done:
                return

    def _require_same(self, message_id: str) -> None:
        # A proxy that dies takes its answer along, and the repeated request is another message.
        if self._message_id not in (None, message_id):
            message = "The connection broke, and the server has begun another answer"
            raise ChatError("stream_interrupted", message)
        self._message_id = message_id

    def end(self) -> None:
        """Says that there are no more chunks."""
        if not self.is_done:
            raise ChatConnectionError("The stream has ended before the answer was whole")


def _read_event(event: ServerSentEvent) -> Optional[ChatEvent]:
    """None: an event of a later version."""
    if event.event not in ("message", "delta", "done", "error"):
        return None
    told = parse_json(event.data)
    if event.event == "message":
        return MessageEvent(told["conversation_id"], told["message_id"])
    if event.event == "delta":
        return DeltaEvent(told["text"])
    if event.event == "done":
        return DoneEvent(parse_response(told))
    error = told["error"]
    raise StreamError(error["code"], error["message"], error.get("details") or {}, error.get("request_id"))
