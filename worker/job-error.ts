import { DatabaseError } from 'pg';
import { outageKindOf, outages } from '../database/outage.ts';
import { ProxyError, problems } from '../proxy/error.ts';
import { AnswerError } from '../proxy/providers/answer-error.ts';

/** That a task cannot do its work. Its message is stored with the job, so it says nothing that anybody said. */
export class JobError extends Error {
  readonly code: string;
  /** Whether another attempt would fail, too. */
  readonly isFinal: boolean;

  constructor(code: string, message: string, { isFinal = false, cause }: { isFinal?: boolean; cause?: unknown } = {}) {
    super(message, { cause });
    this.name = 'JobError';
    this.code = code;
    this.isFinal = isFinal;
  }
}

/** Why an attempt has failed, in words that may be stored and shown. */
export interface JobFailure {
  readonly code: string;
  readonly message: string;
  readonly isFinal: boolean;
}

/**
 * What may be told of an error. The messages of most errors may quote what they are about, so only those that we wrote
 * are told.
 */
export function describeFailure(error: unknown): JobFailure {
  if (error instanceof JobError) return { code: error.code, message: error.message, isFinal: error.isFinal };
  if (error instanceof ProxyError) {
    // What it says of the database is ours; other messages may name what a caller has sent.
    const { message } = error.code === 'store_unavailable' ? error : problems[error.code];
    return { code: error.code, message, isFinal: finalCodes.has(error.code) || isRefused(error) };
  }
  const outage = outageKindOf(error);
  if (outage !== undefined) return { code: 'store_unavailable', message: outages[outage], isFinal: false };
  if (error instanceof DatabaseError) {
    return { code: 'database_error', message: `PostgreSQL refused a statement (${error.code})`, isFinal: false };
  }
  return { code: 'internal_error', message: 'The log of the worker has the error', isFinal: false };
}

/** Whether the provider finds fault with the call itself. */
function isRefused({ cause }: ProxyError): boolean {
  return cause instanceof AnswerError && cause.status >= 400 && cause.status < 500 && !passing.has(cause.status);
}

/** Statuses that blame the moment: timeout, conflict, too early, too many calls. */
const passing: ReadonlySet<number> = new Set([408, 409, 425, 429]);

/** What a later attempt does not change. */
const finalCodes: ReadonlySet<string> = new Set<ProxyError['code']>([
  'contents_not_stored',
  'invalid_request',
  'model_not_allowed',
  'nothing_to_analyze',
  'organization_deleted',
  'request_not_found',
  'user_inactive',
]);
