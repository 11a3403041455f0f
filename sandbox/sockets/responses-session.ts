import { setTimeout } from 'node:timers/promises';
import type { Call, CallLog } from '../call-log.ts';
import { streamSteps } from '../delivery-script.ts';
import { makeResponses } from '../endpoints/responses.ts';
import { faultTexts, parseFaults } from '../faults.ts';
import type { EventStream, Generation } from '../generation.ts';
import { itemId, requestId } from '../ids.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts';
import type { Keep } from '../keep.ts';
import { errorOfStatus, ProviderError } from '../provider-error.ts';
import { joinStores, makeResponseStore } from '../response-store.ts';
import type { Connection } from './realtime-session.ts';

/** Responses that are not stored, and that a connection still knows. */
const maxUnstored = 100;

/** A session of the Responses API. Each lane makes its responses one after another. */
export class ResponsesSession {
  readonly #connection: Connection;
  readonly #calls: CallLog;
  readonly #key: string;
  readonly #modelOf: (named: string) => string;
  readonly #endpoint: ReturnType<typeof makeResponses>;
  readonly #lanes = new Map<string, Promise<void>>();
  readonly #running = new Set<Call>();
  #isOver = false;

  /** @param modelOf the model behind a name, which may be a deployment */
  constructor(connection: Connection, calls: CallLog, key: string, keep: Keep, modelOf: (named: string) => string) {
    this.#connection = connection;
    this.#calls = calls;
    this.#key = key;
    this.#modelOf = modelOf;
    const unstored = makeResponseStore(maxUnstored);
    const ofConnection = { ...keep, unstored, responses: joinStores(keep.responses, unstored) };
    this.#endpoint = makeResponses(() => ofConnection);
  }

  async open(): Promise<void> {}

  /** The client has gone, or goes: what is under way is billed as far as it came. */
  end(): void {
    this.#isOver = true;
    for (const call of this.#running) this.#calls.settle(call, 'aborted');
    this.#running.clear();
  }

  /** Takes an event. It resolves when the next one may come: before its response is made. */
  async take(text: string): Promise<void> {
    let event: JsonValue = null;
    try {
      event = JSON.parse(text);
    } catch {}
    if (!isJsonObject(event) || event.type !== 'response.create') {
      await this.#refuse(new ProviderError('The event is not a response.create.', { code: 'invalid_event' }), null);
      return;
    }
    const { type: _, stream_id: lane = null, ...body } = event;
    const name = String(lane ?? '');
    const before = this.#lanes.get(name) ?? Promise.resolve();
    this.#lanes.set(
      name,
      before.then(() => this.#create(body, lane)).catch(() => this.#connection.close('reset')),
    );
  }

  async #create(body: JsonObject, lane: JsonValue): Promise<void> {
    if (this.#isOver) return;
    const call = this.#calls.begin({
      ...{ id: itemId('resp'), requestId: requestId(), endpoint: '/v1/responses' },
      ...{ key: this.#key.slice(-4), arrivedAt: new Date() },
    });
    call.stream = true;
    this.#running.add(call);
    this.#calls.received(call, { headers: [], body: JSON.stringify(body) });
    try {
      await this.#answer(call, body, lane);
    } catch (error) {
      this.#settle(call, 'failed');
      if (!(error instanceof ProviderError)) throw error;
      await this.#refuse(error, lane);
    }
  }

  async #answer(call: Call, stated: JsonObject, lane: JsonValue): Promise<void> {
    if (stated.background === true)
      throw new ProviderError("Unsupported parameter: 'background'.", {
        param: 'background',
        code: 'unsupported_parameter',
      });
    const { generate, ...body } = stated;
    if (typeof body.model === 'string') {
      call.model = body.model;
      body.model = this.#modelOf(body.model);
    }
    const faults = parseFaults(faultTexts(undefined, body));
    if (faults.latency) await setTimeout(faults.latency);
    if (faults.reset) {
      this.#settle(call, 'failed');
      this.#connection.close('reset');
      return;
    }
    if (faults.status) throw errorOfStatus(faults.status);
    const createdAt = Math.floor(Date.now() / 1_000);
    const asked = { ...body, stream: true, ...(generate === false && { max_output_tokens: 16 }) };
    const generation = this.#endpoint.generate({
      ...{ id: call.id, body: asked, headers: {}, files: [], key: this.#key, createdAt },
      faults: generate === false ? { ...faults, words: 1 } : faults,
    });
    if (generation.answer.kind === 'stream') await this.#play(call, generation, generation.answer.stream, faults, lane);
  }

  async #play(
    call: Call,
    generation: Generation,
    stream: EventStream,
    faults: ReturnType<typeof parseFaults>,
    lane: JsonValue,
  ): Promise<void> {
    const encode = (data: JsonObject, sequence: number) => {
      const place = lane === null ? {} : { stream_id: lane };
      return `${JSON.stringify({ ...data, sequence_number: sequence, ...place })}\n`;
    };
    for (const step of streamSteps({ ...stream, encode }, generation, faults)) {
      if (this.#isOver) return;
      if (step.kind === 'pause') await setTimeout(step.ms);
      else if (step.kind === 'cut') {
        this.#settle(call, 'failed');
        this.#connection.close('clean');
        return;
      } else {
        call.usage = step.billed;
        if (step.kind === 'end') {
          if (step.status === 'completed') generation.onComplete?.();
          this.#settle(call, step.status);
        }
        for (const text of step.text.split('\n')) if (text !== '') await this.#connection.sendText(text);
      }
    }
  }

  #settle(call: Call, status: 'completed' | 'failed'): void {
    if (this.#running.delete(call)) this.#calls.settle(call, status);
  }

  async #refuse({ status, message, type, code, param }: ProviderError, lane: JsonValue): Promise<void> {
    const place = lane === null ? {} : { stream_id: lane };
    await this.#connection.send({ type: 'error', status, error: { type, code, message, param }, ...place });
  }
}
