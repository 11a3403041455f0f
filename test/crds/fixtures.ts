import type { Assigned } from '../../crds/assigned.ts';
import type { CustomKind, JsonValue } from '../../crds/definition.ts';
import type { JsonObject } from '../../crds/schema-node.ts';
import { cachesOfOrganizations } from './cache-fixtures.ts';
import { guardrailsOfOrganizations } from './guardrail-fixtures.ts';
import { limitsOfBindings, limitsOfOrganizations } from './limit-fixtures.ts';
import { modelsOfOrganizations } from './model-fixtures.ts';
import { observabilityOfOrganizations } from './observability-fixtures.ts';
import { publicApiOfOrganizations } from './public-api-fixtures.ts';
import { webhooksOfOrganizations } from './webhook-fixtures.ts';

/** An object, and the fields that are wrong with it. */
export interface Fixture {
  readonly title: string;
  readonly kind: CustomKind;
  readonly object: JsonObject;
  /** The object that it replaces. */
  readonly old?: JsonObject;
  /** Fields with a problem, in any order; none where the object is valid. */
  readonly wrong: readonly string[];
}

const minimalSpecs: Readonly<Record<CustomKind, JsonObject>> = {
  Organization: { namespaceSelector: {}, providers: [{ name: 'openai', type: 'openai' }] },
  Persona: { organizationRef: { name: 'acme' }, name: 'Support', content: 'Help.' },
  ApiKeyBinding: {
    organizationRef: { name: 'acme' },
    provider: 'openai',
    secretKeyRef: { name: 'openai', key: 'key' },
  },
  AnalysisConfig: {
    organizationRef: { name: 'acme' },
    name: 'Intent',
    config: { analysis_type: 'intent', categories: [{ name: 'billing' }] },
  },
};

export const assigned: Assigned = {
  metadata: { uid: 'a', generation: 1, creationTimestamp: '2026-01-01T00:00:00Z' },
};

/** An object with only what its kind requires, changed by the given fields of its spec; `undefined` removes one. */
export function example(kind: CustomKind, changes: Readonly<Record<string, JsonValue | undefined>> = {}): JsonObject {
  const spec = Object.entries({ ...minimalSpecs[kind], ...changes });
  return {
    apiVersion: 'chaperone.dev/v1alpha1',
    kind,
    metadata: { name: 'example', ...(kind !== 'Organization' && { namespace: 'default' }) },
    spec: Object.fromEntries(spec.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))),
  };
}

type Case = readonly [
  title: string,
  changes: Readonly<Record<string, JsonValue | undefined>>,
  wrong?: readonly string[],
];

function cases(kind: CustomKind, table: readonly Case[]): readonly Fixture[] {
  return table.map(([title, changes, wrong = []]) => ({ title, kind, object: example(kind, changes), wrong }));
}

const texts = (count: number) => Array.from({ length: count }, (_, index) => `item-${index}`);

function provider(changes: JsonObject): Readonly<Record<string, JsonValue>> {
  return { providers: [{ name: 'one', type: 'openai', ...changes }] };
}

function azure(changes: JsonObject): Readonly<Record<string, JsonValue>> {
  return provider({ type: 'azure', baseUrl: 'https://acme.openai.azure.com', ...changes });
}

function issuer(changes: JsonObject): Readonly<Record<string, JsonValue>> {
  const whole = { issuer: 'https://id.example.com', audiences: ['chaperone'], jwksUri: 'https://id.example.com/jwks' };
  return { authentication: { issuers: [{ ...whole, ...changes }] } };
}

function price(changes: JsonObject): Readonly<Record<string, JsonValue>> {
  return { prices: [{ model: 'gpt-4o', inputPerMillion: '2.5', outputPerMillion: '10', ...changes }] };
}

function selector(expression: JsonObject): Readonly<Record<string, JsonValue>> {
  return { namespaceSelector: { matchExpressions: [{ key: 'team', ...expression }] } };
}

function template(template: JsonObject): Readonly<Record<string, JsonValue | undefined>> {
  return { config: undefined, template };
}

function analysis(changes: JsonObject): Readonly<Record<string, JsonValue>> {
  return { config: { analysis_type: 'intent', categories: [{ name: 'billing' }], ...changes } };
}

function sharing(changes: JsonObject): Readonly<Record<string, JsonValue>> {
  return { sharing: [{ namespace: 'platform', ...changes }] };
}

const ofAnn = { name: 'people', key: 'ann' };
const account = 'spec.authentication.accounts[0]';

