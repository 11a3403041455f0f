"""The events of an answer that is streamed."""

from __future__ import annotations

from typing import Generic, Iterator, Optional, TypeVar, Union

from ._calls import parse_response
from ._event_stream import EventReader, ServerSentEvent
from ._insights_calls import parse_text
from .errors import ChatConnectionError, ChatError, StreamError, parse_json
from .insights import TextDelta, TextDone, TextEvent
from .models import ChatEvent, DeltaEvent, DoneEvent, MessageEvent


E = TypeVar("E")


class StreamReader(Generic[E]):
    """Reads the chunks of a stream up to ``done``.

    Where the connection breaks, the same stream comes again, and only what was not told yet is told.
    """

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Says that the chunks of another attempt follow."""
        self._reader = EventReader()
        self.is_done = False

    def feed(self, chunk: bytes) -> Iterator[E]:
        raise NotImplementedError

    def end(self) -> None:
        """Says that there are no more chunks."""
        if not self.is_done:
            raise ChatConnectionError("The stream has ended before the answer was whole")


class TextEventReader(StreamReader[TextEvent]):
    """Reads a text while it is written."""

    _told = ""

    def begin(self) -> None:
        super().begin()
        self._text = ""

    def feed(self, chunk: bytes) -> Iterator[TextEvent]:
        for event in self._reader.feed(chunk):
            shown = _read_text_event(event)
            if isinstance(shown, TextDone):
                self.is_done = True
                yield shown
                return
            if shown is None:
                continue
            self._text += shown.text
            if not (self._text.startswith(self._told) or self._told.startswith(self._text)):
                raise ChatError("stream_interrupted", "The connection broke, and the server has begun another text")
            more = self._text[len(self._told) :]
            if more:
                self._told = self._text
                yield TextDelta(more)


class ChatEventReader(StreamReader[ChatEvent]):
    """Reads the events of the support desk."""

    _told = 0
    _message_id: Optional[str] = None

    def begin(self) -> None:
        super().begin()
        self._position = 0

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


def _read_text_event(event: ServerSentEvent) -> Union[TextEvent, None]:
    """None: an event of a later version."""
    if event.event not in ("delta", "done", "error"):
        return None
    told = parse_json(event.data)
    if event.event == "delta":
        return TextDelta(told["text"])
    if event.event == "done":
        return TextDone(parse_text(told))
    raise StreamError(told["code"], told["message"], told.get("details") or {}, None)
