import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { Client } from 'pg';
import { configChannel } from '../../database/config.ts';
import {
  deletePastPauses,
  type ProviderPause,
  readOpenCircuits,
  readPauses,
  writePauses,
} from '../../database/provider-pauses.ts';
import { suiteScope } from '../scope.ts';
import { until } from '../until.ts';
import { connect, makeTenant, openDatabase, type Tenant } from './tenant.ts';

const pause: ProviderPause = {
  id: 'openai 1',
  scope: 'provider',
  provider: 'openai',
  apiKeyId: null,
  reason: '503 server_error',
  remainingMs: 60_000,
};

describe('what proxies leave alone', () => {
  const scope = suiteScope();
  let owner: Client;
  let acme: Tenant;
  let globex: Tenant;
  let acmeDb: Client;
  let globexDb: Client;
  before(async () => {
    const database = await openDatabase(scope);
    owner = database.owner;
    acme = await makeTenant(database);
    globex = await makeTenant(database);
    acmeDb = await connect(scope, acme.url);
    globexDb = await connect(scope, globex.url);
  });

  it('is told to all proxies of the organization, and a later end wins', async () => {
    const notices: string[] = [];
    acmeDb.on('notification', ({ payload = '' }) => notices.push(payload));
    await acmeDb.query(`listen ${acmeDb.escapeIdentifier(configChannel(acme.id))}`);
    await writePauses(acmeDb, acme.id, [pause], []);
    await writePauses(acmeDb, acme.id, [{ ...pause, remainingMs: 1_000, reason: '502 x' }], []);
    const [known] = await readPauses(acmeDb, acme.id);
    assert.deepEqual({ ...known, remainingMs: 0 }, { ...pause, reason: '502 x', remainingMs: 0 });
    assert.ok((known?.remainingMs ?? 0) > 50_000);
    await until(() => notices.includes('pauses'), 'a notice');
    await writePauses(acmeDb, acme.id, [], [pause.id]);
    assert.deepEqual(await readPauses(acmeDb, acme.id), []);
  });

  it('cannot be what another organization’s proxy says', async () => {
    await writePauses(acmeDb, acme.id, [pause], []);
    await assert.rejects(writePauses(globexDb, acme.id, [{ ...pause, id: 'openai 2' }], []), /row-level security/);
    await writePauses(globexDb, acme.id, [], [pause.id]);
    assert.deepEqual(await readPauses(globexDb, acme.id), []);
    assert.equal((await readPauses(acmeDb, acme.id)).length, 1);
    await writePauses(acmeDb, acme.id, [], [pause.id]);
  });

  it('counts as one outage while each pause follows the last', async () => {
    await writePauses(acmeDb, acme.id, [pause, { ...pause, id: 'openai 1 k m', scope: 'model' }], []);
    const move = `update chaperone.provider_pauses
      set began_at = now() - $1::interval, ends_at = now() - $2::interval where pause_id = 'openai 1'`;
    await owner.query(move, ['10 minutes', '5 seconds']);
    const [open, ...others] = await readOpenCircuits(owner);
    assert.deepEqual([open?.provider, open?.scope, open?.binding, others.length], ['openai', 'provider', null, 0]);
    await writePauses(acmeDb, acme.id, [pause], []);
    const [still] = await readOpenCircuits(owner);
    assert.equal(still?.beganAt.getTime(), open?.beganAt.getTime(), 'one call tried it, and failed');
    await owner.query(move, ['10 minutes', '1 minute']);
    assert.deepEqual(await readOpenCircuits(owner), []);
    await writePauses(acmeDb, acme.id, [pause], []);
    const [anew] = await readOpenCircuits(owner);
    assert.ok((anew?.beganAt.getTime() ?? 0) > (open?.beganAt.getTime() ?? 0));
    await owner.query(move, ['3 hours', '2 hours']);
    await deletePastPauses(owner);
    assert.equal((await readPauses(owner, acme.id)).length, 1);
  });
});
