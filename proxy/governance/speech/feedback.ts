import { randomInt } from 'node:crypto';
import { type Envelope, EnvelopeError } from '../../../database/envelope.ts';
import { userIdOf } from '../../../database/ids.ts';
import {
  type FeedbackFilter,
  type FeedbackRow,
  insertFeedback,
  type ListedFeedback,
  listFeedback as listRows,
} from '../../../database/speech/feedback.ts';
import { toStorable } from '../../../database/storable.ts';
import type { Caller } from '../../calls/call.ts';
import { ProxyError } from '../../error.ts';
import { parseObject } from '../../providers/json.ts';
import type { GovernanceContext } from '../context.ts';
import { readPeriod } from '../figures/period.ts';
import type { Listed, Page } from '../page.ts';
import { admitRole } from '../roles.ts';
import { findStatedSession, noteCaller, sessionNotFound } from './session.ts';

/** The words in feedback, and further facts. They are stored sealed. */
export interface FeedbackContents {
  readonly feedbackText: string | null;
  readonly userInput: string | null;
  readonly assistantResponse: string | null;
  readonly metadata: object;
}

/** What a user thinks of a turn or a message. */
export interface Feedback
  extends Pick<
    FeedbackRow,
    | 'sessionId'
    | 'turnId'
    | 'messageId'
    | 'rating'
    | 'ratingType'
    | 'category'
    | 'incorrectResponse'
    | 'tooSlow'
    | 'unhelpful'
    | 'offensive'
  > {
  readonly contents: FeedbackContents;
}

export interface StoredFeedback extends Feedback {
  readonly id: number;
  readonly createdAt: Date;
}

/**
 * Stores feedback on a session of the caller's own, or on any, for who sees the organization.
 *
 * @throws {ProxyError} `invalid_request` for a rating that its type does not have, `session_not_found`,
 * `store_unavailable`
 */
export async function giveFeedback(
  context: Pick<GovernanceContext, 'inForce' | 'shipped' | 'store'>,
  caller: Caller,
  feedback: Feedback,
): Promise<StoredFeedback> {
  requireRating(feedback);
  const { snapshot, envelope } = context.inForce();
  const { organizationId, storesContents } = snapshot;
  const contents = storableContents(feedback.contents, storesContents);
  await context.shipped();
  return context.store.run(async (db) => {
    const session = await findStatedSession(context, db, caller, feedback.sessionId);
    if (!session) throw sessionNotFound();
    await noteCaller(context, db, caller);
    for (;;) {
      const createdAt = new Date();
      // Nobody else has it but by chance: then another one is tried.
      const id = createdAt.getTime() * 1_000 + randomInt(1_000);
      const row: FeedbackRow = {
        ...feedback,
        feedbackId: String(id),
        userId: session.userId,
        ratedBy: caller.userId,
        sessionId: session.sessionId,
        turnId: storableOrNull(feedback.turnId),
        messageId: storableOrNull(feedback.messageId),
        category: storableOrNull(feedback.category),
        contentsSealed: seal(envelope, organizationId, id, contents),
        createdAt,
      };
      if (await insertFeedback(db, organizationId, row)) return { ...feedback, ...row, contents, id };
    }
  });
}

/** @throws {ProxyError} `invalid_request` with the sentences of the API document */
function requireRating({ rating, ratingType }: Feedback): void {
  const refuse = (message: string) => new ProxyError('invalid_request', { param: 'rating', message });
  if (ratingType === 'thumbs' && rating !== 1 && rating !== -1) {
    throw refuse('Rating must be -1 (thumbs down) or 1 (thumbs up) for thumbs type');
  }
  if (ratingType === 'stars' && (rating < 1 || rating > 5)) {
    throw refuse('Rating must be between 1 and 5 for stars type');
  }
}

/** What was said is kept only where the organization keeps what is said in calls. */
function storableContents(contents: FeedbackContents, storesContents: boolean): FeedbackContents {
  return storesContents ? contents : { ...contents, userInput: null, assistantResponse: null };
}

