import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { withOwnerDatabase } from '../../cli/owner-database.ts';
import { renderUsage } from '../../cli/usage/render.ts';
import { chooseSpending } from '../../cli/usage.ts';
import { readSpending, spendingGroups } from '../../database/analytics/spending.ts';

import { copyQuickstart } from '../directories.ts';
import { runCli } from '../run-cli.ts';
import { suiteScope } from '../scope.ts';
import { onlyOrganization, type RunningUp, startUp } from './start-up.ts';

interface Group {
  readonly calls: number;
  readonly failed: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly unpriced: number;
  readonly costUsd: string;
}

interface Usage {
  readonly groups: readonly (Group & Readonly<Record<string, unknown>>)[];
  readonly total: Group & { readonly analyses: { readonly calls: number; readonly costUsd: string } };
}

describe('chaperone usage', () => {
  const scope = suiteScope();
  let up: RunningUp;

  const chaperone = async (...args: string[]) => {
    const { code, stdout, stderr } = await runCli(['usage', ...args, '--data', up.data]);
    return { code, stdout, stderr };
  };
  /** As the command does it, without a process for each. */
  const read = async (options: object = {}): Promise<Usage> => {
    const { by, filter } = chooseSpending({ organization: 'acme', kind: 'all', ...options }, Date.now());
    const rows = await withOwnerDatabase({ data: up.data }, 'usage', (db) => readSpending(db, by, filter));
    return JSON.parse(renderUsage({ by, filter, rows }, 'json'));
  };
  const ask = async (path: string, user: string, body?: object) => {
    const { baseUrl, token } = onlyOrganization(up);
    const answer = await fetch(`${baseUrl}${path}`, {
      method: body ? 'POST' : 'GET',
      headers: { authorization: `Bearer ${token}`, 'x-user-id': user, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, never> };
  };

  before(async () => {
    up = await startUp(scope, { directory: await copyQuickstart(scope) });
    for (const [user, model] of [
      ['ada', 'gpt-4o'],
      ['ada', 'gpt-4o-mini'],
      ['bob', 'gpt-4o-mini'],
    ] as const) {
      const { status, body } = await ask('/responses', user, { model, input: `Hello from ${user}` });
      assert.equal(status, 200);
      if (user === 'bob') {
        const analysis = { id: body.id, config: { analysis_type: 'intent', categories: [{ name: 'greeting' }] } };
        assert.equal((await ask('/analysis', user, analysis)).status, 200);
      }
    }
    assert.equal(
      (await ask('/responses', 'bob', { model: 'gpt-4o', input: 'x', previous_response_id: 7 })).status,
      400,
    );
  });

  for (const [by, path, list, field] of [
    ['user', 'user-usage', 'users', 'user_id'],
    ['model', 'models', 'models', 'model'],
  ] as const) {
    for (const kind of ['call', 'all'] as const) {
      it(`shows the figures of analytics, by ${by}, of kind ${kind}`, async () => {
        // Which have every record that was answered in the database.
        const { body } = await ask(`/analytics/${path}?kind=${kind}`, 'ada');
        const listed = body[list] as unknown as readonly Record<string, unknown>[];
        const { groups, total } = await read({ by, kind });
        const figures = groups.map((one) => [
          ...[one[by], one.calls, one.failed, one.unpriced, one.inputTokens, one.outputTokens, Number(one.costUsd)],
        ]);
        const told = listed.map((one) => [
          ...[one[field], one.request_count, one.failure_count, one.unpriced_count],
          ...[one.input_tokens, one.output_tokens, one.total_cost],
        ]);
        const byName = (one: readonly unknown[], other: readonly unknown[]) =>
          String(one[0]) < String(other[0]) ? -1 : 1;
        assert.equal(figures.length, 2);
        assert.deepEqual(figures.toSorted(byName), told.toSorted(byName));
        assert.equal(total.calls, kind === 'call' ? 3 : 4);
        assert.equal(Number(total.costUsd), body.total_cost);
        assert.equal(total.analyses.calls, kind === 'call' ? 0 : 1);
      });
    }
  }

  it('has the same sum by any grouping', async () => {
    const { total } = await read();
    for (const by of spendingGroups) {
      const usage = await read({ by });
      assert.deepEqual(usage.total, total, by);
      assert.equal(
        usage.groups.reduce((sum, { calls }) => sum + calls, 0),
        total.calls,
        by,
      );
    }
    const { groups } = await read({ by: 'model' });
    assert.deepEqual(groups.map(({ model }) => model).sort(), ['gpt-4o', 'gpt-4o-mini']);
    const clients = await read({ by: 'client' });
    assert.deepEqual(
      clients.groups.map(({ client, calls }) => [client, calls]),
      [['node', total.calls]],
    );
    const before = await read({ from: '2026-01-01', to: '2026-01-31' });
    assert.deepEqual([before.groups, before.total.calls, before.total.costUsd], [[], 0, '0']);
  });

  it('prints a table, of every organization unless one is named', async (t) => {
    const { code, stdout, stderr } = await chaperone();
    t.diagnostic(`\n${stdout}`);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^ORGANIZATION +CALLS +FAILED +INPUT TOKENS +OUTPUT TOKENS +COST \(USD\)\nacme +4 /);
    assert.match(stdout, /\nOf every organization, from \d{4}-\d{2}-01 to the end of /);
  });

  it('says in a sentence what is wrong', async () => {
    const unknown = await chaperone('--organization', 'nobody');
    assert.deepEqual(
      [unknown.code, unknown.stderr],
      [1, 'chaperone: There is no organization "nobody" in the database\n'],
    );
    const elsewhere = await runCli(['usage', '--data', '/nowhere']);
    assert.deepEqual(
      [elsewhere.code, elsewhere.stderr],
      [1, 'chaperone: There is no organization in /nowhere; has `chaperone up` run?\n'],
    );
  });

  it('asks whether chaperone up runs where the database cannot be reached', async (t) => {
    const stopped = await startUp(t, { directory: await copyQuickstart(t) });
    await stopped.stop();
    const revoke = ['token', 'revoke', '--organization', 'acme', '--user', 'ada'];
    for (const command of [['usage'], revoke]) {
      const { code, stderr } = await runCli([...command, '--data', stopped.data]);
      assert.equal(code, 1);
      assert.match(
        stderr,
        /^chaperone: The database cannot be reached: .*ECONNREFUSED.*; is `chaperone up` running with/,
      );
      assert.ok(stderr.includes(stopped.data));
    }
  });
});
