import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import OpenAI from 'openai';
import { Client } from 'pg';
import { copyQuickstart, makeDataDirectory, makeDirectory, replaceFile, repository } from '../directories.ts';
import { runCli } from '../run-cli.ts';
import { atEnd, suiteScope } from '../scope.ts';
import { until } from '../until.ts';
import { onlyOrganization, type RunningUp, startUp } from './start-up.ts';

/** Starting, refusing to start, stopping and starting again, as the person at the terminal has it. */
describe('chaperone up', { concurrency: 2 }, () => {
  it('stops everything on SIGTERM, leaves no process behind, and keeps the data', async (t) => {
    const directory = await copyQuickstart(t);
    const data = await makeDirectory(t);
    // Once as `npm start` runs it.
    const source = { directory, data, entry: join(repository, 'cli', 'main.ts') };
    const first = await startUp(t, source);
    const { response } = await clientOf(first).responses.create({ model: 'gpt-4o', input: 'Keep me' }).withResponse();
    const processes = await descendantsOf(first.ready.pid);
    assert.ok(processes.length >= 3, 'a supervisor, a proxy and a database');
    assert.equal(await first.stop(), 0);
    await until(() => processes.every((pid) => !isAlive(pid)), 'all processes to be gone');

    const second = await startUp(t, source);
    assert.equal(onlyOrganization(first).name, onlyOrganization(second).name);
    const { rows } = await query(second, 'select status from chaperone.requests where request_id = $1', [
      response.headers.get('x-request-id'),
    ]);
    assert.deepEqual(rows, [{ status: 'completed' }]);
    // A token of the first run is as good as one of the second.
    await clientOf(second, onlyOrganization(first).token).responses.create({ model: 'gpt-4o', input: 'Again' });
  });

  it('starts again after it was killed, and stops the processes that it left running', async (t) => {
    const directory = await copyQuickstart(t);
    const data = await makeDataDirectory(t);
    const killed = await startUp(t, { directory, data });
    const processes = await descendantsOf(killed.ready.pid);
    process.kill(killed.ready.pid, 'SIGKILL');
    const second = await startUp(t, { directory, data });
    await clientOf(second).responses.create({ model: 'gpt-4o', input: 'Hello again' });
    await until(() => processes.every((pid) => !isAlive(pid)), 'the first run to be gone');
  });

  it('restarts a killed proxy, and the database', async (t) => {
    const up = await startUp(t, { directory: await copyQuickstart(t) });
    const client = clientOf(up);
    for (const name of ['proxy', 'postgres']) {
      const pid = await findDescendant(up.ready.pid, name);
      process.kill(pid, 'SIGKILL');
      await until(async () => {
        const next = await findDescendant(up.ready.pid, name).catch(() => pid);
        return next !== pid;
      }, `${name} to be there again`);
      const { response } = await until(
        () =>
          client.responses
            .create({ model: 'gpt-4o', input: name })
            .withResponse()
            .catch(() => undefined),
        'a call to be answered',
      );
      await until(async () => {
        const sql = 'select 1 from chaperone.requests where request_id = $1';
        const found = await query(up, sql, [response.headers.get('x-request-id')]).catch(() => undefined);
        return found?.rows.length === 1;
      }, 'its record');
    }
  });

  it('names a bad resource, and keeps the last good one in force', async (t) => {
    const directory = await copyQuickstart(t);
    const up = await startUp(t, { directory });
    const file = join(directory, 'organization.yaml');
    const good = readFileSync(file, 'utf8');
    await replaceFile(file, good.replace('type: openai', 'type: telepathy'));
    await until(() => /organization\.yaml.*spec\.providers\[0\]\.type/.test(up.errors()), 'the problem to be named');
    await clientOf(up).responses.create({ model: 'gpt-4o', input: 'Still here' });
    await replaceFile(file, good.replace('- gpt-4o*', '- gpt-4o-mini*'));
    await until(
      () =>
        clientOf(up)
          .responses.create({ model: 'gpt-4o', input: 'No more' })
          .then(
            () => false,
            (error: unknown) => error instanceof OpenAI.PermissionDeniedError,
          ),
      'the mended file to be in force',
    );
  });

  describe('a running chaperone up', () => {
    const scope = suiteScope();
    let up: RunningUp;
    before(async () => {
      up = await startUp(scope, { directory: await copyQuickstart(scope) });
    });

    it('logs with levels by name and times for people, the operator and the proxies', async () => {
      const entries = await until(async () => {
        const lines = (await readFile(join(up.data, 'chaperone.log'), 'utf8')).split('\n').slice(0, -1);
        const all = lines.map((line) => JSON.parse(line) as Record<string, string>);
        return all.some(({ msg }) => msg === 'serving') && all.some(({ msg }) => msg !== 'serving') && all;
      }, 'lines of both');
      for (const { level, time } of entries) {
        assert.match(level ?? '', /^(info|warn|error)$/);
        assert.match(time ?? '', /^\d{4}-\d\d-\d\dT/);
      }
    });

    it('says what is wrong, and exits with 1', async (t) => {
      const directory = await copyQuickstart(t);
      const empty = await makeDirectory(t);
      const taken = createServer().listen(0, '127.0.0.1');
      atEnd(t, () => taken.close());
      await new Promise((resolve) => taken.once('listening', resolve));
      const address = taken.address();
      const port = typeof address === 'object' ? String(address?.port) : '';
      const corrupt = await makeDataDirectory(t);
      await rm(join(corrupt, 'postgres', 'data', 'global'), { recursive: true });

      const free = ['--port', '0', '--metrics-port', '0'];
      const cases: [string, string[], RegExp][] = [
        [
          'a port in use',
          [directory, '--port', port, '--metrics-port', '0', '--data', await makeDataDirectory(t)],
          new RegExp(`port ${port} is in use; name others by --port and --metrics-port`),
        ],
        ['no YAML', [empty, ...free, '--data', await makeDirectory(t)], /has no \.yaml or \.yml file/],
        [
          'no directory',
          [join(empty, 'nowhere'), ...free, '--data', await makeDirectory(t)],
          /is not a readable directory/,
        ],
        ['corrupt data', [directory, ...free, '--data', corrupt], new RegExp(corrupt)],
        ['a second instance', [directory, ...free, '--data', up.data], new RegExp(up.data)],
        [
          'a bad upstream',
          [directory, ...free, '--upstream', 'nonsense', '--data', await makeDataDirectory(t)],
          /must be an http or https URL/,
        ],
      ];
      for (const [name, args, message] of cases) {
        const { code, stdout, stderr } = await runCli(['up', ...args]);
        assert.equal(code, 1, name);
        assert.equal(stdout, '', name);
        assert.match(stderr, message, name);
        assert.doesNotMatch(stderr, /\n {4}at /, `${name}: a stack trace`);
      }
      await clientOf(up).responses.create({ model: 'gpt-4o', input: 'Unimpressed' });
    });

    it('shows what it has, and signs tokens for it', async () => {
      const personas = await runCli(['get', 'personas', '--data', up.data]);
      assert.match(personas.stdout, /^NAMESPACE +NAME +READY .*\ndefault +finance-analyst +True/);
      const token = await runCli([
        'token',
        '--organization',
        'acme',
        '--user',
        'carol',
        '--expires',
        '1h',
        '--data',
        up.data,
      ]);
      assert.match(token.stdout, /^[\w-]+\.[\w-]+\.[\w-]+\n$/);
      // Bound to Carol: no X-User-ID is needed, and no other is accepted.
      const client = clientOf(up, token.stdout.trim(), null);
      await client.responses.create({ model: 'gpt-4o', input: 'I am Carol' });
      await assert.rejects(clientOf(up, token.stdout.trim(), 'dave').models.list(), OpenAI.PermissionDeniedError);
      const unknown = await runCli(['token', '--organization', 'nobody', '--data', up.data]);
      assert.deepEqual([unknown.code, unknown.stdout], [1, '']);
      assert.match(unknown.stderr, /There is no organization "nobody"/);
      assert.match((await runCli(['get', 'unicorns'])).stderr, /There is no kind "unicorns"/);
      const refusals = [
        [['get', 'personas', '--data', join(up.data, 'nowhere')], /has no data of a `chaperone up`/],
        [['token', '--organization', 'acme', '--user', '', '--data', up.data], /The user must be 1 to 255 characters/],
        [
          ['token', '--organization', 'acme', '--user', 'a\nb', '--data', up.data],
          /The user must be 1 to 255 characters/,
        ],
        [['token', '--organization', 'acme', '--expires', '0d', '--data', up.data], /longer than zero/],
      ] as const;
      for (const [args, message] of refusals) {
        const refused = await runCli(args);
        assert.deepEqual([refused.code, refused.stdout], [1, '']);
        assert.match(refused.stderr, message);
      }
    });

    it('lets an application in with the synthetic key of its binding', async () => {
      const file = join(up.data, 'state', 'secrets', 'default', 'openai-alice-synthetic-key', 'api-key');
      const client = clientOf(up, readFileSync(file, 'utf8'), null);
      assert.ok((await client.responses.create({ model: 'gpt-4o', input: 'Hi' })).id);
      // A revoked key is refused from the next call on.
      const keys = join(up.directory, 'keys.yaml');
      await replaceFile(
        keys,
        readFileSync(keys, 'utf8').replace('user: alice@example.com', 'user: alice@example.com\n  active: false'),
      );
      await until(
        () =>
          client.models.list().then(
            () => false,
            (error: unknown) =>
              error instanceof OpenAI.PermissionDeniedError && /No active API key found/.test(error.message),
          ),
        'the key to be refused',
      );
    });
  });
});

