import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { suite, test } from 'node:test';
import { atEnd } from '../scope.ts';
import { until } from '../until.ts';
import { askForAnalyses, countBilled, readEnds, readStatuses } from './analyses.ts';
import {
  apply,
  kubectl,
  makeTenant,
  mountForWorkers,
  operatorNamespace,
  query,
  restartDatabase,
  skip,
  startWorkload,
} from './cluster.ts';

/** Of each organization. */
const count = 100;
const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

/** Passes calls on to the sandbox. Once told to hold, it waits with those of analyses, whose text is Markdown, until released. */
const slowProvider = `
const { createServer, request } = require('node:http');
let held = Promise.withResolvers();
held.resolve();
createServer(async (asked, answer) => {
  if (asked.url === '/hold') held = Promise.withResolvers();
  if (asked.url === '/release') held.resolve();
  if (asked.method === 'GET') return answer.end();
  const chunks = [];
  for await (const chunk of asked) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  if (body.includes('Markdown')) await held.promise;
  const options = { host: 'chaperone-sandbox.${operatorNamespace}', port: 8080, path: asked.url, method: asked.method, headers: { ...asked.headers, host: 'sandbox' } };
  request(options, (answered) => {
    answer.writeHead(answered.statusCode, answered.headers);
    answered.pipe(answer);
  }).on('error', () => answer.destroy()).end(body);
}).listen(8080);`;

/** Writes what it is told, a line of JSON each. */
const receiver = `
require('node:http').createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  console.log(JSON.stringify({ headers: request.headers, body: Buffer.concat(chunks).toString() }));
  response.writeHead(204).end();
}).listen(8080);`;

interface Received {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

suite('the analyses of two organizations', { skip }, () => {
  test('go on beside each other and through a restart of the database, and each is told of', async (t) => {
    const slow = await makeTenant(t, (name) => ({
      providers: [{ name: 'openai', type: 'openai', baseUrl: `http://provider.${name}:8080/v1` }],
    }));
    const quick = await makeTenant(t, (name) => ({
      webhookNetworks: ['10.0.0.0/8'],
      webhooks: [
        {
          ...{ name: 'crm', url: `http://receiver.${name}:8080/events`, events: ['analysis.completed'] },
          secretRef: { name: `${name}-webhook`, key: 'secret' },
        },
      ],
    }));
    const webhookSecret = `${quick.name}-webhook`;
    atEnd(t, () => kubectl('delete', 'secret', webhookSecret, '--namespace', operatorNamespace, '--ignore-not-found'));
    await apply(operatorNamespace, {
      ...{ apiVersion: 'v1', kind: 'Secret', stringData: { secret } },
      metadata: { name: webhookSecret, labels: { 'chaperone.dev/webhook-secret-of': quick.name } },
    });
    await apply(slow.name, ...serverOf('provider', slowProvider));
    await apply(quick.name, ...serverOf('receiver', receiver));
    await Promise.all([slow, quick].map(({ name }) => startWorkload(name)));
    await kubectl('wait', '--for=condition=Ready', 'pod/provider', '--namespace', slow.name, '--timeout=120s');
    await kubectl('wait', '--for=condition=Ready', 'pod/receiver', '--namespace', quick.name, '--timeout=120s');
    const unfinished = async (id: string) => (await readStatuses(id)).filter((one) => one !== 'completed').length;
    // By then the workers have the credentials of both.
    for (const { organizationId } of [slow, quick]) await mountForWorkers(organizationId);
    for (const { name } of [slow, quick]) await askForAnalyses(name, 1);
    for (const { organizationId } of [slow, quick]) {
      await until(async () => (await unfinished(organizationId)) === 0, 'the first analysis', 180_000);
    }
    await tellProvider(slow.name, 'hold');
    // The slow one is first in the queue with all of its jobs.
    for (const { name } of [slow, quick]) await askForAnalyses(name, count);

    await until(async () => (await unfinished(quick.organizationId)) === 0, 'the quick one to be through', 120_000);
    assert.equal(await unfinished(slow.organizationId), count - 1, 'nothing of the slow one has ended meanwhile');

    await restartDatabase();
    await tellProvider(slow.name, 'release');
    await until(async () => (await unfinished(slow.organizationId)) === 0, 'the slow one to be through', 180_000);
    const bills = await countBilled(slow.name, quick.name);
    for (const [index, { organizationId }] of [slow, quick].entries()) {
      assert.equal((await readStatuses(organizationId)).length, count);
      const billed = bills[index] ?? 0;
      const ends = await until(async () => {
        const rows = await readEnds(organizationId);
        return rows.reduce((sum, row) => sum + row.count, 0) >= billed && rows;
      }, 'a record of each call');
      t.diagnostic(JSON.stringify(ends));
      assert.equal(
        ends.reduce((sum, row) => sum + row.count, 0),
        billed,
        'the provider’s count',
      );
    }

    const received = await until(async () => {
      const lines = (await kubectl('logs', 'pod/receiver', '--namespace', quick.name)).split('\n').filter(Boolean);
      const all = lines.map((line) => JSON.parse(line) as Received);
      return new Set(all.map(({ headers }) => headers['webhook-id'])).size >= count && all;
    }, 'all to be told of');
    for (const one of received) assert.ok(isSigned(one), one.body);
    const told = received.map(({ body }) => JSON.parse(body).data.analysis_id as string);
    const made = await query<{ id: string }>(
      'select id from chaperone.conversation_analyses where organization_id = $1 order by 1',
      [quick.organizationId],
    );
    assert.deepEqual(
      [...new Set(told)].sort(),
      made.map(({ id }) => id),
    );
  });
});

function tellProvider(namespace: string, what: 'hold' | 'release'): Promise<string> {
  const program = `fetch('http://127.0.0.1:8080/${what}').then((answer) => answer.text())`;
  return kubectl('exec', 'pod/provider', '--namespace', namespace, '--', 'node', '-e', program);
}

/** A pod with a program of Node's, and its Service. */
function serverOf(name: string, program: string): object[] {
  return [
    {
      ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { app: name } } },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [
          {
            ...{ name, image: 'chaperone-example:dev', command: ['node', '-e', program] },
            readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
          },
        ],
      },
    },
    {
      ...{ apiVersion: 'v1', kind: 'Service', metadata: { name } },
      spec: { selector: { app: name }, ports: [{ port: 8080 }] },
    },
  ];
}

/** Checks both signatures, as docs/webhooks.md says. */
function isSigned({ headers, body }: Received): boolean {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp } = headers;
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  const standard = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  const ours = createHmac('sha256', secret).update(body).digest('hex');
  return headers['webhook-signature'] === `v1,${standard}` && headers['x-webhook-signature'] === `sha256=${ours}`;
}
