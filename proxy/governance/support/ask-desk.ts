import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { makeRequestId } from '../../../database/ids.ts';
import { readSupportMessages, type SupportMessageRow } from '../../../database/support/messages.ts';
import type { Reply } from '../../calls/ask.ts';
import type { Caller } from '../../calls/call.ts';
import type { CallContext } from '../../calls/context.ts';
import { ProxyError } from '../../error.ts';
import { chat } from '../../operations/chat.ts';
import { asString } from '../../providers/json.ts';
import { sumKnown } from '../analyses/sum-known.ts';
import { findPassages } from '../knowledge/find-passages.ts';
import { makeSender } from '../sender.ts';
import { tellAnswer } from './answer-stream.ts';
import type { BegunTurn } from './begin-turn.ts';
import { type DeskDecision, decide, type Judged } from './decide.ts';
import type { SupportContext } from './desk.ts';
import { makeLeakCheck } from './leak.ts';
import { type GivenPassage, makeDeskPrompt, type SaidBefore } from './prompt.ts';
import { type ReadDeskReply, readDeskReply } from './reply.ts';
import { openSaid } from './sealing.ts';
import type { SupportSettings } from './settings.ts';

/** A message that the machine answers. */
export interface DeskTurn {
  readonly call: CallContext;
  readonly settings: SupportSettings;
  readonly customer: Caller & { readonly user: string };
  readonly begun: BegunTurn;
  readonly answer: { readonly number: number; readonly messageId: string };
  readonly message: string;
}

/** What became of asking a model. */
export interface DeskOutcome {
  readonly decision: DeskDecision;
  /** US dollars of all calls as a decimal string; null: one of them is unpriced. */
  readonly costUsd: string | null;
}

/** So much of a conversation is told to a model. */
const mostMessages = 20;
const mostPassages = 6;
/** So that several articles have a say. */
const passagesPerArticle = 3;
/** Below so many words, a message is looked for together with the one before. */
const fewWords = 4;

/**
 * Asks a model for an answer from the passages that a search finds. Where it answers something else than was asked for, it
 * is asked once more.
 *
 * @param onText hears the answer while it comes, as far as it may be given
 * @throws {ProxyError} as a call, and `upstream_…` where the second answer is no better
 */
export async function askDesk(
  context: SupportContext,
  turn: DeskTurn,
  onText: ((text: string) => void) | undefined,
): Promise<DeskOutcome> {
  const { settings, message } = turn;
  const history = await readHistory(context, turn);
  const passages = await findGiven(context, callOf(turn), message, history);
  const marker = randomBytes(8).toString('hex');
  const { body, instructions, said } = makeDeskPrompt({ settings, passages, history, message, marker });
  const call = callOf(turn);
  const { key, model, terms } = await context.pipeline.admit({
    context: call,
    operation: chat,
    body: { ...body },
    // `ask` has guardrails check what is said.
    said: {},
    isRewritable: true,
    otherModels: [],
    references: [],
  });
  const judged: Judged = { settings, question: message, passages, leaks: makeLeakCheck(instructions, marker) };
  const known = { ids: new Set(passages.map(({ id }) => id)), topics: settings.topics };
  const tell = onText && tellAnswer(judged, known, onText);
  const question = { ...body, model: model ?? body.model };
  const send = makeSender(
    context.pipeline.ask,
    { kind: 'call', context: call, key, terms, said, onText: tell },
    question,
  );
  const replies: Reply[] = [];
  const attempt = async (): Promise<ReadDeskReply> => {
    const reply = await send();
    replies.push(reply);
    return readDeskReply(reply.completion, known);
  };
  let read = await attempt();
  if ('problem' in read) read = await attempt();
  if ('problem' in read) throw new ProxyError(read.problem);
  const costUsd = sumKnown(replies.map(({ costUsd }) => (costUsd === null ? null : Number(costUsd))));
  const decision = decide(read.reply, judged);
  return { decision, costUsd: costUsd === null ? null : costUsd.toFixed(12) };
}

/** The customer's call: limits, budgets and records are the customer's, and the conversation is its session. */
function callOf({ call, customer, begun, answer }: DeskTurn): CallContext {
  const { conversationId: sessionId } = begun.conversation;
  return {
    ...call,
    requestId: makeRequestId(Date.now()),
    startedAtMs: Date.now(),
    startedTicks: performance.now(),
    caller: { ...customer, sessionId, sessionFrom: 'session', turnId: answer.messageId },
  };
}

const waitMs = { shortest: 50, longest: 1_000 };

/**
 * What was said before, when earlier answers have ended: this process has waited for its own, and looks for those of
 * others.
 */
async function readHistory({ store }: SupportContext, { begun, call }: DeskTurn): Promise<SaidBefore[]> {
  if (begun.number === 1) return [];
  const { snapshot, envelope } = call.inForce;
  const { organizationId } = snapshot;
  const { conversationId } = begun.conversation;
  const page = { beforeNumber: begun.number, last: mostMessages };
  for (let pauseMs = waitMs.shortest; ; pauseMs = Math.min(pauseMs * 2, waitMs.longest)) {
    const rows = await store.run((db) => readSupportMessages(db, organizationId, conversationId, page));
    if (!rows.some(({ status }) => status === 'pending')) return rows.flatMap(toSaid);
    await delay(pauseMs);
  }

  function toSaid({ number, sender, status, sealed }: SupportMessageRow): SaidBefore[] {
    if (status !== 'completed') return [];
    const rowId = `${conversationId}/${number}`;
    const { content } = openSaid(envelope, organizationId, 'support_messages.contents', rowId, sealed);
    const text = asString(content);
    return text ? [{ sender, content: text }] : [];
  }
}

/** A short message, such as "And by phone?", says too little without the one before. */
async function findGiven(
  context: SupportContext,
  call: CallContext,
  message: string,
  history: readonly SaidBefore[],
): Promise<GivenPassage[]> {
  const words = message.match(/[\p{L}\p{N}]{3,}/gu) ?? [];
  const before = history.findLast(({ sender }) => sender === 'user')?.content;
  const question = words.length < fewWords && before !== undefined ? `${message} ${before}` : message;
  const limits = { limit: mostPassages, perArticle: passagesPerArticle };
  const { passages } = await findPassages(context, call, question, limits);
  return passages.map(({ id, article, text }) => ({ id, articleId: article.id, title: article.title, text }));
}
