"""Sends requests and waits for their answers, and repeats them where that helps."""

from __future__ import annotations

import time
from typing import Any, Generator, Mapping, TypeVar

import httpx

from ._calls import Call
from ._settings import RequestOptions, Settings, explain, make_api_error, read_answer
from ._stream import StreamReader
from .errors import ChatError

T = TypeVar("T")
E = TypeVar("E")


class Transport:
    def __init__(self, settings: Settings, http: httpx.Client) -> None:
        self._settings = settings
        self._http = http

    def run(self, call: Call[T], options: RequestOptions) -> T:
        """Reads the whole answer."""
        arguments = self._settings.build(call, options)
        retries = self._settings.retries(call, options)
        while True:
            try:
                response = self._attempt(arguments, is_stream=False)
                return read_answer(call, response.content)
            except ChatError as error:
                time.sleep(self._settings.delay_before_retry(error, retries))

    def stream(self, call: Call[Any], options: RequestOptions, events: StreamReader[E]) -> Generator[E, None, None]:
        """Tells events, and goes on where the connection broke."""
        arguments = self._settings.build(call, options)
        retries = self._settings.retries(call, options)
        while True:
            reading = self._read(arguments, events)
            try:
                for event in reading:
                    yield event
                return
            except ChatError as error:
                delay = self._settings.delay_before_retry(error, retries)
            finally:
                reading.close()
            time.sleep(delay)

    def _read(self, arguments: Mapping[str, Any], events: StreamReader[E]) -> Generator[E, None, None]:
        response = self._attempt(arguments, is_stream=True)
        events.begin()
        try:
            for chunk in response.iter_bytes():
                for event in events.feed(chunk):
                    yield event
                if events.is_done:
                    return
        except httpx.HTTPError as error:
            raise explain(error, arguments["timeout"]) from error
        finally:
            response.close()
        events.end()

    def _attempt(self, arguments: Mapping[str, Any], is_stream: bool) -> httpx.Response:
        try:
            response = self._http.send(self._http.build_request(**arguments), stream=is_stream)
            self._settings.note(response.headers)
            if response.is_success:
                return response
            response.read()
            response.close()
        except httpx.HTTPError as error:
            raise explain(error, arguments["timeout"]) from error
        raise make_api_error(response)
