import { TrainerError } from '../trainer-error.ts';
import { type Classifier, makeClassifier } from './classifier.ts';
import type { TrainingState } from './optimizer.ts';

/** Only rows of features that ever occurred are written. */
interface Header {
  readonly format: typeof format;
  readonly labels: readonly string[];
  readonly wordNgrams: number;
  readonly featureBits: number;
  readonly rows: number;
  /** Absent in a model. */
  readonly progress?: Pick<TrainingState, 'step' | 'evaluatedAt' | 'lossSum' | 'lossExamples'>;
}

const format = 'chaperone-text-classifier/1';

/**
 * A model as bytes: the length of a JSON header (32 bits), the header, the indices of the rows (32 bits each), their
 * weights (32-bit floats). Everything is little-endian.
 */
export function encodeModel(classifier: Classifier): Buffer {
  return encode(classifier, rowsOf(classifier, classifier.weights), [classifier.weights], undefined);
}

/** A state as bytes: a model, with AdaGrad's sums after the weights. */
export function encodeState({ classifier, squares, ...progress }: TrainingState): Buffer {
  return encode(classifier, rowsOf(classifier, squares), [classifier.weights, squares], progress);
}

/** @throws {TrainerError} where these are no bytes of `encodeModel` or `encodeState` */
export function decodeModel(bytes: Buffer): Classifier {
  return decode(bytes).classifier;
}

/** @throws {TrainerError} where these are no bytes of `encodeState` */
export function decodeState(bytes: Buffer): TrainingState {
  const { classifier, squares, header } = decode(bytes);
  if (!header.progress || !squares) throw unreadable();
  return { classifier, squares, ...header.progress };
}

function encode(
  { labels, wordNgrams, featureBits }: Classifier,
  rows: Uint32Array,
  tables: readonly Float32Array[],
  progress: Header['progress'],
): Buffer {
  const fields: Header = { format, labels, wordNgrams, featureBits, rows: rows.length, ...(progress && { progress }) };
  const header = Buffer.from(JSON.stringify(fields));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  const parts = tables.map((table) => {
    const values = new Float32Array(rows.length * labels.length);
    rows.forEach((row, at) => {
      values.set(table.subarray(row * labels.length, (row + 1) * labels.length), at * labels.length);
    });
    return bytesOf(values);
  });
  return Buffer.concat([length, header, bytesOf(rows), ...parts]);
}

function decode(bytes: Buffer) {
  const header = readHeader(bytes);
  const { labels, rows: count } = header;
  let at = 4 + bytes.readUInt32LE(0);
  const take = (length: number) => {
    const part = Uint8Array.from(bytes.subarray(at, at + length)).buffer;
    at += length;
    return part;
  };
  const rows = new Uint32Array(take(count * 4));
  const classifier = makeClassifier(labels, header);
  const fill = (table: Float32Array) => {
    const values = new Float32Array(take(count * labels.length * 4));
    rows.forEach((row, place) => {
      table.set(values.subarray(place * labels.length, (place + 1) * labels.length), row * labels.length);
    });
    return table;
  };
  fill(classifier.weights);
  const squares = header.progress && fill(new Float32Array(classifier.weights.length));
  return { classifier, squares, header };
}

function readHeader(bytes: Buffer): Header {
  try {
    const header = JSON.parse(bytes.toString('utf8', 4, 4 + bytes.readUInt32LE(0))) as Header;
    const tables = header.progress ? 2 : 1;
    const length = 4 + bytes.readUInt32LE(0) + header.rows * 4 * (1 + tables * header.labels.length);
    if (header.format === format && bytes.length === length) return header;
  } catch {
    // It is reported below.
  }
  throw unreadable();
}

function unreadable(): TrainerError {
  return new TrainerError('data', 'This is no model of the built-in trainer');
}

function rowsOf({ labels }: Classifier, table: Float32Array): Uint32Array {
  const rows: number[] = [];
  for (let row = 0; row * labels.length < table.length; row += 1) {
    if (table.subarray(row * labels.length, (row + 1) * labels.length).some((value) => value !== 0)) rows.push(row);
  }
  return Uint32Array.from(rows);
}

function bytesOf({ buffer, byteOffset, byteLength }: Uint32Array | Float32Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
