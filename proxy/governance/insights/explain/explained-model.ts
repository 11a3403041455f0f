import type { CallContext } from '../../../calls/context.ts';
import { ProxyError } from '../../../error.ts';
import type { GivenText } from '../sentiment/sentiment.ts';
import type { ClassScores, TextModel } from './text-model.ts';

/** What is explained: one number that a model gives a text. */
export interface ExplainedOutput {
  /** What the number is, such as the name of a class. */
  readonly name: string;
  readonly prediction: { readonly label: string; readonly confidence: number };
  /** The number for each text. The texts are parts of the one that is explained. */
  readonly valuesOf: (texts: readonly string[]) => Promise<readonly number[]>;
}

/** What says of a text which number is to be explained. */
export type Explainable = (given: GivenText) => Promise<ExplainedOutput>;

/** Finds a deployed model. Undefined: there is none of this name. */
export type FindTextModel = (call: CallContext, name: string) => TextModel | undefined;

/** Texts that a model gets at once. */
const mostTexts = 256;

/** Of a deployed model, the score of the class that it predicts is explained. */
export function explainableModel(model: TextModel): Explainable {
  const predict = async (texts: readonly string[]): Promise<ClassScores[]> => {
    const scores: ClassScores[] = [];
    for (let from = 0; from < texts.length; from += mostTexts) {
      const some = texts.slice(from, from + mostTexts);
      const given = await model.predict(some);
      if (given.length !== some.length) throw new ProxyError('upstream_invalid_response');
      scores.push(...given);
    }
    return scores;
  };
  return async ({ text }) => {
    const [scores = {}] = await predict([text]);
    const [best] = Object.entries(scores).sort(([, one], [, other]) => other - one);
    if (!best) throw new ProxyError('upstream_invalid_response');
    const [label, confidence] = best;
    return {
      name: label,
      prediction: { label, confidence },
      valuesOf: async (texts) => (await predict(texts)).map((one) => one[label] ?? Number.NaN),
    };
  };
}
