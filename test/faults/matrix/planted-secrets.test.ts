import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { pino } from 'pino';
import { hashPassword } from '../../../database/password-hash.ts';
import { replaceFile } from '../../directories.ts';
import { findSecrets, type Leftover } from '../../planted/search.ts';
import { accountOf, setSpec, stateHashes } from '../../proxy/surfaces/insights/insights-stack.ts';
import { suiteScope } from '../../scope.ts';
import { until } from '../../until.ts';
import { type Receiver, startReceiver, stateWebhook, secret as webhookSecret } from '../../worker/webhooks/receiver.ts';
import { startStackWorker } from '../../worker/webhooks/start.ts';
import { secretPrompt } from './calls.ts';
import type { Fault } from './fault.ts';
import { type Installation, secretKey, startInstallation } from './installation.ts';
import { killPostgres, killProxy } from './kill.ts';
import { runFault } from './run.ts';
import { filesIn, leftovers, operatorsOwn, secretsOf } from './secrets.ts';

const secretAnswer = 'the lighthouse keeper of Utö owes 9351 crowns';
const secretPersona = 'Never say that the warehouse in Borås is empty';
const secretPassword = 'kålrot-präst-7731 with blanks';
const person = 'vera@example.com';
const sharedSecret = randomBytes(36).toString('base64');

/** A few faults of each kind in one run, all over the same load. */
const faults: readonly Fault[] = [
  {
    name: 'the provider quotes its key, fails in many ways, and sends garbage',
    ...{ cuts: true, unknowns: true, refusals: [] },
    load: { directives: (number) => ['', 'cut', 'garbage', 'error-in-stream', 'reset'][number % 5] ?? '' },
    async strike({ upstream, calls }) {
      let number = 0;
      upstream.fault = ({ reply, pass }) => {
        number += 1;
        if (number % 3 === 0) return pass();
        const headers = { 'content-type': 'application/json', 'x-quoted': secretKey };
        const error = { message: `Incorrect API key provided: ${secretKey}`, code: secretKey };
        reply.writeHead(number % 3 === 1 ? 401 : 200, headers).end(JSON.stringify({ error }));
      };
      await calls(60);
      upstream.fault = undefined;
    },
  },
  {
    name: 'the proxy is killed, clients leave, and PostgreSQL is killed',
    ...{ cuts: true, unknowns: true },
    load: {
      directives: (number) => `latency=${number % 50},words=30,delta-delay=${number % 4}`,
      leaves: (number) => (number % 3 === 0 ? 1 + ((number * 7) % 200) : undefined),
    },
    async strike(strike) {
      await strike.calls(20);
      await killProxy(strike.proxy);
      await strike.calls(20);
      await killPostgres(strike, 500);
      await strike.calls(20);
    },
  },
];

