"""The articles that answers come from, for programs with asyncio."""

from __future__ import annotations

from typing import Any, Mapping, Optional, Sequence, Union

from . import _calls
from ._async_transport import AsyncTransport
from ._calls import UNSET, Unset
from ._settings import RequestOptions
from .models import Article, ArticlePage, ArticleVersion, SavedArticle, SearchResults


class AsyncKnowledgeBase:
    """The articles that answers come from."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def add(
        self,
        title: str,
        content: str,
        *,
        category: Optional[str] = None,
        tags: Optional[Sequence[str]] = None,
        metadata: Optional[Mapping[str, Any]] = None,
        status: Optional[str] = None,
        language: Optional[str] = None,
        options: RequestOptions = RequestOptions(),
    ) -> SavedArticle:
        """Adds an article. The next answer may come from it.

        :param content: Markdown
        :param status: ``published``, or ``draft``, which no answer comes from
        :param language: ISO 639-1
        """
        call = _calls.save_article(
            title=title,
            content=content,
            category=UNSET if category is None else category,
            tags=tags,
            metadata=metadata,
            status=status,
            language=language,
        )
        return await self._transport.run(call, options)

    async def update(
        self,
        article_id: str,
        *,
        title: Optional[str] = None,
        content: Optional[str] = None,
        category: Union[str, None, Unset] = UNSET,
        tags: Optional[Sequence[str]] = None,
        metadata: Optional[Mapping[str, Any]] = None,
        status: Optional[str] = None,
        language: Optional[str] = None,
        options: RequestOptions = RequestOptions(),
    ) -> SavedArticle:
        """Changes an article: what is left out stays as it is, and the former version is kept.

        :param category: None: it has none any more
        """
        call = _calls.save_article(
            article_id=article_id,
            title=title,
            content=content,
            category=category,
            tags=tags,
            metadata=metadata,
            status=status,
            language=language,
        )
        return await self._transport.run(call, options)

    async def list(
        self,
        *,
        status: Optional[str] = None,
        language: Optional[str] = None,
        category: Optional[str] = None,
        tag: Optional[str] = None,
        limit: Optional[int] = None,
        offset: Optional[int] = None,
        options: RequestOptions = RequestOptions(),
    ) -> ArticlePage:
        """Lists articles, those that were changed last first."""
        call = _calls.list_articles(
            status=status, language=language, category=category, tag=tag, limit=limit, offset=offset
        )
        return await self._transport.run(call, options)

    async def get(
        self, article_id: str, *, version: Optional[int] = None, options: RequestOptions = RequestOptions()
    ) -> Article:
        """Gets an article, or an earlier version of it."""
        return await self._transport.run(_calls.get_article(article_id, version), options)

    async def versions(
        self, article_id: str, *, options: RequestOptions = RequestOptions()
    ) -> Sequence[ArticleVersion]:
        """Lists when the versions of an article were written, the latest first."""
        return await self._transport.run(_calls.list_versions(article_id), options)

    async def search(
        self, query: str, *, limit: Optional[int] = None, options: RequestOptions = RequestOptions()
    ) -> SearchResults:
        """Finds the published articles that answer a question best."""
        return await self._transport.run(_calls.search(query, limit), options)

    async def delete(self, article_id: str, *, options: RequestOptions = RequestOptions()) -> None:
        """Deletes an article with all versions.

        Raises ``NotFoundError`` also where an attempt before has deleted it, and the connection broke before its answer.
        """
        await self._transport.run(_calls.delete_article(article_id), options)
