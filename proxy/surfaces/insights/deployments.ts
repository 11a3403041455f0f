import { type Static, Type } from 'typebox';
import type { ProblemCode } from '../../error.ts';
import type { GovernanceContext } from '../../governance/context.ts';
import {
  type Deployment,
  deploy,
  getDeployment,
  listDeployments,
  undeploy,
} from '../../governance/insights/training/deployments.ts';
import { makePredict, mostTexts } from '../../governance/insights/training/predict.ts';
import { notBlank } from '../../http/not-blank.ts';
import type { Route } from '../../http/route.ts';
import { Nullable, Timestamp } from '../../http/schemas.ts';
import { answer, Enveloped } from './answer.ts';
import { ownAddress } from './own-address.ts';
import { route } from './route.ts';

const tags = ['Deployment'];
const strict = { additionalProperties: false };
const deploymentId = Type.String({ minLength: 1, maxLength: 64, description: 'Or the name of the deployment.' });
const name = Type.String({
  pattern: '^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$',
  description: 'The `model` of calls to it: lower-case letters, digits and hyphens, at most 40.',
});
const quantity = Type.String({ pattern: '^[0-9]+(\\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$', maxLength: 32 });
const pods = Type.Integer({ minimum: 1, maximum: 1_000 });
const problems: readonly ProblemCode[] = ['surface_not_allowed', 'role_required', 'store_unavailable'];

const Asked = Type.Object(
  {
    model_uri: Type.String({
      pattern: '^(s3|pvc)://',
      maxLength: 1_024,
      description: 'The `model_output_uri` of a training job.',
    }),
    deployment_name: name,
    deployment_strategy: Type.Optional(Type.Enum(['kubernetes'])),
    replicas: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, default: 1 })),
    auto_scaling: Type.Optional(
      Type.Object(
        {
          min_replicas: pods,
          max_replicas: pods,
          target_utilization: Type.Optional(
            Type.Integer({
              minimum: 1,
              maximum: 100,
              default: 70,
              description: 'Of the requested processor time, in percent.',
            }),
          ),
        },
        strict,
      ),
    ),
    resource_requirements: Type.Optional(
      Type.Object(
        { cpu: Type.Optional(quantity), memory: Type.Optional(quantity), gpu: Type.Optional(quantity) },
        strict,
      ),
    ),
  },
  {
    ...strict,
    example: {
      model_uri: 's3://acme-models/train-2026-11-30-0a1b2c3d4e/',
      deployment_name: 'financial-sentiment-prod',
      deployment_strategy: 'kubernetes',
      replicas: 3,
      auto_scaling: { min_replicas: 2, max_replicas: 10, target_utilization: 70 },
    },
  },
);

const Shown = Type.Object({
  deployment_id: Type.String({ description: 'It begins with `deploy-`.' }),
  deployment_name: Type.String(),
  status: Type.Enum(['CREATING', 'IN_SERVICE', 'UPDATING', 'FAILED', 'DELETING', 'DELETED']),
  message: Nullable(Type.String(), 'What a person should know of the status.'),
  endpoint: Type.String({ description: 'To be asked by POST. `/v1/chat/completions` serves it, too, by its name.' }),
  metrics_endpoint: Type.String({ description: 'Figures of its pods, for Prometheus, within the cluster.' }),
  model_uri: Type.String(),
  base_model: Nullable(Type.String(), 'Null: not known.'),
  replicas: Type.Integer(),
  ready_replicas: Type.Integer(),
  auto_scaling: Nullable(
    Type.Object({ min_replicas: Type.Integer(), max_replicas: Type.Integer(), target_utilization: Type.Integer() }),
    'Null: nothing scales it.',
  ),
  resource_requirements: Type.Record(Type.String(), Type.String()),
  revision: Type.Integer({ description: 'How often it was deployed.' }),
  created_at: Timestamp,
  updated_at: Timestamp,
});

const create = route(
  'POST',
  '/ai/deploy',
  {
    tags,
    summary: 'Serve a trained model',
    description:
      'In the cluster, by a Deployment that the operator makes. A deployment of the same name gets the new model, pod by pod. For admins.',
    body: Asked,
    problems: [...problems, 'training_unavailable', 'training_quota_reached', 'name_taken'],
    roles: 'admin',
    response: { 200: Enveloped(Shown) },
  },
  async ({ caller, body, raw }, context) => {
    const { auto_scaling: scaling } = body;
    const deployment = await deploy(context, caller, {
      modelUri: body.model_uri,
      name: body.deployment_name,
      replicas: body.replicas ?? scaling?.min_replicas ?? 1,
      autoScaling: scaling && {
        minReplicas: scaling.min_replicas,
        maxReplicas: scaling.max_replicas,
        targetUtilization: scaling.target_utilization ?? 70,
      },
      resources: { ...body.resource_requirements },
    });
    return answer(show(deployment, ownAddress(raw)));
  },
);

