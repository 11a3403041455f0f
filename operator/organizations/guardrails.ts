import type { OrganizationSpec } from '../../crds/resources.generated.ts';
import { loadModelList, mayHaveAny } from '../known-models.ts';
import { whyUnmatched } from '../limits/match.ts';
import { refusesModel } from '../model-rule.ts';
import { overlap } from '../patterns.ts';
import type { Verdict } from '../runtime/conditions.ts';

type Rule = NonNullable<OrganizationSpec['guardrails']>[number];
type JudgedSpec = Pick<OrganizationSpec, 'guardrails' | 'models' | 'surfaces'> &
  Partial<Pick<OrganizationSpec, 'providers' | 'prices' | 'storage'>>;

/**
 * The condition about guardrails that cannot be used, or are for no call. Nothing else depends on it: what a rule that
 * cannot be used would check is refused by the proxies. Undefined for an organization that never had any.
 *
 * @param namespaces the namespaces whose pods may call
 * @param hadAny whether the status has the condition
 */
export async function judgeGuardrails(
  spec: JudgedSpec,
  namespaces: readonly string[],
  hadAny: boolean,
): Promise<Verdict | undefined> {
  const { guardrails = [] } = spec;
  if (guardrails.length === 0 && !hadAny) return undefined;
  const unusable = (await Promise.all(guardrails.map(describeUnusable))).filter((problem) => problem !== undefined);
  if (unusable.length > 0) {
    return {
      type: 'GuardrailsUsable',
      status: false,
      reason: 'GuardrailUnusable',
      message: `What these guardrails would check is refused, since they cannot be used: ${unusable.join('; ')}. Correct them.`,
    };
  }
  const unserved = guardrails.flatMap((rule) => describeUnserved(spec, rule));
  if (unserved.length > 0) {
    return {
      type: 'GuardrailsUsable',
      status: false,
      reason: 'GuardrailWithoutService',
      message: `These guardrails ask a service that providers do not have: ${unserved.join('; ')}. Narrow match.models of the guardrails, or have a provider of type openai serve the models.`,
    };
  }
  const unheld = spec.storage?.contents === 'None' ? guardrails.filter(({ action }) => action === 'Review') : [];
  if (unheld.length > 0) {
    const names = unheld.map(({ name }) => JSON.stringify(name)).join(', ');
    return {
      type: 'GuardrailsUsable',
      status: false,
      reason: 'GuardrailHoldsNothing',
      message: `These guardrails block instead of holding answers, since storage.contents is None, and nobody could read what is held: ${names}. Store contents, or state action Block.`,
    };
  }
  const idle = guardrails.flatMap((rule) => describeIdle(spec, rule));
  if (idle.length > 0) {
    return {
      type: 'GuardrailsUsable',
      status: false,
      reason: 'GuardrailForNoCall',
      message: `These guardrails are for no call: ${idle.join('; ')}. Correct their match, or remove them.`,
    };
  }
  const isListed = await loadModelList();
  const scope = { spec: { providers: anyProvider, ...spec }, namespaces, isListed };
  const unmatched = guardrails.flatMap((rule) =>
    [...whyUnmatched(rule.match, scope), ...whyNoCategory(spec, rule)].map((why) => `"${rule.name}", ${why}`),
  );
  if (unmatched.length > 0) {
    return {
      type: 'GuardrailsUsable',
      status: false,
      reason: 'GuardrailMatchesNothing',
      message: `No call can fit these parts of guardrails: ${unmatched.join('; ')}. Correct or remove them.`,
    };
  }
  const message = guardrails.length === 0 ? 'There are no guardrails.' : 'Every guardrail can be used.';
  return { type: 'GuardrailsUsable', status: true, reason: 'Usable', message };
}

