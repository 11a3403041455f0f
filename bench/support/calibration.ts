import { type ConfidenceParts, calibrate, type weights } from '../../proxy/governance/support/confidence.ts';

/** An answer to a labelled question. */
export interface Labelled {
  /** Undefined: nothing is cited. */
  readonly parts: ConfidenceParts | undefined;
  readonly isRight: boolean;
}

export type Weights = typeof weights;

/** A part of the scale, with the answers whose confidence is in it. */
export interface Bin {
  readonly from: number;
  readonly count: number;
  readonly confidence: number;
  readonly accuracy: number;
}

/** Sorts answers into parts of the scale by their confidence, without parts that have none. */
export function toBins(answers: readonly Labelled[], by: Weights, bins = 10): Bin[] {
  const scored = answers.map(({ parts, isRight }) => ({ confidence: calibrate(parts, by), isRight }));
  return Array.from({ length: bins }, (_, at) => {
    const within = scored.filter(({ confidence }) => Math.min(bins - 1, Math.floor(confidence * bins)) === at);
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    return {
      ...{ from: at / bins, count: within.length },
      confidence: mean(within.map(({ confidence }) => confidence)),
      accuracy: mean(within.map(({ isRight }) => Number(isRight))),
    };
  }).filter(({ count }) => count > 0);
}

/** The mean distance between confidence and accuracy over the parts (Naeini, Cooper and Hauskrecht 2015). */
export function expectedCalibrationError(bins: readonly Bin[]): number {
  const total = bins.reduce((sum, { count }) => sum + count, 0);
  return bins.reduce(
    (sum, { count, confidence, accuracy }) => sum + (count / total) * Math.abs(confidence - accuracy),
    0,
  );
}

/** Logistic regression by gradient descent, with a little of a ridge so that separable answers have an end. */
export function fitWeights(answers: readonly Labelled[]): Weights {
  const cited = answers.flatMap(({ parts, isRight }) => (parts ? [{ ...parts, isRight: Number(isRight) }] : []));
  let [base, agreement, own] = [0, 0, 0];
  const [rate, ridge] = [0.5, 0.002];
  for (let round = 0; round < 20_000; round += 1) {
    let [towardsBase, towardsAgreement, towardsOwn] = [0, 0, 0];
    for (const one of cited) {
      const error = one.isRight - 1 / (1 + Math.exp(-(base + agreement * one.agreement + own * one.own)));
      towardsBase += error;
      towardsAgreement += error * one.agreement;
      towardsOwn += error * one.own;
    }
    base += rate * (towardsBase / cited.length);
    agreement += rate * (towardsAgreement / cited.length - ridge * agreement);
    own += rate * (towardsOwn / cited.length - ridge * own);
  }
  return { base, agreement, own };
}
