import { makeGroup, type NewEntry } from './group.ts';
import type { Intents } from './intents.ts';
import { isFull, type Reserve } from './reserve.ts';
import type { Place, Segments } from './segments.ts';
import { SpoolError } from './spool-error.ts';
import { tableOf, type WaitingKind } from './tables.ts';
import { makeUnwritten } from './unwritten.ts';
import type { Waiting } from './waiting.ts';

/** A row that is to wait for Postgres. */
export interface NewRow extends NewEntry {
  readonly kind: WaitingKind;
  /** Set for a settled call. */
  readonly requestId?: string;
}

/** Writes what happens into the spool's files. */
export interface Writer {
  /**
   * Writes an intent with the others of this turn.
   *
   * @param onWritten is called once it is written, or with the reason why it is not
   * @throws {SpoolError} where the files have no room
   */
  writeIntent(id: number, row: string, onWritten: (error?: SpoolError) => void): void;
  /**
   * Writes a row with the others of this turn. Where the volume refuses, it is tried again until it succeeds.
   *
   * @param onWritten is called once it is written, or refused for the first time
   */
  write(row: NewRow, onWritten: () => void): void;
  /** Writes a row at once. @throws {SpoolError} where the volume refuses */
  writeNow(row: NewRow): void;
  /** The call of an intent was never made. Where the volume refuses to say so, the next start finds it interrupted. */
  withdraw(id: number): void;
  /** Writes what has gathered in this turn. */
  flush(): void;
  /**
   * Notes that rows have arrived in Postgres, so that the next start does not send them again. Sending again would
   * change nothing, so a failed write is ignored.
   */
  noteArrival(ids: readonly number[]): void;
  /** Finds the row of a settled call that the volume has refused so far. */
  findUnwritten(requestId: string): NewRow | undefined;
  /** Whether there are rows that the volume has refused so far. */
  hasUnwritten(): boolean;
  close(): void;
}

export interface WriterOptions {
  readonly segments: Segments;
  readonly waiting: Waiting;
  readonly intents: Intents;
  readonly reserve: Reserve;
  /** Called after a row began to wait. */
  readonly onWaiting: () => void;
  readonly onWriteFailure: ((error: unknown) => void) | undefined;
}

export function makeWriter(options: WriterOptions): Writer {
  const { segments, waiting, intents, reserve, onWaiting, onWriteFailure } = options;
  // An intent whose end is in the same group must not be moved behind it.
  const group = makeGroup(segments, intents.follow);

  const onWritten = ({ kind, id, requestId }: NewRow, place: Place) => {
    intents.end(id);
    waiting.add(tableOf[kind], id, place, requestId);
    onWaiting();
  };
  /** @throws where the volume refuses */
  const writeNow = (row: NewRow) => {
    let refusal: { readonly error: unknown } | undefined;
    group.append(row, (place, error) => {
      if (place) onWritten(row, place);
      else refusal = { error };
    });
    group.writeNow();
    if (refusal) throw refusal.error;
  };
  const unwritten = makeUnwritten<NewRow>((_, row) => writeNow(row), onWriteFailure);
  /** A row that is refused since the volume is full gets the room that is kept for it. */
  const onRefused = (row: NewRow, error: unknown) => {
    if (!isFull(error)) {
      unwritten.add(row.id, row, error);
      return;
    }
    reserve.giveUp();
    try {
      writeNow(row);
    } catch (again) {
      unwritten.add(row.id, row, again);
    }
  };

  return {
    writeIntent(id, row, onIntentWritten) {
      try {
        group.append({ kind: 'intent', id, row }, (place, error) => {
          if (!place) {
            onIntentWritten(unwritable('intent', error));
            return;
          }
          intents.add(id, place);
          onIntentWritten();
        });
      } catch (cause) {
        throw unwritable('intent', cause);
      }
    },
    write(row, onDone) {
      try {
        group.append(row, (place, error) => {
          if (place) onWritten(row, place);
          else onRefused(row, error);
          onDone();
        });
      } catch (error) {
        unwritten.add(row.id, row, error);
        onDone();
      }
    },
    writeNow(row) {
      try {
        writeNow(row);
      } catch (cause) {
        throw unwritable(row.kind, cause);
      }
    },
    withdraw(id) {
      const ended = (place: Place | undefined, error?: unknown) => {
        intents.end(id);
        if (place) segments.release(place);
        else onWriteFailure?.(error);
      };
      try {
        group.append({ kind: 'withdrawal', id, row: '' }, ended);
      } catch (error) {
        ended(undefined, error);
      }
    },
    flush: group.writeNow,
    noteArrival(ids) {
      try {
        group.append({ kind: 'arrival', id: 0, row: ids.join(',') }, (place, error) => {
          if (place) segments.release(place);
          else onWriteFailure?.(error);
        });
      } catch (error) {
        onWriteFailure?.(error);
      }
    },
    findUnwritten: (requestId) => unwritten.values().find((row) => row.requestId === requestId),
    hasUnwritten: () => unwritten.size() > 0,
    close() {
      group.writeNow();
      unwritten.close();
    },
  };
}

function unwritable(what: string, cause: unknown): SpoolError {
  return new SpoolError('unwritable', `The ${what} could not be written`, { cause });
}
