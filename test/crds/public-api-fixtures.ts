import type { JsonValue } from '../../crds/definition.ts';
import type { JsonObject } from '../../crds/schema-node.ts';

type Case = readonly [title: string, changes: Readonly<Record<string, JsonValue>>, wrong?: readonly string[]];

const since = '2026-01-12T00:00:00Z';
const deprecation = (fields: JsonObject) => ({ deprecations: [{ route: '/v1/completions', since, ...fields }] });
const key = (fields: JsonObject) => ({ apiKeys: [{ name: 'a', sha256: ['0'.repeat(64)], ...fields }] });
const at = (field: string) => [`spec.deprecations[0]${field}`];

export const publicApiOfOrganizations: readonly Case[] = [
  ['a limit of requests', { publicApi: { requestsPerHour: 5 } }],
  ['a limit of no requests', { publicApi: { requestsPerHour: 0 } }, ['spec.publicApi.requestsPerHour']],
  ['trusted proxies', { publicApi: { trustedProxies: ['10.0.0.0/8', 'fd00::/8'] } }],
  ['a trusted proxy that is none', { publicApi: { trustedProxies: ['lb'] } }, ['spec.publicApi.trustedProxies[0]']],
  ['a secret key', key({ type: 'Secret', roles: ['admin'] })],
  ['a public key', key({ type: 'Public', allowedOrigins: ['https://a.example.com'], visitorRequestsPerHour: 5 })],
  ['a public key for no page', key({ type: 'Public' }), ['spec.apiKeys[0].allowedOrigins']],
  [
    'a public key with roles',
    key({ type: 'Public', allowedOrigins: ['*'], roles: ['admin'] }),
    ['spec.apiKeys[0].roles'],
  ],
  ['a secret key for pages', key({ type: 'Secret', allowedOrigins: ['*'] }), ['spec.apiKeys[0].allowedOrigins']],
  ['a key in clear', key({ type: 'Secret', sha256: ['sk_secret'] }), ['spec.apiKeys[0].sha256[0]']],
  ['a deprecation', deprecation({})],
  ['a deprecated operation', deprecation({ route: 'DELETE /v1/personas/{id}', link: 'https://docs.example.com/a#b' })],
  ['everything below a path', deprecation({ route: '/api/v1/conversations/*' })],
  ['a deprecation with an end', deprecation({ sunset: '2027-01-12T00:00:00Z' })],
  ['a deprecation that ends before it begins', deprecation({ sunset: '2025-01-12T00:00:00Z' }), at('.sunset')],
  ['a deprecation of a URL', deprecation({ route: 'https://example.com/v1' }), at('.route')],
  ['a deprecation by an unknown method', deprecation({ route: 'FETCH /v1' }), at('.route')],
  ['a deprecation of a day', deprecation({ since: '2026-01-12' }), at('.since')],
  ['a deprecation without a time', { deprecations: [{ route: '/v1/completions' }] }, at('.since')],
  ['a link that would end the header', deprecation({ link: 'https://a>; rel="next"' }), at('.link')],
  [
    'two deprecations of one route',
    {
      deprecations: [
        { route: '/v1', since },
        { route: '/v1', since },
      ],
    },
    ['spec.deprecations[1]'],
  ],
];
