import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import type { Client } from 'pg';
import { configChannel } from '../../database/config.ts';
import { type LiveEventData, tellLive } from '../../database/live-events.ts';
import { writePauses } from '../../database/provider-pauses.ts';
import { webhookEvents } from '../../database/webhook-events.ts';
import type { Caller } from '../../proxy/calls/call.ts';
import { type Look, type TopicName, topicNames, topics } from '../../proxy/governance/changes/topics.ts';
import { repository } from '../directories.ts';
import { suiteScope } from '../scope.ts';
import { until } from '../until.ts';
import { seedEveryTable } from './seed.ts';
import { connect, makeTenant, type OwnedDatabase, openDatabase, type Tenant } from './tenant.ts';

const ofQueue = { action: 'queued', item_id: 'rev-1', status: 'queued', category: 'c', priority: 1 } as const;
const shares = { positive: 0, negative: 1, neutral: 0, method: 'vader' } as const;
/** An event of each kind that is told by `/websocket`. A new one needs a line. */
const liveEvents: { readonly [Event in keyof LiveEventData]: LiveEventData[Event] } = {
  queue_update: ofQueue,
  sentiment_alert: { request_id: null, text_id: null, sentiment: 'negative', ...shares },
};

/** What of the catalog sends notifications, and what they say. A new one needs a line, and a thought. */
const notifying = {
  close_organization_role: '',
  delete_organization: '',
  stamp_config_version: '',
  tell_live_of: 'live',
};

describe('what two organizations are told', () => {
  const scope = suiteScope();
  let database: OwnedDatabase;
  let ours: Tenant;
  let others: Tenant;
  let asOthers: Client;
  /** Hears the channels of both, as anybody with a login to PostgreSQL could. */
  let heard: { readonly of: 'ours' | 'others'; readonly said: string }[];
  let fence: () => Promise<void>;
  before(async () => {
    database = await openDatabase(scope);
    [ours, others] = [await makeTenant(database), await makeTenant(database)];
    await seedEveryTable(database.owner, others);
    asOthers = await connect(scope, others.url);
    const listener = await connect(scope, ours.url);
    heard = [];
    let fences = 0;
    listener.on('notification', ({ channel, payload = '' }) => {
      if (channel === 'fence') fences += 1;
      else heard.push({ of: channel === configChannel(ours.id) ? 'ours' : 'others', said: payload });
    });
    for (const name of [configChannel(ours.id), configChannel(others.id), 'fence'])
      await listener.query(`listen ${listener.escapeIdentifier(name)}`);
    fence = async () => {
      const wanted = fences + 1;
      await database.owner.query('notify fence');
      await until(() => fences >= wanted, 'all notifications');
    };
  });

  /** How many rows of ours each table has. */
  const rowsOfOurs = async () => {
    const { rows: tables } = await database.owner.query<{ name: string }>(
      `select c.oid::regclass::text as name from pg_class c join pg_attribute a on a.attrelid = c.oid
       where c.relnamespace = 'chaperone'::regnamespace and c.relkind in ('r', 'p') and a.attname = 'organization_id'
       order by 1`,
    );
    const counts = tables.map(({ name }) => `(select count(*) from ${name} where organization_id = $1) as "${name}"`);
    return (await database.owner.query(`select ${counts.join(', ')}`, [ours.id])).rows[0];
  };
  const admin = (tenant: Tenant) => ({ userId: tenant.id, roles: ['admin'] }) as unknown as Caller;

  test('each topic of `GET /v1/changes` is about one organization', async () => {
    const asOurs = await connect(scope, ours.url);
    const look = async () => {
      const looks = new Map<TopicName, Look>();
      for (const name of topicNames) looks.set(name, await topics[name].look(asOurs, ours.id));
      return looks;
    };
    const first = await look();
    await seedEveryTable(database.owner, await makeTenant(database));
    const second = await look();
    await seedEveryTable(database.owner, ours);
    const third = await look();
    for (const name of topicNames) {
      const [one, two, three] = [first.get(name), second.get(name), third.get(name)];
      assert.ok(one && two && three);
      assert.equal(two.hasChanged(admin(ours), one), false, `${name} of another organization`);
      assert.equal(three.hasChanged(admin(ours), two), true, `${name} of one’s own, so that this proves something`);
    }
  });

  for (const type of webhookEvents) {
    test(`${type} is told to the webhooks of its organization alone`, async () => {
      const before = await rowsOfOurs();
      const emit = 'select chaperone.emit_event($1::text, $2::text, null, $3::jsonb) as told';
      const { rows } = await asOthers.query<{ told: number }>(emit, [type, `subject/${type}`, '{}']);
      assert.ok((rows[0]?.told ?? 0) > 0, 'it has a webhook that is told');
      assert.deepEqual(await rowsOfOurs(), before);
    });
  }

  for (const [event, data] of Object.entries(liveEvents)) {
    test(`${event} is told to those who watch its organization alone`, async () => {
      const before = await rowsOfOurs();
      await fence();
      heard.length = 0;
      await tellLive(asOthers, event as 'queue_update', data as typeof ofQueue);
      await fence();
      assert.deepEqual(heard, [{ of: 'others', said: 'live' }]);
      assert.deepEqual(await rowsOfOurs(), before);
    });
  }

  test('a notification says one word, whoever listens, and only the channel of its organization has it', async () => {
    const { rows } = await database.owner.query<{ name: string }>(
      `select proname as name from pg_proc
       where pronamespace = 'chaperone'::regnamespace and prosrc ~ 'pg_notify' order by proname`,
    );
    assert.deepEqual(
      rows.map(({ name }) => name),
      Object.keys(notifying),
    );
    const folder = join(repository, 'database');
    const files = (await readdir(folder)).filter((name) => name.endsWith('.ts'));
    const sources = await Promise.all(
      files.map(async (name) => ({ name, text: await readFile(join(folder, name), 'utf8') })),
    );
    const senders = sources.filter(({ text }) => /pg_notify\(|\bnotify \$\{/.test(text)).map(({ name }) => name);
    assert.deepEqual(senders, ['provider-pauses.ts'], 'a new one needs a line below');

    const third = await makeTenant(database);
    await fence();
    heard.length = 0;
    await writePauses(asOthers, others.id, [], []);
    await tellLive(asOthers, 'queue_update', ofQueue);
    await asOthers.query(`update chaperone.personas set description = 'Kinder' where organization_id = $1`, [
      others.id,
    ]);
    await database.owner.query(`update chaperone.organizations set spec = spec || '{}' where organization_id = $1`, [
      others.id,
    ]);
    await database.owner.query('select chaperone.delete_organization($1)', [third.id]);
    await fence();
    assert.deepEqual([...new Set(heard.map(({ of }) => of))], ['others']);
    assert.deepEqual([...new Set(heard.map(({ said }) => said))].sort(), ['', 'live', 'pauses']);
  });
});
