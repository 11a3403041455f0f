import { asArray, asCount, asObject, asString, type Body, errorCodeOf, parseObject } from '../json.ts';
import type { Reading, StreamOptions, StreamReader } from '../reading.ts';
import { isDone, makeEventSplitter, parseEvent } from '../sse.ts';
import { type AddedText, PlainDeltas, type Range } from './plain-deltas.ts';
import { readLaterUsage, readTokenUsage } from './token-usage.ts';

/** Assembles the choices of a stream, for the contents store. */
export interface Assembly {
  add(choices: readonly unknown[]): void;
  /** The text that a choice adds. Undefined where the choice adds anything else. */
  textIn(choice: Body): string | undefined;
  /** Adds text to a choice that an earlier `add` had. */
  addText(added: AddedText): void;
  toJson(reading: Reading): string;
}

/** Reads an answer, or a chunk of one, of an operation that answers with `choices`. */
export function readCompletion(answer: unknown): Reading {
  const completion = asObject(answer);
  const failed = hasFailed(completion);
  const keptIds = readAudioIds(asArray(completion?.choices));
  return {
    failed,
    errorCode: failed ? errorCodeOf(completion?.error) : null,
    responseId: asString(completion?.id),
    model: asString(completion?.model),
    serviceTier: asString(completion?.service_tier),
    usage: readTokenUsage(completion?.usage),
    ...(keptIds.length > 0 && { keptIds }),
  };
}

function hasFailed(completion: Body | null): boolean {
  return completion?.error !== undefined && completion.error !== null;
}

/** The ids of spoken answers, which the next call may refer to. */
function readAudioIds(choices: readonly unknown[]): string[] {
  const ids: string[] = [];
  for (const value of choices) {
    const choice = asObject(value);
    const id = asObject(asObject(choice?.message ?? choice?.delta)?.audio)?.id;
    if (typeof id === 'string') ids.push(id);
  }
  return ids;
}

/** Collects facts from the chunks of a stream. */
export interface ChunkNotes {
  /** Notes the facts in a chunk. @returns its choices */
  note(chunk: Body): readonly unknown[];
  /** Whether every choice has a `finish_reason`. */
  isFinished(): boolean;
  partial(): Reading;
}

/** @param choiceCount how many choices were requested */
export function makeChunkNotes(choiceCount: number): ChunkNotes {
  const finished = new Set<number>();
  let choicesSeen = choiceCount;
  let partial = readCompletion(null);

  const noteFinish = (choices: readonly unknown[]) => {
    for (const value of choices) {
      const choice = asObject(value);
      const index = asCount(choice?.index) ?? 0;
      if (index >= choicesSeen) choicesSeen = index + 1;
      if (choice?.finish_reason) finished.add(index);
    }
  };

  return {
    note(chunk) {
      const choices = asArray(chunk.choices);
      noteFinish(choices);
      // All chunks describe the same response, so write only new facts.
      // In Azure's events about its filters, both are empty.
      const responseId = asString(chunk.id) || partial.responseId;
      const model = asString(chunk.model) || partial.model;
      const serviceTier = asString(chunk.service_tier) ?? partial.serviceTier;
      const told = usageIn(chunk, choices);
      const usage = told ? readLaterUsage(partial.usage, told) : partial.usage;
      const keptIds = readAudioIds(choices);
      const isKnown =
        responseId === partial.responseId &&
        model === partial.model &&
        serviceTier === partial.serviceTier &&
        usage === partial.usage;
      if (isKnown && keptIds.length === 0) return choices;
      if (partial.keptIds) keptIds.unshift(...partial.keptIds);
      partial = { ...partial, responseId, model, serviceTier, usage, ...(keptIds.length > 0 && { keptIds }) };
      return choices;
    },
    isFinished: () => finished.size >= choicesSeen,
    partial: () => partial,
  };
}

/** Groq puts a stream's usage into a separate object, Moonshot into the last choice. */
function usageIn(chunk: Body, choices: readonly unknown[]): Body | null {
  return asObject(chunk.usage) ?? asObject(asObject(chunk.x_groq)?.usage) ?? asObject(asObject(choices[0])?.usage);
}

/**
 * Reads a stream of chunks, and removes usage that only we asked for. The stream is complete with `[DONE]`, or where
 * its message ends after every choice has its `finish_reason`, since not every server sends `[DONE]`.
 *
 * An event that only adds text, like the event that was parsed before it, is recognized without being parsed.
 *
 * @param choiceCount how many choices were requested
 */
