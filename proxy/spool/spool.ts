import { mkdirSync } from 'node:fs';
import type { SpooledEntry } from '../../database/audit/spooled.ts';
import type { Erasure } from '../../database/erasures.ts';
import type { OwnedResource } from '../../database/owned-resources.ts';
import type { PendingCall } from '../../database/pending-calls.ts';
import type { RatingRecord } from '../../database/ratings.ts';
import { lineOf, recordOf } from '../../database/request-lines.ts';
import type { RequestRecord, RequestReference } from '../../database/requests.ts';
import type { BlockRecord } from '../../database/speech/blocks.ts';
import { emptyBytes } from './frame.ts';
import { makeIntents } from './intents.ts';
import { interruptedOf } from './interrupted.ts';
import { lockDirectory } from './lock.ts';
import { type Memory, makeMemory, rememberedCount } from './memory.ts';
import { makeOutbox, type Outbox } from './outbox.ts';
import { replayFiles } from './replay.ts';
import { openReserve } from './reserve.ts';
import { UnreadableError } from './segments.ts';
import { openSetAside } from './set-aside.ts';
import { SpoolError } from './spool-error.ts';
import type { SpoolTable } from './tables.ts';
import { makeWaiting } from './waiting.ts';
import { makeWriter } from './writer.ts';

/** A settled call that is not in Postgres yet. */
export interface WaitingCall {
  readonly record: RequestRecord;
  /** Empty where it has no contents. */
  readonly sealed: Buffer;
}

/**
 * The local, durable log of usage. A call writes its intent before it goes upstream, and its true usage before its
 * answer ends.
 *
 * Frames are appended to files. A written frame survives the death of the process, but not a power cut. The intents and
 * settlements of one turn of the event loop are written at its end, with one write; then their calls go on.
 */
export interface Spool extends Outbox {
  /**
   * Writes the intent with the others of this turn.
   *
   * @param onWritten is called when the call may go upstream, or with the reason why it may not
   * @returns the handle for `settle` and `defer`
   * @throws {SpoolError} where it cannot be written
   */
  begin(intent: RequestRecord, onWritten: (error?: SpoolError) => void): number;
  /**
   * Replaces the intent by what is known now, at once. Where the volume refuses the write, the intent stays as it was.
   *
   * @param handle of a call that is neither settled nor deferred
   */
  amend(handle: number, intent: RequestRecord): void;
  /**
   * Replaces the intent by the call's settlement, with the others of this turn. Where the volume refuses the write, it
   * is retried until it succeeds.
   *
   * @param sealed the contents (database/contents.ts); undefined where they are not kept
   * @param onWritten is called when the answer may end: once the settlement is written, or refused for the first time
   */
  settle(handle: number, record: RequestRecord, sealed: Buffer | undefined, onWritten: () => void): void;
  /**
   * Replaces the intent by a pending call, which the provider works on after its answer. It is neither settled nor
   * interrupted. It is written at once.
   */
  defer(handle: number, record: PendingCall): void;
  /** Forgets an intent whose call was never made. It leaves no record. */
  withdraw(handle: number): void;
  /** Settles a pending call that any proxy has deferred. Later settlements of the same call do nothing. */
  settleDeferred(record: RequestRecord, sealed: Buffer | undefined, onWritten: () => void): void;
  /** Writes without waiting for the end of the turn. */
  writeNow(): void;
  /** Writes a rating at once. @throws {SpoolError} where it cannot be written */
  rate(rating: RatingRecord): void;
  /**
   * Writes the owner of a resource, or that the resource was deleted, at once. @throws {SpoolError} where it cannot be written
   */
  own(resource: OwnedResource): void;
  /**
   * Writes that a guardrail did not let a call go to a provider, at once. Where the volume refuses, it is retried.
   */
  block(record: BlockRecord): void;
  /** Writes an entry of the audit log with the other rows of this turn. Where the volume refuses, it is retried. */
  audit(entry: SpooledEntry): void;
  /** Finds one of the most recent resources that callers of this proxy made. */
  findResource(id: string): OwnedResource | undefined;
  /** Lists one user's recent resources, including deleted ones. */
  listResources(userId: string): OwnedResource[];
  /** Finds a waiting pending call by the provider's id. */
  findDeferred(responseId: string): PendingCall | undefined;
  /** Finds one of this proxy's most recent calls by request id or response id. */
  find(id: string): RequestReference | undefined;
  /** Finds a recent call by the id of a part of its answer. */
  findByKeptId(id: string): RequestReference | undefined;
  /** Finds a settled call that is not in Postgres yet. */
  findWaiting(requestId: string): WaitingCall | undefined;
  hasSetAside(): boolean;
  /** Removes erased users from the rows that were set aside. @returns how many rows it changed */
  eraseUsers(organizationId: string, erasures: readonly Erasure[]): number;
  /** Number of waiting rows. */
  readonly depth: number;
  /** Number of waiting settled calls. */
  readonly callsDepth: number;
  /** Number of waiting entries of the audit log. */
  readonly auditDepth: number;
  /** A mark behind the newest waiting row, for `hasLeft`. */
  mark(): number;
  /** Whether all rows that waited at the mark have left the spool, and the volume has refused none. */
  hasLeft(mark: number): boolean;
  /** Called after a row was added that has to be copied. */
  onWaiting: () => void;
  close(): void;
}

