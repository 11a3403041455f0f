import { join } from 'node:path';
import type { BenchmarkContext } from '../benchmark.ts';
import { nextMessage, startNode, stopChild } from '../child.ts';
import type { Installation } from './installation.ts';

/**
 * Fills a spool, and copies it to PostgreSQL by the proxy's own shipper in a process of its own.
 *
 * @param directory of the spool; it must not exist
 * @returns rows per second
 */
export async function measureIngest(
  { organizationId, proxyDatabaseUrl }: Installation,
  directory: string,
  records: number,
  { onEnd }: BenchmarkContext,
): Promise<number> {
  const child = startNode(join(import.meta.dirname, 'ingest.ts'), [
    ...[organizationId, proxyDatabaseUrl, directory, String(records)],
  ]);
  onEnd(() => stopChild(child));
  const { arrived, seconds } = await nextMessage<{ arrived: boolean; seconds: number }>(child);
  if (!arrived) throw new Error('Not all records have arrived');
  return records / seconds;
}
