"""The client for programs with asyncio."""

from __future__ import annotations

from types import TracebackType
from typing import Any, AsyncGenerator, Callable, Mapping, Optional, Sequence, Type, Union

import httpx

from . import _calls
from ._async_knowledge_base import AsyncKnowledgeBase
from ._async_transport import AsyncTransport
from ._calls import UNSET, Unset
from ._settings import DEFAULT_TIMEOUT, RequestOptions, RetryNotice, Settings
from ._stream import ChatEventReader
from .models import (
    Analytics,
    ChatEvent,
    ChatResponse,
    Conversation,
    ConversationPage,
    ConversationSummary,
    Feedback,
    RateLimit,
)


class AsyncChatClient:
    """A client of the support desk.

    Each method raises a ``ChatError``, and repeats what may pass: refused connections, timeouts, 429 and 5xx. A POST has an
    ``Idempotency-Key``, so what has arrived is not done twice. It takes what ``ChatClient`` takes.
    """

    def __init__(
        self,
        api_key: str,
        *,
        environment: str = "production",
        base_url: Optional[str] = None,
        timeout: float = DEFAULT_TIMEOUT,
        max_retries: int = 3,
        max_retry_delay: float = 60.0,
        on_retry: Optional[Callable[[RetryNotice], None]] = None,
        http_client: Optional[httpx.AsyncClient] = None,
    ) -> None:
        self._settings = Settings(api_key, environment, base_url, timeout, max_retries, max_retry_delay, on_retry)
        self._owns_http = http_client is None
        self._http = http_client or httpx.AsyncClient()
        self._transport = AsyncTransport(self._settings, self._http)
        #: The articles that answers come from.
        self.knowledge_base = AsyncKnowledgeBase(self._transport)

    @property
    def rate_limit(self) -> Optional[RateLimit]:
        """How many requests may be made, as the last answer said it. None before the first one."""
        return self._settings.rate_limit

    async def close(self) -> None:
        """Closes the connections."""
        if self._owns_http:
            await self._http.aclose()

    async def __aenter__(self) -> AsyncChatClient:
        return self

    async def __aexit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        await self.close()

    async def send_message(
        self,
        message: str,
        user_id: str,
        *,
        channel: Optional[str] = None,
        conversation_id: Optional[str] = None,
        metadata: Optional[Mapping[str, Any]] = None,
        sender: Optional[str] = None,
        options: RequestOptions = RequestOptions(),
    ) -> ChatResponse:
        """Begins a conversation, or continues one, and waits for the answer.

        :param user_id: the customer, by your id
        :param channel: such as ``chat``, ``email`` or ``api``
        :param metadata: further facts about the customer, kept from the first message
        :param sender: ``agent``: what a human of the desk answers, for reviewers and admins
        """
        call = _calls.send_message(
            message=message,
            user_id=user_id,
            channel=channel,
            conversation_id=conversation_id,
            metadata=metadata,
            sender=sender,
        )
        return await self._transport.run(call, options)

    def stream_message(
        self,
        message: str,
        user_id: str,
        *,
        channel: Optional[str] = None,
        conversation_id: Optional[str] = None,
        metadata: Optional[Mapping[str, Any]] = None,
        options: RequestOptions = RequestOptions(),
    ) -> AsyncGenerator[ChatEvent, None]:
        """Sends a message, and tells the answer while it is made.

        Closing the iterator ends the connection. Where the connection breaks, the iterator goes on with what it has not
        told yet. What the server says has gone wrong after the beginning is a ``StreamError``, and ``get_conversation``
        shows what has become of the message. The code ``stream_interrupted`` says that the server has died, and begun
        another answer.
        """
        call = _calls.send_message(
            message=message,
            user_id=user_id,
            channel=channel,
            conversation_id=conversation_id,
            metadata=metadata,
            stream=True,
        )
        return self._transport.stream(call, options, ChatEventReader())

    async def get_conversation(
        self, conversation_id: str, *, options: RequestOptions = RequestOptions()
    ) -> Conversation:
        """Gets a conversation with its messages."""
        return await self._transport.run(_calls.get_conversation(conversation_id), options)

    async def list_conversations(
        self,
        *,
        status: Optional[str] = None,
        channel: Optional[str] = None,
        user_id: Optional[str] = None,
        assigned_agent: Optional[str] = None,
        reason: Optional[str] = None,
        limit: Optional[int] = None,
        offset: Optional[int] = None,
        options: RequestOptions = RequestOptions(),
    ) -> ConversationPage:
        """Lists conversations, those that changed last first. For analysts, reviewers and admins."""
        call = _calls.list_conversations(
            status=status,
            channel=channel,
            user_id=user_id,
            assigned_agent=assigned_agent,
            reason=reason,
            limit=limit,
            offset=offset,
        )
        return await self._transport.run(call, options)

    async def update_conversation(
        self,
        conversation_id: str,
        *,
        status: Optional[str] = None,
        assigned_agent: Union[str, None, Unset] = UNSET,
        options: RequestOptions = RequestOptions(),
    ) -> ConversationSummary:
        """Hands a conversation over, gives it back, or ends it.

        :param status: ``escalated``, ``active`` or ``resolved``
        :param assigned_agent: None: nobody. Left out in a hand-over: the next one on the rota
        """
        return await self._transport.run(_calls.update_conversation(conversation_id, status, assigned_agent), options)

    async def resolve(self, conversation_id: str) -> ConversationSummary:
        """Ends a conversation. Another message makes it active again."""
        return await self.update_conversation(conversation_id, status="resolved")

    async def escalate(
        self, conversation_id: str, *, assigned_agent: Union[str, None, Unset] = UNSET
    ) -> ConversationSummary:
        """Hands a conversation over: to this agent, or to the next one on the rota."""
        return await self.update_conversation(conversation_id, status="escalated", assigned_agent=assigned_agent)

    async def submit_feedback(
        self,
        conversation_id: str,
        rating: int,
        *,
        comment: Optional[str] = None,
        options: RequestOptions = RequestOptions(),
    ) -> Feedback:
        """Rates a conversation, from 1 to 5. A second rating takes the place of the first."""
        return await self._transport.run(_calls.submit_feedback(conversation_id, rating=rating, comment=comment), options)

    async def get_analytics(
        self,
        start_date: str,
        end_date: str,
        *,
        metrics: Optional[Sequence[str]] = None,
        group_by: Optional[str] = None,
        options: RequestOptions = RequestOptions(),
    ) -> Analytics:
        """Reads figures of a period: ISO 8601, whole days in UTC. For analysts, reviewers and admins.

        :param metrics: names of the API, such as ``conversations``; None: all
        :param group_by: ``day``, ``week`` or ``month``
        """
        call = _calls.get_analytics(metrics, start_date=start_date, end_date=end_date, group_by=group_by)
        return await self._transport.run(call, options)
