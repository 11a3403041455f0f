import type { TrainingProgress } from '../../database/training/jobs.ts';

/** What a trainer has reported in its log (docs/training.md). */
export interface ReadLog {
  /** The last progress. */
  readonly progress: TrainingProgress | undefined;
  /** Why it failed, by its last words. */
  readonly error: string | undefined;
  /** The end of the log. */
  readonly tail: string;
}

const mostTail = 64 * 1_024;
const mostError = 500;
const mostMetrics = 50;

/** Reads lines of JSON with `progress` or `error`. All other lines are for people. */
export function readLog(text: string): ReadLog {
  let progress: TrainingProgress | undefined;
  let error: string | undefined;
  for (const line of text.split('\n')) {
    if (!line.startsWith('{')) continue;
    const fields = parse(line);
    progress = readProgress(fields?.progress) ?? progress;
    if (typeof fields?.error === 'string') error = fields.error.slice(0, mostError);
  }
  return { progress, error, tail: text.slice(-mostTail) };
}

function readProgress(value: unknown): TrainingProgress | undefined {
  if (!isObject(value)) return undefined;
  const count = (name: string) => {
    const given = value[name];
    return typeof given === 'number' && Number.isFinite(given) && given >= 0 ? Math.floor(given) : 0;
  };
  const metrics = isObject(value.metrics) ? value.metrics : {};
  return {
    current_epoch: count('current_epoch'),
    total_epochs: count('total_epochs'),
    current_step: count('current_step'),
    total_steps: count('total_steps'),
    metrics: Object.fromEntries(
      Object.entries(metrics)
        .filter((entry): entry is [string, number] => typeof entry[1] === 'number' && Number.isFinite(entry[1]))
        .filter(([name]) => /^[\w.@/-]{1,64}$/.test(name))
        .slice(0, mostMetrics),
    ),
  };
}

function parse(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