/** Which feedback is asked for. Absent: all. */
export interface FeedbackQuestion {
  readonly sessionId?: string | undefined;
  readonly turnId?: string | undefined;
  readonly rating?: number | undefined;
  readonly ratingType?: string | undefined;
  readonly category?: string | undefined;
  /** Only what has this mark, or has it not. */
  readonly incorrectResponse?: boolean | undefined;
  readonly tooSlow?: boolean | undefined;
  readonly unhelpful?: boolean | undefined;
  readonly offensive?: boolean | undefined;
  /** External id of whose session it is about. */
  readonly user?: string | undefined;
  /** A day, or a time of which the day in UTC counts. Without both, the period has no bounds. */
  readonly startDate?: string | undefined;
  readonly endDate?: string | undefined;
}

export interface ShownFeedback extends StoredFeedback {
  /** External id; null for a session of calls without a user. */
  readonly user: string | null;
}

/**
 * Lists feedback, the latest first, for who sees the organization.
 *
 * @throws {ProxyError} `role_required`, `invalid_request`, `store_unavailable`
 */
export async function listFeedback(
  { inForce, store }: Pick<GovernanceContext, 'inForce' | 'store'>,
  caller: Caller,
  { user, startDate, endDate, ...question }: FeedbackQuestion,
  page: Page,
): Promise<Listed<ShownFeedback>> {
  admitRole(caller, 'analyst', 'reviewer');
  const { snapshot, envelope } = inForce();
  const { organizationId } = snapshot;
  const hasPeriod = startDate !== undefined || endDate !== undefined;
  const { firstDay, lastDay } = hasPeriod ? readPeriod(startDate, endDate, Date.now()) : noPeriod;
  const filter: FeedbackFilter = {
    organizationId,
    sessionId: storableOrNull(question.sessionId),
    turnId: storableOrNull(question.turnId),
    userId: user === undefined ? null : userIdOf(organizationId, user),
    rating: question.rating ?? null,
    ratingType: question.ratingType ?? null,
    category: storableOrNull(question.category),
    incorrectResponse: question.incorrectResponse ?? null,
    tooSlow: question.tooSlow ?? null,
    unhelpful: question.unhelpful ?? null,
    offensive: question.offensive ?? null,
    firstDay,
    lastDay,
  };
  const { feedback, total } = await store.run((db) => listRows(db, filter, page));
  return { items: feedback.map((row) => show(envelope, organizationId, row)), total };
}

const noPeriod = { firstDay: null, lastDay: null };

function show(envelope: Envelope, organizationId: string, row: ListedFeedback): ShownFeedback {
  const { feedbackId, externalId, contentsSealed } = row;
  const id = Number(feedbackId);
  return { ...row, id, user: externalId, contents: open(envelope, organizationId, id, contentsSealed) };
}

const placeOf = (organizationId: string, id: number) => ({
  organizationId,
  column: 'feedback.contents',
  rowId: String(id),
});

function seal(envelope: Envelope, organizationId: string, id: number, contents: FeedbackContents): Buffer | null {
  const { metadata, ...texts } = contents;
  const isEmpty = Object.values(texts).every((text) => text === null) && Object.keys(metadata).length === 0;
  return isEmpty ? null : envelope.seal(placeOf(organizationId, id), JSON.stringify(contents));
}

const nothing: FeedbackContents = { feedbackText: null, userInput: null, assistantResponse: null, metadata: {} };

/** What was sealed with a data key that is lost cannot be shown; the rest of the feedback can. */
function open(envelope: Envelope, organizationId: string, id: number, sealed: Uint8Array | null): FeedbackContents {
  if (sealed === null) return nothing;
  try {
    return { ...nothing, ...parseObject(envelope.open(placeOf(organizationId, id), sealed).toString()) };
  } catch (error) {
    if (error instanceof EnvelopeError) return nothing;
    throw error;
  }
}

function storableOrNull(text: string | null | undefined): string | null {
  return text == null ? null : toStorable(text);
}