const organizations = cases('Organization', [
  ['the least there can be', {}],
  ['an unknown field', { limits: {} }, ['spec.limits']],
  ['an unknown field of a provider', provider({ colour: 'red' }), ['spec.providers[0].colour']],
  ['no selector', { namespaceSelector: undefined }, ['spec.namespaceSelector']],
  ['a selector of null', { namespaceSelector: null }, ['spec.namespaceSelector']],
  ['labels', { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'default', team: '' } } }],
  ['a label of null', { namespaceSelector: { matchLabels: { team: null, tier: 'one' } } }],
  [
    'a label that is a number',
    { namespaceSelector: { matchLabels: { team: 1 } } },
    ['spec.namespaceSelector.matchLabels.team'],
  ],
  ['In with values', selector({ operator: 'In', values: ['a'] })],
  ['In without values', selector({ operator: 'In' }), ['spec.namespaceSelector.matchExpressions[0]']],
  ['NotIn with no values', selector({ operator: 'NotIn', values: [] }), ['spec.namespaceSelector.matchExpressions[0]']],
  ['Exists', selector({ operator: 'Exists' })],
  ['Exists with empty values', selector({ operator: 'Exists', values: [] })],
  [
    'Exists with values',
    selector({ operator: 'Exists', values: ['a'] }),
    ['spec.namespaceSelector.matchExpressions[0]'],
  ],
  [
    'an unknown operator',
    selector({ operator: 'Like', values: ['a'] }),
    ['spec.namespaceSelector.matchExpressions[0].operator'],
  ],
  ['no sharing', { sharing: [] }],
  ['sharing of everything', sharing({})],
  ['sharing of one kind', sharing({ resources: ['Persona'] })],
  ['sharing of no kind', sharing({ resources: [] }), ['spec.sharing[0].resources']],
  ['sharing of an unknown kind', sharing({ resources: ['Secret'] }), ['spec.sharing[0].resources[0]']],
  ['sharing with users', sharing({ users: ['*@example.com', 'ada'] })],
  ['sharing with a blank user', sharing({ users: [' '] }), ['spec.sharing[0].users[0]']],
  [
    'sharing with users and without bindings',
    sharing({ resources: ['Persona'], users: ['ada'] }),
    ['spec.sharing[0].users'],
  ],
  ['sharing with no users and without bindings', sharing({ resources: ['Persona'], users: [] })],
  ['sharing of no namespace', { sharing: [{}] }, ['spec.sharing[0].namespace']],
  ['sharing of what is no namespace', sharing({ namespace: 'Platform' }), ['spec.sharing[0].namespace']],
  ['sharing of one namespace twice', { sharing: [{ namespace: 'a' }, { namespace: 'a' }] }, ['spec.sharing[1]']],
  ['an empty display name', { displayName: '' }, ['spec.displayName']],
  ['a display name of 200 characters outside the BMP', { displayName: '\u{1F980}'.repeat(200) }],
  ['a display name of 201', { displayName: 'x'.repeat(201) }, ['spec.displayName']],
  ['no providers', { providers: [] }, ['spec.providers']],
  ['33 providers', { providers: texts(33).map((name) => ({ name, type: 'openai' })) }, ['spec.providers']],
  ['providers that are an object', { providers: {} }, ['spec.providers']],
  [
    'two providers of one name',
    {
      providers: [
        { name: 'one', type: 'openai' },
        { name: 'one', type: 'openai' },
      ],
    },
    ['spec.providers[1]'],
  ],
  ['a provider without a name', { providers: [{ type: 'openai' }] }, ['spec.providers[0].name']],
  ['a provider named in capitals', provider({ name: 'OpenAI' }), ['spec.providers[0].name']],
  ['a provider with a long name', provider({ name: 'x'.repeat(64) }), ['spec.providers[0].name']],
  ['a provider of an unknown type', provider({ type: 'cohere' }), ['spec.providers[0].type']],
  ['a compatible provider without an address', provider({ type: 'compatible' }), ['spec.providers[0].baseUrl']],
  ['an azure provider without an address', provider({ type: 'azure' }), ['spec.providers[0].baseUrl']],
  ['an azure provider', azure({})],
  ['a dated version of Azure', azure({ apiVersion: '2025-04-01-preview', entra: {} })],
  ['a preview of Azure’s v1 API', azure({ apiVersion: 'preview', entra: { tokenFile: '/run/azure/token' } })],
  ['an API version of OpenAI', provider({ apiVersion: '2024-10-21' }), ['spec.providers[0].apiVersion']],
  ['Entra tokens for OpenAI', provider({ entra: {} }), ['spec.providers[0].entra']],
  ['an API version that is none', azure({ apiVersion: 'v1' }), ['spec.providers[0].apiVersion']],
  ['a token file without a path', azure({ entra: { tokenFile: 'token' } }), ['spec.providers[0].entra.tokenFile']],
  ['a token in place of its file', azure({ entra: { token: 'secret' } }), ['spec.providers[0].entra.token']],
  ['a compatible provider', provider({ type: 'compatible', baseUrl: 'http://vllm.models:8000/v1' })],
  ['an IPv6 address', provider({ baseUrl: 'http://[::1]:8000/v1' })],
  ['an address without a path', provider({ baseUrl: 'https://api.openai.com' })],
  ['an address of another scheme', provider({ baseUrl: 'ftp://example.com' }), ['spec.providers[0].baseUrl']],
  ['an address with a query', provider({ baseUrl: 'https://example.com/v1?a=b' }), ['spec.providers[0].baseUrl']],
  ['an address with a password', provider({ baseUrl: 'https://me:secret@example.com' }), ['spec.providers[0].baseUrl']],
  ['an address with a space', provider({ baseUrl: 'https://example.com/a b' }), ['spec.providers[0].baseUrl']],
  ['one timeout', provider({ timeouts: { idle: '1m30s' } })],
  ['timeouts of null', provider({ timeouts: null })],
  [
    'a timeout of nothing',
    provider({ timeouts: { idle: '0s', headers: '0h0ms' } }),
    ['spec.providers[0].timeouts.idle', 'spec.providers[0].timeouts.headers'],
  ],
  ['a timeout without a unit', provider({ timeouts: { headers: '600' } }), ['spec.providers[0].timeouts.headers']],
  ['a timeout that is a number', provider({ timeouts: { headers: 600 } }), ['spec.providers[0].timeouts.headers']],
  ['tokens of a short life', { authentication: { tokenLifetime: '59s' } }, ['spec.authentication.tokenLifetime']],
  ['tokens of a minute', { authentication: { tokenLifetime: '59s1000ms' } }],
  ['tokens of days', { authentication: { tokenLifetime: '30d' } }, ['spec.authentication.tokenLifetime']],
  ['authentication of null', { authentication: null }],
  ['users that are optional', { authentication: { requireUser: false } }],
  ['a shared secret', { authentication: { sharedSecretRef: { name: 'old', key: 'hs256' } } }],
  [
    'a shared secret without a key',
    { authentication: { sharedSecretRef: { name: 'old' } } },
    ['spec.authentication.sharedSecretRef.key'],
  ],
  ['an issuer', issuer({})],
  ['an issuer with another user claim', issuer({ userClaim: 'email' })],
  ['an issuer that is no address', issuer({ issuer: 'id.example.com' }), ['spec.authentication.issuers[0].issuer']],
  ['an issuer without audiences', issuer({ audiences: [] }), ['spec.authentication.issuers[0].audiences']],
  [
    'an issuer with an audience twice',
    issuer({ audiences: ['a', 'a'] }),
    ['spec.authentication.issuers[0].audiences[1]'],
  ],
  ['an issuer without keys', issuer({ jwksUri: null }), ['spec.authentication.issuers[0].jwksUri']],
  ['models', { models: { allow: ['gpt-4o*'], deny: ['gpt-4o-audio*'] } }],
  ['no allowed model', { models: { allow: [] } }, ['spec.models.allow']],
  ['a model twice', { models: { allow: ['a', 'b', 'a'] } }, ['spec.models.allow[2]']],
  ['a model of null', { models: { deny: [null] } }, ['spec.models.deny[0]']],
  ['many models', { models: { deny: texts(257) } }, ['spec.models.deny']],
  ['a price', price({})],
  ['a price with all its parts', price({ cachedInputPerMillion: '0.0000000001', cacheWritePerMillion: '3' })],
  [
    'a price by tokens of each kind',
    price({
      audioInputPerMillion: '6',
      imageInputPerMillion: '10',
      audioOutputPerMillion: '64',
      imageOutputPerMillion: '40',
    }),
  ],
  ['a price by characters', { prices: [{ model: 'tts-1', charactersPerMillion: '15' }] }],
  ['a price by the minute', { prices: [{ model: 'whisper-1', audioPerMinute: '0.006' }] }],
  [
    'prices by the image',
    {
      prices: [{ model: 'dall-e-3', images: [{ size: '1024x1024', quality: 'hd', price: '0.08' }, { price: '0.04' }] }],
    },
  ],
  ['fees of tools alone', { prices: [{ model: 'gpt-4o', toolCalls: [{ type: 'code_interpreter', price: '0.03' }] }] }],
  [
    'a tool without a fee',
    { prices: [{ model: 'a', toolCalls: [{ type: 'b' }] }] },
    ['spec.prices[0].toolCalls[0].price'],
  ],
  [
    'a tool by a name that is none',
    { prices: [{ model: 'a', toolCalls: [{ type: 'Web Search', price: '1' }] }] },
    ['spec.prices[0].toolCalls[0].type'],
  ],
  [
    'two fees of one tool',
    {
      prices: [
        {
          model: 'a',
          toolCalls: [
            { type: 'b', price: '1' },
            { type: 'b', price: '2' },
          ],
        },
      ],
    },
    ['spec.prices[0].toolCalls[1]'],
  ],
  ['fees of no tool', { prices: [{ model: 'a', toolCalls: [] }] }, ['spec.prices[0].toolCalls']],
  [
    'an image without a price',
    { prices: [{ model: 'a', images: [{ size: 'b' }] }] },
    ['spec.prices[0].images[0].price'],
  ],
  ['prices of no image', { prices: [{ model: 'a', images: [] }] }, ['spec.prices[0].images']],
  ['a model without a price', { prices: [{ model: 'a' }] }, ['spec.prices[0]']],
  ['a price of input alone', { prices: [{ model: 'a', inputPerMillion: '1' }] }, ['spec.prices[0]']],
  ['a price with 11 decimals', price({ inputPerMillion: '0.00000000001' }), ['spec.prices[0].inputPerMillion']],
  ['a price in exponents', price({ inputPerMillion: '1e3' }), ['spec.prices[0].inputPerMillion']],
  ['a price below nothing', price({ outputPerMillion: '-1' }), ['spec.prices[0].outputPerMillion']],
  ['a price with a point at its end', price({ outputPerMillion: '1.' }), ['spec.prices[0].outputPerMillion']],
  ['a price that is a number', price({ outputPerMillion: 10 }), ['spec.prices[0].outputPerMillion']],
  [
    'two prices of a model',
    { prices: [0, 1].map(() => ({ model: 'a', inputPerMillion: '1', outputPerMillion: '1' })) },
    ['spec.prices[1]'],
  ],
  ['simple responses', { responseFormat: 'Simple' }],
  ['a response format that is none', { responseFormat: 'simple' }, ['spec.responseFormat']],
  ['the surfaces that are served', { surfaces: ['responses', 'audio', 'vectorStores'] }],
  ['no surface', { surfaces: [] }, ['spec.surfaces']],
  ['a surface twice', { surfaces: ['chat', 'chat'] }, ['spec.surfaces[1]']],
  ['a surface that is none', { surfaces: ['chat', 'vector_stores'] }, ['spec.surfaces[1]']],
  ['contents that are not kept', { storage: { contents: 'None' } }],
  ['contents kept in part', { storage: { contents: 'Some' } }, ['spec.storage.contents']],
  ['calls that are kept for a quarter', { storage: { retention: '2160h' } }],
  ['calls that are kept for an hour', { storage: { retention: '1h' } }, ['spec.storage.retention']],
  ['calls that are kept for ever', { storage: { retention: 'always' } }, ['spec.storage.retention']],
  ['analyses that are kept for a day', { storage: { analysisLifetime: '24h' } }],
  ['analyses kept for ever', { storage: { analysisLifetime: 'always' } }, ['spec.storage.analysisLifetime']],
  ['vectors of passages', { knowledgeBase: { embedding: { model: 'a' } } }],
  [
    'articles that are found by short vectors alone',
    { storage: { searchable: false }, knowledgeBase: { embedding: { model: 'a', dimensions: 16 } } },
  ],
  ['articles of namespaces', { knowledgeBase: { namespaces: ['docs'] } }],
  [
    'articles of one namespace twice',
    { knowledgeBase: { namespaces: ['a', 'a'] } },
    ['spec.knowledgeBase.namespaces[1]'],
  ],
  ['articles that nothing finds', { storage: { searchable: false } }, ['spec']],
  ['articles that nothing finds either', { storage: { searchable: false }, knowledgeBase: {} }, ['spec']],
  ['vectors of no model', { knowledgeBase: { embedding: {} } }, ['spec.knowledgeBase.embedding.model']],
  [
    'vectors of few numbers',
    { knowledgeBase: { embedding: { model: 'a', dimensions: 15 } } },
    ['spec.knowledgeBase.embedding.dimensions'],
  ],
  ['analyses hardly kept', { storage: { analysisLifetime: '59s' } }, ['spec.storage.analysisLifetime']],
  ['roles', { authentication: { defaultRoles: ['member', 'analyst'], bindingRoles: ['reviewer'] } }],
  ['no roles', { authentication: { defaultRoles: [] } }, ['spec.authentication.defaultRoles']],
  ['users of workloads', { authentication: { workloadUsers: ['system:serviceaccount:{namespace}:*', 'carol'] } }],
  ['no users of workloads', { authentication: { workloadUsers: [] } }],
  [
    'a user of workloads that is blank',
    { authentication: { workloadUsers: [' '] } },
    ['spec.authentication.workloadUsers[0]'],
  ],
  [
    'a user of workloads twice',
    { authentication: { workloadUsers: ['a', 'a'] } },
    ['spec.authentication.workloadUsers[1]'],
  ],
  ['a role that is none', { authentication: { bindingRoles: ['root'] } }, ['spec.authentication.bindingRoles[0]']],
  ['clocks that agree', { authentication: { leeway: '0s' } }],
  ['clocks that are far apart', { authentication: { leeway: '301s' } }, ['spec.authentication.leeway']],
  ['service accounts', { authentication: { serviceAccounts: {} } }],
  ['service accounts for an audience', { authentication: { serviceAccounts: { audience: 'ours' } } }],
  [
    'service accounts for nobody',
    { authentication: { serviceAccounts: { audience: '' } } },
    ['spec.authentication.serviceAccounts.audience'],
  ],
  [
    'an account',
    { authentication: { accounts: [{ user: 'ann@example.com', roles: ['analyst'], passwordHashRef: ofAnn }] } },
  ],
  ['an account without a hash', { authentication: { accounts: [{ user: 'ann' }] } }, [`${account}.passwordHashRef`]],
  [
    'an account with a blank name',
    { authentication: { accounts: [{ user: ' ann', passwordHashRef: ofAnn }] } },
    [`${account}.user`],
  ],
  [
    'an account with no role',
    { authentication: { accounts: [{ user: 'ann', roles: [], passwordHashRef: ofAnn }] } },
    [`${account}.roles`],
  ],
  [
    'two accounts of one name',
    {
      authentication: {
        accounts: [
          { user: 'ann', passwordHashRef: ofAnn },
          { user: 'ann', passwordHashRef: ofAnn },
        ],
      },
    },
    ['spec.authentication.accounts[1]'],
  ],
  ['logins for some time', { authentication: { logins: { tokenLifetime: '15m', sessionLifetime: '720h' } } }],
  [
    'logins for a moment',
    { authentication: { logins: { tokenLifetime: '59s' } } },
    ['spec.authentication.logins.tokenLifetime'],
  ],
  [
    'logins for ever',
    { authentication: { logins: { sessionLifetime: '721h' } } },
    ['spec.authentication.logins.sessionLifetime'],
  ],
  ...limitsOfOrganizations,
  ...guardrailsOfOrganizations,
  ...cachesOfOrganizations,
  ...observabilityOfOrganizations,
  ...webhooksOfOrganizations,
  ...publicApiOfOrganizations,
  ...modelsOfOrganizations,
  [
    'pages of some origins',
    { cors: { origins: ['https://app.example.com', 'http://localhost:3000', 'http://[::1]:8'] } },
  ],
  ['pages below a domain, and of an app', { cors: { origins: ['https://*.example.com:8443', 'tauri://localhost'] } }],
  ['pages of every origin', { cors: { origins: ['*'] } }],
  ['pages of no origin', { cors: { origins: [] } }, ['spec.cors.origins']],
  ['pages of nobody knows which origins', { cors: {} }, ['spec.cors.origins']],
  ['an origin with a path', { cors: { origins: ['https://example.com/'] } }, ['spec.cors.origins[0]']],
  ['an origin without a scheme', { cors: { origins: ['example.com'] } }, ['spec.cors.origins[0]']],
  ['an origin in capitals', { cors: { origins: ['https://Example.com'] } }, ['spec.cors.origins[0]']],
  ['an origin with a star in its middle', { cors: { origins: ['https://a.*.com'] } }, ['spec.cors.origins[0]']],
  ['an origin twice', { cors: { origins: ['https://a.com', 'https://a.com'] } }, ['spec.cors.origins[1]']],
  ['sessions of three origins', { sessions: { inferFrom: ['PreviousResponse', 'Conversation', 'ClientSession'] } }],
  ['sessions of no origin', { sessions: { inferFrom: [] } }, ['spec.sessions.inferFrom']],
  ['sessions of an unknown origin', { sessions: { inferFrom: ['Cookie'] } }, ['spec.sessions.inferFrom[0]']],
  ['sessions that are soon over', { sessions: { idleTimeout: '90s' } }],
  ['sessions that are over when somebody likes', { sessions: { idleTimeout: 'later' } }, ['spec.sessions.idleTimeout']],
  ['connections to the database', { database: { connections: 50 } }],
  ['a database of which nothing is said', { database: {} }],
  ['too few connections for one proxy', { database: { connections: 1 } }, ['spec.database.connections']],
  ['connections as a text', { database: { connections: '50' } }, ['spec.database.connections']],
  [
    'a gateway with all that it can have',
    {
      gateway: {
        replicas: 2,
        maxReplicas: 5,
        targetCpuPercent: 50,
        namespaces: ['web'],
        tls: { secretName: 'acme-tls' },
        service: { type: 'LoadBalancer', port: 443, annotations: { 'example.com/scheme': 'internal' } },
        resources: { requests: { cpu: '250m' }, limits: { memory: '1Gi' } },
      },
    },
  ],
  ['a gateway of which nothing is said', { gateway: {} }],
  [
    'a gateway of fewer pods at most than at least',
    { gateway: { replicas: 3, maxReplicas: 2 } },
    ['spec.gateway.maxReplicas'],
  ],
  ['a gateway without pods', { gateway: { replicas: 0 } }, ['spec.gateway.replicas']],
  [
    'a gateway with a quantity that is none',
    { gateway: { resources: { requests: { cpu: 'a lot' } } } },
    ['spec.gateway.resources.requests.cpu'],
  ],
  [
    'training with all that it can have',
    {
      training: {
        namespace: 'acme-training',
        modelStore: 's3://acme-models/',
        dataStores: ['s3://acme-data/sentiment/', 'pvc://datasets/'],
        s3: { endpoint: 'http://minio.storage.svc:9000', region: 'eu-central-1', secretName: 's3' },
        trainers: [
          {
            baseModel: 'lora',
            image: 'trainer:1',
            command: ['torchrun'],
            serving: { image: 'vllm:1', command: ['serve'] },
          },
        ],
        instanceTypes: [
          {
            name: 'ml.g4dn.xlarge',
            nodeSelector: { gpu: 'yes' },
            resources: { requests: { cpu: '1' }, limits: { 'nvidia.com/gpu': '1' } },
          },
        ],
        ...{ maxJobs: 3, maxInstances: 4, maxDeployments: 2, maxReplicas: 5, kubeflowRuntime: 'torch-distributed' },
      },
    },
  ],
  [
    'training without a place',
    { training: { modelStore: 's3://m/', instanceTypes: [{ name: 'a' }] } },
    ['spec.training.namespace'],
  ],
  [
    'training of models that go to no folder',
    { training: { namespace: 'a', modelStore: 's3://acme-models/x', instanceTypes: [{ name: 'a' }] } },
    ['spec.training.modelStore'],
  ],
  ['sidecars that are rolled', { sidecars: { rollout: 'Roll' } }],
  ['sidecars of which nothing is said', { sidecars: {} }],
  ['sidecars that are forgotten', { sidecars: { rollout: 'Ignore' } }, ['spec.sidecars.rollout']],
  ['data that goes', { deletionPolicy: 'Delete' }],
  ['data that is archived', { deletionPolicy: 'Archive' }, ['spec.deletionPolicy']],
  ['several problems', { displayName: '', deletionPolicy: '' }, ['spec.displayName', 'spec.deletionPolicy']],
]);

