import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { until } from '../until.ts';
import type { ApiServer } from './api-server.ts';

const module = 'github.com/kubeflow/trainer/v2@v2.0.1';
const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

/** Kubeflow Trainer's own definition of a TrainJob, from its Go module. Undefined: there is no Go. */
export async function readTrainJobDefinition(): Promise<object | undefined> {
  try {
    const { stdout } = await promisify(execFile)('go', ['mod', 'download', '-json', module], { cwd: '/' });
    const { Dir: directory } = JSON.parse(stdout) as { Dir: string };
    return parse(await readFile(join(directory, 'manifests/base/crds/trainer.kubeflow.org_trainjobs.yaml'), 'utf8'));
  } catch (error) {
    if (process.env.CI) throw error;
    return undefined;
  }
}

/** Stands for KServe's kind: anything is a valid one. */
export const inferenceServiceDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'inferenceservices.serving.kserve.io' },
  spec: {
    group: 'serving.kserve.io',
    scope: 'Namespaced',
    names: { kind: 'InferenceService', plural: 'inferenceservices', singular: 'inferenceservice' },
    versions: [
      {
        ...{ name: 'v1beta1', served: true, storage: true, subresources: { status: {} } },
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};

/** Adds a kind to an API server, and waits until it is served there. */
export async function addKind(server: ApiServer, definition: object, path: string): Promise<void> {
  const { status, body } = await server.request('POST', definitions, definition);
  assert.equal(status, 201, JSON.stringify(body));
  await until(async () => (await server.request('GET', path)).status === 200, `${path} to be served`);
}
