"""Models that are trained in the cluster."""

from __future__ import annotations

from typing import Any, Mapping, Optional

from . import _training_calls as _calls
from . import insights
from ._settings import RequestOptions
from ._transport import Transport


class TrainingJobs:
    """Models that are trained in the cluster."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def start(
        self,
        base_model: str,
        training_data_uri: str,
        *,
        validation_data_uri: Optional[str] = None,
        hyperparameters: Optional[Mapping[str, Any]] = None,
        instance_count: Optional[int] = None,
        instance_type: Optional[str] = None,
        options: RequestOptions = RequestOptions(),
    ) -> insights.StartedTraining:
        """Trains a model on several pods. For admins.

        :param base_model: ``customerai-classifier``, or a trainer of the organization
        :param training_data_uri: ``s3://…`` or ``pvc://…``, below a data store of the organization
        :param hyperparameters: for the trainer, as they are
        """
        call = _calls.start(
            base_model=base_model,
            training_data_uri=training_data_uri,
            validation_data_uri=validation_data_uri,
            hyperparameters=hyperparameters,
            instance_count=instance_count,
            instance_type=instance_type,
        )
        return self._transport.run(call, options)

    def get(self, job_id: str, *, options: RequestOptions = RequestOptions()) -> insights.TrainingJob:
        """Says how far a job is. For analysts and admins."""
        return self._transport.run(_calls.get_job(job_id), options)

    def list(
        self,
        *,
        status: Optional[str] = None,
        limit: Optional[int] = None,
        offset: Optional[int] = None,
        options: RequestOptions = RequestOptions(),
    ) -> insights.TrainingPage:
        """Lists jobs, the latest first. For analysts and admins."""
        return self._transport.run(_calls.list_jobs(status=status, limit=limit, offset=offset), options)

    def cancel(self, job_id: str, *, options: RequestOptions = RequestOptions()) -> insights.TrainingJob:
        """Ends the pods of a job. Its checkpoint stays. For admins."""
        return self._transport.run(_calls.cancel(job_id), options)

    def logs(self, job_id: str, *, options: RequestOptions = RequestOptions()) -> str:
        """Reads the end of what the first pod of a job has printed. For analysts and admins."""
        return self._transport.run(_calls.logs(job_id), options)