const personas = cases('Persona', [
  ['the least there can be', {}],
  ['no organization', { organizationRef: undefined }, ['spec.organizationRef']],
  ['no name', { name: undefined }, ['spec.name']],
  ['an empty name', { name: '' }, ['spec.name']],
  ['a blank name', { name: ' \t' }, ['spec.name']],
  ['a long name', { name: 'x'.repeat(201) }, ['spec.name']],
  ['empty content', { content: '' }, ['spec.content']],
  ['the longest content', { content: 'ü'.repeat(100_000) }],
  ['longer content', { content: 'x'.repeat(100_001) }, ['spec.content']],
  ['no content', { content: undefined }, ['spec']],
  ['content of null', { content: null }, ['spec']],
  ['content from a ConfigMap', { content: undefined, contentFrom: { configMapKeyRef: { name: 'a', key: 'b' } } }],
  ['content from nowhere', { content: undefined, contentFrom: {} }, ['spec.contentFrom.configMapKeyRef']],
  ['content twice', { contentFrom: { configMapKeyRef: { name: 'a', key: 'b' } } }, ['spec']],
  ['users', { users: ['alice@example.com', 'bob'] }],
  ['a user twice', { users: ['alice', 'alice'] }, ['spec.users[1]']],
  ['an empty user', { users: [''] }, ['spec.users[0]']],
  ['users of one character and of several words', { users: ['a', 'Ada Lovelace'] }],
  ['a user with blanks around', { users: ['alice', ' bob'] }, ['spec.users[1]']],
  ['a user of two lines', { users: ['a\nb'] }, ['spec.users[0]']],
  ['a long user', { users: ['x'.repeat(256)] }, ['spec.users[0]']],
  ['1000 users', { users: texts(1000) }],
  ['1001 users', { users: texts(1001) }, ['spec.users']],
  ['an empty model', { model: '' }, ['spec.model']],
  ['parameters', { parameters: { temperature: 0.2, metadata: { team: null }, stop: ['a', null], seed: null } }],
  ['parameters that name the model', { parameters: { model: 'gpt-4o' } }, ['spec.parameters']],
  ['parameters that name a persona', { parameters: { persona_id: null, top_p: 1 } }, ['spec.parameters']],
  ['parameters that the operator refuses', { parameters: { background: true, conversation: 'conv_1' } }],
  ['parameters with tools', { parameters: { tools: [{ type: 'web_search' }] } }],
  ['parameters that are a list', { parameters: [] }, ['spec.parameters']],
  ['parameters at their bounds', { parameters: { temperature: 2, top_p: 0, presence_penalty: -2, n: 1, seed: -7 } }],
  [
    'parameters nobody knows',
    { parameters: { top_k: 'many', guided: { temperature: 'hot' }, repetition_penalty: [] } },
  ],
  ['parameters in words of tomorrow', { parameters: { reasoning: { effort: 'utmost', depth: 3 }, verbosity: 'epic' } }],
  ['parameters of several types', { parameters: { stop: ['a', 'b'], tool_choice: { type: 'web_search' } } }],
  ['parameters of null', { parameters: { temperature: null, reasoning: { effort: null } } }],
  ...(
    [
      ['temperature', 'hot'],
      ['temperature', 2.1],
      ['temperature', -0.1],
      ['top_p', 1.5],
      ['max_output_tokens', 0],
      ['max_completion_tokens', 1.5],
      ['max_tokens', '100'],
      ['max_tool_calls', -1],
      ['presence_penalty', 3],
      ['frequency_penalty', -3],
      ['seed', 'lucky'],
      ['n', 0],
      ['logprobs', 'yes'],
      ['top_logprobs', 21],
      ['reasoning', 'high'],
      ['reasoning_effort', 3],
      ['verbosity', ''],
      ['text', 'plain'],
      ['service_tier', true],
      ['store', 'no'],
      ['truncation', 'perhaps'],
      ['tools', {}],
      ['parallel_tool_calls', 1],
      ['metadata', 'team'],
      ['include', 'usage'],
    ] as const
  ).map(
    ([name, value]): Case => [
      `${name} of ${JSON.stringify(value)}`,
      { parameters: { [name]: value } },
      [`spec.parameters.${name}`],
    ],
  ),
  ['an effort of 3', { parameters: { reasoning: { effort: 3 } } }, ['spec.parameters.reasoning.effort']],
  ['a bias of 101', { parameters: { logit_bias: { 50256: 101 } } }, ['spec.parameters.logit_bias.50256']],
  ['a tool in words', { parameters: { tools: ['web_search'] } }, ['spec.parameters.tools[0]']],
  ['not active', { active: false }],
  ['active in words', { active: 'yes' }, ['spec.active']],
]);

