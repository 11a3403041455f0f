import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import OpenAI from 'openai';
import { Client } from 'pg';
import { pino } from 'pino';
import { statePaths } from '../../cli/local/state.ts';
import { signToken } from '../../cli/token.ts';
import { resourceIdOf } from '../../database/ids.ts';
import { type DirectoryCluster, makeDirectoryCluster } from '../../operator/cluster/directory.ts';
import { type Operator, startOperator } from '../../operator/operator.ts';
import { dropOrganizationRoles } from '../database/tenant.ts';
import { makeTestDatabase } from '../database.ts';
import { makeDirectory, replaceFile } from '../directories.ts';
import { startProxy } from '../proxy-process.ts';
import { suiteScope } from '../scope.ts';
import { openableKeys } from '../sealed-keys.ts';
import { until } from '../until.ts';

const namespaces = ['bank', 'platform', 'shop'] as const;
type Namespace = (typeof namespaces)[number];

const organization = (sharing: string) => `apiVersion: chaperone.dev/v1alpha1
kind: Organization
metadata: {name: acme}
spec:
  namespaceSelector:
    matchExpressions: [{key: kubernetes.io/metadata.name, operator: In, values: [${namespaces.join(', ')}]}]
  providers: [{name: openai, type: openai}]
  sharing: ${sharing}
`;

const secretOf = (namespace: Namespace, keys: string) => `---
apiVersion: v1
kind: Secret
metadata: {name: keys, namespace: ${namespace}}
stringData: {${keys}}
`;

const objectOf = (kind: string, path: string, spec: string) => {
  const [namespace, name] = path.split('/');
  return `---
apiVersion: chaperone.dev/v1alpha1
kind: ${kind}
metadata: {name: ${name}, namespace: ${namespace}}
spec: {organizationRef: {name: acme}, ${spec}}
`;
};

const bindingOf = (path: string, key: string, fields: string) =>
  objectOf('ApiKeyBinding', path, `provider: openai, secretKeyRef: {name: keys, key: ${key}}, ${fields}`);

/** Of each namespace the same: a key, a persona and an analysis config. */
const common = namespaces.map((namespace) => {
  const config = 'config: {analysis_type: intent, categories: [{name: billing}]}';
  return [
    objectOf('Persona', `${namespace}/clerk`, `name: Clerk, content: I am of ${namespace}.`),
    objectOf('AnalysisConfig', `${namespace}/intent`, `name: Intent, description: of ${namespace}, ${config}`),
  ].join('');
});

