import { randomBytes } from 'node:crypto';
import { userIdOf } from '../../../../database/ids.ts';
import { insertQuotingCall } from '../../../../database/quoting-calls.ts';
import type { Hold } from '../../../../database/reviews/items.ts';
import type { Reply } from '../../../calls/ask.ts';
import type { CallContext } from '../../../calls/context.ts';
import { ProxyError } from '../../../error.ts';
import { chat } from '../../../operations/chat.ts';
import type { GovernanceContext } from '../../context.ts';
import { findPassages } from '../../knowledge/find-passages.ts';
import { makeSender } from '../../sender.ts';
import { makeLeakCheck } from '../../support/leak.ts';
import type { GivenPassage } from '../../support/prompt.ts';
import { readUserId } from '../../user-id.ts';
import { type QueuedItem, queueForReview, usualPriority } from '../review/queue.ts';
import { reviewSettings } from '../review/settings.ts';
import { callForText } from '../sentiment/analyze.ts';
import { loadRateByLexicon } from '../sentiment/rate-by-lexicon.ts';
import type { Sentiment } from '../sentiment/sentiment.ts';
import { dayCounterOf } from '../summary/count.ts';
import { tallyQuery, toDay } from '../summary/tally.ts';
import { decideAbout, type ResponseDecision } from './decide.ts';
import { makeResponsePrompt } from './prompt.ts';
import { type ReadResponse, type ResponseReply, readResponse } from './reply.ts';
import { responseSettings } from './settings.ts';

type Context = Pick<GovernanceContext, 'inForce' | 'store' | 'pipeline'>;

export interface CustomerQuery {
  readonly query: string;
  /** The external id of who asks. */
  readonly customer: string | undefined;
  /** What the application knows of the customer. */
  readonly context: Readonly<Record<string, unknown>>;
  /** Absent: as the organization says. */
  readonly model: string | undefined;
}

/** An answer to a customer. */
export interface GeneratedResponse extends ResponseReply, ResponseDecision {
  /** In the review queue. Undefined: people need not see it, or the organization keeps no contents. */
  readonly queued: QueuedItem | undefined;
  /** The guardrail that keeps the answer from the application until it is released. Undefined: none. */
  readonly heldBy: string | undefined;
}

const mostPassages = 6;
/** So that several articles have a say. */
const passagesPerArticle = 3;

/**
 * Answers a customer's query, in a call of the caller's, from the knowledge base where that has something to say. An answer
 * that people must see is queued for them. Where the model answers something else than was asked for, it is asked once
 * more.
 *
 * @throws {ProxyError} as a call, and `upstream_…` where the second answer is no better
 */
export async function generateResponse(
  context: Context,
  call: CallContext,
  asked: CustomerQuery,
): Promise<GeneratedResponse> {
  const { snapshot } = call.inForce;
  const settings = responseSettings(snapshot);
  const customer = asked.customer === undefined ? undefined : readUserId('customer_id', asked.customer);
  const passages = await findGiven(context, call, asked.query);
  const { reply, guardrailHits, heldBy } = await ask(context, call, { ...asked, customer }, passages);
  await countQuery(context, asked.query, reply.category);
  const decision = decideAbout(reply, { settings, query: asked.query, passages, guardrailHits });
  const mustQueue = decision.reasons.length > 0 && snapshot.storesContents;
  const hold = heldBy && holdBy(call, heldBy);
  const queued = mustQueue
    ? await queueForReview(
        context,
        call.caller,
        toReview(call, { ...asked, customer }, reply, decision),
        'generation',
        hold,
      )
    : undefined;
  if (!hold) return { ...reply, ...decision, queued, heldBy: undefined };
  return { ...reply, response: '', alternatives: [], ...decision, queued, heldBy: hold.guardrail };
}

function holdBy({ inForce }: CallContext, { name, detector }: NonNullable<Reply['heldBy']>): Hold {
  const { holdMs } = reviewSettings(inForce.snapshot);
  return { guardrail: name, detector, responseId: null, holdMs };
}

async function findGiven(context: Context, call: CallContext, query: string): Promise<GivenPassage[]> {
  const limits = { limit: mostPassages, perArticle: passagesPerArticle };
  const { passages } = await findPassages(context, callForText(call), query, limits);
  return passages.map(({ id, article, text }) => ({ id, articleId: article.id, title: article.title, text }));
}

async function ask(
  { pipeline, store }: Context,
  call: CallContext,
  { query, customer, context: facts, model: stated }: CustomerQuery,
  passages: readonly GivenPassage[],
): Promise<{ readonly reply: ResponseReply } & Pick<Reply, 'guardrailHits' | 'heldBy'>> {
  const { snapshot } = call.inForce;
  const { organizationId } = snapshot;
  const { categories, model: usual } = responseSettings(snapshot);
  const marker = randomBytes(8).toString('hex');
  const prompt = makeResponsePrompt({ model: stated ?? usual, query, context: facts, passages, categories, marker });
  const { body, said, instructions } = prompt;
  const { key, terms, model } = await pipeline.admit({
    ...{ context: call, operation: chat, body: { ...body } },
    // `ask` has guardrails check what is said.
    ...{ said: {}, isRewritable: true, otherModels: [], references: [] },
  });
  // The customer is not the caller, and takes what was said along when erased.
  const userId = customer === undefined ? undefined : userIdOf(organizationId, customer);
  const noteQuoted = (requestId: string) =>
    userId === undefined
      ? Promise.resolve()
      : store.run((db) => insertQuotingCall(db, organizationId, { requestId, userId }));
  const asker = { kind: 'call' as const, context: call, key, terms, said, noteQuoted, queuesForReview: true as const };
  const send = makeSender(pipeline.ask, asker, { ...body, model: model ?? body.model });
  const known = {
    ids: new Set(passages.map(({ id }) => id)),
    categories,
    leaks: makeLeakCheck(instructions, marker),
  };
  const hits = new Set<string>();
  let heldBy: Reply['heldBy'];
  const attempt = async (): Promise<ReadResponse> => {
    const { completion, ...found } = await send();
    for (const hit of found.guardrailHits) hits.add(hit);
    heldBy ??= found.heldBy;
    return readResponse(completion, known);
  };
  let read = await attempt();
  if ('problem' in read) read = await attempt();
  if ('problem' in read) throw new ProxyError(read.problem);
  return { reply: read.reply, guardrailHits: [...hits], heldBy };
}

function toReview(
  { requestId }: CallContext,
  { query, customer, context }: CustomerQuery,
  { response, category, alternatives }: ResponseReply,
  { confidence, reasons, sources }: ResponseDecision,
) {
  const metadata = {
    ...(customer !== undefined && { customer_id: customer }),
    ...{ request_id: requestId, context, confidence, reasons, sources },
    alternative_responses: alternatives,
  };
  return { query, response, category, priority: usualPriority, metadata };
}

/** Counts what was asked about, with how it sounds where that can be told without a model. */
async function countQuery(context: Context, query: string, issue: string): Promise<void> {
  const rate = await loadRateByLexicon();
  let judged: Sentiment | undefined;
  try {
    judged = rate({ text: query });
  } catch (error) {
    // It is in another language.
    if (!(error instanceof ProxyError)) throw error;
  }
  await dayCounterOf(context).add(tallyQuery(toDay(Date.now()), { issue, judged }));
}