/** What was planted must be nowhere but where it belongs: whatever happens, and whoever looks. */
describe('secrets of an installation that has seen faults of every kind', () => {
  const scope = suiteScope();
  const told: string[] = [];
  const workerLog: string[] = [];
  const planted = new Map<string, string>();
  let installation: Installation;
  let receiver: Receiver;
  let workerMetrics: number;

  before(async () => {
    receiver = await startReceiver(scope);
    const hash = await hashPassword(secretPassword);
    installation = await startInstallation(scope, (directory) => plant(directory, receiver, hash));
    const { stack } = installation;
    const log = pino({ level: 'debug' }, { write: (line: string) => void workerLog.push(line) });
    const worker = await startStackWorker(scope, stack, {}, log);
    workerMetrics = worker.metricsPort;
    const made = await tell('/v1/keys', { name: 'planted', type: 'secret', roles: ['analyst'] });
    const login = await tell('/api/v1/auth/login', { username: person, password: secretPassword }, {});
    for (const [name, text] of Object.entries({
      ...{ 'an answer': secretAnswer, 'the text of a persona': secretPersona, 'a password': secretPassword },
      ...{ 'the hash of a password': hash, "a webhook's secret": webhookSecret, 'the shared secret': sharedSecret },
      ...{
        'an access key': made.key,
        'the token of a login': login.data.token,
        'the key that renews it': login.data.refresh_token,
      },
      "a user's token": await stack.sign({ user: person }),
    })) {
      assert.ok(text, name);
      planted.set(name, text);
    }
    await answerSecretly();
    for (const fault of faults) told.push(...(await runFault(installation, scope, fault)).told);
    told.push(...(await misuse()));
    await until(() => receiver.received.length > 0, 'a webhook to be told');
    for (const [name, text] of await secretsOf(installation)) planted.set(name, text);
  });

  const urlOf = (path: string) => new URL(path, installation.stack.baseUrl);

  /** An answer that has something secret for its caller. */
  async function tell(path: string, body: object, headers: Record<string, string> = asAdmin()) {
    const answer = await fetch(urlOf(path), { method: 'POST', headers, body: JSON.stringify(body) });
    assert.ok(answer.ok, `${path}: ${answer.status}`);
    // biome-ignore lint/suspicious/noExplicitAny: answers of several shapes
    return answer.json() as Promise<any>;
  }

  /** Has the provider say something secret, whole and as a stream. */
  async function answerSecretly(): Promise<void> {
    const head = { id: 'chatcmpl-planted', created: 1_700_000_000, model: 'gpt-4o-mini' };
    const usage = { prompt_tokens: 9, completion_tokens: 9, total_tokens: 18 };
    const message = { role: 'assistant', content: secretAnswer };
    const whole = {
      ...head,
      object: 'chat.completion',
      choices: [{ index: 0, message, finish_reason: 'stop' }],
      usage,
    };
    const part = (choices: object[], more = {}) =>
      `data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', choices, ...more })}\n\n`;
    const parts = [
      part([{ index: 0, delta: message, finish_reason: null }]),
      part([{ index: 0, delta: {}, finish_reason: 'stop' }]),
      part([], { usage }),
      'data: [DONE]\n\n',
    ];
    const headers = { authorization: `Bearer ${planted.get("a user's token")}` };
    for (const stream of [false, true]) {
      installation.upstream.fault = ({ reply }) =>
        reply
          .writeHead(200, { 'content-type': stream ? 'text/event-stream' : 'application/json' })
          .end(stream ? parts.join('') : JSON.stringify(whole));
      const body = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: secretPrompt }], stream };
      const answer = await fetch(urlOf('/v1/chat/completions'), {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
      });
      const text = await answer.text();
      assert.ok(text.includes(secretAnswer), `${answer.status} ${text}`);
    }
    installation.upstream.fault = undefined;
  }

  const asAdmin = () => ({ authorization: `Bearer ${installation.stack.token}`, 'x-user-id': 'ada' });

  /** Secrets where they do not belong, by whoever makes a mistake. @returns what they are told */
  async function misuse(): Promise<string[]> {
    const token = planted.get("a user's token") ?? '';
    const requests: readonly [path: string, init: RequestInit][] = [
      [`/v1/models?api_key=${token}`, {}],
      [`/v1/${token}`, { headers: asAdmin() }],
      [`/nowhere/${secretKey}`, {}],
      ['/v1/models', { headers: { authorization: `Basic ${btoa(`ada:${secretKey}`)}` } }],
      ['/v1/models', { headers: { authorization: `Bearer ${token.slice(0, -9)}AAAAAAAAA` } }],
      [
        '/v1/chat/completions',
        { method: 'POST', headers: asAdmin(), body: `{"model": "gpt-4o", "messages": "${secretAnswer}"` },
      ],
      [
        '/v1/responses',
        {
          method: 'POST',
          headers: asAdmin(),
          body: JSON.stringify({ model: 'gpt-4o', input: 7, metadata: secretAnswer }),
        },
      ],
      [
        '/api/v1/auth/login',
        { method: 'POST', body: JSON.stringify({ username: person, password: [secretPassword] }) },
      ],
      [
        '/api/v1/auth/login',
        { method: 'POST', body: JSON.stringify({ username: 'nobody', password: secretPassword }) },
      ],
      ['/v1/users', { headers: { authorization: `Bearer ${planted.get('the key that renews it')}` } }],
    ];
    const answers = requests.map(async ([path, init]) => {
      const answer = await fetch(urlOf(path), init);
      // A path is the caller's own words: it may come back to the caller, and to nobody else.
      return (await answer.text()).replaceAll(path, '');
    });
    return Promise.all(answers);
  }

  it('nothing that was planted is anywhere in clear', async () => {
    assert.ok(told.length > 30, `only ${told.length} answers`);
    const found = await findSecrets(planted, everything());
    // Personas are where people have stated them.
    assert.deepEqual(
      found.filter(({ place }) => !place.includes('/objects/Persona/')),
      [],
    );
  });

  it('what may be in clear is found by the same search', async () => {
    const found = await findSecrets(new Map([['a user', person]]), everything());
    assert.ok(found.some(({ place }) => place === 'table chaperone.users'));
  });

  it('no Secret of a proxy has what only the operator may have', async () => {
    const own = await operatorsOwn(installation);
    const { credentialsDirectory, workerCredentials } = installation.stack;
    assert.deepEqual(await findSecrets(own, filesIn(credentialsDirectory)), []);
    assert.deepEqual(await findSecrets(own, filesIn(workerCredentials)), []);
  });

  async function* everything(): AsyncIterable<Leftover> {
    yield* leftovers(installation, told);
    yield ["the worker's log", workerLog.join('')];
    yield ["the worker's metrics", await (await fetch(`http://127.0.0.1:${workerMetrics}/metrics`)).text()];
    const audit = await fetch(urlOf('/v1/audit?limit=100'), { headers: asAdmin() });
    yield ['the audit log as the API shows it', await audit.text()];
    const requests = await fetch(urlOf('/v1/requests?limit=100'), { headers: asAdmin() });
    yield ['the list of calls as the API shows it', await requests.text()];
    yield [
      'what webhooks were told',
      receiver.received.map(({ headers, body }) => `${JSON.stringify(headers)} ${body}`).join('\n'),
    ];
  }
});