const apiKeyBindings = cases('ApiKeyBinding', [
  ['the least there can be', {}],
  ['no provider', { provider: undefined }, ['spec.provider']],
  ['a provider that can not be', { provider: '-' }, ['spec.provider']],
  ['no secret', { secretKeyRef: undefined }, ['spec.secretKeyRef']],
  ['a secret without a key', { secretKeyRef: { name: 'openai' } }, ['spec.secretKeyRef.key']],
  ['a user', { user: 'alice@example.com' }],
  ['an empty user', { user: '' }, ['spec.user']],
  ['a user with blanks around', { user: 'alice ' }, ['spec.user']],
  ['models', { models: ['gpt-*'] }],
  ['no models', { models: [] }, ['spec.models']],
  ['roles', { roles: ['member', 'admin'] }],
  ['no roles', { roles: [] }, ['spec.roles']],
  ['a role that is none', { roles: ['owner'] }, ['spec.roles[0]']],
  ['an end in UTC', { expiresAt: '2027-01-31T23:59:59Z' }],
  ['an end with an offset and a fraction', { expiresAt: '2027-01-31T23:59:59.123+02:00' }],
  ['an end without an offset', { expiresAt: '2027-01-31T23:59:59' }, ['spec.expiresAt']],
  ['an end with a space', { expiresAt: '2027-01-31 23:59:59Z' }, ['spec.expiresAt']],
  ['an end that is a day', { expiresAt: '2027-01-31' }, ['spec.expiresAt']],
  ['an end in no month', { expiresAt: '2027-13-01T00:00:00Z' }, ['spec.expiresAt']],
  ['an end on no day', { expiresAt: '2027-02-30T00:00:00Z' }, ['spec.expiresAt']],
  ['an end at no hour', { expiresAt: '2027-01-01T25:00:00Z' }, ['spec.expiresAt']],
  ...limitsOfBindings,
]);