/** An organization of several namespaces, with the proxy of a pod in each: who may act for whom. */
describe('of several namespaces', () => {
  const scope = suiteScope();
  let directory: string;
  let data: string;
  let cluster: DirectoryCluster;
  let operator: Operator;
  let owner: Client;
  let lowest: string;
  const baseUrls = new Map<Namespace, string>();

  const conditionOf = (path: string) => {
    const [namespace = '', name = ''] = path.split('/');
    const { status } = cluster.get('ApiKeyBinding', namespace, name) ?? {};
    return status?.conditions?.find(({ type }) => type === 'Ready');
  };
  const clientOf = async (namespace: Namespace, user: string, apiKey?: string) =>
    new OpenAI({
      baseURL: baseUrls.get(namespace) ?? '',
      apiKey: apiKey ?? (await signToken({ organization: 'acme', data, roles: ['admin'] })),
      defaultHeaders: { 'X-User-ID': user },
      maxRetries: 0,
    });
  /** The provider key that a call is made with. */
  const keyOf = async (namespace: Namespace, user: string, model = 'gpt-4o') => {
    const messages = [{ role: 'user', content: 'Which key?' } as const];
    const { choices } = await (await clientOf(namespace, user)).chat.completions.create({ model, messages });
    return choices[0]?.message.content;
  };
  const syntheticKey = (path: string) => {
    const [namespace = '', name = ''] = path.split('/');
    return readFile(join(statePaths(data).secrets, namespace, `${name}-synthetic-key`, 'api-key'), 'utf8');
  };
  const credentialsOf = (namespace: string) => join(statePaths(data).secrets, namespace, 'chaperone-acme');

  before(async () => {
    const provider = createServer((request, response) => {
      const message = { role: 'assistant', content: request.headers.authorization?.replace('Bearer sk-', '') };
      response.setHeader('content-type', 'application/json');
      const completion = { id: 'chatcmpl-1', choices: [{ index: 0, message, finish_reason: 'stop' }] };
      request.resume().once('end', () => response.end(JSON.stringify(completion)));
    });
    await once(provider.listen(0, '127.0.0.1'), 'listening');
    scope.after(async () => provider.close().closeAllConnections());
    const upstreamUrl = `http://127.0.0.1:${(provider.address() as AddressInfo).port}/v1`;

    const database = await makeTestDatabase();
    owner = new Client({ connectionString: database.url });
    await owner.connect();
    scope.after(async () => {
      await dropOrganizationRoles(owner);
      await owner.end();
      await database.close();
    });
    [directory, data] = [await makeDirectory(scope), await makeDirectory(scope)];
    const paths = statePaths(data);
    await mkdir(paths.root, { recursive: true });
    await writeFile(
      join(directory, 'acme.yaml'),
      organization('[{namespace: platform, users: ["*@platform.example"]}]'),
    );
    await writeFile(join(directory, 'common.yaml'), common.join(''));
    await writeFile(
      join(directory, 'keys.yaml'),
      [
        secretOf('shop', 'key: sk-shop, second: sk-second'),
        secretOf('bank', 'key: sk-bank, ceo: sk-ceo'),
        secretOf('platform', 'key: sk-platform, ada: sk-ada'),
        bindingOf('shop/key', 'key', 'models: [gpt-*]'),
        bindingOf('bank/ceo', 'ceo', 'user: ceo@shop.example'),
        bindingOf('platform/key', 'key', ''),
        bindingOf('platform/ada', 'ada', 'user: ada@platform.example'),
      ].join(''),
    );
    cluster = makeDirectoryCluster({
      directory,
      stateDirectory: paths.state,
      environment: {},
      onProblem: ({ reason }) => assert.fail(reason),
    });
    await cluster.start();
    scope.after(() => cluster.close());
    const log = pino({ level: 'warn' }, pino.destination(paths.log));
    operator = await startOperator({ cluster, databaseUrl: database.url, log });
    scope.after(() => operator.stop());
    await operator.idle();
    // Ids follow from names, which their authors choose: the bank chooses one of the lowest.
    const id = cluster.get('Organization', '', 'acme')?.status?.id ?? '';
    const names = Array.from({ length: 2_000 }, (_, index) => `key-${index}`);
    const idOf = (name: string) => resourceIdOf(id, 'ApiKeyBinding', `bank/${name}`);
    lowest = names.reduce((least, name) => (idOf(name) < idOf(least) ? name : least));
    await writeFile(join(directory, 'bank.yaml'), bindingOf(`bank/${lowest}`, 'key', 'models: [gpt-*]'));
    await until(() => conditionOf(`bank/${lowest}`)?.status === 'True', 'the bank to have its key');
    for (const namespace of namespaces) {
      const proxy = await startProxy(scope, { credentialsDirectory: credentialsOf(namespace), upstreamUrl });
      baseUrls.set(namespace, `http://127.0.0.1:${proxy.port}/v1`);
    }
  });

  it('each calls with its own key, even if bindings of others have the same name', async () => {
    const keys = await Promise.all(namespaces.map((namespace) => keyOf(namespace, 'bob')));
    assert.deepEqual(keys, ['bank', 'platform', 'shop']);
  });

  it('none serves or becomes a user without consent', async () => {
    const refused = conditionOf('bank/ceo');
    assert.deepEqual([refused?.status, refused?.reason], ['False', 'ConsentMissing']);
    assert.match(refused?.message ?? '', /\{namespace: bank, .*users: \["ceo@shop\.example"\]\} to its spec\.sharing/);
    assert.deepEqual(
      [await keyOf('shop', 'ceo@shop.example'), await keyOf('bank', 'ceo@shop.example')],
      ['shop', 'bank'],
    );
    await assert.rejects(syntheticKey('bank/ceo'), { code: 'ENOENT' });
  });

  it('one that the Organization names serves all of them, and its users in every namespace', async () => {
    assert.equal(await keyOf('shop', 'bob', 'o3'), 'platform');
    assert.equal(await keyOf('bank', 'ada@platform.example'), 'ada');
  });

  it('a synthetic key is accepted only where its binding serves', async () => {
    const tries = async (path: string, namespace: Namespace) => {
      const client = await clientOf(namespace, 'bob', await syntheticKey(path));
      return client.models.list().then(
        () => 200,
        (error: unknown) => (error instanceof OpenAI.APIError ? error.status : error),
      );
    };
    assert.equal(await tries('shop/key', 'bank'), 401);
    assert.notEqual(await tries('shop/key', 'shop'), 401);
    assert.notEqual(await tries('platform/key', 'bank'), 401);
  });

  it('each has its own and the shared personas and analysis configs', async () => {
    for (const namespace of namespaces) {
      const client = await clientOf(namespace, 'bob');
      const { personas } = await client.get<{ personas: { content: string; id: string }[] }>('/personas');
      const { configs } = await client.get<{ configs: { description: string }[] }>('/analysis/configs');
      const expected = [...new Set([namespace, 'platform'])].sort();
      assert.deepEqual(
        personas.map(({ content }) => content).sort(),
        expected.map((one) => `I am of ${one}.`),
      );
      assert.deepEqual(
        configs.map(({ description }) => description).sort(),
        expected.map((one) => `of ${one}`),
      );
    }
    const theirs = cluster.get('Persona', 'shop', 'clerk')?.status?.id;
    const borrowed = { model: 'gpt-4o', input: 'Hi', persona_id: theirs };
    await assert.rejects((await clientOf('bank', 'bob')).post('/responses', { body: borrowed }), OpenAI.NotFoundError);
  });

  it('each can open only its own provider keys and the shared ones with its Secret', async () => {
    const opened: Record<string, readonly string[]> = {};
    for (const namespace of namespaces) {
      const files = await readFiles(credentialsOf(namespace));
      const login = new Client({ connectionString: files.get('database-url') ?? '' });
      await login.connect();
      opened[namespace] = await openableKeys(login, [...files.values()]).finally(() => login.end());
    }
    assert.deepEqual(opened, {
      bank: ['sk-ada', 'sk-bank', 'sk-platform'],
      platform: ['sk-ada', 'sk-platform'],
      shop: ['sk-ada', 'sk-platform', 'sk-shop'],
    });
    const everything = await readFiles(
      join(statePaths(data).secrets, 'chaperone-system', 'chaperone-acme-signing-keys'),
    );
    const master = everything.get('namespace-master.json') ?? '';
    const { keys } = JSON.parse(master) as { keys: Record<string, string> };
    for (const place of [...namespaces, 'chaperone-system']) {
      const text = [...(await readFiles(credentialsOf(place))).values()].join('\n');
      for (const key of Object.values(keys)) assert.ok(!text.includes(key), `${place} has the master`);
    }
  });

  it('of two bindings for the same calls the older is in force, and the other takes over after it', async () => {
    // Ages are told in whole seconds.
    const untilOlder = (path: string) => {
      const [namespace = '', name = ''] = path.split('/');
      const { creationTimestamp = '' } = cluster.get('ApiKeyBinding', namespace, name)?.metadata ?? {};
      return until(() => Date.now() >= Date.parse(creationTimestamp) + 1_000, `a later second than ${path} is of`);
    };
    await untilOlder('shop/key');
    await writeFile(join(directory, 'second.yaml'), bindingOf('shop/a-second', 'second', 'models: ["*-4o"]'));
    const held = await until(() => {
      const condition = conditionOf('shop/a-second');
      return condition?.reason === 'Competing' && condition;
    }, 'the second to be held back');
    assert.match(held.message, /ApiKeyBinding shop\/key is older/);
    assert.equal(await keyOf('shop', 'bob'), 'shop');
    const keys = await readFile(join(directory, 'keys.yaml'), 'utf8');
    await replaceFile(join(directory, 'keys.yaml'), keys.replace(bindingOf('shop/key', 'key', 'models: [gpt-*]'), ''));
    await until(() => conditionOf('shop/a-second')?.status === 'True', 'the second to take over');
    await until(async () => (await keyOf('shop', 'bob')) === 'second', 'calls to go by it');
    await untilOlder('shop/a-second');
    await replaceFile(join(directory, 'keys.yaml'), keys);
    // Stated again it is the younger one.
    await until(() => conditionOf('shop/key')?.reason === 'Competing', 'the first to be held back');
    await rm(join(directory, 'second.yaml'));
    await until(async () => (await keyOf('shop', 'bob')) === 'shop', 'the first to be back');
  });

  it('a binding whose sharing is withdrawn serves its own namespace alone', async () => {
    await replaceFile(join(directory, 'acme.yaml'), organization('[]'));
    await until(() => conditionOf('platform/ada')?.reason === 'ConsentMissing', 'the consent to be gone');
    await until(
      async () => (await keyOf('shop', 'bob', 'o3').catch((error: { code?: string }) => error.code)) === 'no_api_key',
      'the shared key to be gone',
    );
    await until(
      async () => (await keyOf('platform', 'ada@platform.example')) === 'platform',
      "the platform's own calls to go by the key that serves them",
    );
  });
});

async function readFiles(directory: string): Promise<Map<string, string>> {
  const names = (await readdir(directory)).filter((name) => !name.startsWith('.'));
  return new Map(
    await Promise.all(names.map(async (name) => [name, await readFile(join(directory, name), 'utf8')] as const)),
  );
}
