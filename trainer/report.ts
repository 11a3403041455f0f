/** What `progress` in a line of a trainer's log says (docs/training.md). */
export interface ReportedProgress {
  readonly current_epoch: number;
  readonly total_epochs: number;
  readonly current_step: number;
  readonly total_steps: number;
  readonly metrics: Readonly<Record<string, number>>;
}

/** Tells people and the operator, by lines on standard output. */
export interface Report {
  say(sentence: string): void;
  /** At most one a second is printed. */
  progress(progress: ReportedProgress): void;
  /** Lets the next one be printed in any case. */
  progressNow(): void;
  failed(sentence: string): void;
}

const pauseMs = 1_000;

export function makeReport(print: (line: string) => void): Report {
  let printedAt = Number.NEGATIVE_INFINITY;
  return {
    say: (sentence) => print(JSON.stringify({ time: new Date().toISOString(), msg: sentence })),
    progress(progress) {
      if (performance.now() - printedAt < pauseMs) return;
      printedAt = performance.now();
      print(JSON.stringify({ progress }));
    },
    progressNow() {
      printedAt = Number.NEGATIVE_INFINITY;
    },
    failed: (sentence) => print(JSON.stringify({ error: sentence })),
  };
}
