import type { JsonValue } from '../../crds/definition.ts';
import type { JsonObject } from '../../crds/schema-node.ts';

type Case = readonly [
  title: string,
  changes: Readonly<Record<string, JsonValue | undefined>>,
  wrong?: readonly string[],
];

const rule = (changes: JsonObject) => ({ guardrails: [{ name: 'one', action: 'Block', ...changes }] });
const at = (field = '') => [`spec.guardrails[0]${field}`];

export const guardrailsOfOrganizations: readonly Case[] = [
  ['a guardrail on personal data', rule({ pii: {} })],
  ['a guardrail on some kinds', rule({ pii: { kinds: ['email', 'card'], phoneRegions: ['DE'] } })],
  ['a guardrail on an unknown kind', rule({ pii: { kinds: ['shoeSize'] } }), at('.pii.kinds[0]')],
  ['a guardrail on secrets', rule({ secrets: {} })],
  ['a guardrail on words', rule({ words: { words: ['Project Falcon'] } })],
  ['a guardrail on no words', rule({ words: { words: [] } }), at('.words.words')],
  ['a guardrail on patterns', rule({ patterns: { patterns: [{ name: 'ticket', pattern: 'T-[0-9]+' }] } })],
  ['a guardrail on injections', rule({ injection: {} })],
  ['a guardrail by moderation', rule({ moderation: { categories: ['violence*'], threshold: '0.5' } })],
  ['a threshold above 1', rule({ moderation: { threshold: '1.5' } }), at('.moderation.threshold')],
  ['a guardrail on size', rule({ size: { maxCharacters: 1000 } })],
  ['a guardrail on no size', rule({ size: {} }), at('.size')],
  ['a guardrail on the shape of answers', rule({ appliesTo: 'Output', schema: { schema: { type: 'object' } } })],
  ['a guardrail on the shape of calls', rule({ schema: { schema: { type: 'object' } } }), at('.appliesTo')],
  ['an external guardrail', rule({ external: { url: 'https://checks.acme.svc/v1?a=b', onError: 'Pass' } })],
  [
    'an external guardrail in a network',
    rule({ external: { url: 'http://[::1]:80', networks: ['10.0.0.0/8', '::1/128'] } }),
  ],
  ['an external guardrail without a scheme', rule({ external: { url: 'checks.acme.svc' } }), at('.external.url')],
  ['an external guardrail with a password', rule({ external: { url: 'http://a:b@c' } }), at('.external.url')],
  ['a network that is none', rule({ external: { url: 'http://a', networks: ['home'] } }), at('.external.networks[0]')],
  ['a guardrail without a detector', rule({}), at()],
  ['a guardrail with two detectors', rule({ pii: {}, secrets: {} }), at()],
  ['a guardrail without an action', { guardrails: [{ name: 'one', pii: {} }] }, at('.action')],
  ['a redaction that is restored', rule({ action: 'Redact', restore: true, pii: {} })],
  ['a block that is restored', rule({ restore: true, pii: {} }), at('.restore')],
  [
    'an output that is restored',
    rule({ action: 'Redact', appliesTo: 'Output', restore: true, pii: {} }),
    at('.restore'),
  ],
  ['a redaction of what is too long', rule({ action: 'Redact', size: { maxBytes: 9 } }), at('.action')],
  ['a guardrail that holds answers', rule({ action: 'Review', match: { operations: ['responses', 'chat'] }, pii: {} })],
  [
    'a guardrail that holds vectors',
    rule({ action: 'Review', match: { operations: ['chat', 'embeddings'] }, pii: {} }),
    at('.match.operations'),
  ],
  ['a guardrail for some calls', rule({ match: { models: ['gpt-5*'], workloads: ['shop/checkout'] }, pii: {} })],
  ['a guardrail for no operation', rule({ match: { operations: ['dance'] }, pii: {} }), at('.match.operations[0]')],
  [
    'two guardrails of one name',
    {
      guardrails: [
        { name: 'one', action: 'Block', pii: {} },
        { name: 'one', action: 'Block', secrets: {} },
      ],
    },
    ['spec.guardrails[1]'],
  ],
];
