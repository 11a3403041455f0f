"""Whether and when a failed attempt is repeated."""

from __future__ import annotations

import random
import re
import time
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Optional

from .errors import ApiError, ChatError, ChatConnectionError, ChatTimeoutError

_FIRST_DELAY = 0.5
_MAY_PASS = frozenset((408, 429, 500, 502, 503, 504))


class Retries:
    """Counts the failures of a request.

    That the same request still runs, since the connection broke while it did, is no failure of its own: that is waited for
    as long as the server may be silent.
    """

    def __init__(self, max_retries: int, max_retry_delay: float, timeout: float) -> None:
        self._max_retries = max_retries
        self._max_retry_delay = max_retry_delay
        self._timeout = timeout
        self._waits_until: Optional[float] = None
        self.failures = 0

    def delay_after(self, error: ChatError) -> Optional[float]:
        """Seconds. None: there is no further attempt."""
        now = time.monotonic()
        if _is_running(error) and self._waits_until is None:
            self._waits_until = now + self._timeout
        if self.failures == 0 or not _is_running(error) or now >= (self._waits_until or 0.0):
            self.failures += 1
        return choose_delay(error, self.failures, self._max_retries, self._max_retry_delay, random.random())


def _is_running(error: ChatError) -> bool:
    return error.code == "idempotency_in_progress"


def choose_delay(
    error: ChatError, failures: int, max_retries: int, max_retry_delay: float, share: float
) -> Optional[float]:
    """How long to wait before another attempt, in seconds. None: there is no further one.

    As long as ``Retry-After`` says and up to a quarter more, so that clients which were refused together do not come back
    together. Where the server says nothing, a random time of up to 0.5, 1, 2, … seconds:
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/

    :param failures: how many attempts have failed
    :param share: random, from 0 to 1
    """
    if failures > max_retries or not _may_pass(error):
        return None
    asked = error.retry_after if isinstance(error, ApiError) else None
    if asked is None:
        return min(max_retry_delay, _FIRST_DELAY * 2.0 ** (failures - 1)) * share
    if asked > max_retry_delay:
        return None
    return min(max_retry_delay, asked * (1 + share / 4))


def _may_pass(error: ChatError) -> bool:
    if isinstance(error, (ChatConnectionError, ChatTimeoutError)):
        return True
    if not isinstance(error, ApiError) or error.is_final:
        return False
    return error.status in _MAY_PASS or _is_running(error)


def read_retry_after(header: Optional[str], now: datetime) -> Optional[float]:
    """Seconds. None: the header is absent, or says neither seconds nor a date."""
    if header is None:
        return None
    if re.fullmatch(r"\d+(\.\d+)?", header.strip()):
        return float(header)
    try:
        at = parsedate_to_datetime(header)
    except (TypeError, ValueError):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=timezone.utc)
    return max(0.0, (at - now).total_seconds())