/** Why a rule cannot be used, by its name and field. The detectors are loaded where an organization has guardrails. */
async function describeUnusable(rule: Rule): Promise<string | undefined> {
  const { detectorOf, ruleDetector, ruleSchema } = await import('../../proxy/guardrails/rule-detector.ts');
  const detector = detectorOf(rule);
  try {
    await ruleDetector(rule);
    await ruleSchema(rule);
    return undefined;
  } catch (error) {
    return `"${rule.name}" (${detector}: ${error instanceof Error ? error.message : String(error)})`;
  }
}

/** Of an organization whose providers are not known. */
const anyProvider: OrganizationSpec['providers'] = [
  { name: 'any', type: 'compatible', timeouts: { headers: '1s', idle: '1s' } },
];

/**
 * The categories of OpenAI's moderation.
 *
 * @see https://developers.openai.com/api/reference/resources/moderations
 */
const categories: readonly string[] = [
  'harassment',
  'harassment/threatening',
  'hate',
  'hate/threatening',
  'illicit',
  'illicit/violent',
  'self-harm',
  'self-harm/instructions',
  'self-harm/intent',
  'sexual',
  'sexual/minors',
  'violence',
  'violence/graphic',
];

/** Categories that no answer of the moderation endpoint has. Servers of others may have their own. */
function whyNoCategory({ providers = anyProvider }: JudgedSpec, { moderation }: Rule): string[] {
  if (providers.some(mayHaveAny)) return [];
  const unknown = moderation?.categories?.filter((category) => !categories.includes(category)) ?? [];
  return unknown.map((category) => `moderation.categories ${JSON.stringify(category)} (OpenAI has no such category)`);
}

/** The types of providers that have no moderation endpoint. */
const withoutModeration: readonly string[] = ['azure', 'anthropic'];

/** The calls of which providers a rule lets nothing of pass, or does not judge, since they have no moderation. */
function describeUnserved({ providers = [] }: JudgedSpec, { name, match, moderation, action }: Rule): string[] {
  if (!moderation) return [];
  const unable = providers.filter(
    ({ type, models }) =>
      withoutModeration.includes(type) &&
      overlap(
        match?.models,
        models?.map((model) => model.name),
      ),
  );
  if (unable.length === 0) return [];
  const named = unable.map((provider) => `"${provider.name}" (${provider.type})`).join(', ');
  const then = action === 'Report' ? 'are not judged' : 'do not pass';
  return [`"${name}" (moderation: calls to ${named} ${then})`];
}

/** Which field makes a rule be for no call. */
function describeIdle(spec: JudgedSpec, { name, match, appliesTo }: Rule): string[] {
  const { models, operations } = match ?? {};
  if (models?.every((model) => refusesModel(spec, model))) {
    return [`"${name}" (match.models: spec.models allows none of them)`];
  }
  if (operations?.every((operation) => !isServed(spec, operation))) {
    return [`"${name}" (match.operations: spec.surfaces serves none of them)`];
  }
  if (appliesTo === 'Output' && operations?.every((operation) => withoutText.includes(operation))) {
    return [`"${name}" (appliesTo: Output, and the answers of match.operations have no text)`];
  }
  return [];
}

type OperationName = NonNullable<NonNullable<Rule['match']>['operations']>[number];
type Surface = NonNullable<OrganizationSpec['surfaces']>[number];

const surfaces: Readonly<Partial<Record<string, Surface>>> = {
  responses: 'responses',
  compact: 'responses',
  batches: 'batches',
  chat: 'chat',
  completions: 'completions',
  embeddings: 'embeddings',
  moderations: 'moderations',
  image_generations: 'images',
  image_edits: 'images',
  image_variations: 'images',
  speech: 'audio',
  transcriptions: 'audio',
  translations: 'audio',
  realtime: 'realtime',
};

/** Operations whose answers have no text to check. */
const withoutText: readonly string[] = ['embeddings', 'moderations', 'speech', 'batches'];

function isServed(spec: JudgedSpec, operation: OperationName): boolean {
  const surface = surfaces[operation];
  return surface === undefined || spec.surfaces === undefined || spec.surfaces.includes(surface);
}
