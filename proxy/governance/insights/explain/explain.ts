import type { CallContext } from '../../../calls/context.ts';
import { ProxyError } from '../../../error.ts';
import type { GivenText } from '../sentiment/sentiment.ts';
import type { ValuesOf } from './attribution.ts';
import { builtInSentiment, explainableSentiment } from './built-in-sentiment.ts';
import { exactShapley, mostExactFeatures } from './exact-shapley.ts';
import { type Explainable, type ExplainedOutput, explainableModel, type FindTextModel } from './explained-model.ts';
import { readFeatures, type TextFeatures } from './features.ts';
import { kernelShap } from './kernel-shap.ts';

export interface ExplainedFeature {
  /** A word of the text, or a run of words. */
  readonly feature: string;
  /** Its place among the features of the text, from 0. */
  readonly position: number;
  /** What it adds to the output. */
  readonly importance: number;
  /** The half width of the 95 % confidence interval; 0: it is exact. */
  readonly error: number;
}

export interface Explanation {
  readonly prediction: ExplainedOutput['prediction'];
  /** Which number of the model is explained. */
  readonly explains: string;
  /** The output without any feature. */
  readonly base: number;
  /** The output of the whole text: `base` and all importances together. */
  readonly output: number;
  /** Those that add or take most come first. */
  readonly features: readonly ExplainedFeature[];
  readonly isExact: boolean;
  /** How many texts the model was asked about. */
  readonly evaluations: number;
}

/**
 * Says what each word of a text adds to what a model says of it: Shapley values, where a word that is not there is taken
 * out of the text. The same text has the same explanation each time.
 *
 * @param modelName `sentiment`, or a deployed model
 * @throws {ProxyError} `model_not_found`, `language_unsupported`, and as a call of the deployed model
 */
export async function explainText(
  { findTextModel }: { readonly findTextModel?: FindTextModel },
  call: CallContext,
  modelName: string,
  given: GivenText,
): Promise<Explanation> {
  const output = await findExplainable(findTextModel, call, modelName)(given);
  const features = readFeatures(given.text);
  const count = features.names.length;
  const isExact = count <= mostExactFeatures;
  const valuesOf = valuesOfParts(output, features);
  const { contributions, errors, ...found } = isExact
    ? await exactShapley(count, valuesOf)
    : await kernelShap(count, valuesOf, sameEachTime());
  const explained = features.names.map((feature, position) => ({
    ...{ feature, position, importance: contributions[position] ?? 0, error: errors[position] ?? 0 },
  }));
  return {
    ...{ prediction: output.prediction, explains: output.name, isExact, ...found },
    features: explained.sort((one, other) => Math.abs(other.importance) - Math.abs(one.importance)),
  };
}

function findExplainable(findTextModel: FindTextModel | undefined, call: CallContext, name: string): Explainable {
  if (name === builtInSentiment) return explainableSentiment;
  const model = findTextModel?.(call, name);
  if (model) return explainableModel(model);
  const message = `There is no deployed model ${JSON.stringify(name)}; ${JSON.stringify(builtInSentiment)} is the built-in one`;
  throw new ProxyError('model_not_found', { param: 'model_name', message });
}

function valuesOfParts({ valuesOf }: ExplainedOutput, { textOf }: TextFeatures): ValuesOf {
  return async (coalitions) => {
    const values = await valuesOf(coalitions.map((coalition) => textOf((feature) => coalition[feature] === 1)));
    if (values.length !== coalitions.length || !values.every(Number.isFinite)) {
      throw new ProxyError('upstream_invalid_response');
    }
    return values;
  };
}

/** The generator mulberry32, from one seed. */
function sameEachTime(): () => number {
  let state = 0x5eed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
