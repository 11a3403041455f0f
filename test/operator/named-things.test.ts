import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readDefinitions, type StructuralSchema } from '../../crds/definition.ts';
import type { OrganizationSpec } from '../../crds/resources.generated.ts';
import { loadModelList, tellUnknownModels } from '../../operator/known-models.ts';
import { judgeBindingRules, judgeOrganizationRules } from '../../operator/limits/judge.ts';
import { judgeCache } from '../../operator/organizations/cache.ts';
import { judgeDeprecations } from '../../operator/organizations/deprecations.ts';
import { judgeGuardrails } from '../../operator/organizations/guardrails.ts';
import { judgeKnowledgeBase } from '../../operator/organizations/knowledge-base.ts';
import { judgeModels } from '../../operator/organizations/models.ts';
import { judgeRoutes } from '../../operator/organizations/routes.ts';
import { decideSharing } from '../../operator/organizations/sharing.ts';
import { judgeSupport } from '../../operator/organizations/support.ts';
import type { Verdict } from '../../operator/runtime/conditions.ts';
import { makeBinding, makeOrganization } from './memory-cluster.ts';

const isListed = await loadModelList();
const members = ['shop'];
const timeouts = { headers: '1s', idle: '1s' };
const providers: OrganizationSpec['providers'] = [{ name: 'openai', type: 'openai', timeouts }];
type Judge = () => Verdict | undefined | Promise<Verdict | undefined>;

const organizationOf = (spec: object) => makeOrganization('acme', { providers, ...spec } as Partial<OrganizationSpec>);
const byRules = (spec: object) => judgeOrganizationRules(organizationOf(spec), members, 0, isListed).verdict;
const byModels = (spec: object) => judgeModels(organizationOf(spec).spec, members, false);
const byGuardrails = (rule: object) =>
  judgeGuardrails(
    organizationOf({ guardrails: [{ name: 'one', pii: {}, action: 'Block', ...rule }] }).spec,
    members,
    false,
  );
const byCache = (match: object) =>
  judgeCache({ spec: organizationOf({ cache: { match } }).spec, namespaces: members, isListed }, undefined);
const byRoutes = (spec: object, keyed = ['openai']) => judgeRoutes(organizationOf(spec).spec, new Set(keyed), isListed);
const bySupport = (support: object) => judgeSupport(organizationOf({ support }), [], isListed, false);
const byBindingRules = (spec: object) =>
  judgeBindingRules(makeBinding('shop/key', spec), organizationOf({}), members, 0, isListed).verdict;
const ofResource = (field: string, model: string) =>
  tellUnknownModels(
    { type: 'Ready', status: true, reason: 'Ready', message: '' },
    field,
    [model],
    organizationOf({}).spec,
  );

const nobody = 'system:serviceaccount:lab:job';
const nothing: Readonly<Record<string, readonly string[]>> = {
  models: ['gtp-4o'],
  users: [nobody],
  workloads: ['lab/web'],
};

/** Each field of a `match`, where it can fit nothing. */
function inMatch(field: string, reason: string, judge: (match: object) => ReturnType<Judge>): Named {
  return Object.fromEntries(
    Object.entries(nothing).map(([name, value]) => [
      `${field}.match.${name}[]`,
      [reason, () => judge({ [name]: value })],
    ]),
  );
}

type Named = Readonly<Record<string, string | readonly [reason: string, Judge]>>;

const rule = { name: 'one', per: 'Organization' };
const chosen = 'People choose it, and nothing else has to know it.';
const elsewhere = 'What it names is not the cluster’s. Where it does not answer, calls and metrics say so.';
const atWork = 'What it names is looked for by pods. Where it is missing, the job or the deployment says so.';
const anybody = 'Users are known from their first call on.';
const ownCondition = (reason: string) => `The condition of this name has its own tests: ${reason}.`;

