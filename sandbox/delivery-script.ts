import type { Faults } from './faults.ts';
import type { EventStream, Generation } from './generation.ts';
import type { JsonObject } from './json.ts';
import { errorEnvelope, errorOfStatus } from './provider-error.ts';
import type { TokenUsage } from './usage.ts';

/** A step in sending an answer. */
export type Step =
  | { kind: 'send'; text: string; billed: TokenUsage }
  | { kind: 'pause'; ms: number }
  /** Closes the connection. */
  | { kind: 'cut' }
  | { kind: 'end'; text: string; billed: TokenUsage; status: 'completed' | 'failed' };

/** Sends a whole body. A stall or a cut comes in its middle. */
export function* wholeBodySteps(text: string, generation: Generation, faults: Faults): Iterable<Step> {
  const billed = generation.usage;
  const half = faults.stall || faults.cut ? Math.ceil(text.length / 2) : 0;
  if (half > 0) yield { kind: 'send', text: text.slice(0, half), billed };
  if (faults.stall) yield { kind: 'pause', ms: faults.stall };
  if (faults.cut) yield { kind: 'cut' };
  const failed = generation.failed || faults.garbage || faults['error-in-stream'];
  yield { kind: 'end', text: text.slice(half), billed, status: failed ? 'failed' : 'completed' };
}

/** The body of a whole answer, or its replacement by a fault. */
export function wholeBody(body: JsonObject, faults: Faults, show = errorEnvelope): string {
  if (faults.garbage) return '<html><body><h1>It works!</h1></body></html>';
  return JSON.stringify(faults['error-in-stream'] ? show(errorOfStatus(500)) : body);
}

/** Sends bytes, each as one character. Faults of streams apply after half of the pieces. */
export function* byteSteps(chunks: readonly Buffer[], generation: Generation, faults: Faults): Iterable<Step> {
  const billed = generation.usage;
  const midpoint = Math.ceil(chunks.length / 2);
  for (const [index, chunk] of chunks.entries()) {
    if (index === midpoint && faults.stall) yield { kind: 'pause', ms: faults.stall };
    if (index === midpoint && faults.cut) return yield { kind: 'cut' };
    yield { kind: 'send', text: chunk.toString('latin1'), billed };
    if (faults['delta-delay']) yield { kind: 'pause', ms: faults['delta-delay'] };
  }
  if (faults.cut) return yield { kind: 'cut' };
  yield { kind: 'end', text: '', billed, status: generation.failed ? 'failed' : 'completed' };
}

/** Sends a stream's events. Faults apply after half of its deltas. */
export function* streamSteps(stream: EventStream, generation: Generation, faults: Faults): Iterable<Step> {
  const midpoint = Math.ceil(stream.deltaCount / 2);
  let sequence = 0;
  let deltas = 0;
  let interrupted = false;
  let closing = '';
  const encode = (data: JsonObject) => stream.encode(data, sequence++);
  const billed = () => billedAfter(generation.usage, deltas, stream.deltaCount);

  for (const { part, data } of stream.events()) {
    if (!interrupted && part !== 'opening' && (deltas === midpoint || part === 'terminal')) {
      interrupted = true;
      if (faults.stall) yield { kind: 'pause', ms: faults.stall };
      if (faults['unknown-event']) yield { kind: 'send', text: encode(stream.unknown()), billed: billed() };
      if (faults.torn) yield { kind: 'send', text: firstHalf(encode(data)), billed: billed() };
      if (faults.cut || faults.torn) yield { kind: 'cut' };
      const breakage = brokenText(stream, faults, encode);
      if (breakage !== null) return yield { kind: 'end', text: breakage, billed: billed(), status: 'failed' };
    }
    if (part === 'terminal') {
      closing += encode(data);
      continue;
    }
    if (part === 'delta') deltas += 1;
    yield { kind: 'send', text: encode(data), billed: billed() };
    if (part === 'delta' && faults['delta-delay']) yield { kind: 'pause', ms: faults['delta-delay'] };
  }
  if (faults['no-terminal']) return yield { kind: 'end', text: '', billed: billed(), status: 'failed' };
  const status = generation.failed ? 'failed' : 'completed';
  yield { kind: 'end', text: closing + stream.trailer, billed: generation.usage, status };
}

function firstHalf(text: string): string {
  return text.slice(0, Math.ceil(text.length / 2));
}

function brokenText(stream: EventStream, faults: Faults, encode: (data: JsonObject) => string): string | null {
  if (faults.garbage) return 'data: {"type":"response.output_te\n\n';
  return faults['error-in-stream'] ? encode(stream.error(errorOfStatus(500))) : null;
}

/** Input and reasoning are billed from the start, the text as it is sent. */
function billedAfter(usage: TokenUsage, deltas: number, deltaCount: number): TokenUsage {
  const text = usage.output - usage.reasoning;
  const sent = deltaCount === 0 ? 0 : Math.floor((text * deltas) / deltaCount);
  return { ...usage, output: usage.reasoning + sent };
}
