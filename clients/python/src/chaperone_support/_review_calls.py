"""The requests of the review queue, and how their answers are read."""

from __future__ import annotations

from typing import Optional
from urllib.parse import quote

from . import insights
from ._calls import Call, Fields, stated
from ._insights_calls import data_of
from .models import read


def _at(item_id: str, action: str = "") -> str:
    return f"/review/items/{quote(item_id, safe='')}{action}"


def _parse_whole(data: Fields) -> insights.WholeReviewItem:
    decisions = [read(insights.GivenDecision, one) for one in data["decisions"]]
    comments = [read(insights.ReviewComment, one) for one in data["comments"]]
    return read(insights.WholeReviewItem, data, decisions=decisions, comments=comments)


def _whole(raw: Fields) -> insights.WholeReviewItem:
    return _parse_whole(data_of(raw))


def queue(**fields: object) -> Call[insights.QueuedReview]:
    return Call("POST", "/review/queue", lambda raw: read(insights.QueuedReview, data_of(raw)), stated(fields))


def decide(modified_response: Optional[str], **fields: object) -> Call[insights.ReviewDecision]:
    edits = None if modified_response is None else {"modified_response": modified_response}
    body = stated({**fields, "edits": edits})
    return Call("POST", "/review/decision", lambda raw: read(insights.ReviewDecision, data_of(raw)), body)


def list_items(**query: object) -> Call[insights.ReviewPage]:
    def parse(raw: Fields) -> insights.ReviewPage:
        data = data_of(raw)
        return read(insights.ReviewPage, data, items=[read(insights.ReviewItem, one) for one in data["items"]])

    return Call("GET", "/review/items", parse, query=stated(query))


def get(item_id: str) -> Call[insights.WholeReviewItem]:
    return Call("GET", _at(item_id), _whole)


def update(item_id: str, **fields: object) -> Call[insights.WholeReviewItem]:
    return Call("PATCH", _at(item_id), _whole, stated(fields))


def claim_next(**fields: object) -> Call[Optional[insights.WholeReviewItem]]:
    def parse(raw: Fields) -> Optional[insights.WholeReviewItem]:
        item = data_of(raw)["item"]
        return None if item is None else _parse_whole(item)

    return Call("POST", "/review/claim", parse, stated(fields))


def claim(item_id: str) -> Call[insights.WholeReviewItem]:
    return Call("POST", _at(item_id, "/claim"), _whole)


def release(item_id: str) -> Call[insights.WholeReviewItem]:
    return Call("POST", _at(item_id, "/release"), _whole)


def reassign(item_id: str, reviewer_id: str) -> Call[insights.WholeReviewItem]:
    return Call("POST", _at(item_id, "/reassign"), _whole, {"reviewer_id": reviewer_id})


def comment(item_id: str, text: str) -> Call[insights.ReviewComment]:
    return Call("POST", _at(item_id, "/comments"), lambda raw: read(insights.ReviewComment, data_of(raw)), {"text": text})


def agreement(**query: object) -> Call[insights.ReviewAgreement]:
    def parse(raw: Fields) -> insights.ReviewAgreement:
        data = data_of(raw)
        return read(insights.ReviewAgreement, data, pairs=[read(insights.ReviewerPair, one) for one in data["pairs"]])

    return Call("GET", "/review/agreement", parse, query=stated(query))