const list = route(
  'GET',
  '/ai/deployments',
  {
    tags,
    summary: 'List deployments',
    description: 'By name. For analysts.',
    problems,
    roles: 'analyst, admin',
    response: { 200: Enveloped(Type.Object({ deployments: Type.Array(Shown), total: Type.Integer() })) },
  },
  async ({ caller, raw }, context) => {
    const all = await listDeployments(context, caller);
    return answer({ deployments: all.map((one) => show(one, ownAddress(raw))), total: all.length });
  },
);

const get = route(
  'GET',
  '/ai/deployments/:deployment_id',
  {
    tags,
    summary: 'Get a deployment',
    description: 'For analysts.',
    params: Type.Object({ deployment_id: deploymentId }),
    problems: [...problems, 'deployment_not_found'],
    roles: 'analyst, admin',
    response: { 200: Enveloped(Shown) },
  },
  async ({ caller, params, raw }, context) =>
    answer(show(await getDeployment(context, caller, params.deployment_id), ownAddress(raw))),
);

const remove = route(
  'DELETE',
  '/ai/deployments/:deployment_id',
  {
    tags,
    summary: 'Delete a deployment',
    description: 'It gets no more calls, and its pods end. The model stays. For admins.',
    params: Type.Object({ deployment_id: deploymentId }),
    problems: [...problems, 'deployment_not_found'],
    roles: 'admin',
    response: { 200: Enveloped(Shown) },
  },
  async ({ caller, params, raw }, context) =>
    answer(show(await undeploy(context, caller, params.deployment_id), ownAddress(raw))),
);

const text = Type.String({ pattern: notBlank, maxLength: 20_000 });
const Predicted = Type.Object({
  label: Type.String(),
  confidence: Type.Number({ description: 'Of the label, from 0 to 1.' }),
  scores: Type.Record(Type.String(), Type.Number(), { description: 'Of each label. They sum to one.' }),
});

const predict = route(
  'POST',
  '/ai/predict/:deployment_name',
  {
    tags,
    summary: 'Ask a deployed model about texts',
    description: 'A call of yours, under all rules of the organization: one call, however many texts there are.',
    params: Type.Object({ deployment_name: Type.String({ minLength: 1, maxLength: 200 }) }),
    body: Type.Object({ texts: Type.Array(text, { minItems: 1, maxItems: mostTexts }) }, strict),
    problems: [
      'surface_not_allowed',
      'user_inactive',
      'deployment_not_found',
      'deployment_not_ready',
      'model_not_allowed',
      'no_api_key',
      'limit_reached',
      'insufficient_quota',
      'quota_unavailable',
      'guardrail_blocked',
      'guardrail_unavailable',
      'spool_full',
      'spool_unwritable',
      'upstream_unreachable',
      'upstream_timeout',
      'upstream_interrupted',
      'upstream_invalid_response',
      'upstream_rate_limited',
      'upstream_error',
    ],
    response: { 200: Enveloped(Type.Object({ model: Type.String(), predictions: Type.Array(Predicted) })) },
  },
  async ({ callContext, params, body }, context) => {
    const ask = makePredict(context, callContext, params.deployment_name, 'call');
    const predictions = (await ask(body.texts)).map(({ label, confidence, scores }) => ({
      ...{ label, confidence, scores: { ...scores } },
    }));
    return answer({ model: params.deployment_name, predictions });
  },
);

/** `/api/v1/ai/deploy`, `/api/v1/ai/deployments`, `/api/v1/ai/predict` */
export const deploymentRoutes: readonly Route<GovernanceContext>[] = [create, list, get, remove, predict];

function show(deployment: Deployment, address: string): Static<typeof Shown> {
  const { autoScaling, address: base } = deployment;
  return {
    deployment_id: deployment.deploymentId,
    deployment_name: deployment.name,
    status: deployment.status,
    message: deployment.message,
    endpoint: `${address}/api/v1/ai/predict/${deployment.name}`,
    metrics_endpoint: base === null ? '' : base.replace(/\/v1$/, '/metrics'),
    model_uri: deployment.modelUri,
    base_model: deployment.baseModel,
    replicas: deployment.replicas,
    ready_replicas: deployment.readyReplicas,
    auto_scaling: autoScaling && {
      min_replicas: autoScaling.minReplicas,
      max_replicas: autoScaling.maxReplicas,
      target_utilization: autoScaling.targetUtilization,
    },
    resource_requirements: { ...deployment.resources },
    revision: deployment.revision,
    created_at: deployment.createdAt.toISOString(),
    updated_at: deployment.updatedAt.toISOString(),
  };
}
