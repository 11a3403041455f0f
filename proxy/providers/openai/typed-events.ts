import { asObject, asString, type Body, errorCodeOf, parseObject } from '../json.ts';
import type { Reading, StreamReader } from '../reading.ts';
import { isDone, makeEventSplitter, parseEvent } from '../sse.ts';
import { makeChunkNotes } from './choices.ts';
import { readPlain } from './plain-answer.ts';

/** How an operation reads its streams of events with a `type`. */
export interface EventReader {
  /** Whether events of this type contain a part of the output. */
  isOutput(type: string): boolean;
  /** Whether events of this type may report the end, so that they must be read. */
  isLast(type: string): boolean;
  /** The reading if this was the last event. Undefined where more will follow. */
  read(type: string, data: Body): Reading | undefined;
}

/**
 * Reads a stream of typed events, which passes byte for byte. The output is media or long text, so it is not kept.
 *
 * Some servers send chat chunks without a type instead. They are read as chat chunks in every operation.
 */
export function makeTypedEventReader(events: EventReader): StreamReader {
  const splitter = makeEventSplitter();
  const chunks = makeChunkNotes(1);
  let reading: Reading | undefined;
  let hasOutput = false;

  const observe = (raw: string) => {
    const { name, data } = parseEvent(raw);
    if (isDone(data)) {
      reading = chunks.partial();
      return;
    }
    // Events with an image are large, so they are parsed only where their name does not show their type.
    const type = name !== '' ? name : (asString(parseObject(data)?.type) ?? '');
    if (events.isOutput(type)) hasOutput = true;
    const isUntyped = type === '';
    if (type !== 'error' && !isUntyped && !events.isLast(type)) return;
    const event = parseObject(data);
    if (!event) return;
    if (type === 'error' || asObject(event.error)) {
      const errorCode = errorCodeOf(asObject(event.error) ?? event);
      reading = { ...readPlain(null), failed: true, errorCode };
    } else if (isUntyped) {
      if (chunks.note(event).length > 0) hasOutput = true;
    } else reading = events.read(type, event);
  };

  return {
    read(chunk) {
      for (const raw of splitter.push(chunk)) if (reading === undefined) observe(raw);
      return splitter.freed();
    },
    end() {
      const last = splitter.end();
      if (last !== undefined && reading === undefined) observe(last);
      if (reading === undefined && chunks.isFinished()) reading = chunks.partial();
      return splitter.freed();
    },
    reading: () => reading,
    hasOutput: () => hasOutput,
    partial: () => chunks.partial(),
    output: () => undefined,
    isBetweenEvents: () => !splitter.isInside(),
  };
}