export interface SpoolOptions {
  /** On a volume that survives restarts of the container. Created where missing. */
  readonly directory: string;
  /** How many bytes may wait before further calls are refused. */
  readonly maxBytes?: number;
  /** The size limit of all files. It is larger than `maxBytes`, so the calls that are under way can still settle. */
  readonly maxFileBytes?: number;
  /** Called for each call that a predecessor left open, once it is settled. */
  readonly onRecovered?: (record: RequestRecord) => void;
  /** Called when the volume refuses to write a settlement. */
  readonly onWriteFailure?: (error: unknown) => void;
  /** Called for each record that is damaged in its file, and was set aside. Of which table it is may be unknown. */
  readonly onUnreadable?: (table: SpoolTable | undefined, error: Error) => void;
}

const gibibyte = 1024 ** 3;
const maxSegmentBytes = 16 * 1024 * 1024;

/** Limits of a spool in a data directory of this size. The rest is for the configuration kept beside it. */
export function spoolBoundsOf(directoryBytes: number): Pick<SpoolOptions, 'maxBytes' | 'maxFileBytes'> {
  return { maxBytes: Math.floor(directoryBytes / 5), maxFileBytes: Math.floor((directoryBytes / 5) * 4) };
}

/**
 * Opens the spool and locks it for this process. Calls that a previous process left open become `interrupted`, with
 * unknown usage.
 *
 * @throws where another process has it open
 */
