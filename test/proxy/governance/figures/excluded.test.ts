import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countExcluded } from '../../../../proxy/governance/figures/excluded.ts';

const calls = { kind: 'call', hasPersona: true, requestCount: '10', unpricedCount: '1', costUsd: '1.5' } as const;
const plain = { kind: 'call', hasPersona: false, requestCount: '4', unpricedCount: '0', costUsd: '0.25' } as const;
const analyses = {
  kind: 'analysis',
  hasPersona: false,
  requestCount: '2',
  unpricedCount: '0',
  costUsd: '0.1',
} as const;
const selected = [calls, plain, analyses];
const dollar = 10n ** 12n;
const listed = { groups: 1, requestCount: '7', unpricedCount: '1', costUsd: '1' };

const cases: readonly (readonly [
  what: string,
  kind: 'call' | 'analysis' | null,
  listed: typeof listed | undefined,
  reasons: readonly (readonly [reason: string, requests: number, unpriced: number, cost: bigint])[],
])[] = [
  ['of calls, analyses', 'call', undefined, [['analysis', 2, 0, dollar / 10n]]],
  ['of analyses, calls', 'analysis', undefined, [['call', 14, 1, (dollar * 7n) / 4n]]],
  ['of all, nothing', null, undefined, []],
  [
    'of a list of personas, calls without one and with one that it lacks',
    null,
    listed,
    [
      ['no_persona', 6, 0, (dollar * 35n) / 100n],
      ['persona_not_listed', 3, 0, dollar / 2n],
    ],
  ],
];
for (const [what, kind, personas, reasons] of cases) {
  test(`leaves out: ${what}`, () => {
    const excluded = countExcluded(selected, { kind }, personas);
    assert.deepEqual(
      excluded.reasons.map(({ reason, requests, unpriced, cost }) => [reason, requests, unpriced, cost]),
      reasons,
    );
    const sum = reasons.reduce((total, [, requests]) => total + requests, 0);
    assert.equal(excluded.requests, sum);
  });
}
