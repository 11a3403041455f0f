import assert from 'node:assert/strict';
import { appendFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type CheckResult, runChecks } from '../../../cli/check/check.ts';
import { localChecks } from '../../../cli/check/local/checks.ts';
import type { LocalFacts } from '../../../cli/check/local/gather.ts';
import { connect } from '../../database/tenant.ts';
import { copyQuickstart } from '../../directories.ts';
import { runCli } from '../../run-cli.ts';
import { until } from '../../until.ts';
import { startUp } from '../../up/start-up.ts';

const ready = { type: 'Ready', status: 'True', reason: 'Ready', message: '', lastTransitionTime: '' } as const;
const limits = {
  connections: 20,
  timeouts: { statement_timeout: '12000', idle_in_transaction_session_timeout: '30000' },
  reservedConnections: 10,
  limitsTempFiles: true,
};
const good: LocalFacts = {
  data: '.chaperone',
  isThere: true,
  problems: [],
  resources: [
    {
      kind: 'Persona',
      metadata: { namespace: 'a', name: 'b', generation: 2 },
      status: { observedGeneration: 2, conditions: [ready] },
    },
  ],
  organizations: [{ name: 'acme', databaseProblem: undefined, limits, proxyProblem: undefined, boundKeys: 2 }],
};

describe('local checks', () => {
  test('the checks of organizations have no result where there is no organization', () => {
    const results = runChecks([localChecks], { ...good, organizations: [] }).flatMap(({ checks }) => checks);
    const open = results.filter(({ finding }) => finding.status === 'unknown').map(({ id }) => id);
    assert.deepEqual(open, ['local-limits', 'local-proxies', 'local-keys']);
  });

  for (const [title, changes, wrong] of [
    ['all is well', {}, {}],
    ['there is no data', { isThere: false }, { 'local-data': /no data of a `chaperone up` in \.chaperone/ }],
    [
      'a file is wrong',
      { problems: [{ file: 'a.yaml', line: 3, object: 'Persona a/b', field: 'spec.name', reason: 'Required value' }] },
      { 'local-files': /a\.yaml:3 Persona a\/b spec\.name: Required value/ },
    ],
    ['there is no organization', { organizations: [] }, { 'local-database': /no Organization/ }],
    [
      'it does not run',
      {
        organizations: [
          { name: 'acme', databaseProblem: 'refused', limits: undefined, proxyProblem: 'no answer', boundKeys: 1 },
        ],
      },
      { 'local-database': /acme: refused/, 'local-proxies': /acme: no answer/ },
    ],
    [
      'an organization has no key',
      {
        organizations: [{ name: 'acme', databaseProblem: undefined, limits, proxyProblem: undefined, boundKeys: 0 }],
      },
      { 'local-keys': /none of their ApiKeyBindings.*acme/ },
    ],
    [
      'a login has no limits',
      {
        organizations: [
          {
            name: 'acme',
            databaseProblem: undefined,
            limits: { ...limits, connections: -1, timeouts: { statement_timeout: '0' } },
            proxyProblem: undefined,
            boundKeys: 1,
          },
        ],
      },
      { 'local-limits': /acme: its login may take every connection.*acme: statement_timeout is off/ },
    ],
    [
      'a server has no limits',
      {
        organizations: [
          {
            name: 'acme',
            databaseProblem: undefined,
            limits: { ...limits, reservedConnections: 0, limitsTempFiles: false },
            proxyProblem: undefined,
            boundKeys: 1,
          },
        ],
      },
      { 'local-limits': /reserved_connections.*temp_file_limit/ },
    ],
    [
      'a resource is not ready',
      {
        resources: [
          {
            kind: 'ApiKeyBinding',
            metadata: { namespace: 'a', name: 'b', generation: 1 },
            status: {
              observedGeneration: 1,
              conditions: [{ ...ready, status: 'False', reason: 'Expired', message: 'Renew.' }],
            },
          },
        ],
      },
      { 'local-resources': /ApiKeyBinding a\/b: Expired: Renew\./ },
    ],
    [
      'a change has not been looked at',
      {
        resources: good.resources.map((resource) => ({
          ...resource,
          metadata: { ...resource.metadata, generation: 3 },
        })),
      },
      { 'local-resources': /latest change/ },
    ],
    [
      'a deletion hangs',
      { resources: [{ kind: 'Organization', metadata: { name: 'acme', generation: 1, deletionTimestamp: 'noon' } }] },
      { 'local-resources': /Organization acme: Deleting since noon/ },
    ],
    [
      'a resource is new',
      { resources: [{ kind: 'Organization', metadata: { name: 'acme', generation: 1 } }] },
      { 'local-resources': /has not looked at it yet/ },
    ],
  ] satisfies readonly (readonly [string, Partial<LocalFacts>, Readonly<Record<string, RegExp>>])[]) {
    test(title, () => {
      const found = listWrong({ ...good, ...changes });
      assert.deepEqual(
        found.map(({ id }) => id),
        Object.keys(wrong),
      );
      for (const { id, finding } of found)
        assert.match(JSON.stringify(finding), Object.entries(wrong).find(([key]) => key === id)?.[1] ?? /$^/);
    });
  }
});

test('a running `chaperone up` is checked by its data directory', async (t) => {
  const directory = await copyQuickstart(t);
  const up = await startUp(t, { directory });
  const check = () => runCli(['check', '--data', up.data, '--output', 'short']);
  const well = await check();
  assert.equal(well.stdout, 'Status check results are √\n', well.stderr);
  assert.equal(well.code, 0);

  await appendFile(join(directory, 'personas.yaml'), '\n---\nkind: Nonsense\n');
  await until(() => up.errors().includes('personas.yaml'), 'the mistake to be noticed');
  const mistaken = await check();
  assert.equal(mistaken.code, 1);
  assert.match(mistaken.stdout, /× the YAML has no mistakes\n.*\n {4}- personas\.yaml/);

  await rm(join(directory, 'keys.yaml'));
  const keyless = /‼ every organization has a key to call with\n.*\n {4}- acme\n/;
  const deprived = await until(async () => {
    const { stdout } = await check();
    return keyless.test(stdout) ? stdout : undefined;
  }, 'the keys to be missed');
  assert.match(deprived, keyless);

  const { databaseUrl } = up.ready;
  const owner = await connect(t, databaseUrl);
  const { rows } = await owner.query<{ login: string }>('select role_name as login from chaperone.organization_roles');
  await owner.query(`alter role ${rows[0]?.login} connection limit -1; alter role ${rows[0]?.login} reset all`);
  const unlimited = await check();
  assert.match(unlimited.stdout, /its login may take every connection\n[\s\S]*statement_timeout is off for its login/);

  await up.stop();
  assert.match((await check()).stdout, /acme: connect ECONNREFUSED/);
});

function listWrong(facts: LocalFacts): readonly CheckResult[] {
  const results = runChecks([localChecks], facts).flatMap(({ checks }) => checks);
  return results.filter(({ finding }) => finding.status === 'failed' || finding.status === 'warning');
}