function clientOf(up: RunningUp, apiKey = onlyOrganization(up).token, user: string | null = 'bob@example.com'): OpenAI {
  const defaultHeaders = user === null ? {} : { 'X-User-ID': user };
  return new OpenAI({ baseURL: onlyOrganization(up).baseUrl, apiKey, defaultHeaders, maxRetries: 0 });
}

async function query(up: RunningUp, sql: string, values: unknown[]) {
  const client = new Client({ connectionString: up.ready.databaseUrl });
  await client.connect();
  try {
    return await client.query(sql, values);
  } finally {
    await client.end();
  }
}

/** All processes below one, itself included, from the kernel's own table. */
async function descendantsOf(root: number): Promise<number[]> {
  const parents = new Map<number, number>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const fields = readFileSync(`/proc/${name}/stat`, 'utf8').split(') ')[1]?.split(' ');
      parents.set(Number(name), Number(fields?.[1]));
    } catch {
      // It has ended meanwhile.
    }
  }
  const found = [root];
  for (const pid of found) {
    for (const [child, parent] of parents) if (parent === pid) found.push(child);
  }
  return found;
}

async function findDescendant(root: number, word: string): Promise<number> {
  for (const pid of (await descendantsOf(root)).slice(1)) {
    const command = commandOf(pid);
    if (command.includes(word) || command[0]?.endsWith(`/${word}`)) return pid;
  }
  throw new Error(`No process "${word}" is running`);
}

/** Empty where it has ended meanwhile. */
function commandOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

function isAlive(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}
