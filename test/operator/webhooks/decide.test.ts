import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { readDefinition } from '../../../crds/definition.ts';
import type { OrganizationSpec } from '../../../crds/resources.generated.ts';
import { generateDataKeys, makeEnvelope } from '../../../database/envelope.ts';
import { resourceIdOf } from '../../../database/ids.ts';
import { webhookEvents } from '../../../database/webhook-events.ts';
import { openWebhookSecrets, signingSecretsOf } from '../../../database/webhook-secrets.ts';
import type { WebhookRow, WebhookWrite } from '../../../database/webhooks.ts';
import type { Secret } from '../../../operator/cluster/cluster.ts';
import { decideWebhooks } from '../../../operator/webhooks/decide.ts';
import { judgeWebhooks } from '../../../operator/webhooks/judge.ts';
import { type JudgedSecret, judgeWebhookSecret } from '../../../operator/webhooks/secret.ts';

type Stated = NonNullable<OrganizationSpec['webhooks']>[number];

const organizationId = randomUUID();
const dataKeys = generateDataKeys();
const envelope = makeEnvelope(dataKeys);
const webhookId = resourceIdOf(organizationId, 'Webhook', 'a');
const stated: Stated = {
  ...{ name: 'a', url: 'https://a.example', secretRef: { name: 's', key: 'k' }, active: true },
};
const first: JudgedSecret = { state: 'permitted', value: 'the-first-secret-1' };
const second: JudgedSecret = { state: 'permitted', value: 'the-second-secret-' };
const day = 86_400_000;

const decide = (secret: JudgedSecret, rows: readonly WebhookRow[], nowMs = 0, changes: Partial<Stated> = {}) =>
  decideWebhooks({ organizationId, webhooks: [{ stated: { ...stated, ...changes }, secret }], rows }, envelope, nowMs);

function rowOf(write: WebhookWrite | undefined): WebhookRow {
  assert.ok(write);
  const { name, url, events, secretsSealed, isActive } = write;
  return {
    ...{ webhookId: write.webhookId, resource: 'acme', name, url, events, secretsSealed, isActive },
    ...{ failingSince: null, disabledAt: null, reason: null, createdAt: new Date(0), updatedAt: new Date(0) },
  };
}

const secretsOf = ({ secretsSealed }: WebhookRow, nowMs: number) =>
  signingSecretsOf(openWebhookSecrets(envelope, { organizationId, webhookId }, secretsSealed), nowMs);

test('an equal row is not written; a changed one is', () => {
  const row = rowOf(decide(first, []).writes[0]);
  assert.deepEqual(secretsOf(row, 0), ['the-first-secret-1']);
  assert.deepEqual(decide(first, [row]), { writes: [], removals: [] });
  assert.equal(decide(first, [row], 0, { url: 'https://b.example' }).writes[0]?.url, 'https://b.example');
  assert.equal(decide(first, [row], 0, { active: false }).writes[0]?.isActive, false);
  assert.deepEqual(decide(first, [row], 0, { events: ['budget.warning', 'analysis.failed'] }).writes[0]?.events, [
    ...['analysis.failed', 'budget.warning'],
  ]);
});

test('a replaced secret signs for a day more', () => {
  const row = rowOf(decide(second, [rowOf(decide(first, []).writes[0])], 5).writes[0]);
  assert.deepEqual(secretsOf(row, day), ['the-second-secret-', 'the-first-secret-1']);
  assert.deepEqual(secretsOf(row, day + 6), ['the-second-secret-']);
});

test('a missing Secret keeps the former one; one that is not permitted stops the webhook', () => {
  const row = rowOf(decide(first, []).writes[0]);
  assert.deepEqual(decide({ state: 'missing' }, [row]).writes, []);
  assert.deepEqual(decide({ state: 'missing' }, []).writes, [], 'nothing is sent without a secret');
  assert.equal(decide({ state: 'not permitted' }, [row]).writes[0]?.isActive, false);
});

test('a new data key seals the secrets anew', () => {
  const row = rowOf(decide(first, []).writes[0]);
  const next = generateDataKeys();
  const keys = { current: next.current, keys: { ...dataKeys.keys, ...next.keys } };
  const turned = makeEnvelope(keys);
  const { writes } = decideWebhooks({ organizationId, webhooks: [{ stated, secret: first }], rows: [row] }, turned, 0);
  assert.ok(writes[0] && turned.isCurrent(writes[0].secretsSealed));
});

test('one that is not stated any more is removed', () => {
  const row = rowOf(decide(first, []).writes[0]);
  assert.deepEqual(decideWebhooks({ organizationId, webhooks: [], rows: [row] }, envelope, 0).removals, [webhookId]);
});

test('only a Secret with the label of the organization signs', () => {
  const secretOf = (value: string, labels: Record<string, string>): Secret => ({
    ...{ apiVersion: 'v1', kind: 'Secret' },
    ...{ metadata: { name: 's', namespace: 'n', uid: '1', labels } as never, data: { k: Buffer.from(value) } },
  });
  const label = { 'chaperone.dev/webhook-secret-of': 'acme' };
  const state = (secret: Secret | undefined) => judgeWebhookSecret(secret, 'k', 'acme').state;
  const value = 'a-secret-of-16-or-more';
  assert.equal(state(secretOf(`${value}\n`, label)), 'permitted');
  assert.equal(state(secretOf(value, { 'chaperone.dev/webhook-secret-of': 'other' })), 'not permitted');
  assert.equal(state(secretOf(value, { ...label, 'app.kubernetes.io/managed-by': 'chaperone' })), 'not permitted');
  assert.equal(state(secretOf('short', label)), 'unusable');
  assert.equal(state(undefined), 'missing');
});

test('the condition names what is wrong', () => {
  const judged = {
    ...{ organization: 'acme', operatorNamespace: 'chaperone-system', disabled: [], takenName: undefined },
    ...{ webhooks: [{ stated, secret: first }], hadCondition: false },
  };
  const reasonOf = (changes: Partial<Parameters<typeof judgeWebhooks>[0]>) =>
    judgeWebhooks({ ...judged, ...changes })?.reason;
  assert.equal(reasonOf({}), 'Deliverable');
  assert.equal(reasonOf({ webhooks: [] }), undefined);
  assert.equal(reasonOf({ webhooks: [], hadCondition: true }), 'Deliverable');
  assert.equal(reasonOf({ webhooks: [{ stated, secret: { state: 'missing' } }] }), 'WebhookSecretMissing');
  assert.equal(reasonOf({ webhooks: [{ stated, secret: { state: 'unusable' } }] }), 'WebhookSecretUnusable');
  assert.equal(reasonOf({ webhooks: [{ stated, secret: { state: 'not permitted' } }] }), 'WebhookSecretNotPermitted');
  assert.equal(reasonOf({ takenName: 'a' }), 'WebhookNameTaken');
  const disabled = { organizationId, name: 'b', disabledAt: new Date(0), reason: null };
  assert.equal(reasonOf({ webhooks: [], disabled: [disabled] }), 'WebhookDisabled');
});

test('the schema of the Organization has the same events', () => {
  const text = JSON.stringify(readDefinition('Organization'));
  assert.ok(text.includes(`"enum":${JSON.stringify(webhookEvents)}`));
});
