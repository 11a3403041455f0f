import type { Identified } from '../../calls/context.ts';
import { asString, type Body, errorCodeOf } from '../../providers/json.ts';
import { readRealtimeResponse, readTranscriptionUsage } from '../../providers/openai/realtime.ts';
import { type Asked, type GovernedResponse, openLate, openResponse } from '../governed-response.ts';
import type { Ask } from './ask.ts';
import type { SessionConfiguration } from './configuration.ts';
import type { SessionRules } from './rules.ts';
import type { SessionPort } from './start.ts';
import type { SessionState } from './state.ts';
import type { Turn } from './turn.ts';

/** What the transcriptions of a session work with. */
export interface TranscriptionsOptions {
  readonly port: SessionPort;
  readonly rules: SessionRules;
  readonly configuration: SessionConfiguration;
  readonly turn: Turn;
  readonly ask: Ask;
}

/** The transcriptions of what a session hears, with their accounts. They are calls of another model. */
export class Transcriptions {
  readonly #options: TranscriptionsOptions;
  /** By the item that is transcribed. */
  readonly #underWay = new Map<string, GovernedResponse>();
  /** Reserved for the speech that is heard. */
  #expected: Promise<GovernedResponse> | undefined;

  constructor(options: TranscriptionsOptions) {
    this.#options = options;
  }

  isBusy(): boolean {
    return this.#underWay.size > 0;
  }

  /** Reserves for the speech that is heard, where it is transcribed. */
  expect({ transcriber }: SessionState): void {
    if (transcriber === undefined || this.#expected) return;
    this.#expected = this.#open(transcriber);
    this.#expected.catch((error) => {
      this.#expected = undefined;
      this.#options.port.fail(error);
    });
  }

  /** Resolves when what is expected is reserved. It rejects where that is refused, which ends the session. */
  async reserved(): Promise<void> {
    await this.#expected;
  }

  /** What was heard has become an item. */
  async bind(itemId: string | null): Promise<void> {
    const state = this.#options.configuration.state();
    if (state.transcriber === undefined || itemId === null) return;
    this.expect(state);
    const expected = await this.#expected?.catch(() => undefined);
    this.#expected = undefined;
    if (expected) this.#underWay.set(itemId, expected);
  }

  /** A transcription has ended. */
  async done(event: Body, hasFailed: boolean): Promise<void> {
    const { port, configuration, turn, ask } = this.#options;
    const itemId = asString(event.item_id) ?? '';
    const model = configuration.state().transcriber;
    const response = this.#underWay.get(itemId) ?? (await openLate(ask.accounting, this.#asked(ask.first, model)));
    const transcript = asString(event.transcript) ?? '';
    const said = { type: 'message', role: 'user', content: [{ type: 'input_text', text: transcript }] };
    turn.remember(said, response.asked.context.caller.turnId);
    const reading = { ...readRealtimeResponse(null), usage: readTranscriptionUsage(event.usage) };
    await response.settle({
      status: port.isLeaving() ? 'cancelled' : hasFailed ? 'failed' : 'completed',
      ...{ hasBegun: true, reading, model: model ?? null },
      ...(hasFailed && { errorCode: errorCodeOf(event.error) }),
      output: JSON.stringify({ text: transcript }),
    });
    this.#underWay.delete(itemId);
  }

  /** @returns everything that has not ended */
  takeUnsettled(): readonly GovernedResponse[] {
    const unsettled = [...this.#underWay.values()];
    this.#underWay.clear();
    return unsettled;
  }

  /** Gives back what was reserved for speech that caused nothing. */
  async withdraw(): Promise<void> {
    const expected = this.#expected;
    this.#expected = undefined;
    (await expected?.catch(() => undefined))?.withdraw();
  }

  async #open(model: string): Promise<GovernedResponse> {
    const { port, rules, ask } = this.#options;
    const identified = await port.identify();
    rules.requireTranscriber(identified.inForce.snapshot, model);
    return openResponse(ask.accounting, this.#asked(identified, model));
  }

  #asked(identified: Identified, model: string | undefined): Asked {
    const { ask, turn } = this.#options;
    return {
      ...ask.of(identified, turn.id()),
      ...{ operation: 'transcriptions', model, modelAlias: undefined, persona: undefined, guard: undefined },
      ...{ body: { model }, input: () => JSON.stringify({ model }) },
    };
  }
}
