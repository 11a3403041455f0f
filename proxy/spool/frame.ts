import { crc32 } from 'node:zlib';

/** What the spool's files are made of. */
export interface Entry {
  readonly kind: EntryKind;
  /** 0 for arrivals. */
  readonly id: number;
  /**
   * JSON text of a record; for settlements its line (database/request-lines.ts); for arrivals the ids of the rows that have
   * arrived in Postgres, with commas.
   */
  readonly row: Buffer;
  /** The sealed contents of a call. Empty where it has none. */
  readonly sealed: Buffer;
}

/**
 * - intent: a call that is under way
 * - settlement: the end of a call
 * - deferral: the provider works on the call after its answer
 * - late settlement: the end of a deferred call
 * - rating
 * - ownership: the owner of a resource stored at the provider
 * - block: a call that a guardrail did not let go to a provider
 * - audit: an entry of the audit log
 * - arrival: rows have arrived in Postgres
 * - withdrawal: the call of an intent was never made
 */
export type EntryKind =
  | 'intent'
  | 'settlement'
  | 'deferral'
  | 'late settlement'
  | 'rating'
  | 'ownership'
  | 'block'
  | 'audit'
  | 'arrival'
  | 'withdrawal';

const codes: Readonly<Record<EntryKind, number>> = {
  intent: 1,
  settlement: 2,
  deferral: 3,
  'late settlement': 4,
  rating: 5,
  ownership: 6,
  arrival: 7,
  audit: 8,
  withdrawal: 9,
  block: 10,
};
const kinds = new Map(Object.entries(codes).map(([kind, code]) => [code, kind as EntryKind]));

/** Layout: length of all that follows the check (4 bytes), check (4), kind (1), id (6), length of the row (4), row, sealed. */
const at = { length: 0, check: 4, kind: 8, id: 9, rowLength: 15, row: 19 } as const;

export const emptyBytes = Buffer.alloc(0);

/** An upper bound of a frame's size: a character of text has at most three bytes. */
export function maxFrameBytes(row: string, sealed: Buffer): number {
  return at.row + row.length * 3 + sealed.length;
}

/** Writes a frame into a buffer that has room for it. @returns where the frame ends */
export function writeFrame(
  buffer: Buffer,
  offset: number,
  kind: EntryKind,
  id: number,
  row: string,
  sealed: Buffer,
): number {
  const rowLength = buffer.write(row, offset + at.row);
  const end = offset + at.row + rowLength + sealed.length;
  sealed.copy(buffer, offset + at.row + rowLength);
  buffer[offset + at.kind] = codes[kind];
  buffer.writeUIntBE(id, offset + at.id, 6);
  buffer.writeUInt32BE(rowLength, offset + at.rowLength);
  buffer.writeUInt32BE(end - offset - at.kind, offset + at.length);
  buffer.writeUInt32BE(crc32(buffer.subarray(offset + at.kind, end)), offset + at.check);
  return end;
}

/** Where the frame ends that begins here. Undefined where it is torn: the bytes end before. */
export function frameEnd(bytes: Buffer, offset: number): number | undefined {
  if (offset + at.row > bytes.length) return undefined;
  const end = offset + at.kind + bytes.readUInt32BE(offset + at.length);
  return end >= offset + at.row && end <= bytes.length ? end : undefined;
}

/**
 * Reads a whole frame. Its row and its sealed bytes are parts of the given bytes, not copies.
 *
 * @returns undefined where the frame was changed since it was written
 */
export function readFrame(bytes: Buffer, offset: number, end: number): Entry | undefined {
  const kind = kinds.get(bytes[offset + at.kind] ?? 0);
  const rowEnd = offset + at.row + bytes.readUInt32BE(offset + at.rowLength);
  const check = bytes.readUInt32BE(offset + at.check);
  if (!kind || rowEnd > end || check !== crc32(bytes.subarray(offset + at.kind, end))) return undefined;
  return {
    kind,
    id: bytes.readUIntBE(offset + at.id, 6),
    row: bytes.subarray(offset + at.row, rowEnd),
    sealed: bytes.subarray(rowEnd, end),
  };
}

/**
 * Finds the next whole frame, after bytes that are none. No row contains one by chance: the first byte of a length is 0, which
 * no JSON text has, and the check must fit.
 *
 * @returns where it begins; undefined where there is none
 */
export function findFrame(bytes: Buffer, from: number): number | undefined {
  for (let offset = from; offset + at.row <= bytes.length; offset += 1) {
    if (!kinds.has(bytes[offset + at.kind] ?? 0)) continue;
    const end = frameEnd(bytes, offset);
    if (end !== undefined && readFrame(bytes, offset, end)) return offset;
  }
  return undefined;
}
