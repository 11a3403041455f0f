import type { Logger } from 'pino';

export interface RoundsOptions {
  readonly periodMs: number;
  readonly round: () => Promise<void>;
  readonly log: Logger;
}

/** Something that is done again and again, never twice at the same time. */
export interface Rounds {
  /** Does it soon. */
  readonly hurry: () => void;
  stop(): Promise<void>;
}

/** A failure is logged, and the next round tries again. */
export function startRounds({ periodMs, round, log }: RoundsOptions): Rounds {
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  let isHurried = false;
  let running: Promise<void> | undefined;

  const go = async () => {
    isHurried = false;
    await round().catch((error: unknown) => log.warn({ err: error }, 'cannot look after the jobs; it is tried again'));
    running = undefined;
    schedule(isHurried ? minMs : periodMs);
  };
  const schedule = (ms: number) => {
    clearTimeout(timer);
    if (isStopped) return;
    timer = setTimeout(() => {
      running = go();
    }, ms);
  };
  schedule(0);
  return {
    hurry() {
      if (isHurried) return;
      isHurried = true;
      if (!running) schedule(minMs);
    },
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}

const minMs = 50;
