"""The requests of the API, and how their answers are read: what the two clients share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Generic, Mapping, Optional, Sequence, TypeVar
from urllib.parse import quote

from . import models
from .models import read

T = TypeVar("T")
Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Call(Generic[T]):
    method: str
    #: Below ``/api/v1``, escaped.
    path: str
    parse: Callable[[Fields], T]
    body: Optional[Fields] = None
    query: Fields = field(default_factory=dict)
    #: In place of ``body``: what is no JSON, with its headers. One that can be read once has one attempt.
    content: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Of an answer that is no JSON: ``parse`` gets the text.
    is_text: bool = False

    @property
    def is_once(self) -> bool:
        return self.content is not None and not isinstance(self.content, (str, bytes))


def stated(fields: Fields) -> Dict[str, Any]:
    """Without what the caller has left out."""
    return {name: value for name, value in fields.items() if value is not None}


class Unset:
    """Of a field that may be None: the caller has left it out."""


UNSET = Unset()


def chosen(name: str, value: object) -> Dict[str, Any]:
    """A field that may be None, unless the caller has left it out."""
    return {} if isinstance(value, Unset) else {name: value}


def conversation_path(conversation_id: str) -> str:
    return f"/conversations/{quote(conversation_id, safe='')}"


def article_path(article_id: str) -> str:
    return f"/knowledge-base/{quote(article_id, safe='')}"


def parse_response(raw: Fields) -> models.ChatResponse:
    return read(models.ChatResponse, raw, answer=raw["response"], source_articles=models.read_sources(raw))


def send_message(**fields: object) -> Call[models.ChatResponse]:
    return Call("POST", "/conversations", parse_response, stated(fields))


def get_conversation(conversation_id: str) -> Call[models.Conversation]:
    def parse(raw: Fields) -> models.Conversation:
        messages = [read(models.Message, one, source_articles=models.read_sources(one)) for one in raw["messages"]]
        return read(models.Conversation, raw, messages=messages)

    return Call("GET", conversation_path(conversation_id), parse)


def _parse_summary(raw: Fields) -> models.ConversationSummary:
    return read(models.ConversationSummary, raw)


def list_conversations(**query: object) -> Call[models.ConversationPage]:
    def parse(raw: Fields) -> models.ConversationPage:
        conversations = [_parse_summary(one) for one in raw["conversations"]]
        return read(models.ConversationPage, raw, conversations=conversations)

    return Call("GET", "/conversations", parse, query=stated(query))


def update_conversation(
    conversation_id: str, status: Optional[str], assigned_agent: object
) -> Call[models.ConversationSummary]:
    change = {**stated({"status": status}), **chosen("assigned_agent", assigned_agent)}
    return Call("PATCH", conversation_path(conversation_id), _parse_summary, change)


def submit_feedback(conversation_id: str, **fields: object) -> Call[models.Feedback]:
    path = f"{conversation_path(conversation_id)}/feedback"
    return Call("POST", path, lambda raw: read(models.Feedback, raw), stated(fields))


def get_analytics(metrics: Optional[Sequence[str]], **query: object) -> Call[models.Analytics]:
    names = None if metrics is None else ",".join(metrics)
    asked = stated({**query, "metrics": names})
    return Call("GET", "/analytics", lambda raw: read(models.Analytics, raw), query=asked)


def save_article(category: object = UNSET, **fields: object) -> Call[models.SavedArticle]:
    body = {**stated(fields), **chosen("category", category)}
    return Call("POST", "/knowledge-base", lambda raw: read(models.SavedArticle, raw), body)


def list_articles(**query: object) -> Call[models.ArticlePage]:
    def parse(raw: Fields) -> models.ArticlePage:
        articles = [read(models.ArticleSummary, one) for one in raw["articles"]]
        return read(models.ArticlePage, raw, articles=articles)

    return Call("GET", "/knowledge-base", parse, query=stated(query))


def get_article(article_id: str, version: Optional[int]) -> Call[models.Article]:
    query = stated({"version": version})
    return Call("GET", article_path(article_id), lambda raw: read(models.Article, raw), query=query)


def list_versions(article_id: str) -> Call[Sequence[models.ArticleVersion]]:
    def parse(raw: Fields) -> Sequence[models.ArticleVersion]:
        return [read(models.ArticleVersion, one) for one in raw["versions"]]

    return Call("GET", f"{article_path(article_id)}/versions", parse)


def search(query: str, limit: Optional[int]) -> Call[models.SearchResults]:
    def parse(raw: Fields) -> models.SearchResults:
        results = [read(models.SearchResult, one) for one in raw["results"]]
        return read(models.SearchResults, raw, results=results)

    return Call("POST", "/knowledge-base/search", parse, stated({"query": query, "limit": limit}))


def delete_article(article_id: str) -> Call[None]:
    return Call("DELETE", article_path(article_id), lambda raw: None)