const analysisConfigs = cases('AnalysisConfig', [
  ['the least there can be', {}],
  ['neither config nor template', { config: undefined }, ['spec']],
  ['config and template', { template: { type: 'summary' } }, ['spec']],
  ['a template', template({ type: 'summary' })],
  [
    'a template with all there is',
    template({
      ...{ type: 'custom', instructions: 'List every promise.', model: 'gpt-4o', temperature: 0 },
      maxInputTokens: 8_000,
    }),
  ],
  ['a template of no type', template({}), ['spec.template.type']],
  ['a template of an unknown type', template({ type: 'poem' }), ['spec.template.type']],
  ['a custom template without instructions', template({ type: 'custom' }), ['spec.template']],
  ['a window that is too small', template({ type: 'summary', maxInputTokens: 10 }), ['spec.template.maxInputTokens']],
  ['an unknown type', analysis({ analysis_type: 'mood' }), ['spec.config.analysis_type']],
  ['no categories', analysis({ categories: [] }), ['spec.config.categories']],
  ['101 categories', analysis({ categories: texts(101).map((name) => ({ name })) }), ['spec.config.categories']],
  [
    'two categories of one name',
    analysis({ categories: [{ name: 'a' }, { name: 'a', description: 'b' }] }),
    ['spec.config.categories[1]'],
  ],
  ['examples', analysis({ categories: [{ name: 'a', description: 'b', examples: ['c', 'c'] }] })],
  ['a temperature without a fraction', analysis({ temperature: 1 })],
  ['a temperature above 2', analysis({ temperature: 2.1 }), ['spec.config.temperature']],
  ['a temperature below 0', analysis({ temperature: -0.1 }), ['spec.config.temperature']],
  ['a temperature in words', analysis({ temperature: 'hot' }), ['spec.config.temperature']],
  ['a threshold', analysis({ confidence_threshold: 0.5, multi_label: true, include_reasoning: false })],
  ['a threshold in percent', analysis({ confidence_threshold: 50 }), ['spec.config.confidence_threshold']],
  ['a prompt', analysis({ analysis_type: 'custom', custom_prompt: 'Rate {user_input}, like {"stars": {}}.' })],
  ['a prompt that is long', analysis({ custom_prompt: 'x'.repeat(100_000) })],
  ['a placeholder that is not there', analysis({ custom_prompt: 'Rate {text}.' }), ['spec.config.custom_prompt']],
  ['a field of another spelling', analysis({ multiLabel: true }), ['spec.config.multiLabel']],
]);

