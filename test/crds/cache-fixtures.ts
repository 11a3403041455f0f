import type { JsonValue } from '../../crds/definition.ts';
import type { JsonObject } from '../../crds/schema-node.ts';

type Case = readonly [title: string, changes: Readonly<Record<string, JsonValue>>, wrong?: readonly string[]];

const cache = (fields: JsonObject) => ({ cache: fields });

export const cachesOfOrganizations: readonly Case[] = [
  ['a cache', cache({})],
  ['a cache for everyone', cache({ scope: 'Organization', ttl: '24h', maxBytes: 1073741824, maxEntryBytes: 4096 })],
  ['a cache for the world', cache({ scope: 'World' }), ['spec.cache.scope']],
  ['a cache that lasts no second', cache({ ttl: '999ms' }), ['spec.cache.ttl']],
  ['a cache that lasts for years', cache({ ttl: '8761h' }), ['spec.cache.ttl']],
  ['a cache that is too small', cache({ maxBytes: 1048575, maxEntryBytes: 4096 }), ['spec.cache.maxBytes']],
  ['an answer that is too small', cache({ maxEntryBytes: 1023 }), ['spec.cache.maxEntryBytes']],
  ['an answer that is larger than its cache', cache({ maxBytes: 1048576, maxEntryBytes: 1048577 }), ['spec.cache']],
  [
    'a cache for some calls',
    cache({ match: { models: ['gpt-5*'], operations: ['chat'], users: ['a*'], workloads: ['shop/checkout'] } }),
  ],
  ['a cache for batches', cache({ match: { operations: ['batches'] } }), ['spec.cache.match.operations[0]']],
];
