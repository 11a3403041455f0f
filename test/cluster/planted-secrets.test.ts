import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { pino } from 'pino';
import { customKinds } from '../../crds/definition.ts';
import { customKindEntries } from '../../crds/kinds.generated.ts';
import { hashPassword } from '../../database/password-hash.ts';
import { findSecrets, type Leftover } from '../planted/search.ts';
import { suiteScope } from '../scope.ts';
import { until } from '../until.ts';
import { skip } from './cluster-under-test.ts';
import { binding, decode, organization, persona, secret } from './resources.ts';
import { governance, type Stage, setStage } from './stage.ts';

const providerKey = 'sk-planted-5d20b8c1f97e4a3366';
const otherKey = 'sk-planted-other-0c77e1a2b9d84f';
const text = 'Never say that the warehouse in Borås is empty';
const webhookSecret = 'whsec_cGxhbnRlZC1pbi1hLWNsdXN0ZXItdGVzdA';
const sharedSecret = 'a shared secret of at least thirty-two bytes, planted';

type Listed = {
  readonly items: readonly { readonly spec?: unknown; readonly data?: unknown; readonly status?: unknown }[];
};

/** Whoever may read everything but Secrets, and what people write themselves, sees nothing secret. */
describe('secrets of a cluster whose objects have every kind of mistake', { skip }, () => {
  const scope = suiteScope();
  const log: string[] = [];
  const planted = new Map<string, string>();
  let stage: Stage;

  before(async () => {
    stage = await setStage(scope);
    const { hands, startOperator } = stage;
    const hash = await hashPassword('kålrot-präst-7731');
    const permitted = (label: string) => ({ labels: { [`chaperone.dev/${label}`]: 'acme' } });
    await hands.create('Secret', `${governance}/people`, secret({ vera: hash }), permitted('accounts-of'));
    await hands.create(
      'Secret',
      `${governance}/hook`,
      secret({ secret: webhookSecret }),
      permitted('webhook-secret-of'),
    );
    await hands.create(
      'Secret',
      `${governance}/shared`,
      secret({ secret: sharedSecret }),
      permitted('shared-secret-of'),
    );
    await hands.create('Secret', 'web/openai', secret({ key: providerKey, blank: ` ${otherKey}\n` }));
    await hands.create('ConfigMap', 'web/texts', { data: { text } });
    await hands.create('Organization', 'acme', organization(stated));
    await hands.create('ApiKeyBinding', 'web/able', binding());
    for (const [name, changes] of Object.entries(wrongBindings)) {
      await hands.create('ApiKeyBinding', `web/${name}`, binding(changes));
    }
    await hands.create('Persona', 'web/stated', persona({ content: text }));
    await hands.create(
      'Persona',
      'web/from-a-map',
      persona({ name: 'Other', content: undefined, contentFrom: { configMapKeyRef: { name: 'texts', key: 'text' } } }),
    );
    const operator = await startOperator({
      ...{ log: pino({ level: 'trace' }, { write: (line: string) => void log.push(line) }) },
      ...{ eventPatienceMs: 0, propagationMs: 500 },
    });
    await hands.untilReason('ApiKeyBinding', 'web/able', 'Ready');
    await hands.untilReason('Persona', 'web/from-a-map', 'Ready');
    const { password } = new URL(decode(await hands.find('Secret', 'web/chaperone-acme'), 'database-url'));
    planted.set("the organization's password of the database", decodeURIComponent(password));
    planted.set('the synthetic key', decode(await hands.find('Secret', 'web/able-synthetic-key'), 'api-key'));
    for (const [name, value] of Object.entries({ providerKey, otherKey, text, hash, webhookSecret, sharedSecret })) {
      planted.set(name, value);
    }
    // Edits, a deletion, a rotation, a database that is away, and an operator that starts again.
    await hands.change('Secret', 'web/openai', { stringData: { key: otherKey } });
    await hands.change('Persona', 'web/stated', { spec: { content: `${text}, and be brief` } });
    await hands.remove('Secret', 'web/able-synthetic-key');
    await hands.change('Organization', 'acme', {
      metadata: { annotations: { 'chaperone.dev/rotate-now': new Date().toISOString() } },
    });
    await until(async () => (await eventsOf()).includes('SyntheticKeyReplaced'), 'the key to be replaced');
    await operator.idle();
    await operator.stop();
    await (await startOperator()).idle();
  });

  const read = (path: string) => stage.client.send<Listed>({ method: 'GET', path });
  const eventsOf = async () => JSON.stringify(await read('/apis/events.k8s.io/v1/events'));

  test('are in no Event, status, metadata or log', async () => {
    assert.ok(planted.size >= 8, [...planted.keys()].join());
    assert.deepEqual(await findSecrets(planted, everything()), []);
  });

  test('what may be seen is found by the same search', async () => {
    const found = await findSecrets(new Map([['a reason', 'SyntheticKeyReplaced']]), everything());
    assert.ok(found.some(({ place }) => place.includes('events')));
  });

  async function* everything(): AsyncIterable<Leftover> {
    yield ["the operator's log", log.join('')];
    const core = ['configmaps', 'serviceaccounts', 'namespaces', 'pods'].map((plural) => `/api/v1/${plural}`);
    const own = customKinds.map((kind) => `/apis/chaperone.dev/v1alpha1/${customKindEntries[kind].plural}`);
    for (const path of [
      '/api/v1/events',
      '/apis/events.k8s.io/v1/events',
      '/apis/coordination.k8s.io/v1/leases',
      ...core,
      ...own,
    ]) {
      const { items } = await read(path);
      // What people have written themselves is theirs to keep.
      yield [path, JSON.stringify(items.map(({ spec: _, data: __, ...rest }) => rest))];
    }
    const { rows } = await stage.db.query<{ name: string }>(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname like 'chaperone%'`,
    );
    for (const { name } of rows) {
      const { rows: texts } = await stage.db.query<{ text: string }>(`select t::text as text from ${name} t`);
      yield [name, texts.map((row) => row.text).join('\n')];
    }
  }
});

const stated = {
  authentication: {
    accounts: [
      { user: 'vera', passwordHashRef: { name: 'people', key: 'vera' } },
      { user: 'otto', passwordHashRef: { name: 'people', key: 'nowhere' } },
    ],
    sharedSecretRef: { name: 'shared', key: 'secret' },
  },
  webhooks: [{ name: 'hook', url: 'https://hook.example.com/', secretRef: { name: 'hook', key: 'secret' } }],
};

/** Each is reported, and must not quote what it complains of. */
const wrongBindings: Readonly<Record<string, object>> = {
  'no-secret': { secretKeyRef: { name: 'nowhere', key: 'key' } },
  'no-key': { secretKeyRef: { name: 'openai', key: 'nowhere' } },
  'blank-key': { secretKeyRef: { name: 'openai', key: 'blank' } },
  competing: {},
  expired: { expiresAt: '2020-01-01T00:00:00Z' },
  'no-provider': { provider: 'nowhere' },
};
