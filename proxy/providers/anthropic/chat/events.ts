import { asCount, asObject, asString, type Body, parseObject } from '../../json.ts';
import type { EventTranslation } from '../../translation.ts';
import { mergeUsage } from '../message.ts';
import { finishReason, headOf, refusalOf, tierOf, toChatError, toChatUsage } from './answer.ts';

/** Makes the chunks of a chat completion from the events of a message. */
export class ChatChunks implements EventTranslation {
  #message: Body = {};
  #head: Body = {};
  #usage: Body | null = null;
  /** The place of each call of a tool among the calls, by its place among the blocks. */
  readonly #calls = new Map<number, { readonly index: number; hasInput: boolean }>();

  event(name: string, data: string): string {
    const event = parseObject(data);
    if (!event) return '';
    switch (asString(event.type) ?? name) {
      case 'message_start':
        return this.#start(asObject(event.message) ?? {});
      case 'content_block_start':
        return this.#startBlock(event);
      case 'content_block_delta':
        return this.#delta(event);
      case 'content_block_stop':
        return this.#stopBlock(event);
      case 'message_delta':
        this.#message = { ...this.#message, ...asObject(event.delta) };
        this.#usage = mergeUsage(this.#usage, asObject(event.usage));
        return '';
      case 'message_stop':
        return this.#stop();
      case 'error':
        return write(toChatError(event));
      default:
        return '';
    }
  }

  end(): string {
    return '';
  }

  #start(message: Body): string {
    this.#message = message;
    this.#head = { ...headOf(message), object: 'chat.completion.chunk' };
    this.#usage = asObject(message.usage);
    return this.#chunk({ role: 'assistant', content: null, refusal: null });
  }

  #startBlock({ index, content_block }: Body): string {
    const block = asObject(content_block);
    if (block?.type === 'text' && block.text) return this.#chunk({ content: block.text });
    if (block?.type !== 'tool_use') return '';
    const call = { index: this.#calls.size, hasInput: false };
    this.#calls.set(asCount(index) ?? 0, call);
    const called = { name: block.name, arguments: '' };
    return this.#chunk({ tool_calls: [{ index: call.index, id: block.id, type: 'function', function: called }] });
  }

  #delta({ index, delta }: Body): string {
    const added = asObject(delta);
    if (added?.type === 'text_delta') return this.#chunk({ content: added.text });
    if (added?.type !== 'input_json_delta' || !added.partial_json) return '';
    return this.#input(asCount(index) ?? 0, added.partial_json);
  }

  /** A tool without input gets an empty object, since OpenAI's arguments are always JSON. */
  #stopBlock({ index }: Body): string {
    const at = asCount(index) ?? 0;
    const call = this.#calls.get(at);
    return call && !call.hasInput ? this.#input(at, '{}') : '';
  }

  #input(at: number, json: unknown): string {
    const call = this.#calls.get(at);
    if (!call) return '';
    call.hasInput = true;
    return this.#chunk({ tool_calls: [{ index: call.index, function: { arguments: json } }] });
  }

  #stop(): string {
    const message: Body = { ...this.#message, usage: this.#usage };
    const refusal = refusalOf(message);
    const usage = toChatUsage(this.#usage);
    const tier = tierOf(message);
    const last = this.#chunk(refusal === null ? {} : { refusal }, finishReason(message.stop_reason), tier);
    return `${last}${usage ? write({ ...this.#head, ...tier, choices: [], usage }) : ''}data: [DONE]\n\n`;
  }

  #chunk(delta: Body, reason: string | null = null, more: Body = {}): string {
    const choices = [{ index: 0, delta, logprobs: null, finish_reason: reason }];
    return write({ ...this.#head, ...more, choices });
  }
}

function write(data: Body): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}
