import { setImmediate, setTimeout } from 'node:timers/promises';
import { composeAnswer, limitTokens, splitDeltas } from '../answer.ts';
import type { Call } from '../call-log.ts';
import type { Faults } from '../faults.ts';
import { itemId } from '../ids.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts';
import { operatorTurn } from '../turns.ts';
import { tokensOfBytes, tokensOfText } from '../usage.ts';
import { audioTokens, spokenWord } from './realtime-audio.ts';
import { type Item, partOf, readItem } from './realtime-items.ts';
import { type InputTokens, usageObject, usageOf } from './realtime-usage.ts';

/** A response that is being made. */
export interface Running {
  readonly id: string;
  readonly call: Call;
  readonly inConversation: boolean;
  /** Why it ends early. Undefined: it does not. */
  cancelledBy?: 'client_cancelled' | 'turn_detected';
}

/** The session of a response, as the response uses it. */
export interface RespondingSession {
  readonly conversationId: string;
  readonly items: readonly Item[];
  settings(): JsonObject;
  isOver(): boolean;
  /** Notes what of the conversation was input. @returns how much of it was so before, and is cached */
  noteInput(tokens: { readonly text: number; readonly audio: number }): {
    readonly text: number;
    readonly audio: number;
  };
  emit(type: string, data: JsonObject): Promise<void>;
  keep(item: Item): Promise<void>;
  sendGarbage(): void;
  cut(running: Running, how: 'clean' | 'reset'): void;
  end(running: Running, outcome: 'completed' | 'failed' | 'aborted'): void;
}

/** What is said in a response, and to whom it is billed. */
interface Composed {
  readonly base: JsonObject;
  readonly input: InputTokens;
  readonly deltas: readonly string[];
  readonly isLimited: boolean;
  readonly speaks: boolean;
}

/**
 * Makes a response: its events, its bill, and its place in the conversation.
 *
 * @param stated the client's `response.create`
 */
export async function respond(
  session: RespondingSession,
  running: Running,
  stated: JsonObject,
  faults: Faults,
): Promise<void> {
  const { id, call } = running;
  const { base, input, deltas, isLimited, speaks } = compose(session, running, stated, faults);
  const bill = (said: string, words: number) => {
    const usage = usageOf(input, said, speaks ? words : 0);
    call.usage = usage;
    return usageObject(usage, input);
  };
  bill('', 0);
  if (faults.latency) await setTimeout(faults.latency);
  const open = { ...base, status: 'in_progress', status_details: null, output: [], usage: null };
  await session.emit('response.created', { response: open });
  const item = itemId('item').slice(0, 29);
  const place = { response_id: id, item_id: item, output_index: 0, content_index: 0 };
  const itemOf = (status: string, said: string): JsonObject => ({
    ...{ id: item, object: 'realtime.item', type: 'message', status, role: 'assistant' },
    content: status === 'in_progress' ? [] : [partOf(speaks, said)],
  });
  const failed = faults.failed === true;
  let said = '';
  let words = 0;
  const midpoint = Math.ceil(deltas.length / 2);
  if (!failed) {
    const added = { response_id: id, output_index: 0, item: itemOf('in_progress', '') };
    await session.emit('response.output_item.added', added);
    await session.emit('response.content_part.added', { ...place, part: partOf(speaks, '') });
  }
  for (const delta of deltas) {
    if (session.isOver()) return;
    if (running.cancelledBy) break;
    if (words === midpoint && (await failInTheMiddle(session, running, faults))) return;
    said += delta;
    words += 1;
    bill(said, words);
    await sayDelta(session, place, delta, speaks);
    if (faults['delta-delay']) await setTimeout(faults['delta-delay']);
    else await setImmediate();
  }
  if (session.isOver()) return;
  const status = running.cancelledBy ? 'cancelled' : failed ? 'failed' : isLimited ? 'incomplete' : 'completed';
  const usage = bill(said, words);
  const done = itemOf(status === 'completed' ? 'completed' : 'incomplete', said);
  if (!failed) {
    await endItem(session, place, { said, speaks, done });
    const bytes = Buffer.byteLength(said);
    const turn = { speaker: 'assistant', text: said, bytes } as const;
    if (running.inConversation) await session.keep({ object: done, turn, textBytes: bytes, audioBytes: 0 });
  }
  session.end(running, failed ? 'failed' : status === 'cancelled' ? 'aborted' : 'completed');
  const response: JsonObject = {
    ...base,
    status,
    status_details: detailsOf(status, running),
    output: failed ? [] : [done],
    usage: failed ? null : usage,
  };
  await session.emit('response.done', { response });
}

