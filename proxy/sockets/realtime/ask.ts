import type { Identified } from '../../calls/context.ts';
import { type Accounting, type Asked, contextOf } from '../governed-response.ts';
import type { Opened, SessionContext } from '../session.ts';
import type { RealtimeStart } from './start.ts';

/** What is the same of everything that a session asks its provider for. */
export interface Ask {
  readonly accounting: Accounting;
  /** The caller, as it was when the session was opened. */
  readonly first: Identified;
  of(identified: Identified, turnId: string): Pick<Asked, 'context' | 'key' | 'modelAlias' | 'previousResponseId'>;
}

export function makeAsk({ pipeline, settlement }: SessionContext, opened: Opened, start: RealtimeStart): Ask {
  const { key, modelAlias, traceParent } = start;
  return {
    accounting: { reserve: pipeline.reserve, settlement, traces: pipeline.traces, traceParent },
    first: opened.first,
    of: (identified, turnId) => ({
      context: contextOf(identified, opened.share, turnId),
      ...{ key, modelAlias, previousResponseId: undefined },
    }),
  };
}
