import {
  type RecordedMark,
  readDeliveriesMark,
  readJobsMark,
  readLastAuditNumber,
  readLatestCalls,
} from '../../../database/changes.ts';
import { readLastLiveNumber } from '../../../database/live-events.ts';
import type { Queryable } from '../../../database/queryable.ts';
import type { Caller } from '../../calls/call.ts';
import { type Role, seesOrganization } from '../roles.ts';

/** What can be watched. */
export const topicNames = ['requests', 'reviews', 'audit', 'webhooks', 'jobs'] as const;
export type TopicName = (typeof topicNames)[number];

interface Topic<Mark> {
  /** Who may watch it, beside an admin. Absent: everybody. */
  readonly roles?: readonly Role[];
  /** What differs as soon as something has changed. */
  readonly look: (db: Queryable, organizationId: string) => Promise<Mark>;
  /** Whether the difference is the caller's to know. */
  readonly concerns: (caller: Caller, before: Mark, after: Mark) => boolean;
}

/** A topic whose marks only it knows. */
export interface WatchedTopic {
  readonly roles?: readonly Role[];
  readonly look: (db: Queryable, organizationId: string) => Promise<Look>;
}

/** The state of a topic at a moment. */
export interface Look {
  /** Whether something that is the caller's to know has changed since an earlier look. */
  hasChanged(caller: Caller, since: Look): boolean;
}

/** So many calls are looked at. Of an organization with more in a second, everybody hears that there are some. */
const latestCalls = 200;

const requests: Topic<readonly RecordedMark[]> = {
  look: (db, organizationId) => readLatestCalls(db, organizationId, latestCalls),
  concerns(caller, before, after) {
    const known = new Set(before.map(({ requestId }) => requestId));
    const recent = after.filter(({ requestId }) => !known.has(requestId));
    if (recent.length === latestCalls) return true;
    return recent.some(({ userId }) => seesOrganization(caller) || userId === caller.userId);
  },
};

const differs = <Mark>(_: Caller, before: Mark, after: Mark) => before !== after;

/** A line for each. */
export const topics: Readonly<Record<TopicName, WatchedTopic>> = {
  requests: watched(requests),
  reviews: watched({ roles: ['analyst', 'reviewer'], look: readLastLiveNumber, concerns: differs }),
  audit: watched({ roles: [], look: readLastAuditNumber, concerns: differs }),
  webhooks: watched({ roles: [], look: readDeliveriesMark, concerns: differs }),
  jobs: watched({ roles: [], look: readJobsMark, concerns: differs }),
};

function watched<Mark>({ roles, look, concerns }: Topic<Mark>): WatchedTopic {
  const marks = new WeakMap<Look, { readonly mark: Mark }>();
  return {
    ...(roles && { roles }),
    async look(db, organizationId) {
      const mark = await look(db, organizationId);
      const made: Look = {
        hasChanged(caller, since) {
          const before = marks.get(since);
          return before !== undefined && concerns(caller, before.mark, mark);
        },
      };
      marks.set(made, { mark });
      return made;
    },
  };
}
