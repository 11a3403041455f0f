"""What the insights API answers. ``raw`` has the whole answer, also fields of later versions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Union

from ._review_models import (
    DraftedResponse as DraftedResponse,
    GivenDecision as GivenDecision,
    QueuedReview as QueuedReview,
    ReviewAgreement as ReviewAgreement,
    ReviewComment as ReviewComment,
    ReviewDecision as ReviewDecision,
    ReviewItem as ReviewItem,
    ReviewPage as ReviewPage,
    ReviewerPair as ReviewerPair,
    WholeReviewItem as WholeReviewItem,
)
from ._training_models import (
    Deployment as Deployment,
    DeploymentList as DeploymentList,
    Prediction as Prediction,
    Predictions as Predictions,
    StartedTraining as StartedTraining,
    TrainingJob as TrainingJob,
    TrainingPage as TrainingPage,
    TrainingProgress as TrainingProgress,
)
from .models import Raw


@dataclass(frozen=True)
class Login:
    #: For requests. A client that was made by ``log_in`` sends it.
    token: str = field(repr=False)
    user_id: str
    roles: List[str]
    #: ISO 8601.
    expires_at: str
    #: It gets the next token, once.
    refresh_token: str = field(repr=False)
    refresh_expires_at: str
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class Sentiment:
    """How a text sounds. The three shares sum to one but for their rounding."""

    #: ``positive``, ``negative`` or ``neutral``.
    sentiment: str
    positive: float
    negative: float
    neutral: float
    #: From -1 to 1, without a model.
    compound: Optional[float]
    #: From 1 to 10.
    satisfaction_score: int
    key_positives: List[str]
    key_negatives: List[str]
    #: ``vader`` or ``ai``.
    method: str
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class BatchResult:
    """What became of a text: the shares, or ``error`` with its ``code`` and ``message``."""

    id: str
    sentiment: Optional[str]
    positive: Optional[float]
    negative: Optional[float]
    neutral: Optional[float]
    compound: Optional[float]
    error: Optional[Dict[str, str]]
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class BatchSummary:
    positive_count: int
    negative_count: int
    neutral_count: int
    failed_count: int
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class BatchResults:
    #: In the order of the texts.
    results: List[BatchResult]
    summary: BatchSummary
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class QueuedBatch:
    """A batch that a worker judges. Once it is ``completed``, it has results."""

    batch_id: str
    #: ``queued``, ``processing``, ``completed`` or ``failed``.
    status: str
    #: ``total``, ``done`` and ``failed``.
    progress: Dict[str, int]
    created_at: str
    completed_at: Optional[str]
    results: Optional[List[BatchResult]]
    summary: Optional[BatchSummary]
    failure: Optional[Dict[str, str]]
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class AnonymizedText:
    anonymized_text: str
    #: By placeholder, masked.
    mapping: Dict[str, str]
    mapping_id: Optional[str]
    pii_detected: List[str]
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class RestoredText:
    text: str
    #: How many placeholders were replaced.
    restored: int
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class FairnessFinding:
    attribute: str
    outcome: str
    #: By group: figures under the names that the API has.
    disparities: Dict[str, Dict[str, Any]]
    disparity_score: Optional[float]
    #: ``low``, ``medium``, ``high`` or ``insufficient_data``.
    concern_level: str
    four_fifths_rule: Optional[bool]
    ratio: Optional[float]
    difference: Optional[float]
    missing: int
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class FairnessReport:
    fairness_score: Optional[float]
    detailed_findings: List[FairnessFinding]
    recommendations: List[str]
    rows: int
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class TimelineGroup:
    #: The first day of the group.
    date: str
    conversations: int
    #: From 0, all negative, to 1, all positive.
    avg_sentiment: Optional[float]
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class Issue:
    issue: str
    count: int
    sentiment: Optional[float]
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class Summary:
    """What customers said, in figures. None: nothing is known of it."""

    total_conversations: int
    #: ``positive``, ``negative`` and ``neutral``: shares of the texts.
    sentiment_distribution: Dict[str, float]
    #: The mean of the ratings, from 1 to 5.
    average_satisfaction: Optional[float]
    #: In seconds.
    response_time_avg: Optional[float]
    resolution_rate: Optional[float]
    timeline_data: List[TimelineGroup]
    top_issues: List[Issue]
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class ListedModel:
    #: For ``model`` of requests.
    id: str
    provider: str
    model: str
    compliance_level: Optional[str]
    #: ``text_generation``, ``embeddings``, ``classification``.
    capabilities: List[str]
    is_default: bool
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class ListedModels:
    providers: List[ListedModel]
    default_provider: Optional[str]
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class GeneratedText:
    generated_text: str
    #: ``prompt_tokens``, ``completion_tokens`` and ``total_tokens``; None: the provider does not tell.
    usage: Dict[str, Optional[int]]
    #: As the provider names it.
    model: str
    #: ``length``: the limit of tokens has cut the text.
    finish_reason: str
    #: By the organization's guardrails: ``passed``, and their names in ``flags``.
    compliance_check: Dict[str, Any]
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class TextDelta:
    """More of the text."""

    text: str


@dataclass(frozen=True)
class TextDone:
    """The whole text."""

    response: GeneratedText


TextEvent = Union[TextDelta, TextDone]


@dataclass(frozen=True)
class Embeddings:
    #: In the order of the texts.
    embeddings: List[List[float]]
    model: str
    dimensions: int
    usage: Dict[str, Optional[int]]
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class Classification:
    #: By category, the largest first; they sum to one.
    classifications: Dict[str, float]
    top_category: str
    model: str
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class FeatureImportance:
    feature: str
    importance: float
    #: The half width of the 95 % confidence interval; 0: it is exact.
    error: float
    #: Its place in the text, from 0.
    position: int
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class Explanation:
    #: The class, of whatever the model classifies.
    sentiment: str
    confidence: float
    method: str
    #: Which number of the model is explained.
    explains: str
    #: It and all importances together are ``output_value``.
    base_value: float
    output_value: float
    feature_importance: List[FeatureImportance]
    exact: bool
    evaluations: int
    #: A picture for whoever has the address, until it expires.
    visualization_url: str
    visualization_expires_at: str
    raw: Raw = field(repr=False, compare=False)
