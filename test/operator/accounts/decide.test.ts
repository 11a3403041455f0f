import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { type AccountRow, openPasswordHash } from '../../../database/accounts/accounts.ts';
import { generateDataKeys, makeEnvelope } from '../../../database/envelope.ts';
import { userIdOf } from '../../../database/ids.ts';
import { hashPassword } from '../../../database/password-hash.ts';
import { decideAccounts, type GatheredAccount } from '../../../operator/accounts/decide.ts';
import { judgeAccounts } from '../../../operator/accounts/judge.ts';
import { accountsLabel, judgeHash } from '../../../operator/accounts/secret.ts';
import { makeSecret } from '../memory-cluster.ts';

const organizationId = randomUUID();
const envelope = makeEnvelope(generateDataKeys());
const [first, second] = [await hashPassword('first'), await hashPassword('second')];

const account = (user: string, judged: GatheredAccount['judged']): GatheredAccount => ({
  stated: { user, passwordHashRef: { name: 's', key: user } },
  judged,
});
const permitted = (hash: string) => ({ state: 'permitted', hash }) as const;
const decide = (accounts: readonly GatheredAccount[], rows: readonly AccountRow[] = []) =>
  decideAccounts({ organizationId, accounts, rows }, envelope);
const hashOf = ({ accountId, passwordSealed }: AccountRow) =>
  openPasswordHash(envelope, { organizationId, accountId }, passwordSealed);

test('an equal row is not written; one with another hash or another key is', () => {
  const { writes } = decide([account('ann', permitted(first))]);
  assert.deepEqual(
    writes.map((row) => [row.accountId, hashOf(row)]),
    [[userIdOf(organizationId, 'ann'), first]],
  );
  assert.deepEqual(decide([account('ann', permitted(first))], writes), { writes: [], removals: [] });
  assert.deepEqual(decide([account('ann', permitted(second))], writes).writes.map(hashOf), [second]);
  const lost = makeEnvelope(generateDataKeys());
  const again = decideAccounts({ organizationId, accounts: [account('ann', permitted(first))], rows: writes }, lost);
  assert.equal(again.writes.length, 1);
});

test('whose hash is missing or unusable keeps the former one; whose Secret is not permitted, or who is not stated, has none', () => {
  const { writes: rows } = decide([account('ann', permitted(first))]);
  const gone = rows.map(({ accountId }) => accountId);
  for (const state of ['missing', 'unusable'] as const) {
    assert.deepEqual(decide([account('ann', { state })], rows), { writes: [], removals: [] });
  }
  assert.deepEqual(decide([account('ann', { state: 'not permitted' })], rows), { writes: [], removals: gone });
  assert.deepEqual(decide([], rows), { writes: [], removals: gone });
});

test('a Secret must permit its use, and have a hash', () => {
  const secret = (labels: Readonly<Record<string, string>>, value: string) => {
    const { metadata, ...rest } = makeSecret('chaperone-system/people');
    return { ...rest, metadata: { ...metadata, labels }, data: { ann: Buffer.from(value) } };
  };
  const label = { [accountsLabel]: 'acme' };
  assert.deepEqual(judgeHash(secret(label, `${first}\n`), 'ann', 'acme'), permitted(first));
  assert.deepEqual(judgeHash(secret(label, 'password'), 'ann', 'acme'), { state: 'unusable' });
  assert.deepEqual(judgeHash(secret(label, first), 'bob', 'acme'), { state: 'missing' });
  assert.deepEqual(judgeHash(undefined, 'ann', 'acme'), { state: 'missing' });
  assert.deepEqual(judgeHash(secret({ [accountsLabel]: 'other' }, first), 'ann', 'acme'), { state: 'not permitted' });
  assert.deepEqual(judgeHash(secret({}, first), 'ann', 'acme'), { state: 'not permitted' });
});

test('the condition names the first account that cannot log in, and what to do', () => {
  const judge = (accounts: readonly GatheredAccount[], hadCondition = false) =>
    judgeAccounts({ organization: 'acme', operatorNamespace: 'chaperone-system', accounts, hadCondition });
  assert.equal(judge([]), undefined);
  assert.equal(judge([], true)?.reason, 'Usable');
  assert.equal(judge([account('ann', permitted(first))])?.status, true);
  const lacking = judge([
    account('ann', permitted(first)),
    account('bob', { state: 'missing' }),
    account('eve', { state: 'unusable' }),
  ]);
  assert.equal(lacking?.reason, 'PasswordHashMissing');
  assert.match(lacking?.message ?? '', /"bob".*chaperone\.dev\/accounts-of=acme.*1 more/);
  assert.equal(judge([account('eve', { state: 'unusable' })])?.reason, 'PasswordHashUnusable');
  assert.match(judge([account('eve', { state: 'not permitted' })])?.message ?? '', /kubectl label secret/);
});
