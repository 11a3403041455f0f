"""What both clients are made of, and what each of their requests has in common."""

from __future__ import annotations

import os
import re
import uuid
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Callable, Dict, Mapping, Optional, TypeVar

import httpx

from ._calls import Call
from ._retries import Retries, read_retry_after
from .errors import (
    ApiError,
    ChatConnectionError,
    ChatError,
    ChatTimeoutError,
    ConfigurationError,
    class_of,
    parse_json,
)
from .models import RateLimit

T = TypeVar("T")
DEFAULT_TIMEOUT = 60.0


@dataclass(frozen=True)
class RetryNotice:
    """An attempt has failed, and there will be another in ``delay`` seconds."""

    error: ChatError
    #: Failed attempts so far.
    failures: int
    delay: float


@dataclass(frozen=True)
class RequestOptions:
    """Of a single request. What is None is as the client has it."""

    #: In seconds.
    timeout: Optional[float] = None
    max_retries: Optional[int] = None
    #: Of a POST: the same key with the same request runs once within a day. A random one if None.
    idempotency_key: Optional[str] = None


class Settings:
    """Checked arguments of a client. It is never shown with its key."""

    def __init__(
        self,
        api_key: str,
        environment: str,
        base_url: Optional[str],
        timeout: float,
        max_retries: int,
        max_retry_delay: float,
        on_retry: Optional[Callable[[RetryNotice], None]],
    ) -> None:
        if not isinstance(api_key, str) or not re.fullmatch(r"[\x21-\x7e]+", api_key):
            raise ConfigurationError("api_key must be a key or a token, without spaces")
        for name, value in (("timeout", timeout), ("max_retries", max_retries), ("max_retry_delay", max_retry_delay)):
            if not value >= 0:
                raise ConfigurationError(f"{name} must be a number of at least 0")
        #: What requests are sent with.
        self.api_key = api_key
        self.base_url = _read_base_url(base_url, environment)
        self.timeout = timeout
        self.max_retries = max_retries
        self.max_retry_delay = max_retry_delay
        self.on_retry = on_retry
        self.rate_limit: Optional[RateLimit] = None

    def build(self, call: Call[Any], options: RequestOptions) -> Dict[str, Any]:
        """Arguments for ``httpx.Client.build_request``. Every attempt of a request has the same."""
        headers = {"Authorization": f"Bearer {self.api_key}", **call.headers}
        if call.method == "POST":
            headers["Idempotency-Key"] = options.idempotency_key or str(uuid.uuid4())
        return {
            "method": call.method,
            "url": f"{self.base_url}/api/v1{call.path}",
            "headers": headers,
            "params": dict(call.query),
            **({"json": call.body} if call.content is None else {"content": call.content}),
            "timeout": self.timeout_of(options),
        }

    def timeout_of(self, options: RequestOptions) -> float:
        return self.timeout if options.timeout is None else options.timeout

    def note(self, headers: Mapping[str, str]) -> None:
        """Remembers how many requests may be made."""
        names = ("limit", "remaining", "reset")
        numbers = [headers.get(f"x-ratelimit-{name}") or headers.get(f"x-rate-limit-{name}", "") for name in names]
        if all(number.isdigit() for number in numbers):
            self.rate_limit = RateLimit(*map(int, numbers))

    def retries(self, call: Call[Any], options: RequestOptions) -> Retries:
        max_retries = self.max_retries if options.max_retries is None else options.max_retries
        max_retries = 0 if call.is_once else max_retries
        return Retries(max_retries, self.max_retry_delay, self.timeout_of(options))

    def delay_before_retry(self, error: ChatError, retries: Retries) -> float:
        """Seconds. Raises the error where there is no further attempt."""
        delay = retries.delay_after(error)
        if delay is None:
            raise error
        if self.on_retry is not None:
            self.on_retry(RetryNotice(error, retries.failures, delay))
        return delay


def read_answer(call: Call[T], content: bytes) -> T:
    """Reads a whole answer."""
    if call.is_text:
        # What is no text of the API is text, too: the parser gets it as it is.
        return call.parse(content.decode("utf-8", "replace"))  # type: ignore[arg-type]
    return call.parse(parse_json(content))


def explain(error: httpx.HTTPError, timeout: float) -> ChatError:
    """What there is to raise where there was no whole answer."""
    if isinstance(error, httpx.TimeoutException):
        return ChatTimeoutError(timeout)
    return ChatConnectionError("The server cannot be reached, or the connection broke")


def make_api_error(response: httpx.Response) -> ApiError:
    """Reads an error, whose body has arrived. A load balancer's page has no code."""
    try:
        body = response.json()
        # The insights API has the fields beside ``"error": true``.
        told = body if body["error"] is True else body["error"]
        code, message = str(told["code"]), str(told["message"])
    except (ValueError, KeyError, TypeError):
        told, code = {}, "unknown"
        message = f"The server answered with status {response.status_code}"
    headers = response.headers
    return class_of(response.status_code)(
        response.status_code,
        code,
        message,
        told.get("details") or {},
        told.get("request_id") or headers.get("x-request-id"),
        read_retry_after(headers.get("retry-after"), datetime.now(timezone.utc)),
        headers.get("x-should-retry") == "false",
    )


def _read_base_url(base_url: Optional[str], environment: str) -> str:
    variable = "CHAPERONE_BASE_URL_" + re.sub(r"[^A-Z0-9]", "_", environment.upper())
    local = "http://127.0.0.1:8000" if environment == "local" else None
    stated = base_url or os.environ.get(variable) or os.environ.get("CHAPERONE_BASE_URL") or local
    if stated is None:
        raise ConfigurationError(f"base_url is needed, or {variable} or CHAPERONE_BASE_URL in the environment")
    if not re.match(r"https?://[^/?#]", stated):
        raise ConfigurationError("base_url must be an address that begins with http:// or https://")
    return stated.rstrip("/")
