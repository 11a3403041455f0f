import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { request } from 'undici';
import { insertRequests } from '../../../database/insert-requests.ts';
import { gatherRequests } from '../../../database/request-batches.ts';
import { lineOf } from '../../../database/request-lines.ts';
import type { Installation } from '../../analytics/installation.ts';
import { makeRecord } from '../../analytics/record.ts';
import { longSession } from '../../analytics/voice-sessions.ts';

export interface Timed {
  /** When it began, by `performance.now()`. */
  readonly atMs: number;
  readonly tookMs: number;
}

/** What goes on in a database that somebody uses. */
export interface Traffic {
  /** Batches of ten records, by the statement of a proxy. */
  readonly writes: readonly Timed[];
  /** Figures of analytics over all days, by HTTP. */
  readonly reads: readonly Timed[];
  /** What a session has cost, which reads its calls by HTTP. */
  readonly lookUps: readonly Timed[];
  /** @throws where something has failed */
  stop(): Promise<void>;
}

const pauseMs = 20;
const batchSize = 10;

/** Writes and reads without end, one of each kind at a time. */
export async function startTraffic(installation: Installation): Promise<Traffic> {
  const { organizationId, proxyDatabaseUrl } = installation;
  const client = new Client({ connectionString: proxyDatabaseUrl });
  await client.connect();
  let isOver = false;
  const repeat = async (times: Timed[], run: (number: number) => Promise<unknown>) => {
    for (let number = 0; !isOver; number += 1) {
      const atMs = performance.now();
      await run(number);
      times.push({ atMs, tookMs: performance.now() - atMs });
      await delay(pauseMs);
    }
  };
  const writes: Timed[] = [];
  const reads: Timed[] = [];
  const lookUps: Timed[] = [];
  const write = (number: number) => {
    const rows = Array.from({ length: batchSize }, (_, index) => {
      const record = makeRecord(organizationId, number * batchSize + index);
      return { row: Buffer.from(lineOf(record)), sealed: Buffer.alloc(0) };
    });
    const gatherer = gatherRequests('lines', rows);
    gatherer.add(rows);
    return insertRequests(client, organizationId, gatherer.finish());
  };
  const all = Promise.all([
    repeat(writes, write),
    repeat(reads, () => get(installation, '/v1/analytics/models')),
    repeat(lookUps, () => get(installation, `/api/v1/sessions/${longSession.id}/costs`)),
  ]);
  // `stop` rejects with it.
  all.catch(() => {});
  return {
    ...{ writes, reads, lookUps },
    async stop() {
      isOver = true;
      await all;
      await client.end();
    },
  };
}

/** The longest of those that `isMeant` accepts. 0: there is none. */
export function longestOf(times: readonly Timed[], isMeant: (timed: Timed) => boolean): number {
  return Math.max(0, ...times.filter(isMeant).map(({ tookMs }) => tookMs));
}

async function get({ baseUrl, token }: Installation, path: string): Promise<void> {
  const { statusCode, body } = await request(new URL(path, baseUrl), {
    headers: { authorization: `Bearer ${token}`, 'x-user-id': 'bench@example.com' },
  });
  const text = await body.text();
  if (statusCode !== 200) throw new Error(`${path}: ${statusCode} ${text.slice(0, 500)}`);
}
