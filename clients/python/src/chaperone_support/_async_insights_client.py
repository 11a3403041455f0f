"""The client of the insights API for programs with asyncio."""

from __future__ import annotations

from types import TracebackType
from typing import Any, AsyncGenerator, AsyncIterable, Callable, List, Mapping, Optional, Type, Union

import httpx

from . import _insights_calls as _calls
from . import insights
from ._async_deployments import AsyncDeployments
from ._async_review_queue import AsyncReviewQueue
from ._async_training_jobs import AsyncTrainingJobs
from ._async_transport import AsyncTransport
from ._settings import DEFAULT_TIMEOUT, RequestOptions, RetryNotice, Settings
from ._stream import TextEventReader
from .errors import ChatError
from .models import RateLimit


class AsyncInsightsClient:
    """A client of the insights API: what customers say and how they fare.

    Each method raises a ``ChatError``, and repeats what may pass, as ``AsyncChatClient`` does. It takes what ``AsyncChatClient`` takes.
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
        #: Answers that people look at.
        self.reviews = AsyncReviewQueue(self._transport)
        #: Models that are trained in the cluster.
        self.training_jobs = AsyncTrainingJobs(self._transport)
        #: Trained models that answer calls.
        self.deployments = AsyncDeployments(self._transport)
        #: How the client is logged in. None: it was made with a key or a token.
        self.login: Optional[insights.Login] = None

    @classmethod
    async def log_in(
        cls, username: str, password: str, *, options: RequestOptions = RequestOptions(), **settings: Any
    ) -> AsyncInsightsClient:
        """Logs in with a password, and makes a client that sends the token.

        :param settings: what the class takes besides ``api_key``
        """
        client = cls("none", **settings)
        client._keep(await client._transport.run(_calls.log_in(username, password), options))
        return client

    @property
    def rate_limit(self) -> Optional[RateLimit]:
        """How many requests may be made, as the last answer said it. None before the first one."""
        return self._settings.rate_limit

    async def close(self) -> None:
        """Closes the connections."""
        if self._owns_http:
            await self._http.aclose()

    async def __aenter__(self) -> AsyncInsightsClient:
        return self

    async def __aexit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        await self.close()

    async def refresh_login(self, *, options: RequestOptions = RequestOptions()) -> insights.Login:
        """Replaces the token of the login by a new one."""
        return self._keep(await self._transport.run(_calls.refresh(self._require_login()), options))

    async def log_out(self, *, options: RequestOptions = RequestOptions()) -> None:
        """Ends the login, with all of its tokens."""
        self._require_login()
        await self._transport.run(_calls.log_out(), options)
        self.login = None

    async def analyze_sentiment(
        self,
        text: str,
        *,
        use_ai: Optional[bool] = None,
        model: Optional[str] = None,
        language: Optional[str] = None,
        options: RequestOptions = RequestOptions(),
    ) -> insights.Sentiment:
        """Says how a text sounds.

        :param use_ai: whether a model is asked; otherwise no provider is, and only English is understood
        """
        call = _calls.analyze_sentiment(text=text, use_ai=use_ai, model=model, language=language)
        return await self._transport.run(call, options)

    async def analyze_batch(
        self,
        conversations: List[Mapping[str, str]],
        *,
        use_ai: Optional[bool] = None,
        model: Optional[str] = None,
        options: RequestOptions = RequestOptions(),
    ) -> insights.BatchResults:
        """Says how up to 1,000 texts sound, each with an ``id`` and a ``text``, and waits for all of them."""
        call = _calls.analyze_batch(conversations=conversations, use_ai=use_ai, model=model)
        return await self._transport.run(call, options)

    async def queue_batch(
        self,
        conversations: List[Mapping[str, str]],
        *,
        use_ai: Optional[bool] = None,
        model: Optional[str] = None,
        options: RequestOptions = RequestOptions(),
    ) -> insights.QueuedBatch:
        """Leaves a batch to a worker."""
        call = _calls.queue_batch(conversations=conversations, use_ai=use_ai, model=model)
        return await self._transport.run(call, options)

    async def get_batch(self, batch_id: str, *, options: RequestOptions = RequestOptions()) -> insights.QueuedBatch:
        """Says how far a batch is that a worker judges; at the end, with its results."""
        return await self._transport.run(_calls.get_batch(batch_id), options)

    async def anonymize(
        self,
        text: str,
        *,
        keep_mapping: Optional[bool] = None,
        mapping_id: Optional[str] = None,
        kinds: Optional[List[str]] = None,
        phone_regions: Optional[List[str]] = None,
        options: RequestOptions = RequestOptions(),
    ) -> insights.AnonymizedText:
        """Replaces personal data by placeholders.

        :param keep_mapping: whether the mapping is shown, masked, and kept, sealed
        :param mapping_id: a kept mapping to go on with
        :param kinds: such as ``email``; None: all
        """
        call = _calls.anonymize(
            text=text, keep_mapping=keep_mapping, mapping_id=mapping_id, kinds=kinds, phone_regions=phone_regions
        )
        return await self._transport.run(call, options)

    async def restore(
        self, mapping_id: str, text: str, *, options: RequestOptions = RequestOptions()
    ) -> insights.RestoredText:
        """Puts the values of a kept mapping back."""
        return await self._transport.run(_calls.restore(mapping_id, text), options)

    async def delete_mapping(self, mapping_id: str, *, options: RequestOptions = RequestOptions()) -> None:
        """Forgets a kept mapping."""
        await self._transport.run(_calls.delete_mapping(mapping_id), options)

    async def analyze_fairness(
        self,
        data: List[Mapping[str, Any]],
        attributes: List[str],
        outcome_columns: List[str],
        *,
        intersections: Optional[bool] = None,
        min_group_size: Optional[int] = None,
        alpha: Optional[float] = None,
        options: RequestOptions = RequestOptions(),
    ) -> insights.FairnessReport:
        """Compares how groups fare. For analysts, reviewers and admins."""
        call = _calls.analyze_fairness(
            data=data,
            attributes=attributes,
            outcome_columns=outcome_columns,
            intersections=intersections,
            min_group_size=min_group_size,
            alpha=alpha,
        )
        return await self._transport.run(call, options)

    async def upload_fairness(
        self,
        content: Union[str, bytes, AsyncIterable[bytes]],
        attributes: List[str],
        outcome_columns: List[str],
        *,
        format: str = "csv",
        encoding: Optional[str] = None,
        intersections: Optional[bool] = None,
        min_group_size: Optional[int] = None,
        alpha: Optional[float] = None,
        options: RequestOptions = RequestOptions(),
    ) -> insights.FairnessReport:
        """Compares how groups fare, by a dataset of any length, which the server reads while it arrives.

        :param content: CSV with a line of names, or a JSON object a line. What can be read once, such as chunks, is sent
            once: what fails is not tried again
        :param format: ``csv`` or ``ndjson``
        :param encoding: ``gzip``, where the content is compressed
        """
        call = _calls.upload_fairness(
            content,
            format,
            encoding,
            attributes,
            outcome_columns,
            intersections,
            min_group_size=min_group_size,
            alpha=alpha,
        )
        return await self._transport.run(call, options)

    async def generate_response(
        self,
        query: str,
        *,
        customer_id: Optional[str] = None,
        context: Optional[Mapping[str, Any]] = None,
        model: Optional[str] = None,
        options: RequestOptions = RequestOptions(),
    ) -> insights.DraftedResponse:
        """Drafts an answer to a customer. One that a person must see is queued for review by itself.

        :param customer_id: whose words they are
        :param context: what you know of the customer; the model is told
        """
        call = _calls.generate_response(query=query, customer_id=customer_id, context=context, model=model)
        return await self._transport.run(call, options)

    async def get_summary(
        self,
        start_date: Optional[str] = None,
        end_date: Optional[str] = None,
        *,
        granularity: Optional[str] = None,
        options: RequestOptions = RequestOptions(),
    ) -> insights.Summary:
        """Sums up what customers said. For analysts, reviewers and admins.

        :param start_date: a day in UTC, as an ISO date; None: the last 30 days
        :param granularity: ``daily``, ``weekly`` or ``monthly``
        """
        call = _calls.get_summary(start_date=start_date, end_date=end_date, granularity=granularity)
        return await self._transport.run(call, options)

    async def list_models(self, *, options: RequestOptions = RequestOptions()) -> insights.ListedModels:
        """Lists the models that can be asked."""
        return await self._transport.run(_calls.list_models(), options)

    async def generate(
        self,
        prompt: str,
        *,
        model: Optional[str] = None,
        max_tokens: Optional[int] = None,
        temperature: Optional[float] = None,
        system_prompt: Optional[str] = None,
        context: Optional[Mapping[str, Any]] = None,
        options: RequestOptions = RequestOptions(),
    ) -> insights.GeneratedText:
        """Has a model write a text.

        :param model: an id of ``list_models``, or a model; None: the default
        :param context: facts for the model
        """
        call = _calls.generate(
            prompt=prompt,
            model=model,
            max_tokens=max_tokens,
            temperature=temperature,
            system_prompt=system_prompt,
            context=context,
        )
        return await self._transport.run(call, options)

    def stream_text(
        self,
        prompt: str,
        *,
        model: Optional[str] = None,
        max_tokens: Optional[int] = None,
        temperature: Optional[float] = None,
        system_prompt: Optional[str] = None,
        context: Optional[Mapping[str, Any]] = None,
        options: RequestOptions = RequestOptions(),
    ) -> AsyncGenerator[insights.TextEvent, None]:
        """Has a model write a text, and tells it while it is written.

        Closing the iterator ends the connection. Where the connection breaks, the iterator goes on with what it has not
        told yet. What the server says has gone wrong after the beginning is a ``StreamError``. The code
        ``stream_interrupted`` says that the server has begun another text.
        """
        call = _calls.generate(
            prompt=prompt,
            model=model,
            max_tokens=max_tokens,
            temperature=temperature,
            system_prompt=system_prompt,
            context=context,
            stream=True,
        )
        return self._transport.stream(call, options, TextEventReader())

    async def embed(
        self,
        texts: List[str],
        model: str,
        *,
        dimensions: Optional[int] = None,
        options: RequestOptions = RequestOptions(),
    ) -> insights.Embeddings:
        """Has a model make vectors of up to 256 texts."""
        return await self._transport.run(_calls.embed(texts, model, dimensions), options)

    async def classify(
        self,
        text: str,
        categories: List[str],
        *,
        model: Optional[str] = None,
        options: RequestOptions = RequestOptions(),
    ) -> insights.Classification:
        """Has a model say which category a text belongs to."""
        return await self._transport.run(_calls.classify(text, categories, model), options)

    async def explain(
        self,
        model_name: str,
        text: str,
        *,
        language: Optional[str] = None,
        options: RequestOptions = RequestOptions(),
    ) -> insights.Explanation:
        """Says what each word of a text adds to what a model says of it.

        :param model_name: ``sentiment``, or a deployed model
        """
        return await self._transport.run(_calls.explain(model_name, text, language), options)

    def _keep(self, login: insights.Login) -> insights.Login:
        self.login = login
        self._settings.api_key = login.token
        return login

    def _require_login(self) -> insights.Login:
        if self.login is None:
            raise ChatError("not_logged_in", "The client was not made by log_in, or has logged out")
        return self.login
