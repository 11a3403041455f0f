"""What the review queue answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional

from .models import Raw


@dataclass(frozen=True)
class DraftedResponse:
    """The draft of an answer to a customer."""

    response: str
    category: str
    requires_human_review: bool
    #: From 0 to 1.
    confidence: float
    alternative_responses: List[str]
    #: Ids of articles.
    sources: List[str]
    #: ``low_confidence``, ``category``, ``guardrail``.
    review_reasons: List[str]
    #: In the review queue. None: it is not queued.
    item_id: Optional[str]
    estimated_review_time: Optional[str]
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class QueuedReview:
    item_id: str
    status: str
    estimated_review_time: str
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class ReviewDecision:
    item_id: str
    #: ``queued``: another reviewer must decide, too. ``reviewed``.
    status: str
    review_time: str
    reviewer_id: str
    #: What the reviewers have come to; None: another one must decide.
    approved: Optional[bool]
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class ReviewItem:
    """An answer in the queue."""

    item_id: str
    #: ``queued``, ``in_review`` (a reviewer has claimed it) or ``reviewed``.
    status: str
    category: str
    priority: int
    #: What has queued it: ``api``, ``generation`` or ``guardrail``.
    source: str
    query: str
    response: str
    metadata: Dict[str, Any]
    #: None: the user was erased.
    queued_by: Optional[str]
    claimed_by: Optional[str]
    claimed_until: Optional[str]
    #: How many reviewers have decided, and how many must agree.
    reviews: int
    reviews_needed: int
    #: None: it is not decided.
    approved: Optional[bool]
    edited: bool
    #: What the customer may get. None: it is not approved, or not yet.
    final_response: Optional[str]
    comment_count: int
    created_at: str
    updated_at: str
    reviewed_at: Optional[str]
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class ReviewComment:
    number: int
    author_id: Optional[str]
    text: str
    created_at: str
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class GivenDecision:
    """What a reviewer has decided."""

    reviewer_id: Optional[str]
    approved: bool
    feedback: Optional[str]
    #: ``modified_response``, and in ``diff`` what was changed, by words.
    edits: Optional[Dict[str, Any]]
    decided_at: str
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class WholeReviewItem(ReviewItem):
    #: For staff. Those of others are hidden until the item is decided, but from admins.
    decisions: List[GivenDecision] = field(default_factory=list)
    #: For staff.
    comments: List[ReviewComment] = field(default_factory=list)


@dataclass(frozen=True)
class ReviewPage:
    items: List[ReviewItem]
    total: int
    limit: int
    offset: int
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class ReviewerPair:
    """How far two reviewers agree. None: nothing can be said."""

    reviewers: List[Optional[str]]
    items: int
    both_approve: int
    both_reject: int
    only_first_approves: int
    only_second_approves: int
    observed_agreement: float
    expected_agreement: float
    #: Cohen's.
    kappa: Optional[float]
    confidence_interval: Optional[List[float]]
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class ReviewAgreement:
    start_date: str
    end_date: str
    items: int
    observed_agreement: Optional[float]
    krippendorff_alpha: Optional[float]
    pairs: List[ReviewerPair]
    raw: Raw = field(repr=False, compare=False)