/** Every field that can name something: the reason of the condition where it names nothing, or why there is none. */
const organizations: Named = {
  displayName: chosen,
  'namespaceSelector.matchLabels.*': ownCondition('NoNamespaces'),
  'namespaceSelector.matchExpressions[].key': ownCondition('NoNamespaces'),
  'namespaceSelector.matchExpressions[].values[]': ownCondition('NoNamespaces'),
  'authentication.sharedSecretRef.name': ownCondition('SharedSecretMissing'),
  'authentication.sharedSecretRef.key': ownCondition('SharedSecretMissing'),
  'authentication.accounts[].user': anybody,
  'authentication.accounts[].passwordHashRef.name': ownCondition('PasswordHashMissing'),
  'authentication.accounts[].passwordHashRef.key': ownCondition('PasswordHashMissing'),
  'authentication.issuers[].issuer': elsewhere,
  'authentication.issuers[].audiences[]': elsewhere,
  'authentication.issuers[].jwksUri': elsewhere,
  'authentication.issuers[].userClaim': elsewhere,
  'authentication.serviceAccounts.audience': elsewhere,
  'authentication.workloadUsers[]': anybody,
  'providers[].name': [
    'ProviderWithoutKey',
    () => byRoutes({ providers: [...providers, { name: 'spare', type: 'openai', timeouts }] }),
  ],
  'providers[].baseUrl': elsewhere,
  'providers[].apiVersion': elsewhere,
  'providers[].entra.tokenFile': elsewhere,
  'providers[].entra.workloadIdentity.tenantId': elsewhere,
  'providers[].entra.workloadIdentity.clientId': elsewhere,
  'providers[].entra.workloadIdentity.tokenFile': elsewhere,
  'providers[].entra.workloadIdentity.authority': elsewhere,
  'providers[].entra.workloadIdentity.scope': elsewhere,
  'providers[].models[].name': [
    'ProviderModelUnknown',
    () => byRoutes({ providers: [{ ...providers[0], models: [{ name: 'gtp-4o' }] }] }),
  ],
  'providers[].models[].as': [
    'ProviderModelUnknown',
    () => byRoutes({ providers: [{ ...providers[0], models: [{ name: 'fast', as: 'gtp-4o' }] }] }),
  ],
  'models.allow[]': ['ModelRuleMatchesNothing', () => byModels({ models: { allow: ['gpt-4o', 'gtp-*'] } })],
  'models.deny[]': ['ModelRuleMatchesNothing', () => byModels({ models: { deny: ['gtp-4o'] } })],
  'models.aliases[].name': chosen,
  'models.aliases[].complianceLevel': chosen,
  'models.defaultAlias': 'The schema refuses one that is no alias.',
  'models.aliases[].model': [
    'AliasWithoutModel',
    () => byModels({ models: { aliases: [{ name: 'fast', model: 'gtp-4o' }] } }),
  ],
  ...Object.fromEntries(
    ['quality', 'balanced', 'speed'].map((level): [string, Named[string]] => [
      `models.aliases[].levels.${level}`,
      [
        'AliasWithoutModel',
        () => byModels({ models: { aliases: [{ name: 'fast', model: 'gpt-4o', levels: { [level]: 'gtp-4o' } }] } }),
      ],
    ]),
  ),
  'models.aliases[].users[]': [
    'ModelRuleMatchesNothing',
    () => byModels({ models: { aliases: [{ name: 'fast', model: 'gpt-4o', users: [nobody] }] } }),
  ],
  'models.aliases[].workloads[]': [
    'ModelRuleMatchesNothing',
    () => byModels({ models: { aliases: [{ name: 'fast', model: 'gpt-4o', workloads: ['lab/web'] }] } }),
  ],
  'models.ceilings[].name': chosen,
  ...inMatch('models.ceilings[]', 'ModelRuleMatchesNothing', (match) =>
    byModels({ models: { ceilings: [{ name: 'one', action: 'Refuse', maxOutputTokens: 1, match }] } }),
  ),
  'models.ceilings[].tools.allow[]': 'Functions have the names that clients give them.',
  'models.ceilings[].tools.deny[]': 'Functions have the names that clients give them.',
  'models.defaults[].name': chosen,
  ...inMatch('models.defaults[]', 'ModelRuleMatchesNothing', (match) =>
    byModels({ models: { defaults: [{ name: 'one', temperature: 1, match }] } }),
  ),
  'models.defaults[].reasoningEffort': elsewhere,
  'prices[].model': [
    'ModelRuleMatchesNothing',
    () => byModels({ models: { allow: ['gpt-4o'] }, prices: [{ model: 'o3', inputPerMillion: '1' }] }),
  ],
  'prices[].toolCalls[].type': elsewhere,
  'prices[].images[].size': elsewhere,
  'prices[].images[].quality': elsewhere,
  'limits[].name': chosen,
  ...inMatch('limits[]', 'RuleMatchesNothing', (match) => byRules({ limits: [{ ...rule, concurrent: 1, match }] })),
  'budgets[].name': chosen,
  ...inMatch('budgets[]', 'RuleMatchesNothing', (match) => byRules({ budgets: [{ ...rule, amountUsd: '1', match }] })),
  'budgets[].raise.reason': chosen,
  'tiers[].users[]': ['RuleMatchesNothing', () => byRules({ tiers: [{ users: [nobody], tier: 'free' }] })],
  'guardrails[].name': chosen,
  ...inMatch('guardrails[]', 'GuardrailMatchesNothing', (match) => byGuardrails({ match })),
  'guardrails[].pii.phoneRegions[]': ['GuardrailUnusable', () => byGuardrails({ pii: { phoneRegions: ['XX'] } })],
  'guardrails[].secrets.kinds[]': [
    'GuardrailUnusable',
    () => byGuardrails({ pii: undefined, secrets: { kinds: ['diary'] } }),
  ],
  'guardrails[].words.words[]': chosen,
  'guardrails[].patterns.patterns[].name': chosen,
  'guardrails[].patterns.patterns[].pattern': [
    'GuardrailUnusable',
    () => byGuardrails({ pii: undefined, patterns: { patterns: [{ pattern: '(' }] } }),
  ],
  'guardrails[].moderation.model': elsewhere,
  'guardrails[].moderation.categories[]': [
    'GuardrailMatchesNothing',
    () => byGuardrails({ pii: undefined, moderation: { categories: ['violense'], timeout: '1s' } }),
  ],
  'guardrails[].external.url': elsewhere,
  ...inMatch('cache', 'CacheMatchesNothing', byCache),
  'cors.origins[]': elsewhere,
  'sharing[].namespace': [
    'SharingNamespacesNotMembers',
    () => {
      const organization = organizationOf({ sharing: [{ namespace: 'lab', resources: ['Persona'] }] });
      const sharing = { sharesByDefault: false, outdatedSidecars: 0, keysIssuedAtS: 0, objects: [] };
      return decideSharing({ organization, memberNamespaces: members, sharing }, 0, 0).verdict;
    },
  ],
  'sharing[].users[]': anybody,
  'gateway.namespaces[]': ownCondition('GatewayNamespacesNotMembers'),
  'gateway.tls.secretName': ownCondition('CertificateMissing'),
  'gateway.service.annotations.*': elsewhere,
  'insights.responses.model': [
    'ModelRuleMatchesNothing',
    () => byModels({ insights: { responses: { model: 'gtp-4o' } } }),
  ],
  'insights.responses.categories[]': chosen,
  'insights.responses.reviewCategories[]': chosen,
  'insights.review.doubleReview.categories[]': chosen,
  'knowledgeBase.embedding.model': [
    'EmbeddingModelUnusable',
    () =>
      judgeKnowledgeBase(
        organizationOf({ knowledgeBase: { embedding: { model: 'text-embeding-3' } } }).spec,
        members,
        undefined,
        isListed,
      ),
  ],
  'knowledgeBase.namespaces[]': 'Its ConfigMaps may come later; ArticlesReady says how many articles there are.',
  'support.model': ['SupportCannotAnswer', () => bySupport({ model: 'gtp-4o' })],
  'support.persona': ['SupportPersonaMissing', () => bySupport({ persona: 'shop/nobody' })],
  'support.agents[]': chosen,
  'support.topics[]': chosen,
  'support.resolveAfter': chosen,
  'support.texts.apology': chosen,
  'support.texts.handover': chosen,
  'support.texts.requested': chosen,
  'support.texts.unknown': chosen,
  'support.texts.waiting': chosen,
  'support.texts.translations[].language': chosen,
  'support.texts.translations[].apology': chosen,
  'support.texts.translations[].handover': chosen,
  'support.texts.translations[].requested': chosen,
  'support.texts.translations[].unknown': chosen,
  'support.texts.translations[].waiting': chosen,
  'traces.endpoint': 'A collector that does not answer is told by the log and by chaperone_trace_spans_total.',
  'apiKeys[].name': chosen,
  'apiKeys[].sha256[]': 'Only who has the key can know whether it is the right one.',
  'apiKeys[].allowedOrigins[]': elsewhere,
  'deprecations[].route': [
    'DeprecationMatchesNothing',
    () => judgeDeprecations(organizationOf({ deprecations: [{ route: 'GET /v1/persona' }] })),
  ],
  'deprecations[].link': elsewhere,
  'training.namespace': ownCondition('TrainingNamespaceMissing'),
  'training.modelStore': atWork,
  'training.dataStores[]': atWork,
  'training.s3.endpoint': atWork,
  'training.s3.region': atWork,
  'training.s3.secretName': atWork,
  'training.kubeflowRuntime': atWork,
  'training.instanceTypes[].name': chosen,
  'training.instanceTypes[].nodeSelector.*': atWork,
  'training.trainers[].baseModel': chosen,
  'training.trainers[].image': atWork,
  'training.trainers[].command[]': atWork,
  'training.trainers[].serving.image': atWork,
  'training.trainers[].serving.command[]': atWork,
  'webhooks[].name': chosen,
  'webhooks[].url': ownCondition('WebhookDisabled'),
  'webhooks[].secretRef.name': ownCondition('WebhookSecretMissing'),
  'webhooks[].secretRef.key': ownCondition('WebhookSecretMissing'),
};

