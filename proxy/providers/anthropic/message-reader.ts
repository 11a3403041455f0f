import { asObject, asString, type Body, errorCodeOf, parseObject } from '../json.ts';
import { type AddedText, PlainDeltas } from '../openai/plain-deltas.ts';
import type { Reading, StreamReader } from '../reading.ts';
import { makeEventSplitter, parseEvent } from '../sse.ts';
import { mergeUsage, readMessage } from './message.ts';
import { MessageAssembly } from './message-assembly.ts';

/**
 * Collects the facts in the events of a message's stream.
 *
 * @see https://platform.claude.com/docs/en/build-with-claude/streaming
 */
export class MessageNotes {
  #message: Body = {};
  #usage: Body | null = null;
  #isEnded = false;
  #hasOutput = false;
  #error: { readonly code: string } | undefined;
  readonly assembly: MessageAssembly | undefined;
  readonly #countsFromStart: boolean;

  constructor(keepOutput: boolean, countsFromStart = true) {
    this.#countsFromStart = countsFromStart;
    this.assembly = keepOutput ? new MessageAssembly() : undefined;
  }

  note(type: string, event: Body): void {
    switch (type) {
      case 'message_start': {
        this.#message = asObject(event.message) ?? {};
        // How much is written is known only at the end.
        if (!this.#countsFromStart) return;
        this.#usage = mergeUsage(null, asObject(this.#message.usage));
        if (this.#usage) this.#usage = { ...this.#usage, output_tokens: null };
        return;
      }
      case 'content_block_start':
      case 'content_block_delta':
        this.#hasOutput = true;
        this.assembly?.add(event);
        return;
      case 'message_delta':
        this.#message = { ...this.#message, ...asObject(event.delta) };
        this.#usage = mergeUsage(this.#usage, asObject(event.usage));
        return;
      case 'message_stop':
        this.#isEnded = true;
        return;
      case 'error':
        this.#error = { code: errorCodeOf(asObject(event.error) ?? event) };
        return;
    }
  }

  hasOutput(): boolean {
    return this.#hasOutput;
  }

  /** The message so far. Its content is known only where it is kept. */
  message(): Body {
    return { ...this.#message, ...(this.assembly && { content: this.assembly.content() }), usage: this.#usage };
  }

  /** Undefined until the end of the message, or an error. */
  reading(): Reading | undefined {
    if (this.#error) return { ...this.partial(), failed: true, errorCode: this.#error.code };
    return this.#isEnded ? this.partial() : undefined;
  }

  partial(): Reading {
    return readMessage(this.message());
  }
}

/**
 * Reads the stream of a message, which passes byte for byte. An event that only adds text, like the one that was parsed
 * before it, is recognized without being parsed.
 *
 * @param countsFromStart whether the first event has the tokens of the input; in a translated stream, only the last has
 */
export function makeMessageReader(keepOutput: boolean, countsFromStart = true): StreamReader {
  const events = makeEventSplitter();
  const notes = new MessageNotes(keepOutput, countsFromStart);
  const plain = new PlainDeltas(readAddedText);
  let reading: Reading | undefined;

  const observe = (raw: string) => {
    if (reading !== undefined) return;
    if (plain.matches(raw)) {
      if (!notes.assembly) return;
      const { choiceIndex, text } = plain.added(raw);
      notes.assembly.addText(choiceIndex, text);
      return;
    }
    const { name, data } = parseEvent(raw);
    const event = parseObject(data);
    if (!event) return;
    const type = asString(event.type) ?? name;
    notes.note(type, event);
    plain.learn(raw, event, undefined);
    if (type === 'message_stop' || type === 'error') reading = notes.reading();
  };

  return {
    read(chunk) {
      for (const raw of events.push(chunk)) observe(raw);
      return events.freed();
    },
    end() {
      const last = events.end();
      if (last !== undefined) observe(last);
      return events.freed();
    },
    reading: () => reading,
    hasOutput: () => notes.hasOutput(),
    partial: () => notes.partial(),
    output: () => (keepOutput ? JSON.stringify(notes.message()) : undefined),
    isBetweenEvents: () => !events.isInside(),
  };
}

/** The text that an event adds to a block. Undefined where it has any other new fact. */
function readAddedText({ type, index, delta }: Body): AddedText | undefined {
  const added = asObject(delta);
  if (type !== 'content_block_delta' || added?.type !== 'text_delta' || typeof added.text !== 'string')
    return undefined;
  return { choiceIndex: typeof index === 'number' ? index : 0, text: added.text };
}
