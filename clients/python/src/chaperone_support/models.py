"""What the API answers. ``raw`` has the whole answer, also fields of later versions."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Dict, List, Mapping, Optional, Type, TypeVar, Union

T = TypeVar("T")
Raw = Dict[str, Any]


def read(model: Type[T], raw: Mapping[str, Any], **more: Any) -> T:
    """Makes a model of an answer, with what it does not have as None."""
    names = {one.name for one in fields(model)} - {"raw"}  # type: ignore[arg-type]
    return model(**{**{name: raw.get(name) for name in names}, **more, "raw": dict(raw)})


@dataclass(frozen=True)
class SourceArticle:
    """An article that an answer comes from."""

    article_id: str
    title: str
    #: Where the organization shows it.
    url: Optional[str]
    raw: Raw = field(repr=False, compare=False)


def read_sources(raw: Mapping[str, Any]) -> Optional[List[SourceArticle]]:
    named = raw.get("source_articles")
    return None if named is None else [read(SourceArticle, one) for one in named]


@dataclass(frozen=True)
class ChatResponse:
    conversation_id: str
    message_id: str
    #: What the customer reads.
    answer: str
    #: How likely the answer is right, from 0 to 1.
    confidence: float
    #: Ids of the articles that the answer comes from.
    sources: List[str]
    #: Those of them that are published. None from servers before it was there.
    source_articles: Optional[List[SourceArticle]]
    escalated: bool
    #: ``active``: the machine answers. ``escalated``: a human has it. ``resolved``.
    status: str
    #: Why it was handed over.
    reason: Optional[str]
    assigned_agent: Optional[str]
    #: ISO 8601.
    timestamp: str
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class MessageEvent:
    """The message is stored."""

    conversation_id: str
    message_id: str


@dataclass(frozen=True)
class DeltaEvent:
    """More of the answer."""

    text: str


@dataclass(frozen=True)
class DoneEvent:
    """The whole answer. It counts: a hand-over adds to what the deltas said."""

    response: ChatResponse


ChatEvent = Union[MessageEvent, DeltaEvent, DoneEvent]


@dataclass(frozen=True)
class Message:
    id: str
    #: ``user``, ``ai`` or ``agent``.
    sender: str
    content: str
    #: ``pending``, ``completed``, ``failed``, ``withheld`` or ``interrupted``.
    status: str
    confidence: Optional[float]
    sources: Optional[List[str]]
    source_articles: Optional[List[SourceArticle]]
    error_code: Optional[str]
    timestamp: str
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class ConversationSummary:
    conversation_id: str
    user_id: str
    channel: str
    status: str
    reason: Optional[str]
    assigned_agent: Optional[str]
    #: The customer's, as ISO 639-1. ``None``: not known.
    language: Optional[str]
    message_count: int
    #: From 1 to 5.
    rating: Optional[int]
    metadata: Optional[Dict[str, Any]]
    #: Of all answers, in US dollars.
    cost_usd: Optional[float]
    created_at: str
    updated_at: str
    resolved_at: Optional[str]
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class Conversation(ConversationSummary):
    messages: List[Message]


@dataclass(frozen=True)
class ConversationPage:
    conversations: List[ConversationSummary]
    total: int
    limit: int
    offset: int
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class Feedback:
    conversation_id: str
    rating: int
    timestamp: str
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class SavedArticle:
    article_id: str
    version: int
    #: ``draft`` or ``published``.
    status: str
    #: Whether searches find all of it.
    indexed: bool
    language: str
    created_at: str
    updated_at: str
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class ArticleSummary(SavedArticle):
    title: str
    category: Optional[str]
    tags: List[str]


@dataclass(frozen=True)
class Article(ArticleSummary):
    content: str
    metadata: Dict[str, Any]


@dataclass(frozen=True)
class SearchResult(ArticleSummary):
    #: The part of the article that answers best.
    passage: str
    #: Higher is better; only to compare results of one search.
    score: float


@dataclass(frozen=True)
class SearchResults:
    results: List[SearchResult]
    #: ``words``, ``vectors`` or ``words_and_vectors``.
    ranked_by: str
    #: Why the words alone decided: its ``code`` and ``message``.
    fallback: Optional[Dict[str, str]]
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class ArticlePage:
    articles: List[ArticleSummary]
    total: int
    limit: int
    offset: int
    #: How far the index is, of all articles.
    index: Dict[str, Any]
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class ArticleVersion:
    version: int
    created_at: str
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class Analytics:
    """Figures, under the names that the API has."""

    period: Dict[str, str]
    metrics: Dict[str, Optional[float]]
    daily_breakdown: Optional[List[Dict[str, Any]]]
    weekly_breakdown: Optional[List[Dict[str, Any]]]
    monthly_breakdown: Optional[List[Dict[str, Any]]]
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class RateLimit:
    """How many requests may be made, as the last answer said it. ``reset_at``: seconds since 1970."""

    limit: int
    remaining: int
    reset_at: int
