import { type ConversationAnalysisRow, readChangedAnalyses } from '../../../database/conversation-analyses.ts';
import type { Caller } from '../../calls/call.ts';
import { ProxyError } from '../../error.ts';
import { type AnalysisRequest, findAnalysisToFollow } from './analyses.ts';
import { type ConversationAnalysis, openAnalysis, openText } from './open.ts';
import type { AnalysesContext } from './queue.ts';

/** What a reader of an analysis that is being written is told. */
export type AnalysisEvent =
  | { readonly type: 'status'; readonly id: string; readonly status: ConversationAnalysis['status'] }
  /** More of the text. */
  | { readonly type: 'text'; readonly text: string }
  /** The text is written anew, so what was told of it counts no more. */
  | { readonly type: 'restart'; readonly id: string }
  | { readonly type: 'completed' | 'failed'; readonly analysis: ConversationAnalysis }
  /** It was erased. */
  | { readonly type: 'gone'; readonly id: string };

export type OnAnalysisEvent = (event: AnalysisEvent) => void;

/** Ends with `completed`, `failed` or `gone`. */
export const isLast = ({ type }: AnalysisEvent) => type === 'completed' || type === 'failed' || type === 'gone';

interface Followed {
  seen: string | undefined;
  row: ConversationAnalysisRow | undefined;
  readonly readers: Set<(row: ConversationAnalysisRow | null) => void>;
}

/** How often all that are followed are read, in one query. */
const pauseMs = 250;
const mostReaders = 1_000;

/** Lets callers follow analyses while they are written, from wherever the text is. */
export type FollowAnalysis = ReturnType<typeof makeFollowAnalysis>;

/** Makes the function that follows analyses. All readers of this process share the look at the database. */
export function makeFollowAnalysis(context: AnalysesContext) {
  const followed = new Map<string, Followed>();
  let readers = 0;
  let isLooking = false;

  const look = async () => {
    const { organizationId } = context.inForce().snapshot;
    const watched = Array.from(followed, ([id, { seen }]) => ({ id, seen }));
    const changed = await context.store.run((db) => readChangedAnalyses(db, organizationId, watched));
    for (const { id, seen, row } of changed) {
      const one = followed.get(id);
      if (!one) continue;
      one.seen = seen;
      one.row = row ?? undefined;
      for (const tell of [...one.readers]) tell(row);
    }
  };
  const lookOn = async () => {
    if (isLooking) return;
    isLooking = true;
    while (followed.size > 0) {
      // Without the database, readers wait.
      await look().catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, pauseMs).unref());
    }
    isLooking = false;
  };

  /**
   * Follows the latest analysis of a branch that the caller may read. The first events say what is written already.
   *
   * @returns how to stop, before the last event
   * @throws {ProxyError} `analysis_not_found`, `overloaded`, `store_unavailable`
   */
  return async (caller: Caller, branch: AnalysisRequest, onEvent: OnAnalysisEvent): Promise<() => void> => {
    if (readers >= mostReaders) throw new ProxyError('overloaded');
    const id = await findAnalysisToFollow(context, caller, branch);
    const one = followed.get(id) ?? { seen: undefined, row: undefined, readers: new Set() };
    followed.set(id, one);
    const stop = () => {
      if (!one.readers.delete(read)) return;
      readers -= 1;
      if (one.readers.size === 0) followed.delete(id);
    };
    const tell = makeTeller(context, id, onEvent);
    const read = (row: ConversationAnalysisRow | null) => {
      if (tell(row)) stop();
    };
    one.readers.add(read);
    readers += 1;
    if (one.row) read(one.row);
    void lookOn();
    return stop;
  };
}

/** Tells one reader what is new to it. @returns whether that was the last of it */
function makeTeller(context: AnalysesContext, id: string, onEvent: OnAnalysisEvent) {
  let status: ConversationAnalysis['status'] | undefined;
  let told = '';
  return (row: ConversationAnalysisRow | null): boolean => {
    if (!row) {
      onEvent({ type: 'gone', id });
      return true;
    }
    if (row.status !== status) {
      status = row.status;
      onEvent({ type: 'status', id, status });
    }
    if (status === 'failed') {
      onEvent({ type: 'failed', analysis: openAnalysis(context, row) });
      return true;
    }
    const text = openText(context, row) ?? '';
    if (!text.startsWith(told)) {
      onEvent({ type: 'restart', id });
      told = '';
    }
    if (text.length > told.length) onEvent({ type: 'text', text: text.slice(told.length) });
    told = text;
    if (status !== 'completed') return false;
    onEvent({ type: 'completed', analysis: openAnalysis(context, row) });
    return true;
  };
}
