import assert from 'node:assert/strict';
import type { Detector, Match } from '../../../../proxy/guardrails/detect/detector.ts';

/** Streams a text in pieces, and checks what every stream promises. */
export function scanPieces(detector: Detector, pieces: Iterable<string>): readonly Match[] {
  const stream = detector.openStream();
  const matches: Match[] = [];
  let arrived = 0;
  let settled = 0;
  const take = ({ settledUpTo, matches: found }: ReturnType<typeof stream.push>) => {
    assert.ok(
      settledUpTo >= settled && settledUpTo <= arrived,
      `settled ${settledUpTo} after ${settled} of ${arrived}`,
    );
    for (const match of found) {
      assert.ok(match.start >= settled && match.end > match.start && match.end <= settledUpTo, JSON.stringify(match));
      settled = match.end;
      matches.push(match);
    }
    settled = settledUpTo;
  };
  for (const piece of pieces) {
    arrived += piece.length;
    take(stream.push(piece));
    const held = arrived - settled;
    assert.ok(held <= detector.maxHeldBack, `${held} units are held back, the bound is ${detector.maxHeldBack}`);
  }
  take(stream.end());
  assert.equal(settled, arrived, 'all is released at the end');
  return matches;
}

/** Every split of a text into two pieces, and the text unit by unit, give what the whole gives. */
export function assertSplits(detector: Detector, text: string): void {
  const whole = detector.scan(text);
  for (let position = 0; position <= text.length; position++) {
    const pieces = [text.slice(0, position), text.slice(position)];
    assert.deepEqual(scanPieces(detector, pieces), whole, `split at ${position}: ${JSON.stringify(pieces)}`);
  }
  assert.deepEqual(scanPieces(detector, text.split('')), whole, `unit by unit: ${JSON.stringify(text)}`);
}

/** The same with the bytes of the text's UTF-8, as a decoder of a stream gives them. */
export function assertByteSplits(detector: Detector, text: string): void {
  const bytes = new TextEncoder().encode(text);
  const whole = detector.scan(text);
  for (let position = 0; position <= bytes.length; position++) {
    const decoder = new TextDecoder();
    const pieces = [
      decoder.decode(bytes.subarray(0, position), { stream: true }),
      decoder.decode(bytes.subarray(position)),
    ];
    assert.deepEqual(scanPieces(detector, pieces), whole, `split at byte ${position} of ${JSON.stringify(text)}`);
  }
}

/** The matched texts with their kinds, for tables of expectations. */
export function found(detector: Detector, text: string): [kind: string, text: string][] {
  return detector.scan(text).map(({ start, end, kind }) => [kind, text.slice(start, end)]);
}
