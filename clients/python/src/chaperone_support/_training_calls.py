"""The requests about training and deployment, and how their answers are read."""

from __future__ import annotations

from typing import List
from urllib.parse import quote

from . import insights
from ._calls import Call, Fields, stated
from ._insights_calls import data_of
from .models import read


def _job_path(job_id: str, action: str = "") -> str:
    return f"/ai/training-job/{quote(job_id, safe='')}{action}"


def _parse_job(data: Fields) -> insights.TrainingJob:
    return read(insights.TrainingJob, data, progress=read(insights.TrainingProgress, data["progress"]))


def _job(raw: Fields) -> insights.TrainingJob:
    return _parse_job(data_of(raw))


def start(**fields: object) -> Call[insights.StartedTraining]:
    return Call("POST", "/ai/distributed-training", lambda raw: read(insights.StartedTraining, data_of(raw)), stated(fields))


def get_job(job_id: str) -> Call[insights.TrainingJob]:
    return Call("GET", _job_path(job_id), _job)


def list_jobs(**query: object) -> Call[insights.TrainingPage]:
    def parse(raw: Fields) -> insights.TrainingPage:
        data = data_of(raw)
        return read(insights.TrainingPage, data, jobs=[_parse_job(one) for one in data["jobs"]])

    return Call("GET", "/ai/training-jobs", parse, query=stated(query))


def cancel(job_id: str) -> Call[insights.TrainingJob]:
    return Call("POST", _job_path(job_id, "/cancel"), _job)


def logs(job_id: str) -> Call[str]:
    return Call("GET", _job_path(job_id, "/logs"), str, is_text=True)


def _deployment_path(id_or_name: str) -> str:
    return f"/ai/deployments/{quote(id_or_name, safe='')}"


def _deployment(raw: Fields) -> insights.Deployment:
    return read(insights.Deployment, data_of(raw))


def deploy(**fields: object) -> Call[insights.Deployment]:
    return Call("POST", "/ai/deploy", _deployment, stated(fields))


def list_deployments() -> Call[insights.DeploymentList]:
    def parse(raw: Fields) -> insights.DeploymentList:
        data = data_of(raw)
        deployments = [read(insights.Deployment, one) for one in data["deployments"]]
        return read(insights.DeploymentList, data, deployments=deployments)

    return Call("GET", "/ai/deployments", parse)


def get_deployment(id_or_name: str) -> Call[insights.Deployment]:
    return Call("GET", _deployment_path(id_or_name), _deployment)


def undeploy(id_or_name: str) -> Call[insights.Deployment]:
    return Call("DELETE", _deployment_path(id_or_name), _deployment)


def predict(deployment_name: str, texts: List[str]) -> Call[insights.Predictions]:
    def parse(raw: Fields) -> insights.Predictions:
        data = data_of(raw)
        return read(insights.Predictions, data, predictions=[read(insights.Prediction, one) for one in data["predictions"]])

    return Call("POST", f"/ai/predict/{quote(deployment_name, safe='')}", parse, {"texts": texts})
