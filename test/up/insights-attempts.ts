import type { Client } from 'pg';
import { insertDeployment } from '../../database/training/deployments.ts';
import { insertTrainingJob, noteTraining } from '../../database/training/jobs.ts';

/** What acme has of the API of customer insights. */
export interface InsightsVictim {
  readonly item: string;
  readonly batch: string;
  readonly mapping: string;
  readonly job: string;
  readonly deployment: string;
  readonly picture: string;
}

/** A request of globex with the ids of acme. */
type Attempt = (victim: InsightsVictim) => { readonly body?: object; readonly status: number };

const rows = Array.from({ length: 4 }, (_, at) => ({ group: at % 2 ? 'a' : 'b', resolved: true }));
const order = { base_model: 'customerai-classifier', training_data_uri: 's3://data/x.csv' };

/** A new route of the API of customer insights needs a line, and a thought. 404: what is another's does not exist. */
export const insightsAttempts: Readonly<Record<string, Attempt>> = {
  'POST /api/v1/auth/login': () => ({ body: { username: 'carl', password: 'wrong' }, status: 401 }),
  'POST /api/v1/auth/refresh': () => ({ body: { refresh_token: 'rt_none' }, status: 401 }),
  'POST /api/v1/auth/logout': () => ({ body: {}, status: 400 }),
  'POST /api/v1/analyze/sentiment': () => ({ body: { text: 'This is good.' }, status: 200 }),
  'POST /api/v1/analyze/batch': () => ({ body: { conversations: [{ id: '1', text: 'Good.' }] }, status: 200 }),
  'GET /api/v1/analyze/batch/{batch_id}': () => ({ status: 404 }),
  'POST /api/v1/privacy/anonymize': ({ mapping }) => ({ body: { text: 'Hi', mapping_id: mapping }, status: 404 }),
  'POST /api/v1/privacy/restore': ({ mapping }) => ({
    body: { text: '[EMAIL_1]', mapping_id: mapping },
    status: 404,
  }),
  'DELETE /api/v1/privacy/mappings/{mapping_id}': () => ({ status: 404 }),
  'POST /api/v1/fairness/analyze': () => ({
    body: { data: rows, attributes: ['group'], outcome_columns: ['resolved'] },
    status: 200,
  }),
  'POST /api/v1/fairness/analyze/upload': () => ({ status: 400 }),
  'POST /api/v1/generate/response': () => ({ body: { query: 'How do I tune it?' }, status: 200 }),
  'POST /api/v1/review/queue': () => ({ body: { query: 'Q', response: 'A', category: 'ours' }, status: 200 }),
  'POST /api/v1/review/decision': ({ item }) => ({ body: { item_id: item, approved: true }, status: 404 }),
  'GET /api/v1/review/items': () => ({ status: 200 }),
  'GET /api/v1/review/items/{item_id}': () => ({ status: 404 }),
  'PATCH /api/v1/review/items/{item_id}': () => ({ body: { priority: 1 }, status: 404 }),
  'POST /api/v1/review/claim': () => ({ body: { category: 'theirs' }, status: 200 }),
  'POST /api/v1/review/items/{item_id}/claim': () => ({ status: 404 }),
  'POST /api/v1/review/items/{item_id}/release': () => ({ status: 404 }),
  'POST /api/v1/review/items/{item_id}/reassign': () => ({ body: { reviewer_id: 'carl' }, status: 404 }),
  'POST /api/v1/review/items/{item_id}/comments': () => ({ body: { text: 'Hello' }, status: 404 }),
  'GET /api/v1/review/agreement': () => ({ status: 200 }),
  'GET /api/v1/ai/providers': () => ({ status: 200 }),
  'POST /api/v1/ai/generate': () => ({ body: { prompt: 'Hi', model: 'gpt-4o-mini' }, status: 200 }),
  'POST /api/v1/ai/embed': () => ({ body: { texts: ['Hi'], model: 'text-embedding-3-small' }, status: 200 }),
  'POST /api/v1/ai/classify': () => ({
    body: { text: 'Hi', categories: ['a', 'b'], model: 'gpt-4o-mini' },
    status: 200,
  }),
  'POST /api/v1/ai/explain': () => ({ body: { model_name: 'theirs', data: { text: 'Hi' } }, status: 404 }),
  'GET /api/v1/ai/visualizations/{id}': () => ({ status: 404 }),
  'POST /api/v1/ai/distributed-training': () => ({ body: order, status: 503 }),
  'GET /api/v1/ai/training-job/{job_id}': () => ({ status: 404 }),
  'GET /api/v1/ai/training-jobs': () => ({ status: 200 }),
  'POST /api/v1/ai/training-job/{job_id}/cancel': () => ({ status: 404 }),
  'GET /api/v1/ai/training-job/{job_id}/logs': () => ({ status: 404 }),
  'POST /api/v1/ai/deploy': () => ({
    body: { model_uri: 's3://theirs/m/', deployment_name: 'theirs' },
    status: 503,
  }),
  'GET /api/v1/ai/deployments': () => ({ status: 200 }),
  'GET /api/v1/ai/deployments/{deployment_id}': () => ({ status: 404 }),
  'DELETE /api/v1/ai/deployments/{deployment_id}': () => ({ status: 404 }),
  'POST /api/v1/ai/predict/{deployment_name}': () => ({ body: { texts: ['Hi'] }, status: 404 }),
  'GET /websocket': () => ({ status: 426 }),
};