export function makeCompletionReader(
  { hideUsage, keepOutput }: StreamOptions,
  choiceCount: number,
  assembly: Assembly,
): StreamReader {
  const events = makeEventSplitter();
  const chunks = makeChunkNotes(choiceCount);
  const plain = new PlainDeltas((chunk) => readAddedText(chunk, assembly));
  let reading: Reading | undefined;
  let hasOutput = false;

  /** Whether the event is plain. If so, its text is noted. */
  const isPlain = (raw: string): boolean => {
    if (!plain.matches(raw)) return false;
    if (hasOutput && !keepOutput) return true;
    const added = plain.added(raw);
    if (!hasOutput && added.text !== '') hasOutput = true;
    if (keepOutput) assembly.addText(added);
    return true;
  };

  /** Notes the facts in an event, and returns the client's part of it. */
  const observe = (raw: string): string => {
    if (reading !== undefined) return raw;
    if (isPlain(raw)) return plain.shown(raw);
    const { name, data } = parseEvent(raw);
    if (isDone(data)) {
      reading = chunks.partial();
      return raw;
    }
    const chunk = parseObject(data);
    if (!chunk) return raw;
    if (name === 'error' || hasFailed(chunk)) {
      const errorCode = errorCodeOf(hasFailed(chunk) ? chunk.error : chunk);
      reading = { ...chunks.partial(), failed: true, errorCode };
      return raw;
    }
    const choices = chunks.note(chunk);
    if (!hasOutput && choices.some(hasContent)) hasOutput = true;
    if (keepOutput) assembly.add(choices);
    const hidden = hideUsage && chunk.usage === null ? findAbsentUsage(raw) : undefined;
    plain.learn(raw, chunk, hidden);
    if (hidden) return raw.slice(0, hidden.start) + raw.slice(hidden.end);
    if (!hideUsage) return raw;
    return choices.length === 0 && asObject(chunk.usage) ? '' : raw;
  };

  return {
    read(chunk) {
      if (reading === undefined && events.isEmpty()) {
        // Most chunks are one plain event.
        const raw = chunk.toString('latin1');
        if (isPlain(raw)) return hideUsage ? Buffer.from(plain.shown(raw), 'latin1') : chunk;
      }
      let passed = '';
      for (const raw of events.push(chunk)) passed += observe(raw);
      const whole = events.freed();
      if (!hideUsage) return whole;
      return passed === '' ? undefined : Buffer.from(passed, 'latin1');
    },
    end() {
      const last = events.end();
      const passed = last === undefined ? '' : observe(last);
      if (reading === undefined && chunks.isFinished()) reading = chunks.partial();
      const whole = events.freed();
      return hideUsage ? Buffer.from(passed, 'latin1') : whole;
    },
    reading: () => reading,
    hasOutput: () => hasOutput,
    partial: () => chunks.partial(),
    output: () => (keepOutput ? assembly.toJson(chunks.partial()) : undefined),
    isBetweenEvents: () => hideUsage || !events.isInside(),
  };
}

/** Whether a choice adds anything. Most streams begin with a chunk that only names the role. */
function hasContent(value: unknown): boolean {
  const choice = asObject(value);
  const { role: _, ...delta } = asObject(choice?.delta) ?? {};
  const isThere = (field: unknown) => field != null && field !== '' && !(Array.isArray(field) && field.length === 0);
  return isThere(choice?.finish_reason) || isThere(choice?.text) || Object.values(delta).some(isThere);
}

/** The text that a chunk adds. Undefined where the chunk has any other new fact. */
function readAddedText(chunk: Body, assembly: Assembly): AddedText | undefined {
  const choices = asArray(chunk.choices);
  const choice = asObject(choices[0]);
  if (!choice || choices.length > 1 || choice.finish_reason) return undefined;
  if (usageIn(chunk, choices) || readAudioIds(choices).length > 0) return undefined;
  const text = assembly.textIn(choice);
  return text === undefined ? undefined : { choiceIndex: asCount(choice.index) ?? 0, text };
}

/** `"usage":null` with an adjacent comma. It cannot be inside a string, where its quotes would be escaped. */
const absentUsage = /,\s*"usage"\s*:\s*null|"usage"\s*:\s*null\s*,\s*/g;

/** Finds `"usage":null` of a chunk, which is there only because we asked for usage. */
function findAbsentUsage(raw: string): Range | undefined {
  // OpenAI's spelling, which needs no regular expression.
  const usual = ',"usage":null';
  const start = raw.indexOf('"usage"') - 1;
  const isUsual = raw.startsWith(usual, start) && raw.lastIndexOf('"usage"') === start + 1;
  if (isUsual) return { start, end: start + usual.length };
  const found = [...raw.matchAll(absentUsage)];
  const own = found.length > 1 ? found.find(({ index }) => isAtTop(raw.slice(0, index))) : found[0];
  return own && { start: own.index, end: own.index + own[0].length };
}

/** Whether the next field is one of the chunk itself, and not of a nested object. */
function isAtTop(before: string): boolean {
  const structure = before.replace(/"(?:[^"\\]|\\.)*"/g, '');
  return structure.replace(/[^{[]/g, '').length - structure.replace(/[^}\]]/g, '').length === 1;
}
