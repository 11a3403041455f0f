import { endOfLine, isLine, lineHasQuota } from './request-lines.ts';
import type { ReusedBytes } from './reused-bytes.ts';

/** A record as it is sent to PostgreSQL. */
export interface RequestRow {
  /** The line of a RequestRecord (request-lines.ts), or its JSON text. */
  readonly row: Buffer;
  /** The sealed contents (contents.ts). Empty where the call has none. */
  readonly sealed: Buffer;
}

/** The memory of a batch. */
export interface BatchMemory {
  readonly records: ReusedBytes;
  readonly contents: ReusedBytes;
}

/** How the records of a batch are written: as an array of PostgreSQL's, or as one of JSON. */
export type BatchForm = 'lines' | 'json';

/** A batch of records: their text, and their contents one after the other. */
export interface RequestBatch {
  readonly form: BatchForm;
  readonly records: Buffer;
  readonly contents: Buffer;
  /** Whether limits or budgets count any of the calls. */
  readonly hasQuota: boolean;
}

/** Makes a batch from records. Many records can be added a few at a time. */
export interface RequestGatherer {
  add(rows: readonly RequestRow[]): void;
  finish(): RequestBatch;
}

/** How a row becomes an element. What it writes says where its contents are among those of the batch, from 1 on. */
interface Element {
  readonly brackets: readonly [begin: string, end: string];
  hasQuota(row: Buffer): boolean;
  /** @returns where it ends */
  write(row: Buffer, contentsAt: number, contentsLength: number, into: Buffer, at: number): number;
}

/** An upper bound of what is added to a row. */
const placeBytes = ',"contents_at":,"contents_length":,'.length + 2 * '2147483647'.length;
const quotaField = Buffer.from('"quota":"');

const elements: Readonly<Record<BatchForm, Element>> = {
  lines: {
    brackets: ['{', '}'],
    hasQuota: lineHasQuota,
    write(row, contentsAt, contentsLength, into, at) {
      const end = at + row.copy(into, at);
      return end + into.write(endOfLine(contentsAt, contentsLength), end, 'latin1');
    },
  },
  json: {
    brackets: ['[', ']'],
    hasQuota: (row) => row.includes(quotaField),
    write(row, contentsAt, contentsLength, into, at) {
      const end = at + row.copy(into, at);
      if (contentsLength === 0) return end;
      // Before the brace that ends the record.
      const place = `,"contents_at":${contentsAt},"contents_length":${contentsLength}}`;
      return end - 1 + into.write(place, end - 1, 'latin1');
    },
  },
};

/** The form in which a row was written. */
export function formOf({ row }: RequestRow): BatchForm {
  return isLine(row) ? 'lines' : 'json';
}

/**
 * Copies the rows of a batch together. Nothing is parsed.
 *
 * @param form of all rows
 * @param all the rows that will be added
 * @param memory is used until the batch is stored
 */
export function gatherRequests(form: BatchForm, all: readonly RequestRow[], memory?: BatchMemory): RequestGatherer {
  const take = (of: ReusedBytes | undefined, bytes: number) => of?.take(bytes) ?? Buffer.allocUnsafe(bytes);
  const records = take(
    memory?.records,
    all.reduce((sum, { row }) => sum + row.length + placeBytes, 2),
  );
  const contents = take(
    memory?.contents,
    all.reduce((sum, { sealed }) => sum + sealed.length, 0),
  );
  const { brackets, hasQuota: rowHasQuota, write } = elements[form];
  const [begin, end] = brackets;
  let length = records.write(begin);
  let contentsLength = 0;
  let hasQuota = false;
  return {
    add(rows) {
      for (const { row, sealed } of rows) {
        hasQuota ||= rowHasQuota(row);
        if (length > 1) length += records.write(',', length);
        length = write(row, contentsLength + 1, sealed.length, records, length);
        contentsLength += sealed.copy(contents, contentsLength);
      }
    },
    finish() {
      length += records.write(end, length);
      return { form, records: records.subarray(0, length), contents, hasQuota };
    },
  };
}
