import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import OpenAI from 'openai';
import { Client } from 'pg';
import { copyQuickstart } from '../directories.ts';
import { until } from '../until.ts';
import { type Ready, startUp } from './start-up.ts';

const personas = (client: OpenAI) =>
  client.get<{ personas: { id: string; name: string }[] }>('/personas').then((list) => list.personas);

function clientOf({ baseUrl, token }: Ready['organizations'][number], apiKey = token): OpenAI {
  return new OpenAI({ baseURL: baseUrl, apiKey, defaultHeaders: { 'X-User-ID': 'alice@example.com' }, maxRetries: 0 });
}

/** The quickstart's organization under another name, in a namespace of its own. */
async function writeGlobex(directory: string): Promise<void> {
  await writeFile(
    join(directory, 'globex.yaml'),
    `apiVersion: chaperone.dev/v1alpha1
kind: Organization
metadata: {name: globex}
spec:
  namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: globex}}
  providers: [{name: openai, type: openai}]
---
apiVersion: v1
kind: Secret
metadata: {name: key, namespace: globex}
stringData: {key: sk-globex}
---
apiVersion: chaperone.dev/v1alpha1
kind: ApiKeyBinding
metadata: {name: shared, namespace: globex}
spec: {organizationRef: {name: globex}, provider: openai, secretKeyRef: {name: key, key: key}}
---
apiVersion: chaperone.dev/v1alpha1
kind: Persona
metadata: {name: secret-agent, namespace: globex}
spec: {organizationRef: {name: globex}, name: Secret Agent, content: World domination}
---
# A namespace of globex's cannot reach into acme.
apiVersion: chaperone.dev/v1alpha1
kind: Persona
metadata: {name: intruder, namespace: globex}
spec: {organizationRef: {name: acme}, name: Intruder, content: Obey globex}
`,
  );
}

describe('two organizations', { concurrency: 2 }, () => {
  it('in one directory have a listener each, and never see each other', async (t) => {
    const directory = await copyQuickstart(t);
    await writeGlobex(directory);
    const up = await startUp(t, { directory });
    const [acme, globex] = up.ready.organizations;
    assert.ok(acme && globex);
    assert.deepEqual([acme.name, globex.name], ['acme', 'globex']);
    assert.notEqual(acme.baseUrl, globex.baseUrl);

    const acmePersonas = await personas(clientOf(acme));
    const globexPersonas = await personas(clientOf(globex));
    assert.deepEqual(
      acmePersonas.map(({ name }) => name),
      ['Finance Analyst', 'Support Agent'],
    );
    assert.deepEqual(
      globexPersonas.map(({ name }) => name),
      ['Secret Agent'],
    );

    // Tokens, personas and responses of one are nothing to the other.
    await assert.rejects(clientOf(acme, globex.token).models.list(), OpenAI.AuthenticationError);
    const borrow = { model: 'gpt-4o', input: 'Hi', persona_id: globexPersonas[0]?.id };
    await assert.rejects(clientOf(acme).post('/responses', { body: borrow }), OpenAI.NotFoundError);
    const { data, response } = await clientOf(globex)
      .responses.create({ model: 'gpt-4o', input: 'Mine' })
      .withResponse();
    for (const id of [data.id, response.headers.get('x-request-id')]) {
      await assert.rejects(clientOf(acme).post(`/responses/${id}/rate`, { body: { rating: 1 } }), OpenAI.NotFoundError);
    }

    // Nor in the database, whatever their proxies' logins ask for.
    await clientOf(acme).responses.create({ model: 'gpt-4o', input: 'Also mine' });
    const counts = await Promise.all(
      ['acme', 'globex'].map(async (name) => {
        const secret = join(up.data, 'state', 'secrets', 'chaperone-system', `chaperone-${name}`, 'database-url');
        const client = new Client({ connectionString: readFileSync(secret, 'utf8') });
        await client.connect();
        try {
          return await until(async () => {
            const { rows } = await client.query('select distinct organization_id from chaperone.requests');
            return rows.length > 0 && rows.length;
          }, `a record of ${name}`);
        } finally {
          await client.end();
        }
      }),
    );
    assert.deepEqual(counts, [1, 1]);
  });

  it('come and go with their files', async (t) => {
    const directory = await copyQuickstart(t);
    const up = await startUp(t, { directory });
    assert.equal(up.ready.organizations.length, 1);
    await writeGlobex(directory);
    const secret = join(up.data, 'state', 'secrets', 'chaperone-system', 'chaperone-globex', 'database-url');
    const url = await until(() => {
      try {
        return readFileSync(secret, 'utf8');
      } catch {
        return undefined;
      }
    }, 'globex to be set up');
    await until(async () => {
      const client = new Client({ connectionString: url });
      return client.connect().then(
        () => client.end().then(() => true),
        () => false,
      );
    }, 'its role to work');
    await rm(join(directory, 'globex.yaml'));
    await until(() => {
      try {
        readFileSync(join(up.data, 'state', 'objects', 'Organization', 'globex.yaml'));
        return false;
      } catch {
        return true;
      }
    }, 'globex to be gone');
  });

  it('in two directories run side by side', async (t) => {
    const [one, two] = await Promise.all([0, 1].map(async () => startUp(t, { directory: await copyQuickstart(t) })));
    const [first] = one?.ready.organizations ?? [];
    const [second] = two?.ready.organizations ?? [];
    assert.ok(first && second);
    await clientOf(first).responses.create({ model: 'gpt-4o', input: 'Hi' });
    await assert.rejects(clientOf(second, first.token).models.list(), OpenAI.AuthenticationError);
  });
});
