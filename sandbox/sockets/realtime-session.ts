import { setImmediate } from 'node:timers/promises';
import type { Call, CallLog } from '../call-log.ts';
import { parseFaults } from '../faults.ts';
import { itemId, requestId } from '../ids.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts';
import type { Model } from '../models.ts';
import { ProviderError } from '../provider-error.ts';
import { tokensOfText } from '../usage.ts';
import { audioMs, audioTokens, isSilence } from './realtime-audio.ts';
import { type Item, readItem } from './realtime-items.ts';
import { type RespondingSession, type Running, respond } from './realtime-response.ts';
import { inputDefaults, merge, sessionDefaults } from './realtime-settings.ts';

/** The connection of a session, as the session uses it. */
export interface Connection {
  /** Resolves when the client takes more. Rejects when it has gone. */
  send(event: JsonObject): Promise<void>;
  /** As `send`, for an event that is text already. */
  sendText(text: string): Promise<void>;
  /** Closes it, cleanly or by a reset. */
  close(how: 'clean' | 'reset'): void;
  /** Sends bytes that are no event. */
  sendGarbage(): void;
}

/** A session of the Realtime API, with accounts of its own responses and transcriptions. */
export class RealtimeSession {
  readonly #connection: Connection;
  readonly #calls: CallLog;
  readonly #key: string | null;
  readonly #id = `sess_${itemId('').slice(1, 25)}`;
  readonly #conversationId = `conv_${itemId('').slice(1, 25)}`;
  readonly #items: Item[] = [];
  readonly #running = new Set<Running>();
  #session: JsonObject;
  #buffer: Buffer[] = [];
  /** The item of the speech that is heard. Undefined: silence. */
  #speaking: string | undefined;
  /** Tokens that earlier responses had as input, which are cached. */
  #seen = { text: 0, audio: 0 };
  #isOver = false;

