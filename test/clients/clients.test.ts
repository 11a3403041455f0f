import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import type { Client } from 'pg';
import { connect } from '../database/tenant.ts';
import { makeDirectory } from '../directories.ts';
import { allowEveryModel } from '../proxy/allow-every-model.ts';
import { suiteScope } from '../scope.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';

import { CannotInstall, installClients } from './install.ts';

/** A call as the sandbox has it on its bill. */
interface BilledCall {
  readonly id: string;
  readonly key: string;
  readonly endpoint: string;
  readonly model: string;
  readonly status: string;
  readonly stream: boolean;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly total_tokens: number;
}

/** Each with the names that its calls are recorded under. */
const programs: readonly (readonly [program: string, clients: readonly string[]])[] = [
  ['codex', ['codex_exec 0.171.0']],
  ['codex-websocket', ['codex_exec 0.171.0']],
  ['agents-sdk', ['Agents/JavaScript 0.20.0']],
  ['ai-sdk', ['ai 7.0.173', 'ai-sdk-openai 4.0.118']],
  ['langchain', ['langchainjs-openai 1.0.0']],
  ['oldest-sdk', ['OpenAI/NodeJS 3.3.0']],
];
const straightKey = 'sk-straight';

/** The clients that differ most, unchanged: what they do through a proxy is what they do without it, and all is counted. */
describe('an unchanged client', () => {
  const scope = suiteScope();
  let directory: string | undefined;
  let workDirectory: string;
  let stack: Stack;
  let database: Client;

  before(async () => {
    try {
      directory = await installClients(scope);
    } catch (error) {
      if (!(error instanceof CannotInstall)) throw error;
      process.stderr.write(`Skipped: test/clients, since ${error.message}\n`);
      return;
    }
    workDirectory = await makeDirectory(scope);
    stack = await startStack(scope, { ownProcess: true });
    database = await connect(scope, stack.database.url);
    await allowEveryModel(stack);
  });

  /** Runs a program, which prints what it did a line each. */
  const run = async (program: string, baseUrl: string, apiKey: string): Promise<readonly unknown[]> => {
    const { PATH, HOME } = process.env;
    const env = {
      PATH,
      HOME,
      WORK: workDirectory,
      OPENAI_BASE_URL: baseUrl,
      OPENAI_API_KEY: apiKey,
      OPENAI_AGENTS_DISABLE_TRACING: '1',
    };
    const file = join(directory ?? '', `${program}.mjs`);
    const { stdout } = await promisify(execFile)(process.execPath, [file], { env, cwd: workDirectory });
    const lines = stdout.trim().split('\n');
    return lines.map((line) => JSON.parse(line));
  };
  const billed = async (): Promise<readonly BilledCall[]> => {
    const answer = await fetch(new URL('/sandbox/calls', stack.upstreamUrl));
    return ((await answer.json()) as { calls: BilledCall[] }).calls;
  };
  const recordsOf = async (user: string) => {
    const { rows } = await database.query(
      `select requests.* from chaperone.requests join chaperone.users using (organization_id, user_id)
       where external_id = $1 order by started_at, request_id`,
      [user],
    );
    return rows;
  };

  for (const [program, clients] of programs) {
    it(`works through the proxy as without it: ${program}`, async (t) => {
      if (directory === undefined) {
        t.skip('the package registry cannot be reached');
        return;
      }
      await fetch(new URL('/sandbox/calls', stack.upstreamUrl), { method: 'DELETE' });
      const user = `${program}@example.com`;
      const [straight, through] = await Promise.all([
        run(program, stack.upstreamUrl, straightKey),
        run(program, stack.baseUrl, await stack.sign({ user })),
      ]);
      assert.ok(straight.length > 1);
      assert.deepEqual(through, straight);

      const calls = await billed();
      const isStraight = ({ key }: BilledCall) => straightKey.endsWith(key);
      const ours = calls.filter((call) => !isStraight(call));
      const shape = ({ endpoint, model, status, stream }: BilledCall) => [endpoint, model, status, stream];
      assert.deepEqual(ours.map(shape), calls.filter(isStraight).map(shape), 'the provider has the same calls');

      const records = await until(async () => {
        const found = await recordsOf(user);
        return found.length >= ours.length ? found : undefined;
      }, `the ${ours.length} records of ${program}`);
      assert.deepEqual(
        records.map(({ status, input_tokens, output_tokens, total_tokens }) => [
          status,
          ...[input_tokens, output_tokens, total_tokens].map((count) => (count === null ? null : Number(count))),
        ]),
        ours.map(({ status, input_tokens, output_tokens, total_tokens }) =>
          status === 'completed' ? [status, input_tokens, output_tokens, total_tokens] : ['failed', null, null, null],
        ),
      );
      const names = new Set(records.map(({ client_name, client_version }) => `${client_name} ${client_version}`));
      assert.deepEqual([...names].sort(), clients);
    });
  }
});
