import { setTimeout as delay } from 'node:timers/promises';
import { chooseInstallation, type InstallationOptions } from './installation.ts';
import type { OwnerDatabase } from './owner-database.ts';
import { renderFrame, type SortKey, sortKeys, type View } from './top/frame.ts';
import { type Grouping, groupings, type Sample } from './top/sample.ts';
import { openScreen } from './top/screen.ts';
import { readFromCluster, readFromDatabase, type SourceOptions } from './top/source.ts';

export interface TopOptions extends InstallationOptions {
  readonly organization?: string;
  readonly by: Grouping;
  readonly sort: SortKey;
  readonly windowMs: number;
  readonly intervalMs: number;
  readonly once?: boolean;
  readonly output: 'table' | 'json';
  /** A file with the owner's database URL, instead of an installation. */
  readonly databaseUrlFile?: string;
}

type Read = (options: SourceOptions) => Promise<void>;

const retryMs = 2_000;
const historyLength = 600;

/** `chaperone top`: shows calls, tokens, spend and latency, live in a terminal, or as text. */
export async function top(options: TopOptions, environment: NodeJS.ProcessEnv): Promise<void> {
  const read = chooseSource(options, environment);
  const stopped = new AbortController();
  const sources = {
    organization: options.organization,
    windowS: Math.round(options.windowMs / 1_000),
    intervalMs: options.intervalMs,
    signal: stopped.signal,
  };
  const { stdout } = process;
  // Whoever reads the lines may end before this does.
  stdout.on('error', () => process.exit(0));
  if (options.output === 'json') {
    const onSample = (sample: Sample) => void stdout.write(`${JSON.stringify(sample)}\n`);
    await read({ ...sources, ...(options.once && { count: 1 }), onSample });
  } else if (options.once || !stdout.isTTY) {
    const onSample = (sample: Sample) => void stdout.write(`${renderOnce(sample, options).join('\n')}\n`);
    await read({ ...sources, count: 1, onSample });
  } else await showLive(options, read, sources, stopped);
}

function chooseSource(options: TopOptions, environment: NodeJS.ProcessEnv): Read {
  const installation = options.databaseUrlFile === undefined ? chooseInstallation(options, environment) : undefined;
  if (installation?.kind === 'cluster') return (source) => readFromCluster(installation, source);
  const database: OwnerDatabase = installation ?? { databaseUrlFile: options.databaseUrlFile ?? '' };
  return (source) => readFromDatabase(database, source);
}

/** All tables, as high as they are. */
function renderOnce(sample: Sample, { by, sort }: TopOptions): string[] {
  const rows = 24 + groupings.reduce((sum, grouping) => sum + sample[grouping].length, 0) * groupings.length;
  const columns = process.stdout.columns ?? 100;
  const view = { columns: Math.max(columns, 72), rows, grouping: by, sortedBy: sort, history: [], problem: undefined };
  const lines = renderFrame(sample, { ...view, isStyled: false });
  // Without the line about keys.
  return lines.slice(0, -2).filter((line, index, all) => line !== '' || all[index - 1] !== '');
}

async function showLive(
  options: TopOptions,
  read: Read,
  sources: Omit<SourceOptions, 'onSample'>,
  stopped: AbortController,
): Promise<void> {
  let view: Omit<View, 'columns' | 'rows'> = {
    ...{ grouping: options.by, sortedBy: options.sort, history: [], problem: undefined },
    isStyled: !process.env.NO_COLOR,
  };
  let sample: Sample | undefined;
  const draw = () => screen.draw(renderFrame(sample, { ...view, ...screen.size() }));
  const change = (changed: Partial<typeof view>) => {
    view = { ...view, ...changed };
    draw();
  };
  const onKey = (key: string) => {
    if (key === 'q' || key === 'ctrl-c' || key === 'escape') stopped.abort();
    else if (key === 'tab') change({ grouping: next(groupings, view.grouping) });
    else if (key === 's') change({ sortedBy: next(sortKeys, view.sortedBy) });
  };
  const input = process.stdin.isTTY ? process.stdin : undefined;
  const screen = openScreen({ output: process.stdout, input, onKey, onResize: draw });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stopped.abort());
  const onSample = (arrived: Sample) => {
    sample = arrived;
    change({ history: [...view.history, arrived.total.callsPerS].slice(-historyLength), problem: undefined });
  };
  draw();
  try {
    await readOn(read, { ...sources, onSample }, (problem) => {
      // What never worked is an error of the command; what worked before is worth waiting for.
      if (!sample) throw problem;
      change({ problem: problem.message });
    });
  } finally {
    screen.close();
  }
}

/** Reads until stopped, also after a failure. */
async function readOn(read: Read, source: SourceOptions, onFailure: (problem: Error) => void): Promise<void> {
  const { signal } = source;
  const stopping = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  while (!signal.aborted) {
    const reading = read(source).catch((error: unknown) => {
      if (!signal.aborted) onFailure(error instanceof Error ? error : new Error(String(error)));
    });
    await Promise.race([reading, stopping]);
    if (!signal.aborted) await delay(retryMs, undefined, { signal }).catch(() => {});
  }
}

function next<T>(all: readonly T[], one: T): T {
  return all[(all.indexOf(one) + 1) % all.length] ?? one;
}
