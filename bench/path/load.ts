import { join } from 'node:path';
import type { BenchmarkContext } from '../benchmark.ts';
import { nextMessage, startNode, stopChild } from '../child.ts';

export interface Load {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Whether each call asks something else. Absent: all calls are the same. */
  readonly varies?: boolean;
}

export interface Measured {
  readonly calls: number;
  readonly failures: number;
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

/** Runs a load and measures it. @throws where a call fails */
export type Generate = (load: Load) => Promise<Measured>;

/** Starts the process that generates load. All targets use the same one. */
export async function startLoadGenerator({ onEnd }: BenchmarkContext): Promise<Generate> {
  const child = startNode(join(import.meta.dirname, 'load-generator.ts'), []);
  onEnd(() => stopChild(child));
  await nextMessage(child);
  return async (load) => {
    child.send(load);
    const measured = await nextMessage<Measured>(child);
    if (measured.failures > 0) {
      throw new Error(`${measured.failures} of ${load.connections} connections failed at port ${load.port}`);
    }
    return measured;
  };
}
