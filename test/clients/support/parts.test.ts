import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { ChatConnectionError, makeApiError } from '../../../clients/javascript/src/errors.ts';
import { readEvents } from '../../../clients/javascript/src/event-stream.ts';
import { ChatClient, ChatError } from '../../../clients/javascript/src/index.ts';
import { toCamelCase, toSnakeCase } from '../../../clients/javascript/src/names.ts';
import { chooseDelayMs, readRetryAfterMs } from '../../../clients/javascript/src/retries.ts';
import { repository } from '../../directories.ts';
import { suiteScope } from '../../scope.ts';
import { CannotInstall, installPythonClients } from '../install.ts';
import { attempts, outcomes, startFaultyDesk, streamed } from './faulty-desk.ts';
import { makeStorage } from './storage.ts';

const messages = outcomes.map(([message]) => message);

/** What a product that works does not show: faults of servers and connections. From the source, not from a package. */
describe('the clients of the support desk', () => {
  const scope = suiteScope();
  let environment: NodeJS.ProcessEnv | undefined;

  before(async () => {
    const dependencies = await installPythonClients(import.meta.dirname).catch((error: unknown) => {
      if (!(error instanceof CannotInstall)) throw error;
      process.stderr.write(`Skipped: parts of the client for Python, since ${error.message}\n`);
    });
    if (dependencies === undefined) return;
    const source = join(repository, 'clients', 'python', 'src');
    environment = { PATH: process.env.PATH, PYTHONPATH: `${source}:${dependencies}`, PYTHONDONTWRITEBYTECODE: '1' };
  });

  /** Runs a program beside this file. Undefined: Python cannot be used here. */
  const runPython = async (program: string, args: readonly string[], input = '') => {
    if (!environment) return undefined;
    const file = join(import.meta.dirname, program);
    const running = promisify(execFile)('python3', [file, ...args], { env: environment, maxBuffer: 64 * 1024 * 1024 });
    running.child.stdin?.end(input);
    return (await running).stdout;
  };

  it('say what has failed, and repeat what may pass, with one key: JavaScript', async () => {
    const desk = await startFaultyDesk(scope);
    const delays: number[] = [];
    const onRetry = ({ delayMs }: { delayMs: number }) => delays.push(delayMs);
    const client = new ChatClient({ apiKey: 'sk_1', baseUrl: desk.baseUrl, maxRetries: 1, onRetry });
    const ask = async (message: string): Promise<string> => {
      const timeoutMs = ['silent', 'stalled'].includes(message) ? 300 : undefined;
      const options = { timeoutMs, ...(message === 'stalled' && { maxRetries: 0 }) };
      if (!streamed.includes(message)) return (await client.sendMessage({ message, userId: 'user_1' }, options)).answer;
      let told = '';
      for await (const event of client.streamMessage({ message, userId: 'user_1' }, options)) {
        if (event.type === 'delta') told += event.text;
      }
      return told;
    };
    const seen: unknown[] = [];
    for (const message of messages) {
      const failed = (error: unknown) => {
        assert.ok(error instanceof ChatError, String(error));
        return [error.name, error.code, ('requestId' in error && error.requestId) || null];
      };
      seen.push([message, ...(await ask(message).then((text) => [text], failed))]);
    }
    checkDesk(
      desk,
      seen,
      delays.map((delayMs) => delayMs / 1000),
    );
  });

  for (const kind of ['sync', 'async']) {
    it(`say what has failed, and repeat what may pass, with one key: Python, ${kind}`, async (t) => {
      const desk = await startFaultyDesk(scope);
      const args = [kind, desk.baseUrl, JSON.stringify(messages), JSON.stringify(streamed)];
      const output = await runPython('faults.py', args);
      if (output === undefined) return t.skip('Python with its packages is needed');
      const lines: unknown[] = output
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      checkDesk(desk, lines.slice(0, -1), lines.at(-1) as number[]);
    });
  }

  const checkDesk = ({ received }: Awaited<ReturnType<typeof startFaultyDesk>>, seen: unknown[], delays: number[]) => {
    assert.deepEqual(seen, outcomes);
    const sent = Object.fromEntries([...received].map(([message, requests]) => [message, requests.length]));
    const { silent: _, ...certain } = sent;
    assert.deepEqual(certain, attempts);
    for (const requests of received.values()) assert.equal(new Set(requests.map(({ key }) => key)).size, 1);
    assert.equal(new Set([...received.values()].map(([first]) => first?.key)).size, received.size);
    const [busy = 0, running, , , silent, ...others] = delays;
    assert.ok(busy >= 1 && busy <= 1.25 && running === 0 && silent !== undefined, String(delays));
    assert.equal(others.length, 4, 'those of streams');
  };

  it('keep who a visitor is, and become another one where that is not valid any more', async () => {
    const desk = await startFaultyDesk(scope);
    const { kept, storage } = makeStorage();
    const visit = () =>
      new ChatClient({ apiKey: 'pk_1', baseUrl: desk.baseUrl, storage }).sendMessage({ message: 'visit' });
    await visit();
    assert.deepEqual([...kept.values()], ['visitor-0']);
    await assert.rejects(visit(), { name: 'AuthenticationError' });
    assert.equal(kept.size, 0);
    await visit();
    const seen = desk.received.get('visit')?.map(({ visitor }) => visitor);
    assert.deepEqual(seen, [undefined, 'visitor-0', undefined]);
    await new ChatClient({ apiKey: 'sk_1', baseUrl: desk.baseUrl, storage }).sendMessage({ message: 'visit' });
    assert.equal(desk.received.get('visit')?.at(-1)?.visitor, undefined, 'a secret key is no visitor');
  });

  it('wait for the same time before a retry', async (t) => {
    const cases = [null, 400, 404, 408, 409, 429, 500, 503].flatMap((status) =>
      [null, 0, 2, 59, 61].flatMap((retryAfter) =>
        [1, 3, 4].flatMap((failures) =>
          [0, 0.5, 1].map((random) => ({
            status,
            retryAfter,
            failures,
            random,
            isFinal: status === 429 && random === 1,
          })),
        ),
      ),
    );
    const chosen = cases.map(({ status, retryAfter, failures, random, isFinal }) => {
      const problem = { code: 'code', message: 'No.', details: {}, requestId: undefined };
      const retry = { retryAfterMs: retryAfter === null ? undefined : retryAfter * 1000, isFinal };
      const error = status === null ? new ChatConnectionError('broken') : makeApiError(status, problem, retry);
      return chooseDelayMs(error, failures, { maxRetries: 3, maxRetryDelayMs: 60_000 }, random);
    });
    for (const [index, { status, retryAfter, failures, isFinal }] of cases.entries()) {
      const delayMs = chosen[index];
      const asked = status === null ? null : retryAfter;
      const passes = status === null || status === 408 || status >= 429;
      assert.equal(delayMs !== undefined, passes && failures <= 3 && asked !== 61 && !isFinal);
      if (delayMs === undefined) continue;
      if (asked === null) assert.ok(delayMs >= 0 && delayMs <= 500 * 2 ** (failures - 1));
      else assert.ok(delayMs >= asked * 1000 && delayMs <= Math.min(60_000, asked * 1250));
    }
    const output = await runPython('parts.py', [], JSON.stringify({ delays: cases, streams: [] }));
    if (output === undefined) return t.skip('Python with its packages is needed');
    assert.deepEqual(
      JSON.parse(output).delays.map((delay: number | null) => (delay === null ? undefined : delay * 1000)),
      chosen,
    );
  });

  it('read the same events, however they are cut', async (t) => {
    const text = fc.string({ unit: fc.constantFrom('a', ':', ' ', 'ü', '€', '😀', '\u2028', '\v') });
    const event = fc.record({ event: text, data: fc.array(text, { minLength: 1, maxLength: 3 }) });
    const line = fc.constantFrom('\n', '\r\n', '\r');
    const streams = fc.sample(fc.tuple(fc.array(event, { maxLength: 4 }), line, fc.integer({ min: 1, max: 7 })), 40);
    const cut = streams.map(([events, end, size]) => {
      const lines = events.flatMap(({ event, data }) => [
        ':',
        `event: ${event}`,
        ...data.map((one) => `data: ${one}`),
        '',
      ]);
      const bytes = [...Buffer.from([...lines, 'data: not ended'].join(end))];
      return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
        bytes.slice(index * size, (index + 1) * size),
      );
    });
    const expected = streams.map(([events]) => events.map(({ event, data }) => [event || 'message', data.join('\n')]));
    for (const [index, chunks] of cut.entries()) {
      const read: string[][] = [];
      for await (const { event, data } of readEvents(toAsync(chunks.map((chunk) => Uint8Array.from(chunk))))) {
        read.push([event, data]);
      }
      assert.deepEqual(read, expected[index]);
    }
    const output = await runPython('parts.py', [], JSON.stringify({ delays: [], streams: cut }));
    if (output === undefined) return t.skip('Python with its packages is needed');
    assert.deepEqual(JSON.parse(output).events, expected);
  });

  it('name fields as JavaScript does, but for those of the caller', () => {
    const wire = { user_id: 'a', messages: [{ error_code: 'x' }], metadata: { user_email: 'b', userName: 'c' } };
    const shown = { userId: 'a', messages: [{ errorCode: 'x' }], metadata: { user_email: 'b', userName: 'c' } };
    assert.deepEqual(toCamelCase(wire), shown);
    assert.deepEqual(toSnakeCase(shown), wire);
  });

  it('read Retry-After in seconds or as a date', () => {
    const now = Date.parse('2026-01-12T15:30:00Z');
    for (const [header, ms] of [
      ['7', 7000],
      ['Mon, 12 Jan 2026 15:30:05 GMT', 5000],
      ['Mon, 12 Jan 2026 15:29:00 GMT', 0],
      ['soon', undefined],
      [null, undefined],
    ] as const) {
      assert.equal(readRetryAfterMs(header, now), ms);
    }
  });
});

async function* toAsync(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}
