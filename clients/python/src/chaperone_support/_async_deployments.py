"""Trained models that answer calls, for programs with asyncio."""

from __future__ import annotations

from typing import List, Mapping, Optional

from . import _training_calls as _calls
from . import insights
from ._async_transport import AsyncTransport
from ._settings import RequestOptions


class AsyncDeployments:
    """Trained models that answer calls."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def deploy(
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
        return await self._transport.run(call, options)

    async def list(self, *, options: RequestOptions = RequestOptions()) -> insights.DeploymentList:
        """Lists deployments by name. For analysts and admins."""
        return await self._transport.run(_calls.list_deployments(), options)

    async def get(self, id_or_name: str, *, options: RequestOptions = RequestOptions()) -> insights.Deployment:
        """Gets a deployment by its id or name. For analysts and admins."""
        return await self._transport.run(_calls.get_deployment(id_or_name), options)

    async def undeploy(self, id_or_name: str, *, options: RequestOptions = RequestOptions()) -> insights.Deployment:
        """Ends the pods of a deployment. The model stays. For admins."""
        return await self._transport.run(_calls.undeploy(id_or_name), options)

    async def predict(
        self, deployment_name: str, texts: List[str], *, options: RequestOptions = RequestOptions()
    ) -> insights.Predictions:
        """Asks a deployed model about up to 2,048 texts, in one call of yours."""
        return await self._transport.run(_calls.predict(deployment_name, texts), options)
