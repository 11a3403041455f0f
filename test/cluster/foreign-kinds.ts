import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { until } from '../until.ts';
import type { ApiServer } from './api-server.ts';

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const execute = promisify(execFile);

/** Kubeflow Trainer's own definition of a TrainJob, from the Go module of a version. Undefined: there is no Go. */
export function readTrainJobDefinition(version: string): Promise<object | undefined> {
  const file = 'manifests/base/crds/trainer.kubeflow.org_trainjobs.yaml';
  return readDefinition(`github.com/kubeflow/trainer/v2@${version}`, file);
}

/** KServe's own definition of an InferenceService, likewise. */
export function readInferenceServiceDefinition(): Promise<object | undefined> {
  const file = 'config/crd/full/serving.kserve.io_inferenceservices.yaml';
  return readDefinition('github.com/kserve/kserve@v0.16.0', file);
}

async function readDefinition(module: string, file: string): Promise<object | undefined> {
  try {
    const { stdout } = await execute('go', ['mod', 'download', '-json', module], { cwd: '/' });
    const { Dir: directory } = JSON.parse(stdout) as { Dir: string };
    return parse(await readFile(join(directory, file), 'utf8'));
  } catch (error) {
    if (process.env.CI) throw error;
    return undefined;
  }
}

/** Adds a kind to an API server, and waits until it is served there. */
export async function addKind(server: ApiServer, definition: object, path: string): Promise<void> {
  const { status, body } = await server.request('POST', definitions, definition);
  assert.equal(status, 201, JSON.stringify(body));
  await until(async () => (await server.request('GET', path)).status === 200, `${path} to be served`);
}

/** Replaces the definition of a kind, as an upgrade does. */
export async function replaceKind(server: ApiServer, definition: object): Promise<void> {
  const { name } = (definition as { metadata: { name: string } }).metadata;
  const { body } = await server.request('GET', `${definitions}/${name}`);
  const { resourceVersion } = (body as { metadata: { resourceVersion: string } }).metadata;
  const replaced = { ...definition, metadata: { name, resourceVersion } };
  const { status, body: answer } = await server.request('PUT', `${definitions}/${name}`, replaced);
  assert.equal(status, 200, JSON.stringify(answer));
}