/** Gives the organization everything that has a secret. */
async function plant(directory: string, receiver: Receiver, hash: string): Promise<void> {
  const webhook = { name: 'planted', url: `${receiver.url}/hook`, secretRef: { name: 'webhook', key: 'secret' } };
  const budget = { name: 'little', amountUsd: '0.000001', window: 'Month', warnAt: [50], action: 'Warn' };
  const spend = { name: 'spend', amountUsd: '1000000', window: 'Total', unpriced: 'Allow' };
  await stateWebhook(directory, webhook, { budgets: [spend, budget] });
  await stateHashes(directory, { vera: hash });
  await setSpec(directory, {
    'authentication.accounts': [accountOf(person, 'vera')],
    'authentication.sharedSecretRef': { name: 'shared', key: 'secret' },
    logs: { level: 'debug' },
  });
  const shared = {
    ...{ apiVersion: 'v1', kind: 'Secret' },
    metadata: { name: 'shared', namespace: 'chaperone-system', labels: { 'chaperone.dev/shared-secret-of': 'acme' } },
    stringData: { secret: sharedSecret },
  };
  await replaceFile(join(directory, 'shared.yaml'), JSON.stringify(shared));
  const file = join(directory, 'personas.yaml');
  const text = await readFile(file, 'utf8');
  assert.ok(text.includes('Be friendly and brief.'));
  await replaceFile(file, text.replace('Be friendly and brief.', `${secretPersona}.`));
}
