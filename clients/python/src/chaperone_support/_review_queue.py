"""Answers that people look at."""

from __future__ import annotations

from typing import Any, Mapping, Optional

from . import _review_calls as _calls
from . import insights
from ._settings import RequestOptions
from ._transport import Transport


class ReviewQueue:
    """Answers that people look at."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def queue(
        self,
        query: str,
        response: str,
        category: str,
        *,
        priority: Optional[int] = None,
        metadata: Optional[Mapping[str, Any]] = None,
        double_review: Optional[bool] = None,
        options: RequestOptions = RequestOptions(),
    ) -> insights.QueuedReview:
        """Queues an answer.

        :param priority: from 1, the most urgent, to 5
        :param metadata: ``customer_id`` says whose words they are
        :param double_review: whether two reviewers must agree; None: as the organization says
        """
        call = _calls.queue(
            query=query,
            response=response,
            category=category,
            priority=priority,
            metadata=metadata,
            double_review=double_review,
        )
        return self._transport.run(call, options)

    def decide(
        self,
        item_id: str,
        approved: bool,
        *,
        feedback: Optional[str] = None,
        modified_response: Optional[str] = None,
        options: RequestOptions = RequestOptions(),
    ) -> insights.ReviewDecision:
        """Decides about an item. For reviewers and admins."""
        call = _calls.decide(modified_response, item_id=item_id, approved=approved, feedback=feedback)
        return self._transport.run(call, options)

    def list(
        self,
        *,
        status: Optional[str] = None,
        category: Optional[str] = None,
        priority: Optional[int] = None,
        claimed_by: Optional[str] = None,
        limit: Optional[int] = None,
        offset: Optional[int] = None,
        options: RequestOptions = RequestOptions(),
    ) -> insights.ReviewPage:
        """Lists items: open ones in the order of their turn, then decided ones, the latest first. For staff."""
        call = _calls.list_items(
            status=status, category=category, priority=priority, claimed_by=claimed_by, limit=limit, offset=offset
        )
        return self._transport.run(call, options)

    def get(self, item_id: str, *, options: RequestOptions = RequestOptions()) -> insights.WholeReviewItem:
        """Gets an item: any for staff, else one that you have queued."""
        return self._transport.run(_calls.get(item_id), options)

    def update(
        self,
        item_id: str,
        *,
        priority: Optional[int] = None,
        category: Optional[str] = None,
        options: RequestOptions = RequestOptions(),
    ) -> insights.WholeReviewItem:
        """Changes the priority or the category. For reviewers and admins."""
        return self._transport.run(_calls.update(item_id, priority=priority, category=category), options)

    def claim_next(
        self,
        *,
        category: Optional[str] = None,
        priority: Optional[int] = None,
        options: RequestOptions = RequestOptions(),
    ) -> Optional[insights.WholeReviewItem]:
        """Claims the item whose turn it is. No two reviewers get one. None: there is none."""
        return self._transport.run(_calls.claim_next(category=category, priority=priority), options)

    def claim(self, item_id: str, *, options: RequestOptions = RequestOptions()) -> insights.WholeReviewItem:
        """Claims an item, or keeps one longer."""
        return self._transport.run(_calls.claim(item_id), options)

    def release(self, item_id: str, *, options: RequestOptions = RequestOptions()) -> insights.WholeReviewItem:
        """Gives a claimed item back."""
        return self._transport.run(_calls.release(item_id), options)

    def reassign(
        self, item_id: str, reviewer_id: str, *, options: RequestOptions = RequestOptions()
    ) -> insights.WholeReviewItem:
        """Gives an item to another reviewer."""
        return self._transport.run(_calls.reassign(item_id, reviewer_id), options)

    def comment(self, item_id: str, text: str, *, options: RequestOptions = RequestOptions()) -> insights.ReviewComment:
        """Comments on an item. For staff."""
        return self._transport.run(_calls.comment(item_id, text), options)

    def agreement(
        self,
        start_date: Optional[str] = None,
        end_date: Optional[str] = None,
        *,
        options: RequestOptions = RequestOptions(),
    ) -> insights.ReviewAgreement:
        """Says how far reviewers agree about the items that two of them have seen. For staff.

        :param start_date: a day in UTC, as an ISO date; None: the last 30 days
        """
        return self._transport.run(_calls.agreement(start_date=start_date, end_date=end_date), options)