const bindings: Named = {
  'organizationRef.name': ownCondition('OrganizationNotFound'),
  provider: ownCondition('ProviderNotFound'),
  'secretKeyRef.name': ownCondition('SecretNotFound'),
  'secretKeyRef.key': ownCondition('SecretNotFound'),
  user: anybody,
  'models[]': ['ModelUnknown', () => ofResource('spec.models', 'gtp-*')],
  'limits[].name': chosen,
  ...inMatch('limits[]', 'RuleMatchesNothing', (match) =>
    byBindingRules({ limits: [{ ...rule, concurrent: 1, match }] }),
  ),
  'budgets[].name': chosen,
  ...inMatch('budgets[]', 'RuleMatchesNothing', (match) =>
    byBindingRules({ budgets: [{ ...rule, amountUsd: '1', match }] }),
  ),
  'budgets[].raise.reason': chosen,
};

const personas: Named = {
  'organizationRef.name': ownCondition('OrganizationNotFound'),
  name: chosen,
  description: chosen,
  content: chosen,
  'contentFrom.configMapKeyRef.name': ownCondition('ContentNotFound'),
  'contentFrom.configMapKeyRef.key': ownCondition('ContentNotFound'),
  'users[]': anybody,
  model: ['ModelUnknown', () => ofResource('spec.model', 'gtp-4o')],
};

