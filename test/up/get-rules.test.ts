import assert from 'node:assert/strict';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { Client } from 'pg';
import { countsOfBinding, countsOfOrganization } from '../../crds/rule-counts.ts';
import { windowAt } from '../../crds/rule-window.ts';
import { userIdOf } from '../../database/ids.ts';
import { quotaCounterId } from '../../database/quota.ts';
import { copyQuickstart } from '../directories.ts';
import { runCli } from '../run-cli.ts';
import { suiteScope } from '../scope.ts';
import { type RunningUp, startUp } from './start-up.ts';

const rules = `
  limits:
    - name: each
      per: User
      requests: { count: 50, window: 1h }
  budgets:
    - name: all
      amountUsd: "100"
`;
const ofBinding = `
---
apiVersion: chaperone.dev/v1alpha1
kind: ApiKeyBinding
metadata:
  name: limited
spec:
  organizationRef:
    name: acme
  provider: openai
  user: carol
  secretKeyRef:
    name: openai
    key: alice
  budgets:
    - name: carols
      amountUsd: "5"
      window: Total
`;

describe('chaperone get limits and chaperone get budgets', () => {
  const scope = suiteScope();
  let up: RunningUp;

  const chaperone = (...args: string[]) => runCli(['get', ...args, '--data', up.data]);
  const json = async (...args: string[]) => {
    const { code, stdout, stderr } = await chaperone(...args, '--output', 'json');
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout);
  };

  before(async () => {
    const directory = await copyQuickstart(scope);
    await appendFile(join(directory, 'organization.yaml'), rules);
    await appendFile(join(directory, 'keys.yaml'), ofBinding);
    up = await startUp(scope, { directory });
    const owner = new Client({ connectionString: up.ready.databaseUrl });
    await owner.connect();
    try {
      const { rows } = await owner.query('select organization_id as id, spec from chaperone.organizations');
      const [{ id, spec }] = rows;
      const { rows: bound } = await owner.query(
        `select rules from chaperone.api_keys where resource = 'default/limited'`,
      );
      const counts = [...countsOfOrganization(spec), ...countsOfBinding(bound[0]?.rules ?? {}, 'default/limited')];
      await owner.query('insert into chaperone.users (organization_id, user_id, external_id) values ($1, $2, $3)', [
        ...[id, userIdOf(id, 'a\u001b[2Jda'), 'a\u001b[2Jda'],
      ]);
      for (const [name, whose, amount] of [
        ['each', userIdOf(id, 'a\u001b[2Jda'), 41],
        ['all', '', 82_400_000_000],
      ] as const) {
        const count = counts.find((one) => one.name === name);
        assert.ok(count);
        const { rule, unit, per, window } = count;
        const { startMs, endMs } = windowAt(window, Date.now());
        await owner.query(
          `insert into chaperone.quota_counters (organization_id, counter_id, rule, unit, per, scope, window_start, window_end, used)
           values ($1, $2, $3, $4, $5, $6, to_timestamp($7::float8 / 1000), to_timestamp($8::float8 / 1000), $9)`,
          [
            ...[id, quotaCounterId({ rule, unit, per, scope: whose, startMs, endMs }), rule, unit, per, whose],
            ...[startMs, endMs, amount],
          ],
        );
      }
    } finally {
      await owner.end();
    }
  });

  it('print a table for people, in which no name moves the cursor', async () => {
    const limits = await chaperone('limits');
    assert.equal(limits.code, 0, limits.stderr);
    assert.match(limits.stdout, /^ORGANIZATION +NAME +PER +SCOPE +USED +OF +USED % +WINDOW +RESETS\n/);
    assert.match(limits.stdout, /\nacme +each +User +a\ufffd\[2Jda +41 +50 requests +82 +1h +\d{4}-.*Z\n$/);
    const budgets = await chaperone('budgets', '--organization', 'acme');
    assert.match(budgets.stdout, /\nacme +all +Organization +\$82\.4 +\$100 +82 +Month +\d{4}-\d\d-01T00:00:00Z\n/);
    assert.match(budgets.stdout, /\nacme +carols \(default\/limited\) +Key +\(none yet\) +\$0 +\$5 +0 +Total\n/);
  });

  it('print JSON for programs', async () => {
    const { budgets } = await json('budgets');
    const [{ resetsAt, ...all }] = budgets;
    assert.ok(Date.parse(resetsAt) > Date.now());
    assert.deepEqual(all, {
      ...{ organization: 'acme', name: 'all', type: 'budget', binding: null, per: 'Organization', scope: null },
      ...{ user: null, unit: 'usd', enforced: true, used: '82.4', reserved: '0', remaining: '17.6', limit: '100' },
      ...{ usedPercent: 82, window: 'Month' },
    });
    const { limits } = await json('limits', '--user', 'nobody');
    assert.deepEqual([limits.length, limits[0].used, limits[0].scope], [1, 0, null]);
  });

  it('refuse an organization that there is not', async () => {
    const { code, stderr } = await chaperone('limits', '--organization', 'globex');
    assert.equal(code, 1);
    assert.match(stderr, /There is no organization "globex" in the database/);
  });
});
