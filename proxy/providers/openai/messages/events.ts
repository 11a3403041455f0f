import { asArray, asCount, asObject, asString, type Body, parseObject } from '../../json.ts';
import { isDone } from '../../sse.ts';
import type { EventTranslation } from '../../translation.ts';
import { type ChunkNotes, makeChunkNotes } from '../choices.ts';
import { endOf, headOf, toMessageError, toMessageUsage } from './answer.ts';

/** What the first event has in place of counts that come with the last. */
const noUsageYet = { input_tokens: 0, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 0 };

/** Makes the events of a message from the chunks of a chat completion. */
export class MessageEvents implements EventTranslation {
  readonly #notes: ChunkNotes = makeChunkNotes(1);
  #hasBegun = false;
  #hasEnded = false;
  #finishReason: unknown;
  #isRefused = false;
  #blocks = 0;
  /** The place of the text's block while it is open. */
  #text: number | undefined;
  /** The places of the blocks of calls, by their places among the calls. They stay open, since pieces may alternate. */
  readonly #calls = new Map<number, number>();

  event(_name: string, data: string): string {
    if (this.#hasEnded) return '';
    if (isDone(data)) return this.#stop();
    const chunk = parseObject(data);
    if (!chunk) return '';
    if (chunk.error != null) {
      this.#hasEnded = true;
      const { request_id: _, ...error } = toMessageError(chunk, asCount(asObject(chunk.error)?.code) ?? 500);
      return write(error);
    }
    const begin = this.#begin(chunk);
    return this.#notes.note(chunk).reduce<string>((events, choice) => events + this.#choice(asObject(choice)), begin);
  }

  /** Without `[DONE]` a stream is over where its answer has a `finish_reason`. */
  end(): string {
    return this.#hasBegun && !this.#hasEnded && this.#notes.isFinished() ? this.#stop() : '';
  }

  #begin({ id, model }: Body): string {
    if (this.#hasBegun) return '';
    this.#hasBegun = true;
    const empty = { content: [], stop_reason: null, stop_sequence: null, stop_details: null };
    return write({ type: 'message_start', message: { ...headOf(id, model), ...empty, usage: noUsageYet } });
  }

  #choice(choice: Body | null): string {
    const delta = asObject(choice?.delta);
    if (asCount(choice?.index)) return '';
    this.#finishReason = choice?.finish_reason ?? this.#finishReason;
    const refusal = asString(delta?.refusal) ?? '';
    if (refusal !== '') this.#isRefused = true;
    const said = this.#said((asString(delta?.content) ?? '') + refusal);
    return asArray(delta?.tool_calls).reduce<string>((events, call) => events + this.#call(asObject(call) ?? {}), said);
  }

  #said(text: string): string {
    if (text === '') return '';
    let begin = '';
    if (this.#text === undefined) {
      this.#text = this.#blocks++;
      begin = writeStart(this.#text, { type: 'text', text: '', citations: null });
    }
    return begin + writeDelta(this.#text, { type: 'text_delta', text });
  }

  #call({ index, id, function: called }: Body): string {
    const at = asCount(index) ?? 0;
    const { name, arguments: json } = asObject(called) ?? {};
    let begin = '';
    let block = this.#calls.get(at);
    if (block === undefined) {
      begin = this.#endText();
      block = this.#blocks++;
      this.#calls.set(at, block);
      const use = { type: 'tool_use', id: id ?? `call_${at}`, caller: { type: 'direct' }, name, input: {} };
      begin += writeStart(block, use);
    }
    return json ? begin + writeDelta(block, { type: 'input_json_delta', partial_json: json }) : begin;
  }

  #endText(): string {
    if (this.#text === undefined) return '';
    const ended = write({ type: 'content_block_stop', index: this.#text });
    this.#text = undefined;
    return ended;
  }

  #stop(): string {
    this.#hasEnded = true;
    if (!this.#hasBegun) return '';
    const ends = [...this.#calls.values()].map((index) => write({ type: 'content_block_stop', index }));
    const { usage, serviceTier } = this.#notes.partial();
    const delta = { ...endOf(this.#finishReason, this.#calls.size > 0, this.#isRefused), container: null };
    const last = { type: 'message_delta', delta, usage: toMessageUsage(usage, serviceTier) };
    return `${this.#endText()}${ends.join('')}${write(last)}${write({ type: 'message_stop' })}`;
  }
}

function writeStart(index: number, content_block: Body): string {
  return write({ type: 'content_block_start', index, content_block });
}

function writeDelta(index: number, delta: Body): string {
  return write({ type: 'content_block_delta', index, delta });
}

function write(data: Body): string {
  return `event: ${String(data.type)}\ndata: ${JSON.stringify(data)}\n\n`;
}
