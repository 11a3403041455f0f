import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { listJobs } from '../../../database/jobs.ts';
import { emitEventOf } from '../../../database/webhook-events.ts';
import { connect } from '../../database/tenant.ts';
import { makeDirectory } from '../../directories.ts';
import { atEnd, suiteScope } from '../../scope.ts';
import { startStack } from '../../stack.ts';
import { until } from '../../until.ts';
import { startReceiver, stateWebhook } from './receiver.ts';

const scope = suiteScope();

test('a worker that is killed in the middle of a delivery loses no event and keeps the order', async () => {
  const receiver = await startReceiver(scope);
  const webhook = { name: 'all', url: receiver.url, secretRef: { name: 'webhook', key: 'secret' } };
  const stack = await startStack(scope, { prepare: (directory) => stateWebhook(directory, webhook) });
  const owner = await connect(scope, stack.database.url);
  const { rows } = await owner.query<{ id: string }>('select organization_id as id from chaperone.organizations');
  const acme = rows[0]?.id ?? '';
  const options = {
    databaseUrl: (await readFile(join(stack.workerCredentials, 'database-url'), 'utf8')).trim(),
    ...{ credentialsDirectory: stack.workerCredentials, upstreamUrl: stack.upstreamUrl },
    ...{ metricsHost: '127.0.0.1', metricsPort: 0, silenceMs: 3_000 },
  };
  const start = async (): Promise<ChildProcess> => {
    const program = join(import.meta.dirname, '..', 'worker-program.ts');
    const text = JSON.stringify({ ...options, dataDirectory: await makeDirectory(scope) });
    const child = spawn(process.execPath, [program, text], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    atEnd(scope, () => void child.kill('SIGKILL'));
    await once(child, 'message');
    return child;
  };

  const held: ServerResponse[] = [];
  receiver.answer = (response) => void held.push(response);
  const worker = await start();
  for (const id of ['1', '2', '3']) {
    await emitEventOf(owner, acme, {
      ...{ type: 'analysis.completed', subject: 'conversation/1', userId: null },
      data: { analysis_id: id, conversation_id: 'c', branch_id: 'main', template: 'summary' },
    });
  }
  await until(() => held.length === 1, 'the first delivery to be under way');
  worker.kill('SIGKILL');
  await once(worker, 'exit');
  receiver.answer = (response) => void response.writeHead(204).end();
  await start();
  await until(() => receiver.received.length === 4, 'the other events');
  assert.deepEqual(
    receiver.received.map(({ json }) => json.data.analysis_id),
    ['1', '1', '2', '3'],
  );
  const [first, again] = receiver.received;
  assert.equal(again?.headers['webhook-id'], first?.headers['webhook-id'], 'the receiver can tell that it had it');
  assert.equal(again?.body, first?.body);
  await until(
    async () => (await listJobs(owner, { organization: undefined, isDead: false, limit: 10 })).length === 0,
    'no job to be left',
  );
  const { rows: states } = await owner.query('select state from chaperone.webhook_deliveries order by sequence');
  assert.deepEqual(states, [{ state: 'delivered' }, { state: 'delivered' }, { state: 'delivered' }]);
});
