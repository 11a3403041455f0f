import { type Classifier, probabilitiesOf } from './classifier.ts';
import type { Features } from './features.ts';

/** An example, ready to learn from. */
export interface LabelledFeatures {
  readonly features: Features;
  /** The place of its label. */
  readonly label: number;
}

/** A sum over examples, of the features that occur in them. */
export interface Gradient {
  /** Ascending. */
  readonly indices: Uint32Array;
  /** For each of the features, a number for each label. */
  readonly values: Float32Array;
  readonly loss: number;
  readonly examples: number;
}

/** The gradient of the cross-entropy: a sum, not a mean. */
export function gradientOf(classifier: Classifier, batch: readonly LabelledFeatures[]): Gradient {
  const labels = classifier.labels.length;
  const rows = new Map<number, Float64Array>();
  let loss = 0;
  for (const { features, label } of batch) {
    const probabilities = probabilitiesOf(classifier, features);
    loss -= Math.log(Math.max(probabilities[label] ?? 0, 1e-15));
    probabilities[label] = (probabilities[label] ?? 0) - 1;
    features.indices.forEach((index, at) => {
      let row = rows.get(index);
      if (!row) {
        row = new Float64Array(labels);
        rows.set(index, row);
      }
      const value = features.values[at] ?? 0;
      for (let one = 0; one < labels; one += 1) row[one] = (row[one] ?? 0) + (probabilities[one] ?? 0) * value;
    });
  }
  return { ...toArrays(rows, labels), loss, examples: batch.length };
}

/** Adds gradients up, in their order, so that every sum of the same gradients is the same to the last bit. */
export function sumOf(gradients: readonly Gradient[], labels: number): Gradient {
  const rows = new Map<number, Float64Array>();
  for (const { indices, values } of gradients) {
    indices.forEach((index, at) => {
      let row = rows.get(index);
      if (!row) {
        row = new Float64Array(labels);
        rows.set(index, row);
      }
      for (let one = 0; one < labels; one += 1) row[one] = (row[one] ?? 0) + (values[at * labels + one] ?? 0);
    });
  }
  return {
    ...toArrays(rows, labels),
    loss: gradients.reduce((sum, { loss }) => sum + loss, 0),
    examples: gradients.reduce((sum, { examples }) => sum + examples, 0),
  };
}

function toArrays(rows: ReadonlyMap<number, Float64Array>, labels: number) {
  const indices = Uint32Array.from(rows.keys()).sort();
  const values = new Float32Array(indices.length * labels);
  indices.forEach((index, at) => {
    values.set(rows.get(index) ?? [], at * labels);
  });
  return { indices, values };
}
