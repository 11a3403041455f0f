import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { BenchmarkContext } from '../benchmark.ts';
import { nextMessage, startNode, stopChild } from '../child.ts';

/** Starts the bare passthrough in its own process. */
export async function startPassthrough(
  origin: string,
  { onEnd }: BenchmarkContext,
): Promise<{ readonly port: number; readonly pid: number | undefined }> {
  const child = startNode(join(import.meta.dirname, 'passthrough.ts'), [origin]);
  onEnd(() => stopChild(child));
  const { port } = await nextMessage<AddressInfo>(child);
  return { port, pid: child.pid };
}
