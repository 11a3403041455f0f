import type { JsonValue } from '../../crds/definition.ts';
import type { JsonObject } from '../../crds/schema-node.ts';

type Case = readonly [title: string, changes: Readonly<Record<string, JsonValue>>, wrong?: readonly string[]];

const named = { name: 'a', url: 'https://hooks.example.com/a?b=c', secretRef: { name: 's', key: 'k' } };
const webhook = (fields: JsonObject) => ({ webhooks: [{ ...named, ...fields }] });
const at = (field: string) => [`spec.webhooks[0]${field}`];

export const webhooksOfOrganizations: readonly Case[] = [
  ['a webhook', webhook({})],
  ['a webhook for some events', webhook({ events: ['budget.warning', 'analysis.failed'], active: false })],
  ['a webhook for no event', webhook({ events: [] }), at('.events')],
  ['a webhook for an unknown event', webhook({ events: ['budget.spent'] }), at('.events[0]')],
  ['a webhook with a user in its URL', webhook({ url: 'https://ada:secret@hooks.example.com' }), at('.url')],
  ['a webhook with a fragment', webhook({ url: 'https://hooks.example.com/#a' }), at('.url')],
  ['a webhook by another protocol', webhook({ url: 'ftp://hooks.example.com' }), at('.url')],
  ['a webhook without a secret', { webhooks: [{ name: 'a', url: 'https://a' }] }, at('.secretRef')],
  ['two webhooks of one name', { webhooks: [named, named] }, ['spec.webhooks[1]']],
  ['networks of webhooks', { webhookNetworks: ['10.0.0.0/8', 'fd00::/8'] }],
  ['a network of webhooks that is none', { webhookNetworks: ['home'] }, ['spec.webhookNetworks[0]']],
];
