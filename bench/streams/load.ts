import { join } from 'node:path';
import type { BenchmarkContext } from '../benchmark.ts';
import { nextMessage, startNode, stopChild } from '../child.ts';

export interface StreamLoad {
  readonly port: number;
  readonly connections: number;
  /** Each connection reads one stream after another for so long, and at least one. */
  readonly seconds: number;
  /** The time over which the first streams of all connections begin. */
  readonly spreadMs: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface MeasuredStreams {
  readonly streams: number;
  /** Streams that were refused, or that did not come whole. */
  readonly lost: number;
  readonly deltas: number;
  /** The time of a delta from the upstream to the reader. */
  readonly p50Us: number;
  readonly p99Us: number;
}

export type GenerateStreams = (load: StreamLoad) => Promise<MeasuredStreams>;

/** Starts the process that reads streams. All targets use the same one. */
export async function startStreamGenerator({ onEnd }: BenchmarkContext): Promise<GenerateStreams> {
  const child = startNode(join(import.meta.dirname, 'stream-generator.ts'), []);
  onEnd(() => stopChild(child));
  await nextMessage(child);
  return async (load) => {
    child.send(load);
    return nextMessage<MeasuredStreams>(child);
  };
}
