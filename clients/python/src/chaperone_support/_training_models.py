"""What training and deployment answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional

from .models import Raw


@dataclass(frozen=True)
class StartedTraining:
    job_id: str
    status: str
    #: By the jobs before, or ``unknown``.
    estimated_time: str
    model_output_uri: str
    logs_uri: str
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class TrainingProgress:
    current_epoch: int
    total_epochs: int
    current_step: int
    total_steps: int
    #: Under the names that the trainer has given, such as ``validation_accuracy``.
    metrics: Dict[str, float]
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class TrainingJob:
    job_id: str
    #: ``STARTING``, ``IN_PROGRESS``, ``CANCELLING``, ``COMPLETED``, ``FAILED`` or ``CANCELLED``.
    status: str
    #: What a person should know of the status.
    message: Optional[str]
    progress: TrainingProgress
    estimated_completion: Optional[str]
    base_model: str
    training_data_uri: str
    validation_data_uri: Optional[str]
    hyperparameters: Dict[str, Any]
    instance_count: int
    instance_type: str
    model_output_uri: str
    logs_uri: str
    created_at: str
    started_at: Optional[str]
    completed_at: Optional[str]
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class TrainingPage:
    #: The latest first.
    jobs: List[TrainingJob]
    total: int
    limit: int
    offset: int
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class Deployment:
    deployment_id: str
    deployment_name: str
    #: ``CREATING``, ``IN_SERVICE``, ``UPDATING``, ``FAILED``, ``DELETING`` or ``DELETED``.
    status: str
    #: What a person should know of the status.
    message: Optional[str]
    endpoint: str
    #: Within the cluster, for Prometheus.
    metrics_endpoint: str
    model_uri: str
    base_model: Optional[str]
    replicas: int
    ready_replicas: int
    #: ``min_replicas``, ``max_replicas`` and ``target_utilization``. None: nothing scales it.
    auto_scaling: Optional[Dict[str, int]]
    resource_requirements: Dict[str, str]
    #: How often it was deployed.
    revision: int
    created_at: str
    updated_at: str
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class DeploymentList:
    deployments: List[Deployment]
    total: int
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class Prediction:
    label: str
    #: Of the label, from 0 to 1.
    confidence: float
    #: By label; they sum to one.
    scores: Dict[str, float]
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True)
class Predictions:
    model: str
    #: In the order of the texts.
    predictions: List[Prediction]
    raw: Raw = field(repr=False, compare=False)
