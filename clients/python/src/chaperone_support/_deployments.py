"""Trained models that answer calls."""

from __future__ import annotations

from typing import List, Mapping, Optional

from . import _training_calls as _calls
from . import insights
from ._settings import RequestOptions
from ._transport import Transport


class Deployments:
    """Trained models that answer calls."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def deploy(
        self,
        model_uri: str,
        deployment_name: str,
        *,
        replicas: Optional[int] = None,
        auto_scaling: Optional[Mapping[str, int]] = None,
        resource_requirements: Optional[Mapping[str, str]] = None,
        options: RequestOptions = RequestOptions(),
    ) -> insights.Deployment:
        """Serves a trained model in the cluster. For admins.

        :param model_uri: the ``model_output_uri`` of a training job
        :param deployment_name: the ``model`` of calls to it; one of the same name gets the new model
        :param auto_scaling: ``min_replicas``, ``max_replicas``, and perhaps ``target_utilization`` in percent
        :param resource_requirements: ``cpu``, ``memory`` and ``gpu``, as quantities of Kubernetes
        """
        call = _calls.deploy(
            model_uri=model_uri,
            deployment_name=deployment_name,
            replicas=replicas,
            auto_scaling=auto_scaling,
            resource_requirements=resource_requirements,
        )
        return self._transport.run(call, options)

    def list(self, *, options: RequestOptions = RequestOptions()) -> insights.DeploymentList:
        """Lists deployments by name. For analysts and admins."""
        return self._transport.run(_calls.list_deployments(), options)

    def get(self, id_or_name: str, *, options: RequestOptions = RequestOptions()) -> insights.Deployment:
        """Gets a deployment by its id or name. For analysts and admins."""
        return self._transport.run(_calls.get_deployment(id_or_name), options)

    def undeploy(self, id_or_name: str, *, options: RequestOptions = RequestOptions()) -> insights.Deployment:
        """Ends the pods of a deployment. The model stays. For admins."""
        return self._transport.run(_calls.undeploy(id_or_name), options)

    def predict(
        self, deployment_name: str, texts: List[str], *, options: RequestOptions = RequestOptions()
    ) -> insights.Predictions:
        """Asks a deployed model about up to 2,048 texts, in one call of yours."""
        return self._transport.run(_calls.predict(deployment_name, texts), options)