  constructor(connection: Connection, calls: CallLog, key: string | null, model: Model | undefined) {
    this.#connection = connection;
    this.#calls = calls;
    this.#key = key;
    const audio = { input: { ...inputDefaults }, output: { voice: 'alloy', speed: 1 } };
    const common = { id: this.#id, expires_at: Math.floor(Date.now() / 1_000) + 3_600, audio };
    this.#session = model
      ? { ...common, ...sessionDefaults, model: model.id }
      : { ...common, object: 'realtime.transcription_session', type: 'transcription', audio: { input: audio.input } };
  }

  async open(): Promise<void> {
    await this.#emit('session.created', { session: this.#session });
  }

  /** The client has gone, or goes: what is under way is billed as far as it came. */
  end(): void {
    this.#isOver = true;
    for (const { call } of this.#running) this.#calls.settle(call, 'aborted');
    this.#running.clear();
  }

  /** Takes an event. It resolves when the next one may come. */
  async take(text: string): Promise<void> {
    let event: JsonValue = null;
    try {
      event = JSON.parse(text);
    } catch {}
    if (!isJsonObject(event) || typeof event.type !== 'string') {
      await this.#refuse(
        new ProviderError('The event is not valid JSON with a type.', { code: 'invalid_event' }),
        null,
      );
      return;
    }
    try {
      await this.#act(event.type, event);
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      await this.#refuse(error, event.event_id ?? null);
    }
  }

  async #act(type: string, event: JsonObject): Promise<void> {
    switch (type) {
      case 'session.update':
        return this.#update(objectOf(event.session, 'session'));
      case 'input_audio_buffer.append':
        return this.#hear(Buffer.from(String(event.audio ?? ''), 'base64'));
      case 'input_audio_buffer.commit':
        if (this.#buffer.length === 0)
          throw new ProviderError('Error committing input audio buffer: the buffer is empty.', {
            code: 'input_audio_buffer_commit_empty',
          });
        return this.#commit(itemId('item').slice(0, 29));
      case 'input_audio_buffer.clear':
        this.#buffer = [];
        return this.#emit('input_audio_buffer.cleared', {});
      case 'conversation.item.create':
        return this.#addItem(objectOf(event.item, 'item'));
      case 'conversation.item.retrieve': {
        const found = this.#items.find(({ object }) => object.id === event.item_id);
        if (!found) throw new ProviderError('The item does not exist.', { code: 'item_not_found', param: 'item_id' });
        return this.#emit('conversation.item.retrieved', { item: found.object });
      }
      case 'conversation.item.truncate':
      case 'conversation.item.delete': {
        const done = type === 'conversation.item.delete' ? 'deleted' : 'truncated';
        const { item_id = null, content_index = 0, audio_end_ms = 0 } = event;
        return this.#emit(`conversation.item.${done}`, { item_id, content_index, audio_end_ms });
      }
      case 'response.create':
        return this.#begin(isJsonObject(event.response) ? event.response : {});
      case 'response.cancel': {
        const [running] = this.#running;
        if (!running)
          throw new ProviderError('Cancellation failed: no active response found', {
            code: 'response_cancel_not_active',
          });
        running.cancelledBy = 'client_cancelled';
        return;
      }
      default:
        throw new ProviderError(`Invalid value: '${type}'.`, { param: 'type', code: 'invalid_value' });
    }
  }

  async #update(changes: JsonObject): Promise<void> {
    if (changes.model !== undefined && changes.model !== this.#session.model)
      throw new ProviderError('The model of a session cannot be changed.', { param: 'session.model' });
    const { max_output_tokens: most } = changes;
    if (most !== undefined && most !== 'inf' && typeof most !== 'number')
      throw new ProviderError("Invalid type for 'session.max_output_tokens'.", { param: 'session.max_output_tokens' });
    this.#session = merge(this.#session, changes);
    await this.#emit('session.updated', { session: this.#session });
  }

  async #hear(audio: Buffer): Promise<void> {
    const detection = this.#detection();
    if (!detection) {
      this.#buffer.push(audio);
      return;
    }
    if (isSilence(audio)) {
      if (this.#speaking === undefined) return;
      const item = this.#speaking;
      this.#speaking = undefined;
      this.#buffer.push(audio);
      await this.#emit('input_audio_buffer.speech_stopped', { item_id: item, audio_end_ms: 0 });
      await this.#commit(item);
      if (detection.create_response !== false) await this.#begin({});
      return;
    }
    if (this.#speaking === undefined) {
      this.#speaking = itemId('item').slice(0, 29);
      await this.#emit('input_audio_buffer.speech_started', { item_id: this.#speaking, audio_start_ms: 0 });
      if (detection.interrupt_response !== false)
        for (const running of this.#running) running.cancelledBy = 'turn_detected';
    }
    this.#buffer.push(audio);
  }

  async #commit(id: string): Promise<void> {
    const bytes = this.#buffer.reduce((sum, { length }) => sum + length, 0);
    this.#buffer = [];
    await this.#emit('input_audio_buffer.committed', { item_id: id, previous_item_id: null });
    const said = `audio of ${audioMs(bytes)} ms`;
    const content = [{ type: 'input_audio', transcript: null }];
    await this.#keep({
      object: { id, type: 'message', object: 'realtime.item', role: 'user', status: 'completed', content },
      turn: { speaker: 'user', text: said, bytes: 0 },
      textBytes: 0,
      audioBytes: bytes,
    });
    void this.#transcribe(id, said, bytes);
  }

  async #transcribe(item: string, said: string, bytes: number): Promise<void> {
    const { transcription } = this.#input();
    if (!isJsonObject(transcription) || typeof transcription.model !== 'string') return;
    const call = this.#count(item, '/v1/realtime/transcription', transcription.model);
    const bySeconds = transcription.model === 'whisper-1';
    const seconds = audioMs(bytes) / 1_000;
    const [input, output] = bySeconds ? [0, 0] : [audioTokens(bytes), tokensOfText(said)];
    call.usage = { input, cached: 0, output, reasoning: 0, seconds, inputAudio: input };
    const usage: JsonObject = bySeconds
      ? { type: 'duration', seconds }
      : {
          type: 'tokens',
          ...{ input_tokens: input, output_tokens: output, total_tokens: input + output },
          input_token_details: { audio_tokens: input, text_tokens: 0 },
        };
    const place = { item_id: item, content_index: 0 };
    const name = 'conversation.item.input_audio_transcription';
    await setImmediate();
    await this.#emit(`${name}.delta`, { ...place, delta: said });
    if (this.#isOver) return this.#calls.settle(call, 'aborted');
    this.#calls.settle(call, 'completed');
    await this.#emit(`${name}.completed`, { ...place, transcript: said, usage });
  }

  async #addItem(stated: JsonObject): Promise<void> {
    const item = readItem(stated);
    await this.#keep(item);
  }

  async #keep(item: Item): Promise<void> {
    const previous = this.#items.at(-1)?.object.id ?? null;
    this.#items.push(item);
    await this.#emit('conversation.item.added', { previous_item_id: previous, item: item.object });
    await this.#emit('conversation.item.done', { previous_item_id: previous, item: item.object });
  }

  async #begin(stated: JsonObject): Promise<void> {
    if (this.#session.type === 'transcription')
      throw new ProviderError('A transcription session makes no responses.', { code: 'invalid_value' });
    const inConversation = stated.conversation !== 'none';
    if (inConversation && [...this.#running].some((running) => running.inConversation && !running.cancelledBy)) {
      const message = 'Conversation already has an active response in progress. Wait until it is finished.';
      throw new ProviderError(message, { code: 'conversation_already_has_active_response' });
    }
    const faults = parseFaults(faultTextsOf(this.#session, stated));
    if (faults.status) throw new ProviderError('The sandbox refuses this response.', { code: 'sandbox_refusal' });
    const id = itemId('resp').slice(0, 29);
    const running: Running = { id, call: this.#count(id, '/v1/realtime', String(this.#session.model)), inConversation };
    this.#running.add(running);
    this.#calls.received(running.call, { headers: [], body: JSON.stringify(stated) });
    void respond(this.#responding(), running, stated, faults).catch(() => this.end());
  }

  #responding(): RespondingSession {
    const end: RespondingSession['end'] = (running, outcome) => {
      this.#running.delete(running);
      this.#calls.settle(running.call, outcome);
    };
    return {
      conversationId: this.#conversationId,
      items: this.#items,
      settings: () => this.#session,
      isOver: () => this.#isOver,
      noteInput: ({ text, audio }) => {
        const cached = { text: Math.min(this.#seen.text, text), audio: Math.min(this.#seen.audio, audio) };
        this.#seen = { text, audio };
        return cached;
      },
      emit: (type, data) => this.#emit(type, data),
      keep: (item) => this.#keep(item),
      sendGarbage: () => this.#connection.sendGarbage(),
      cut: (running, how) => {
        end(running, 'aborted');
        this.#connection.close(how);
      },
      end,
    };
  }

  #count(id: string, endpoint: string, model: string): Call {
    const call = this.#calls.begin({ id, requestId: requestId(), endpoint, key: this.#key, arrivedAt: new Date() });
    call.model = model;
    call.stream = true;
    return call;
  }

  #input(): JsonObject {
    const { audio } = this.#session;
    return isJsonObject(audio) && isJsonObject(audio.input) ? audio.input : {};
  }

  /** Undefined: the client says where speech ends. */
  #detection(): JsonObject | undefined {
    const detection = this.#input().turn_detection;
    return isJsonObject(detection) ? detection : undefined;
  }

  async #refuse({ message, type, code, param }: ProviderError, eventId: JsonValue): Promise<void> {
    await this.#emit('error', { error: { type, code, message, param, event_id: eventId } });
  }

  #emit(type: string, data: JsonObject): Promise<void> {
    return this.#connection.send({ type, event_id: `event_${itemId('').slice(1, 22)}`, ...data });
  }
}

function faultTextsOf(session: JsonObject, stated: JsonObject): string[] {
  const { tracing } = session;
  const texts = isJsonObject(tracing) && isJsonObject(tracing.metadata) ? [tracing.metadata.sandbox] : [];
  if (isJsonObject(stated.metadata)) texts.push(stated.metadata.sandbox);
  return texts.filter((text) => typeof text === 'string');
}

function objectOf(value: JsonValue | undefined, param: string): JsonObject {
  if (isJsonObject(value)) return value;
  throw new ProviderError(`Missing required parameter: '${param}'.`, { param, code: 'missing_required_parameter' });
}
