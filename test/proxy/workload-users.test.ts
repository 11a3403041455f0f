import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { parse } from 'yaml';
import { syntheticKeySecretName } from '../../operator/credentials.ts';
import { suiteScope } from '../scope.ts';
import { type Stack, startStack, stateAuthentication } from '../stack.ts';
import { until } from '../until.ts';

interface Problem {
  readonly code: string;
  readonly param: string | null;
  readonly message: string;
}

/** Anthropic's error object has code and parameter among its details. */
interface Answer {
  readonly error?: Problem & { readonly details?: { readonly error_code: string; readonly param: string | null } };
}

function problemOf({ error }: Answer): Problem | undefined {
  const { details } = error ?? {};
  return error && details ? { ...error, code: details.error_code, param: details.param } : error;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly security?: readonly object[] }>>>>;
}

describe('an Organization that says which users workloads may name', () => {
  const scope = suiteScope();
  let stack: Stack;
  let key: string;

  const ask = async (user: string | undefined, method = 'GET', path = '/personas', credential = key) => {
    const headers = { authorization: `Bearer ${credential}`, ...(user !== undefined && { 'x-user-id': user }) };
    const answer = await fetch(`${stack.baseUrl}${path}`, { method, headers });
    const body = (await answer.text().then((text) => (text.startsWith('{') ? JSON.parse(text) : {}))) as Answer;
    return { status: answer.status, error: problemOf(body), requestId: answer.headers.get('x-request-id') };
  };

  before(async () => {
    stack = await startStack(scope, { authentication: { workloadUsers: ['{namespace}:*', 'carol'] } });
    const beside = join(stack.credentialsDirectory, '../../default');
    key = await readFile(join(beside, syntheticKeySecretName('openai-shared'), 'api-key'), 'utf8');
  });

  it('says so in the status of the binding', async () => {
    const status = join(stack.credentialsDirectory, '../../../status/ApiKeyBinding/default');
    const read = async (name: string) => parse(await readFile(join(status, `${name}.yaml`), 'utf8')).callsAs;
    assert.deepEqual(await read('openai-shared'), ['default:*', 'carol']);
    assert.deepEqual(await read('openai-alice'), ['alice@example.com']);
  });

  it('lets a workload’s key call as these', async () => {
    for (const user of ['default:alice', 'carol']) assert.equal((await ask(user)).status, 200);
  });

  it('refuses every other user on every route, in its envelope', async () => {
    const document = (await (await fetch(stack.baseUrl.replace(/\/v1$/, '/openapi.json'))).json()) as Document;
    let tried = 0;
    for (const [path, operations] of Object.entries(document.paths)) {
      for (const method of Object.keys(operations)) {
        const concrete = path.replace(/^\/v1/, '').replaceAll(/\{\w+\}/g, 'x');
        const { status, error, requestId } = await ask('alice@example.com', method.toUpperCase(), concrete);
        const where = `${method} ${path} ${JSON.stringify(error)}`;
        assert.deepEqual([status, error?.code, error?.param], [403, 'user_not_allowed', 'X-User-ID'], where);
        assert.match(requestId ?? '', /^req_/);
        tried += 1;
      }
    }
    assert.ok(tried > 30, `${tried}`);
    const { error } = await ask('other:alice');
    assert.equal(
      error?.message,
      'The organization does not let this workload call for this user: the Organization\'s spec.authentication.workloadUsers does not name the user of X-User-ID for namespace "default"',
    );
  });

  it('lets issued tokens name any user', async () => {
    assert.equal((await ask('alice@example.com', 'GET', '/personas', stack.token)).status, 200);
  });

  it('applies an edit at once', async () => {
    await stateAuthentication(stack.directory, {});
    await until(async () => (await ask('alice@example.com')).status === 200, 'every user to be allowed');
    await stateAuthentication(stack.directory, { workloadUsers: [] });
    await until(async () => (await ask('carol')).status === 403, 'nobody to be allowed');
    assert.equal((await ask(undefined)).error?.code, 'user_required');
  });
});