function compose(session: RespondingSession, running: Running, stated: JsonObject, faults: Faults): Composed {
  const settings = { ...session.settings(), ...stated };
  const own = Array.isArray(stated.input) ? stated.input.filter(isJsonObject).map(readItem) : undefined;
  const items = own ?? [...session.items];
  const instructions = typeof settings.instructions === 'string' ? settings.instructions : '';
  const textBytes = items.reduce((sum, item) => sum + item.textBytes, 0);
  const text = tokensOfBytes(Buffer.byteLength(instructions) + textBytes);
  const audio = audioTokens(items.reduce((sum, { audioBytes }) => sum + audioBytes, 0));
  const cached = own ? { text: 0, audio: 0 } : session.noteInput({ text, audio });
  const turns = items.map(({ turn }) => turn);
  const answer = composeAnswer(String(settings.model), [operatorTurn(instructions), ...turns], faults.words);
  const most = typeof settings.max_output_tokens === 'number' ? settings.max_output_tokens : Infinity;
  const limited = limitTokens(answer, faults.incomplete ? Math.ceil(tokensOfText(answer) / 2) : most);
  const modalities = Array.isArray(settings.output_modalities) ? settings.output_modalities : ['audio'];
  return {
    base: {
      object: 'realtime.response',
      id: running.id,
      conversation_id: running.inConversation ? session.conversationId : null,
      output_modalities: modalities,
      max_output_tokens: settings.max_output_tokens ?? 'inf',
      metadata: stated.metadata ?? null,
    },
    input: { text, audio, cachedText: cached.text, cachedAudio: cached.audio },
    deltas: faults.failed === true ? [] : splitDeltas(limited.text),
    isLimited: limited.cut,
    speaks: modalities.includes('audio'),
  };
}

/** The faults that were asked for, half-way. @returns whether the response is over by them */
async function failInTheMiddle(session: RespondingSession, running: Running, faults: Faults): Promise<boolean> {
  if (faults.stall) await setTimeout(faults.stall);
  if (faults.garbage) session.sendGarbage();
  if (faults['unknown-event']) await session.emit('response.sandbox.note', { response_id: running.id });
  const how = faults.cut ? 'clean' : faults.reset ? 'reset' : undefined;
  if (how === undefined) return false;
  session.cut(running, how);
  return true;
}

async function sayDelta(session: RespondingSession, place: JsonObject, delta: string, speaks: boolean): Promise<void> {
  if (!speaks) return session.emit('response.output_text.delta', { ...place, delta });
  await session.emit('response.output_audio_transcript.delta', { ...place, delta });
  await session.emit('response.output_audio.delta', { ...place, delta: spokenWord(delta.trim()) });
}

async function endItem(
  session: RespondingSession,
  place: JsonObject,
  { said, speaks, done }: { readonly said: string; readonly speaks: boolean; readonly done: JsonObject },
): Promise<void> {
  const { response_id = null, output_index = null } = place;
  if (speaks) await session.emit('response.output_audio.done', place);
  const [name, field] = speaks ? ['output_audio_transcript', 'transcript'] : ['output_text', 'text'];
  await session.emit(`response.${name}.done`, { ...place, [field]: said });
  await session.emit('response.content_part.done', { ...place, part: partOf(speaks, said) });
  await session.emit('response.output_item.done', { response_id, output_index, item: done });
}

function detailsOf(status: string, { cancelledBy }: Running): JsonValue {
  if (status === 'cancelled') return { type: 'cancelled', reason: cancelledBy ?? 'client_cancelled' };
  if (status === 'failed') return { type: 'failed', error: { type: 'server_error', code: 'server_error' } };
  return status === 'incomplete' ? { type: 'incomplete', reason: 'max_output_tokens' } : null;
}
