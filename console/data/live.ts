import { ApiError } from './problem.ts';

/** What the API tells of as it changes (`GET /v1/changes`). */
export type Topic = 'requests' | 'reviews' | 'audit' | 'webhooks' | 'jobs';

/** Which topics a credential may hear of. */
export function topicsFor(roles: readonly string[]): Topic[] {
  const isAdmin = roles.includes('admin');
  return [
    'requests',
    ...(isAdmin || roles.includes('analyst') || roles.includes('reviewer') ? (['reviews'] as const) : []),
    ...(isAdmin ? (['audit', 'webhooks', 'jobs'] as const) : []),
  ];
}

export interface LiveOptions {
  /** Opens the stream. @throws {ApiError} */
  readonly open: (signal: AbortSignal) => Promise<ReadableStream<Uint8Array>>;
  readonly onChanged: (topics: readonly string[]) => void;
  /** Whether changes are told. */
  readonly onState: (isLive: boolean) => void;
  /** The credential may not hear of them, or is not accepted any more. */
  readonly onRefused: () => void;
  readonly wait?: (ms: number) => Promise<void>;
}

/** One stream of changes, opened again where it breaks off. */
export interface Live {
  start(): void;
  stop(): void;
}

/** Pauses before the next attempt. */
const pausesMs = [1_000, 2_000, 5_000, 15_000, 30_000];
/** The proxy says something every 15 seconds. */
const mostSilentMs = 40_000;

export function makeLive({ open, onChanged, onState, onRefused, wait = pause }: LiveOptions): Live {
  let current: AbortController | undefined;
  const follow = async (mine: AbortController) => {
    let failures = 0;
    while (!mine.signal.aborted) {
      try {
        await read(await open(mine.signal), mine.signal, (event, data) => {
          if (event === 'ready') {
            failures = 0;
            onState(true);
          }
          if (event === 'changed') onChanged(topicsIn(data));
        });
      } catch (error) {
        if (error instanceof ApiError && error.problem.status >= 400 && error.problem.status < 500) return onRefused();
      } finally {
        if (!mine.signal.aborted) onState(false);
      }
      await wait(pausesMs[Math.min(failures, pausesMs.length - 1)] ?? 0);
      failures += 1;
    }
  };
  return {
    start() {
      if (current) return;
      current = new AbortController();
      void follow(current);
    },
    stop() {
      if (!current) return;
      current.abort();
      current = undefined;
      onState(false);
    },
  };
}

/** Reads events until the stream ends, or is silent for too long. */
async function read(
  stream: ReadableStream<Uint8Array>,
  signal: AbortSignal,
  onEvent: (event: string, data: string) => void,
): Promise<void> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = '';
  let timer: ReturnType<typeof setTimeout> | undefined;
  const giveUp = () => void reader.cancel().catch(() => {});
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    for (;;) {
      clearTimeout(timer);
      timer = setTimeout(giveUp, mostSilentMs);
      const { done, value } = await reader.read();
      if (done) return;
      text += decoder.decode(value, { stream: true });
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const [, event, data] = /^event: (.+)\ndata: (.*)$/.exec(block) ?? [];
        if (event !== undefined && data !== undefined) onEvent(event, data);
      }
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', giveUp);
  }
}

function topicsIn(data: string): readonly string[] {
  const { topics }: { topics?: unknown } = JSON.parse(data);
  return Array.isArray(topics) ? topics.map(String) : [];
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
