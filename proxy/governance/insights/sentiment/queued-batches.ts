import { DatabaseError } from 'pg';
import { type Envelope, EnvelopeError } from '../../../../database/envelope.ts';
import { randomHex } from '../../../../database/ids.ts';
import { addJob, tooManyJobs } from '../../../../database/jobs.ts';
import { isOutage } from '../../../../database/outage.ts';
import { toStorable } from '../../../../database/storable.ts';
import { findTextBatch, insertTextBatch, type TextBatchRow } from '../../../../database/text-batches.ts';
import { inTransaction } from '../../../../database/transaction.ts';
import type { Caller } from '../../../calls/call.ts';
import { ProxyError } from '../../../error.ts';
import type { GovernanceContext } from '../../context.ts';
import { seesOrganization } from '../../roles.ts';
import type { BatchResult, BatchText } from './batch.ts';
import type { SentimentTerms } from './sentiment.ts';

type Context = Pick<GovernanceContext, 'inForce' | 'store'>;

/** What a worker is to judge, and how. */
export interface TextsToJudge {
  readonly texts: readonly BatchText[];
  readonly terms: SentimentTerms;
}

export interface TextBatch extends Omit<TextBatchRow, 'textsSealed' | 'resultsSealed'> {
  /** Undefined: it is not completed. */
  readonly results: readonly BatchResult[] | undefined;
}

/** The worker's task (worker/tasks.ts). */
const task = 'judge-texts';
const attempts = 5;

/**
 * Stores texts together with the job that judges them: both, or none.
 *
 * @throws {ProxyError} `contents_not_stored`, `queue_error`, `store_unavailable`
 */
export async function queueTexts({ inForce, store }: Context, caller: Caller, asked: TextsToJudge): Promise<TextBatch> {
  const { snapshot, envelope } = inForce();
  const { organizationId, storesContents } = snapshot;
  if (!storesContents) {
    const message =
      'The organization stores no contents (storage.contents is None), so a worker could not read the texts; leave out async';
    throw new ProxyError('contents_not_stored', { message });
  }
  const batchId = `batch-${randomHex(12)}`;
  const place = { organizationId, batchId };
  const { user = null, userId } = caller;
  const batch = { batchId, userId, requestedBy: user, total: asked.texts.length };
  const textsSealed = sealTexts(envelope, place, asked);
  await store.run((db) =>
    inTransaction(db, async () => {
      await insertTextBatch(db, organizationId, { ...batch, textsSealed });
      await addJob(db, { task, id: batchId, attempts }).catch((cause: unknown) => {
        // Without the cause, which the store would take for an outage.
        if (cause instanceof DatabaseError && cause.code === tooManyJobs) throw new ProxyError('queue_error');
        throw isOutage(cause) ? cause : new ProxyError('queue_error', { cause });
      });
    }),
  );
  return findBatch({ inForce, store }, caller, batchId);
}

/**
 * Finds a batch of the caller's own, or any, for who sees the organization.
 *
 * @throws {ProxyError} `batch_not_found`, the same for one that is not there and one that is another user's;
 * `store_unavailable`
 */
export async function findBatch({ inForce, store }: Context, caller: Caller, batchId: string): Promise<TextBatch> {
  const { snapshot, envelope } = inForce();
  const { organizationId } = snapshot;
  const row = await store.run((db) => findTextBatch(db, organizationId, toStorable(batchId)));
  if (!row || (row.userId !== caller.userId && !seesOrganization(caller))) {
    throw new ProxyError('batch_not_found', { param: 'batch_id' });
  }
  const { resultsSealed, ...batch } = row;
  return {
    ...batch,
    results: resultsSealed ? openResults(envelope, { organizationId, batchId }, resultsSealed) : undefined,
  };
}

interface BatchPlace {
  readonly organizationId: string;
  readonly batchId: string;
}

function placeOf({ organizationId, batchId }: BatchPlace, column: 'texts' | 'results') {
  return { organizationId, column: `text_batches.${column}`, rowId: batchId };
}

function sealTexts(envelope: Envelope, place: BatchPlace, texts: TextsToJudge): Buffer {
  return envelope.seal(placeOf(place, 'texts'), JSON.stringify(texts));
}

/** @throws {EnvelopeError} where the key is lost */
export function openTexts(envelope: Envelope, place: BatchPlace, sealed: Uint8Array): TextsToJudge {
  return JSON.parse(envelope.open(placeOf(place, 'texts'), sealed).toString()) as TextsToJudge;
}

export function sealResults(envelope: Envelope, place: BatchPlace, results: readonly BatchResult[]): Buffer {
  return envelope.seal(placeOf(place, 'results'), JSON.stringify(results));
}

/** What was sealed with a data key that is lost is empty. */
function openResults(envelope: Envelope, place: BatchPlace, sealed: Uint8Array): BatchResult[] {
  try {
    return JSON.parse(envelope.open(placeOf(place, 'results'), sealed).toString()) as BatchResult[];
  } catch (error) {
    if (error instanceof EnvelopeError) return [];
    throw error;
  }
}
