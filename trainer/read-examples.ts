import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { parse } from 'csv-parse';
import type { Hyperparameters } from './settings.ts';
import type { Store } from './stores/store.ts';
import { TrainerError } from './trainer-error.ts';

export interface Example {
  readonly text: string;
  readonly label: string;
}

/** Names of columns in use, where none is stated. */
const usual = {
  text: ['text', 'review', 'message', 'sentence', 'content', 'body', 'comment', 'query'],
  label: ['label', 'sentiment', 'category', 'class', 'intent', 'target'],
};

type Row = Readonly<Record<string, unknown>>;

/**
 * Reads examples while they arrive: CSV with a line of names, or a JSON object a line (`.jsonl`, `.ndjson`), perhaps
 * compressed (`.gz`).
 *
 * @throws {TrainerError} where there is no such object, or it has no such columns
 */
export async function* readExamples(
  store: Pick<Store, 'read'>,
  uri: string,
  { textColumn, labelColumn }: Pick<Hyperparameters, 'textColumn' | 'labelColumn'>,
): AsyncGenerator<Example> {
  const chunks = await store.read(uri);
  if (!chunks) throw new TrainerError('input', `There is no ${uri}`);
  const plain = uri.endsWith('.gz') ? Readable.from(chunks).pipe(createGunzip()) : Readable.from(chunks);
  const rows = /\.(jsonl|ndjson)(\.gz)?$/.test(uri) ? readLines(plain, uri) : readCsv(plain, uri);
  let names: { readonly text: string; readonly label: string } | undefined;
  for await (const row of rows) {
    names ??= {
      text: findColumn(row, uri, 'text', textColumn, usual.text),
      label: findColumn(row, uri, 'label', labelColumn, usual.label),
    };
    const text = asText(row[names.text]);
    const label = asText(row[names.label]);
    if (text !== '' && label !== '') yield { text, label };
  }
}

async function* readCsv(source: Readable, uri: string): AsyncGenerator<Row> {
  const parser = source.pipe(parse({ columns: true, bom: true, trim: true, skip_empty_lines: true }));
  source.on('error', (error) => parser.destroy(error));
  try {
    yield* parser as AsyncIterable<Row>;
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && String(cause.code).startsWith('CSV_'))) throw cause;
    throw new TrainerError('data', `${uri} is not CSV: ${cause.message}`, { cause });
  }
}

async function* readLines(source: Readable, uri: string): AsyncGenerator<Row> {
  let number = 0;
  for await (const line of createInterface({ input: source })) {
    number += 1;
    if (line.trim() === '') continue;
    yield parseLine(line, uri, number);
  }
}

function parseLine(line: string, uri: string, number: number): Row {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null) return { ...value };
  } catch {
    // It is reported below.
  }
  throw new TrainerError('data', `Line ${number} of ${uri} is not a JSON object`);
}

function findColumn(row: Row, uri: string, what: string, stated: string | undefined, names: readonly string[]): string {
  const found = stated === undefined ? names.find((name) => name in row) : stated in row ? stated : undefined;
  if (found !== undefined) return found;
  const wanted = stated === undefined ? `one of ${names.join(', ')}` : `"${stated}"`;
  const has = Object.keys(row).slice(0, 20).join(', ').slice(0, 200);
  throw new TrainerError('data', `${uri} has no column for the ${what}: it needs ${wanted}, and has ${has}`);
}

function asText(value: unknown): string {
  return typeof value === 'string'
    ? value.trim()
    : typeof value === 'number' || typeof value === 'boolean'
      ? String(value)
      : '';
}
