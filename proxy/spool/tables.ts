import type { SpooledEntry } from '../../database/audit/spooled.ts';
import type { OwnedResource } from '../../database/owned-resources.ts';
import type { RatingRecord } from '../../database/ratings.ts';
import { recordOf } from '../../database/request-lines.ts';
import type { RequestRecord } from '../../database/requests.ts';
import type { BlockRecord } from '../../database/speech/blocks.ts';
import type { EntryKind } from './frame.ts';

/** The kinds of rows that wait for Postgres, in the order of copying: a pending call comes before its settlement. */
export const spoolTables = ['calls', 'pending', 'settlements', 'resources', 'ratings', 'blocks', 'audit'] as const;

export type SpoolTable = (typeof spoolTables)[number];

/** The table in which an entry waits until it is copied. */
export const tableOf = {
  settlement: 'calls',
  deferral: 'pending',
  'late settlement': 'settlements',
  ownership: 'resources',
  rating: 'ratings',
  block: 'blocks',
  audit: 'audit',
} as const satisfies Partial<Record<EntryKind, SpoolTable>>;

export type WaitingKind = keyof typeof tableOf;

/** Time of a row's event, in milliseconds since 1970. */
export function happenedAtMs(table: SpoolTable, row: string): number {
  switch (table) {
    case 'calls':
    case 'pending':
      return Date.parse(recordOf(row).started_at);
    case 'settlements': {
      const { started_at, duration_ms } = JSON.parse(row) as RequestRecord;
      return Date.parse(started_at) + (duration_ms ?? 0);
    }
    case 'resources': {
      const { created_at, deleted_at } = JSON.parse(row) as OwnedResource;
      return Date.parse(deleted_at ?? created_at);
    }
    case 'ratings':
      return Date.parse((JSON.parse(row) as RatingRecord).rated_at);
    case 'blocks':
      return Date.parse((JSON.parse(row) as BlockRecord).started_at);
    case 'audit':
      return Date.parse((JSON.parse(row) as SpooledEntry).started_at);
  }
}
