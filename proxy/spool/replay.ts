import { requestIdOf } from '../../database/request-lines.ts';
import type { Entry } from './frame.ts';
import { openSegments, type Place, type Segments, type SegmentsOptions } from './segments.ts';
import { spoolTables, tableOf } from './tables.ts';
import type { Waiting } from './waiting.ts';

/** What an earlier process left in the files. */
export interface Replayed {
  readonly segments: Segments;
  /** Intents without a settlement, by id. */
  readonly open: ReadonlyMap<number, OpenIntent>;
  /** The highest id so far. */
  readonly lastId: number;
}

export interface OpenIntent {
  /** JSON text. */
  readonly row: string;
  readonly place: Place;
}

/**
 * Opens the files, and adds the rows in them that have not arrived in Postgres to those that wait.
 *
 * @param onDamage called with each damaged part of a file
 */
export function replayFiles(options: SegmentsOptions, waiting: Waiting, onDamage: (place: Place) => void): Replayed {
  const open = new Map<number, OpenIntent>();
  /** Calls whose end was read. An intent behind it was moved there when the end was written. */
  const ended = new Set<number>();
  const done: (Place | undefined)[] = [];
  let lastId = 0;
  const replay = ({ kind, id, row }: Entry, place: Place) => {
    lastId = Math.max(lastId, id);
    if (kind === 'arrival') {
      for (const arrived of String(row).split(',')) {
        for (const table of spoolTables) done.push(waiting.remove(table, Number(arrived)));
      }
      done.push(place);
    } else if (kind === 'intent') {
      done.push(ended.has(id) ? place : open.get(id)?.place);
      if (!ended.has(id)) open.set(id, { row: String(row), place });
    } else if (kind === 'withdrawal') {
      done.push(open.get(id)?.place, place);
      open.delete(id);
      ended.add(id);
    } else {
      done.push(open.get(id)?.place);
      open.delete(id);
      ended.add(id);
      const isSettled = kind === 'settlement' || kind === 'late settlement';
      waiting.add(tableOf[kind], id, place, isSettled ? requestIdOf(row) : undefined);
    }
  };
  const segments = openSegments(options, replay, onDamage);
  for (const place of done) if (place) segments.release(place);
  return { segments, open, lastId };
}
