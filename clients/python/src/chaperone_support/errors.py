"""What the clients raise."""

from __future__ import annotations

import json
from typing import Any, Mapping, Optional, Type, Union


class ChatError(Exception):
    """Whatever the clients raise.

    ``code`` says what happened, for programs: a code of the API, or one of this package.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class ConfigurationError(ChatError):
    """The client cannot be used as it was made: it lacks its key or its address."""

    def __init__(self, message: str) -> None:
        super().__init__("invalid_configuration", message)


class ChatConnectionError(ChatError):
    """There was no whole answer: the server cannot be reached, or the connection broke."""

    def __init__(self, message: str) -> None:
        super().__init__("connection_failed", message)


class ChatTimeoutError(ChatError):
    """The server has not answered within ``timeout``."""

    def __init__(self, timeout: float) -> None:
        super().__init__("timeout", f"The server has not answered within {timeout:g} s")


class StreamError(ChatError):
    """A stream began, and failed after that.

    The message is stored; ``get_conversation`` shows what has become of it.
    """

    def __init__(
        self, code: str, message: str, details: Mapping[str, Any], request_id: Optional[str]
    ) -> None:
        super().__init__(code, message)
        self.details = details
        self.request_id = request_id


class ApiError(ChatError):
    """The API refused the request, or failed.

    ``details`` has facts such as ``field``, the field that is wrong. ``request_id`` names the request in the logs of the
    server. ``retry_after`` is in seconds, where the server says how long to wait before another attempt. ``is_final``:
    the server says that another attempt is of no use.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: Mapping[str, Any],
        request_id: Optional[str] = None,
        retry_after: Optional[float] = None,
        is_final: bool = False,
    ) -> None:
        super().__init__(code, message)
        self.status = status
        self.details = details
        self.request_id = request_id
        self.retry_after = retry_after
        self.is_final = is_final


class BadRequestError(ApiError):
    """400: the request is wrong; ``details["field"]`` says where."""


class AuthenticationError(ApiError):
    """401: the key is not valid."""


class PermissionDeniedError(ApiError):
    """403: the key may not do this."""


class NotFoundError(ApiError):
    """404: there is no such conversation or article for this key."""


class ConflictError(ApiError):
    """409: what is there forbids it."""


class RateLimitError(ApiError):
    """429: a limit is reached."""


class ServerError(ApiError):
    """5xx: the server failed, or cannot serve now."""


_CLASSES: Mapping[int, Type[ApiError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    429: RateLimitError,
}


def class_of(status: int) -> Type[ApiError]:
    """The class of errors that a status has."""
    return _CLASSES.get(status, ServerError if status >= 500 else ApiError)


def parse_json(text: Union[str, bytes]) -> Any:
    """Raises a ``ChatError`` with the code ``invalid_answer``."""
    try:
        return json.loads(text)
    except ValueError as error:
        message = "The server answers something else than JSON: is base_url right?"
        raise ChatError("invalid_answer", message) from error
