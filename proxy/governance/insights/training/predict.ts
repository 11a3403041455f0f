import type OpenAI from 'openai';
import { makeRequestId } from '../../../../database/ids.ts';
import type { Call } from '../../../calls/call.ts';
import type { CallContext } from '../../../calls/context.ts';
import { ProxyError } from '../../../error.ts';
import { completions } from '../../../operations/completions.ts';
import type { Operation } from '../../../operations/operation.ts';
import { asArray, asObject, asString, type Body, parseObject } from '../../../providers/json.ts';
import { providerNameOf } from '../../../snapshot/deployed-models.ts';
import type { GovernanceContext } from '../../context.ts';
import type { FindTextModel } from '../explain/explained-model.ts';

type Context = Pick<GovernanceContext, 'pipeline' | 'inForce'>;

/** What a deployed model makes of a text. */
export interface Prediction {
  readonly label: string;
  /** Of the label, from 0 to 1. */
  readonly confidence: number;
  /** Of each label. They sum to one. */
  readonly scores: Readonly<Record<string, number>>;
}

/** Asks a deployed model about texts. Each time is one call, however many texts there are. */
export type Predict = (texts: readonly string[]) => Promise<readonly Prediction[]>;

/** The most texts of a call. */
export const mostTexts = 2_048;

/** Several prompts are one call. Organizations serve it as part of this API. */
const predictions: Operation = { ...completions, surface: 'insights' };

/**
 * Makes the function that asks a deployed model. Its calls are the caller's, with the rules, limits, budgets, guardrails
 * and records of any call.
 *
 * @param name the deployment, or an alias of it
 * @throws {ProxyError} `deployment_not_found`, `deployment_not_ready`; of the function: as any call
 */
export function makePredict(context: Context, call: CallContext, name: string, kind: Call['kind']): Predict {
  requireDeployment(context, name);
  return async (texts) => {
    const body: OpenAI.CompletionCreateParamsNonStreaming = { model: name, prompt: [...texts] };
    const startedAtMs = Date.now();
    const own = { ...call, requestId: makeRequestId(startedAtMs), startedAtMs, startedTicks: performance.now() };
    const admitted = await context.pipeline.admit({
      ...{ context: own, operation: predictions, body: { ...body } },
      // `ask` has guardrails check what is said.
      ...{ said: {}, isRewritable: true, otherModels: [], references: [] },
    });
    const { key, terms } = admitted;
    const question = { ...body, model: admitted.model ?? name };
    const asked = { kind, operation: predictions, context: own, key, terms, body: question };
    return readPredictions((await context.pipeline.ask(asked)).completion, texts.length);
  };
}

/** Finds deployed models for explanations, whose calls are analyses. */
export function makeFindTextModel(context: Context): FindTextModel {
  return (call, name) => {
    if (!context.inForce().snapshot.deployedNames.has(aliasedBy(context, name))) return undefined;
    const predict = makePredict(context, call, name, 'analysis');
    return { predict: async (texts) => (await predict(texts)).map(({ scores }) => scores) };
  };
}

function aliasedBy({ inForce }: Context, name: string): string {
  return inForce().snapshot.spec.models?.aliases?.find((alias) => alias.name === name)?.model ?? name;
}

/** Before a call is made: providers may have a model of any name. */
function requireDeployment(context: Context, name: string): void {
  const { providers, deployedNames } = context.inForce().snapshot;
  const aliased = aliasedBy(context, name);
  if (providers.has(providerNameOf(aliased))) return;
  throw new ProxyError(deployedNames.has(aliased) ? 'deployment_not_ready' : 'deployment_not_found');
}

/** @throws {ProxyError} `upstream_invalid_response` */
function readPredictions(completion: Body, count: number): readonly Prediction[] {
  const choices = asArray(completion.choices).map(asObject);
  const found = Array.from({ length: count }, (_, index) => {
    const text = asString(choices.find((choice) => choice?.index === index)?.text);
    return text === null || text === undefined ? undefined : readPrediction(parseObject(text));
  });
  const read = found.filter((one) => one !== undefined);
  if (read.length < count) throw new ProxyError('upstream_invalid_response');
  return read;
}

function readPrediction(fields: Body | null): Prediction | undefined {
  const scores = Object.entries(asObject(fields?.scores) ?? {}).filter(
    (entry): entry is [string, number] => typeof entry[1] === 'number',
  );
  const label = asString(fields?.label);
  const confidence = fields?.confidence;
  if (label === null || label === undefined || typeof confidence !== 'number' || scores.length === 0) return undefined;
  return { label, confidence, scores: Object.fromEntries(scores) };
}