/** The path of a route with what acme has. */
export function insightsPathOf(route: string, victim: InsightsVictim): string {
  if (route.includes('/visualizations/')) return victim.picture;
  return route
    .replace('{batch_id}', victim.batch)
    .replace('{mapping_id}', victim.mapping)
    .replace('{item_id}', victim.item)
    .replace('{job_id}', victim.job)
    .replace('{deployment_id}', victim.deployment)
    .replace('{deployment_name}', 'theirs');
}

// biome-ignore lint/suspicious/noExplicitAny: answers of several shapes
type Ask = (method: string, path: string, body?: object) => Promise<{ readonly body: any }>;

/** Gives acme something of each kind. What needs a cluster is written as a proxy and an operator write it. */
export async function furnishInsights(ask: Ask, db: Client): Promise<InsightsVictim> {
  const api = async (path: string, body: object) => (await ask('POST', `/api/v1${path}`, body)).body.data;
  const { rows: found } = await db.query(
    `select o.organization_id as id, k.key_id as key from chaperone.organizations o
       cross join lateral (select gen_random_uuid() as key_id) k where name = 'acme'`,
  );
  const [{ id: organizationId, key: keyId }] = found;
  const [jobId, deploymentId] = ['train-2026-11-30-0a1b2c3d4e', 'deploy-2026-11-30-0a1b2c3d4e'];
  await insertTrainingJob(db, organizationId, {
    ...{ jobId, baseModel: 'customerai-classifier', hyperparameters: { note: 'brass' }, instanceCount: 1 },
    ...{ trainingDataUri: 's3://theirs/train.csv', validationDataUri: null, instanceType: 'small' },
    modelOutputUri: `s3://theirs/${jobId}/`,
  });
  await noteTraining(db, organizationId, jobId, { status: 'COMPLETED', message: null, log: 'brass\n' });
  await insertDeployment(db, organizationId, {
    ...{ deploymentId, keyId, name: 'theirs', modelUri: 's3://theirs/m/', baseModel: null },
    ...{ replicas: 1, resources: {}, autoScaling: null, keySealed: Buffer.from('sealed') },
  });
  const review = { query: 'Xylophone?', response: 'Turn the brass screw.', category: 'theirs' };
  const batch = { async: true, conversations: [{ id: '1', text: 'I love my brass xylophone.' }] };
  const personal = { text: 'Write to brass@example.com', keep_mapping: true };
  const explained = await api('/ai/explain', { model_name: 'sentiment', data: { text: 'The brass is great.' } });
  const address = new URL(explained.explanation.visualization_url);
  return {
    item: (await api('/review/queue', review)).item_id,
    batch: (await api('/analyze/batch', batch)).batch_id,
    mapping: (await api('/privacy/anonymize', personal)).mapping_id,
    ...{ job: jobId, deployment: deploymentId, picture: `${address.pathname}${address.search}` },
  };
}
