import { featuresOf } from './model/features.ts';
import type { LabelledFeatures } from './model/gradient.ts';
import { readExamples } from './read-examples.ts';
import type { TrainerSettings } from './settings.ts';
import type { Store } from './stores/store.ts';
import { TrainerError } from './trainer-error.ts';

/** A pod's part of the data. All pods agree on the labels and on the counts. */
export interface Shard {
  readonly labels: readonly string[];
  readonly training: readonly LabelledFeatures[];
  readonly validation: readonly LabelledFeatures[];
  /** Of all pods together. */
  readonly trainingCount: number;
  readonly validationCount: number;
}

const mostLabels = 1_000;
/** One example of so many is held out where there is no data for validation. */
const heldOutOf = 10;

/**
 * Reads all data, and keeps every `worldSize`-th example, from `rank` on.
 *
 * @throws {TrainerError} where there is nothing to learn from
 */
export async function readShard(store: Pick<Store, 'read'>, settings: TrainerSettings): Promise<Shard> {
  const { rank, worldSize, hyperparameters, trainingDataUri, validationDataUri } = settings;
  const labels = new Map<string, number>();
  const read = async (uri: string, add: (example: LabelledFeatures, count: number) => void, knows: boolean) => {
    let count = 0;
    for await (const { text, label } of readExamples(store, uri, hyperparameters)) {
      if (!labels.has(label)) {
        // An example of a class that training has not seen counts, and is always wrong.
        if (!knows) labels.set(label, labels.size);
        if (labels.size > mostLabels) throw new TrainerError('data', `${uri} has more than ${mostLabels} labels`);
      }
      if (count % worldSize === rank)
        add({ features: featuresOf(text, hyperparameters), label: labels.get(label) ?? -1 }, count);
      count += 1;
    }
    return count;
  };
  const training: LabelledFeatures[] = [];
  const validation: LabelledFeatures[] = [];
  if (validationDataUri !== undefined) {
    const trainingCount = await read(trainingDataUri, (one) => training.push(one), false);
    const validationCount = await read(validationDataUri, (one) => validation.push(one), true);
    return check(settings, { ...sortLabels(labels, training, validation), trainingCount, validationCount });
  }
  const isHeldOut = (at: number) => Math.floor(at / worldSize) % heldOutOf === heldOutOf - 1;
  const all = await read(trainingDataUri, (one, at) => (isHeldOut(at) ? validation : training).push(one), false);
  let validationCount = 0;
  for (let at = 0; at < all; at += 1) if (isHeldOut(at)) validationCount += 1;
  const counts = { trainingCount: all - validationCount, validationCount };
  return check(settings, { ...sortLabels(labels, training, validation), ...counts });
}

/** Labels in the order of the alphabet, whatever the order of the data. */
function sortLabels(
  found: ReadonlyMap<string, number>,
  training: readonly LabelledFeatures[],
  validation: readonly LabelledFeatures[],
) {
  const labels = [...found.keys()].sort();
  const places = new Map([...found].map(([label, place]) => [place, labels.indexOf(label)]));
  const place = ({ features, label }: LabelledFeatures) => ({ features, label: places.get(label) ?? -1 });
  return { labels, training: training.map(place), validation: validation.map(place) };
}

function check({ trainingDataUri }: TrainerSettings, shard: Shard): Shard {
  if (shard.labels.length >= 2) return shard;
  const has = shard.labels.length === 0 ? 'no example' : `the label "${shard.labels[0]}" alone`;
  throw new TrainerError('data', `${trainingDataUri} has ${has}; there must be two labels to tell apart`);
}
