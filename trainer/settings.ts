import { TrainerError } from './trainer-error.ts';

/** What a pod of a training job is told by its environment (docs/training.md has the table). */
export interface TrainerSettings {
  readonly jobId: string;
  readonly rank: number;
  readonly worldSize: number;
  readonly master: { readonly host: string; readonly port: number };
  readonly trainingDataUri: string;
  /** Undefined: a tenth of the training data is held out. */
  readonly validationDataUri: string | undefined;
  /** A folder, with a slash at its end. */
  readonly modelOutputUri: string;
  readonly checkpointUri: string;
  readonly hyperparameters: Hyperparameters;
}

export interface Hyperparameters {
  readonly epochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
  /** How strongly weights are pulled to zero. */
  readonly l2: number;
  /** Words in a row that count as one feature, at most. */
  readonly wordNgrams: number;
  /** The number of features is two to the power of this. */
  readonly featureBits: number;
  readonly seed: number;
  readonly checkpointSeconds: number;
  /** A pause after each step, to see a job at work. */
  readonly stepDelayMs: number;
  /** Undefined: `text` or the first of the usual names. */
  readonly textColumn: string | undefined;
  readonly labelColumn: string | undefined;
}

interface Range {
  readonly absent: number;
  readonly least: number;
  readonly most: number;
  readonly isWhole?: boolean;
}

/** What a request may state in `hyperparameters`, by its names. */
const ranges = {
  epochs: { absent: 5, least: 1, most: 1_000, isWhole: true },
  batch_size: { absent: 32, least: 1, most: 65_536, isWhole: true },
  learning_rate: { absent: 0.5, least: 1e-9, most: 100 },
  l2: { absent: 1e-6, least: 0, most: 1 },
  word_ngrams: { absent: 2, least: 1, most: 5, isWhole: true },
  feature_bits: { absent: 18, least: 8, most: 22, isWhole: true },
  seed: { absent: 1, least: 0, most: 2 ** 31, isWhole: true },
  checkpoint_seconds: { absent: 15, least: 1, most: 86_400 },
  step_delay_ms: { absent: 0, least: 0, most: 60_000 },
} as const satisfies Readonly<Record<string, Range>>;

/** @throws {TrainerError} names the variable, or the hyperparameter, and what is expected */
export function readTrainerSettings(environment: Readonly<Record<string, string | undefined>>): TrainerSettings {
  const need = (name: string) => {
    const value = environment[name];
    if (!value) throw new TrainerError('configuration', `The environment variable ${name} is missing`);
    return value;
  };
  // Kubeflow's runtimes have torchrun's own names alone.
  const count = (name: string, other: string, absent: number) => {
    const value = Number(environment[name] ?? environment[other] ?? absent);
    if (Number.isInteger(value) && value >= 0) return value;
    throw new TrainerError('configuration', `The environment variable ${name} must be a whole number`);
  };
  const worldSize = count('WORLD_SIZE', 'PET_NNODES', 1);
  const rank = count('RANK', 'PET_NODE_RANK', Number(environment.JOB_COMPLETION_INDEX ?? 0));
  if (rank >= worldSize) throw new TrainerError('configuration', `RANK ${rank} is not below WORLD_SIZE ${worldSize}`);
  const modelOutputUri = asFolder(need('MODEL_OUTPUT_URI'));
  return {
    jobId: need('TRAINING_JOB_ID'),
    rank,
    worldSize,
    master: {
      host: environment.MASTER_ADDR ?? environment.PET_MASTER_ADDR ?? '127.0.0.1',
      port: count('MASTER_PORT', 'PET_MASTER_PORT', 29_500),
    },
    trainingDataUri: need('TRAINING_DATA_URI'),
    validationDataUri: environment.VALIDATION_DATA_URI || undefined,
    modelOutputUri,
    checkpointUri: asFolder(environment.CHECKPOINT_URI || `${modelOutputUri}checkpoints/`),
    hyperparameters: readHyperparameters(environment.HYPERPARAMETERS || '{}'),
  };
}

function readHyperparameters(json: string): Hyperparameters {
  const stated = parse(json);
  const number = (name: keyof typeof ranges): number => {
    const { absent, least, most, ...rest } = ranges[name];
    const value = stated[name] ?? absent;
    const isWhole = 'isWhole' in rest;
    const fits = typeof value === 'number' && value >= least && value <= most && (!isWhole || Number.isInteger(value));
    if (fits) return value;
    const kind = isWhole ? 'a whole number' : 'a number';
    throw new TrainerError('configuration', `Hyperparameter ${name} must be ${kind} from ${least} to ${most}`);
  };
  const name = (field: string): string | undefined => {
    const value = stated[field];
    if (value === undefined) return undefined;
    if (typeof value === 'string' && value !== '') return value;
    throw new TrainerError('configuration', `Hyperparameter ${field} must be the name of a column`);
  };
  return {
    epochs: number('epochs'),
    batchSize: number('batch_size'),
    learningRate: number('learning_rate'),
    l2: number('l2'),
    wordNgrams: number('word_ngrams'),
    featureBits: number('feature_bits'),
    seed: number('seed'),
    checkpointSeconds: number('checkpoint_seconds'),
    stepDelayMs: number('step_delay_ms'),
    textColumn: name('text_column'),
    labelColumn: name('label_column'),
  };
}

function parse(json: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // It is reported below.
  }
  throw new TrainerError('configuration', 'The environment variable HYPERPARAMETERS must be a JSON object');
}

export function asFolder(uri: string): string {
  return uri.endsWith('/') ? uri : `${uri}/`;
}
