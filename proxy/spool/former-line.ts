import { joinSealed } from '../../database/contents.ts';
import { type Entry, type EntryKind, emptyBytes } from './frame.ts';

/**
 * The files of earlier versions have lines: a letter, one or more ids with commas, and a record as JSON. Sealed contents
 * are base64 in the record. Such files are read and shipped, and no longer written.
 */
const kinds: Readonly<Record<string, EntryKind>> = {
  I: 'intent',
  S: 'settlement',
  P: 'deferral',
  F: 'late settlement',
  R: 'rating',
  O: 'ownership',
  A: 'arrival',
};

/** @returns undefined for a line that no version of the proxy has written */
export function readFormerLine(line: string): Entry | undefined {
  const match = /^([ISPFROA]) (\d+(?:,\d+)*) /.exec(line);
  if (!match) return undefined;
  const [head, letter = '', ids = ''] = match;
  const kind = kinds[letter] ?? 'arrival';
  if (kind === 'arrival') return { kind, id: 0, row: Buffer.from(ids), sealed: emptyBytes };
  const record = line.slice(head.length);
  const id = Number(ids);
  if (kind !== 'intent' && kind !== 'settlement' && kind !== 'late settlement') {
    return { kind, id, row: Buffer.from(record), sealed: emptyBytes };
  }
  const [withoutInput, input] = takeSealed(record, 'input_sealed');
  const [row, output] = takeSealed(withoutInput, 'output_sealed');
  // An output without its input was never stored.
  return { kind, id, row: Buffer.from(row), sealed: input ? joinSealed(input, output) : emptyBytes };
}

/** Takes a field with base64 out of a record, without parsing the rest. */
function takeSealed(record: string, field: string): [rest: string, bytes: Buffer | undefined] {
  // In text from a client, quotes are escaped, so this is the field.
  const key = `,"${field}":`;
  const from = record.indexOf(key);
  if (from === -1) return [record, undefined];
  const valueFrom = from + key.length;
  if (record.startsWith('null', valueFrom)) {
    return [record.slice(0, from) + record.slice(valueFrom + 'null'.length), undefined];
  }
  const end = record.indexOf('"', valueFrom + 1);
  const bytes = Buffer.from(record.slice(valueFrom + 1, end), 'base64');
  return [record.slice(0, from) + record.slice(end + 1), bytes];
}