export function openSpool(options: SpoolOptions): Spool {
  const { directory, maxBytes = gibibyte, maxFileBytes = 4 * gibibyte, onWriteFailure } = options;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const unlock = lock(directory);
  const aside = openSetAside(directory);
  const waiting = makeWaiting();
  const memory = makeMemory();
  const files = { directory, maxSegmentBytes, maxTotalBytes: maxFileBytes };
  const replayed = replayFiles(files, waiting, (place) => {
    const error = new UnreadableError(`${place.length} bytes at ${place.offset} in file ${place.segment} are damaged`);
    // The file may stay for several starts.
    if (aside.appendOnce(error.message)) options.onUnreadable?.(undefined, error);
  });
  const { segments } = replayed;
  const intents = makeIntents(segments, onWriteFailure);
  for (const [id, { place }] of replayed.open) intents.add(id, place);
  const reserve = openReserve(directory);
  const writer = makeWriter({
    segments,
    waiting,
    intents,
    reserve,
    onWaiting: () => spool.onWaiting(),
    onWriteFailure,
  });
  const compactBytes = Math.min(maxSegmentBytes, maxFileBytes) / 4;
  const outbox = makeOutbox({
    ...{ segments, waiting, intents, writer, aside, reserve, compactBytes },
    onUnreadable: options.onUnreadable,
  });
  let { lastId } = replayed;
  const nextId = () => {
    lastId += 1;
    return lastId;
  };

  const spool: Spool = {
    ...outbox,
    get depth() {
      return waiting.depth;
    },
    get callsDepth() {
      return waiting.count('calls');
    },
    get auditDepth() {
      return waiting.count('audit');
    },
    onWaiting: () => {},
    begin(intent, onWritten) {
      if (waiting.bytes >= maxBytes) throw new SpoolError('full', `${waiting.bytes} bytes wait for the database`);
      if (reserve.isGivenUp()) throw new SpoolError('unwritable', 'The volume has no space left');
      const id = nextId();
      writer.writeIntent(id, JSON.stringify(intent), onWritten);
      return id;
    },
    amend(id, intent) {
      try {
        writer.writeIntent(id, JSON.stringify(intent), (error) => error && onWriteFailure?.(error));
        writer.flush();
      } catch (error) {
        onWriteFailure?.(error);
      }
    },
    settle(id, record, sealed, onWritten) {
      const row = lineOf(record);
      writer.write({ kind: 'settlement', id, requestId: record.request_id, row, sealed }, () => {
        onWritten();
        // The answer has left, and in the same turn, so nobody can have asked for the call before.
        memory.noteCall(record);
      });
    },
    defer(id, record) {
      memory.notePending(record, id);
      writer.write({ kind: 'deferral', id, row: JSON.stringify(record) }, () => {});
      writer.flush();
    },
    withdraw: writer.withdraw,
    settleDeferred(record, sealed, onWritten) {
      if (!memory.noteLateSettlement(record)) {
        onWritten();
        return;
      }
      const row = JSON.stringify(record);
      writer.write({ kind: 'late settlement', id: nextId(), requestId: record.request_id, row, sealed }, onWritten);
    },
    writeNow: writer.flush,
    rate: (rating) => writer.writeNow({ kind: 'rating', id: nextId(), row: JSON.stringify(rating) }),
    own(resource) {
      writer.writeNow({ kind: 'ownership', id: nextId(), row: JSON.stringify(resource) });
      memory.noteResource(resource);
    },
    block(record) {
      writer.write({ kind: 'block', id: nextId(), row: JSON.stringify(record) }, () => {});
      writer.flush();
    },
    audit: (entry) => writer.write({ kind: 'audit', id: nextId(), row: JSON.stringify(entry) }, () => {}),
    findResource: memory.findResource,
    listResources: memory.listResources,
    findDeferred(responseId) {
      const row = waiting.get('pending', memory.findPending(responseId) ?? 0);
      return row && (JSON.parse(String(segments.readOne(row.place).row)) as PendingCall);
    },
    find: memory.findCall,
    findByKeptId: memory.findByKeptId,
    findWaiting(requestId) {
      const waits = waiting.findCall(requestId);
      const found = waits ? segments.readOne(waits.place) : writer.findUnwritten(requestId);
      return found && { record: recordOf(String(found.row)), sealed: found.sealed ?? emptyBytes };
    },
    mark: waiting.mark,
    hasLeft: (mark) => !writer.hasUnwritten() && waiting.hasLeft(mark),
    hasSetAside: aside.exists,
    eraseUsers: aside.eraseUsers,
    close() {
      writer.close();
      segments.close();
      unlock();
    },
  };

  remember(memory, outbox);
  for (const [id, { row }] of replayed.open) {
    const record = interruptedOf(JSON.parse(row));
    spool.settle(id, record, undefined, () => options.onRecovered?.(record));
  }
  writer.flush();
  return spool;
}

/** Remembers the calls and resources that an earlier process left waiting. */
function remember(memory: Memory, { take }: Pick<Outbox, 'take'>): void {
  const each = (table: SpoolTable, note: (row: string, id: number) => void) => {
    for (const { row, id } of take(table, rememberedCount)) note(String(row), id);
  };
  each('calls', (row) => memory.noteCall(recordOf(row)));
  each('pending', (row, id) => memory.notePending(JSON.parse(row), id));
  each('settlements', (row) => memory.noteLateSettlement(JSON.parse(row)));
  each('resources', (row) => memory.noteResource(JSON.parse(row)));
}

function lock(directory: string): () => void {
  try {
    return lockDirectory(directory);
  } catch (cause) {
    throw new Error(`The spool in ${directory} cannot be opened; is another proxy using it?`, { cause });
  }
}
