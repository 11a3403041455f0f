"""Sends requests without blocking, and repeats them where that helps."""

from __future__ import annotations

import asyncio
from typing import Any, AsyncGenerator, Mapping, TypeVar

import httpx

from ._calls import Call
from ._settings import RequestOptions, Settings, explain, make_api_error, read_answer
from ._stream import StreamReader
from .errors import ChatError

T = TypeVar("T")
E = TypeVar("E")


class AsyncTransport:
    def __init__(self, settings: Settings, http: httpx.AsyncClient) -> None:
        self._settings = settings
        self._http = http

    async def run(self, call: Call[T], options: RequestOptions) -> T:
        """Reads the whole answer."""
        arguments = self._settings.build(call, options)
        retries = self._settings.retries(call, options)
        while True:
            try:
                response = await self._attempt(arguments, is_stream=False)
                return read_answer(call, response.content)
            except ChatError as error:
                await asyncio.sleep(self._settings.delay_before_retry(error, retries))

    async def stream(self, call: Call[Any], options: RequestOptions, events: StreamReader[E]) -> AsyncGenerator[E, None]:
        """Tells events, and goes on where the connection broke."""
        arguments = self._settings.build(call, options)
        retries = self._settings.retries(call, options)
        while True:
            reading = self._read(arguments, events)
            try:
                async for event in reading:
                    yield event
                return
            except ChatError as error:
                delay = self._settings.delay_before_retry(error, retries)
            finally:
                await reading.aclose()
            await asyncio.sleep(delay)

    async def _read(self, arguments: Mapping[str, Any], events: StreamReader[E]) -> AsyncGenerator[E, None]:
        response = await self._attempt(arguments, is_stream=True)
        events.begin()
        try:
            async for chunk in response.aiter_bytes():
                for event in events.feed(chunk):
                    yield event
                if events.is_done:
                    return
        except httpx.HTTPError as error:
            raise explain(error, arguments["timeout"]) from error
        finally:
            await response.aclose()
        events.end()

    async def _attempt(self, arguments: Mapping[str, Any], is_stream: bool) -> httpx.Response:
        try:
            response = await self._http.send(self._http.build_request(**arguments), stream=is_stream)
            self._settings.note(response.headers)
            if response.is_success:
                return response
            await response.aread()
            await response.aclose()
        except httpx.HTTPError as error:
            raise explain(error, arguments["timeout"]) from error
        raise make_api_error(response)
