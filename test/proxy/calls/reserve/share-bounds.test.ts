import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { pino } from 'pino';
import { noteCallBounds, readCallBounds } from '../../../../database/call-bounds.ts';
import { makeHistories } from '../../../../proxy/calls/reserve/history.ts';
import { type SharedBounds, shareBounds } from '../../../../proxy/calls/reserve/share-bounds.ts';
import { connect, makeTenant, type OwnedDatabase, openDatabase, type Tenant } from '../../../database/tenant.ts';
import { atEnd, suiteScope } from '../../../scope.ts';
import { until } from '../../../until.ts';

const scope = suiteScope();
const bytes = 1_000;
const call = { bytes, refers: false, inputTokens: 250, outputTokens: 40, nanoUsd: undefined };

describe('what calls were like', () => {
  let database: OwnedDatabase;
  let tenant: Tenant;
  before(async () => {
    database = await openDatabase(scope);
    tenant = await makeTenant(database);
  });

  const startProxy = async (of = tenant) => {
    const db = await connect(scope, of.url);
    const options = { organizationId: of.id, log: pino({ level: 'silent' }), pausesMs: { first: 10, last: 20 } };
    const shared: SharedBounds = shareBounds({ ...options, run: (work) => work(db) });
    atEnd(scope, () => shared.stop());
    return makeHistories(shared);
  };

  it('is known to a proxy that has seen none, and to no other organization', async () => {
    const [one, other, strange] = await Promise.all([
      startProxy(),
      startProxy(),
      startProxy(await makeTenant(database)),
    ]);
    const history = one('chat', 'gpt-4o');
    for (let number = 0; number < 19; number += 1) history.note(call);
    assert.deepEqual([history.inputTokensOf(bytes), history.outputTokens()], [bytes, 4_096]);
    history.note(call);
    const own = [history.inputTokensOf(bytes), history.outputTokens()];
    assert.deepEqual(own[0], 313);

    const fresh = other('chat', 'gpt-4o');
    await until(
      () => fresh.inputTokensOf(bytes) === own[0] && fresh.outputTokens() === own[1],
      'the other one to know',
    );
    const theirs = strange('chat', 'gpt-4o');
    assert.deepEqual([theirs.outputTokens(), other('chat', 'o3').outputTokens()], [4_096, 4_096]);
    // What a proxy sees itself comes first.
    for (let number = 0; number < 20; number += 1) fresh.note({ ...call, inputTokens: 500 });
    assert.equal(fresh.inputTokensOf(bytes), 625);
  });

  it('is the highest of what proxies have seen within a day', async () => {
    const db = await connect(scope, tenant.url);
    const named = { operation: 'responses', model: 'm', referredTokens: null, nanoUsd: null };
    const note = (tokensPerByte: number, outputTokens: number | null) =>
      noteCallBounds(db, tenant.id, [{ ...named, tokensPerByte, outputTokens }]);
    const read = async () => {
      const found = (await readCallBounds(db, tenant.id)).find(({ operation }) => operation === 'responses');
      return [found?.tokensPerByte, found?.outputTokens];
    };
    await note(0.25, 100);
    await note(0.2, 200);
    await note(0.1, null);
    assert.deepEqual(await read(), [0.25, 200]);
    await database.owner.query(`update chaperone.call_bounds set since = now() - interval '25 hours'`);
    await note(0.1, 50);
    assert.deepEqual(await read(), [0.1, 50]);
  });
});