const updates = (['Persona', 'ApiKeyBinding', 'AnalysisConfig'] as const).flatMap((kind): readonly Fixture[] => [
  { title: 'the same again', kind, old: example(kind), object: example(kind), wrong: [] },
  {
    title: 'another organization',
    kind,
    old: example(kind),
    object: example(kind, { organizationRef: { name: 'other' } }),
    wrong: ['spec.organizationRef'],
  },
]);

const named = (name: string, changes: JsonObject = {}): JsonObject => ({
  ...example('Organization'),
  metadata: { name },
  ...changes,
});
const organizationNames: readonly Fixture[] = [
  ...['globex-signing-keys', 'x-synthetic-key', 'synthetic-key', 'webhook-tls', 'o'.repeat(64)].map((name) => ({
    title: `the name ${name.slice(0, 20)}`,
    kind: 'Organization' as const,
    object: named(name),
    wrong: [''],
  })),
  ...['signing-keys-globex', 'synthetic-keys', 'webhook', 'o'.repeat(63)].map((name) => ({
    title: `the name ${name.slice(0, 20)}`,
    kind: 'Organization' as const,
    object: named(name),
    wrong: [],
  })),
];

const whole = example('Persona');
const metadata: readonly Fixture[] = [
  {
    title: 'a name in capitals',
    kind: 'Persona',
    object: { ...whole, metadata: { name: 'A' } },
    wrong: ['metadata.name'],
  },
  {
    title: 'unknown metadata',
    kind: 'Persona',
    object: { ...whole, metadata: { name: 'a', nom: 'b' } },
    wrong: ['metadata.nom'],
  },
  { title: 'a field beside the spec', kind: 'Persona', object: { ...whole, speck: {} }, wrong: ['speck'] },
  { title: 'a status', kind: 'Persona', object: { ...whole, status: { id: 7 } }, wrong: [] },
];

export const fixtures: readonly Fixture[] = [
  ...organizations,
  ...personas,
  ...apiKeyBindings,
  ...analysisConfigs,
  ...updates,
  ...organizationNames,
  ...metadata,
];