const analysisConfigs: Named = {
  'organizationRef.name': ownCondition('OrganizationNotFound'),
  name: chosen,
  description: chosen,
  'config.categories[].name': chosen,
  'config.categories[].description': chosen,
  'config.categories[].examples[]': chosen,
  'config.model': ['ModelUnknown', () => ofResource('spec.config.model', 'gtp-4o')],
  'config.custom_prompt': chosen,
  'template.instructions': chosen,
  'template.model': ['ModelUnknown', () => ofResource('spec.template.model', 'gtp-4o')],
};

const named: Readonly<Record<string, Named>> = {
  Organization: organizations,
  ApiKeyBinding: bindings,
  Persona: personas,
  AnalysisConfig: analysisConfigs,
};

/** Amounts, durations, days and networks name nothing. */
const measures = /^\^(\(\[0-9\]|\[0-9\]|\(0\()/;

function namesOf(schema: StructuralSchema, path: string): string[] {
  const { type, properties = {}, items, additionalProperties } = schema;
  // Parameters of personas are the provider's; findInvalidParameter judges them.
  if (path === 'parameters') return [];
  const inner = Object.entries(properties).flatMap(([name, one]) =>
    namesOf(one, path === '' ? name : `${path}.${name}`),
  );
  if (items) inner.push(...namesOf(items, `${path}[]`));
  if (typeof additionalProperties === 'object') inner.push(...namesOf(additionalProperties, `${path}.*`));
  const isName = type === 'string' && !schema.enum && !schema.format && !measures.test(schema.pattern ?? '');
  return isName ? [path] : inner;
}

for (const { kind, schema } of readDefinitions()) {
  describe(`what the spec of ${kind} names`, () => {
    const spec = schema.properties?.spec ?? assert.fail();
    test('is listed here, field by field', () => {
      assert.deepEqual(namesOf(spec, '').sort(), Object.keys(named[kind] ?? {}).sort());
    });

    for (const [field, expected] of Object.entries(named[kind] ?? {})) {
      if (typeof expected === 'string') continue;
      const [reason, judge] = expected;
      test(`is told of in a condition where there is no such thing: ${field}`, async () => {
        const verdict = await judge();
        assert.equal(verdict?.reason, reason);
      });
    }
  });
}
