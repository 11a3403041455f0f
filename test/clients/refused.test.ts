import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { repository } from '../directories.ts';
import { startVendors, type Vendors } from '../proxy/anthropic/vendors.ts';
import { suiteScope } from '../scope.ts';
import { until } from '../until.ts';
import { CannotInstall, installPythonClients } from './install.ts';

const programs = join(import.meta.dirname, 'programs');
const windowMs = 10_000;

/** Each is refused by another rule, or by the provider. */
const kinds = ['soon', 'later', 'never', 'month', 'total', 'provider'] as const;
const rules = {
  limits: [
    { name: 'soon', per: 'User', match: { users: ['soon-*'] }, requests: { count: 1, window: `${windowMs / 1_000}s` } },
    { name: 'later', per: 'User', match: { users: ['later-*'] }, requests: { count: 1, window: '8784h' } },
    { name: 'never', match: { users: ['never-*'] }, tokens: { count: 1, window: '1s' } },
  ],
  budgets: [
    { name: 'month', match: { users: ['month-*'] }, amountUsd: '0.000001', window: 'Month' },
    { name: 'total', match: { users: ['total-*'] }, amountUsd: '0.000001', window: 'Total' },
  ],
};

const sdks: readonly (readonly [name: string, vendor: string, program: string, language: string])[] = [
  ['OpenAI, JavaScript', 'openai', 'refused.mjs', 'Node'],
  ['OpenAI, Python', 'openai', 'refused.py', 'Python'],
  ['Anthropic, JavaScript', 'anthropic', 'refused.mjs', 'Node'],
  ['Anthropic, Python', 'anthropic', 'refused.py', 'Python'],
];

/** How many requests an SDK makes of one call that is refused, and what it raises. The table of docs/limits.md is this. */
describe('a refused call of an unchanged SDK', { concurrency: true }, () => {
  const scope = suiteScope();
  let python: string | undefined;
  let vendors: Vendors;
  let table: string;

  before(async () => {
    python = await installPythonClients().catch((error: unknown) => {
      if (!(error instanceof CannotInstall)) throw error;
      process.stderr.write(`Skipped: refusals of the SDKs for Python, since ${error.message}\n`);
      return undefined;
    });
    vendors = await startVendors(scope);
    await vendors.edit(rules);
    table = await readFile(join(repository, 'docs', 'limits.md'), 'utf8');
    await until(async () => {
      const headers = { authorization: `Bearer ${vendors.token}`, 'x-user-id': 'admin' };
      const answer = await fetch(`${vendors.baseUrl}/budgets`, { headers });
      return (await answer.text()).includes('"total"');
    }, 'the rules to be in force');
  });

  for (const [name, vendor, program, language] of sdks) {
    it(`is repeated as docs/limits.md says: ${name}`, async (t) => {
      const isPython = language === 'Python';
      if (isPython && !python) {
        t.skip('its client cannot be installed');
        return;
      }
      const env = {
        PATH: process.env.PATH,
        PYTHONPATH: python,
        PROXY_URL: vendors.baseUrl.replace(/\/v1$/, ''),
        TOKEN: vendors.token,
      };
      const args = [
        join(programs, program),
        vendor,
        String(windowMs),
        ...kinds.map((kind) => `${kind}-${vendor}-${language}`),
      ];
      const { stdout } = await promisify(execFile)(isPython ? 'python3' : process.execPath, args, { env });
      const lines = stdout.trim().split('\n');
      const seen = Object.fromEntries(
        lines.map((line) => JSON.parse(line)).map(([user, ...what]) => [user.split('-')[0], what]),
      );
      const raised = (code: string) => ['RateLimitError', 429, code];
      assert.deepEqual(seen.soon, [2, 'answered'], 'waits for Retry-After, and then is answered');
      assert.deepEqual(seen.later, [1, ...raised('limit_reached')]);
      assert.deepEqual(seen.never, [1, ...raised('limit_reached')], 'more than the whole limit');
      assert.deepEqual(seen.month, [1, ...raised('insufficient_quota')]);
      assert.deepEqual(seen.total, [1, ...raised('insufficient_quota')]);
      assert.deepEqual(seen.provider, [3, ...raised(vendor === 'openai' ? 'rate_limit_exceeded' : 'rate_limit_error')]);
      const [requests] = seen.provider;
      const field = vendor === 'openai' ? 'code' : isPython ? 'error_code' : 'errorCode';
      const row = `| ${name} | waits, then again | ${seen.later[0]} | ${seen.month[0]} | ${requests} | \`${seen.month[1]}\`, \`${field}\` |`;
      assert.ok(table.includes(row), `docs/limits.md has the row ${row}`);
    });
  }
});
