import type { Caller } from '../../calls/call.ts';
import { ProxyError } from '../../error.ts';
import type { GovernanceContext } from '../context.ts';
import { admitRole } from '../roles.ts';
import { type Look, type TopicName, topics } from './topics.ts';

/** Somebody who watches. */
export interface Watcher {
  readonly caller: Caller;
  readonly topics: readonly TopicName[];
  /**
   * Finds the caller anew, by the same credential.
   *
   * @throws {ProxyError} where the credential is not accepted any more
   */
  readonly findAgain: () => Promise<Caller>;
  /** From now on, it hears of every change. */
  began(): void;
  changed(topics: readonly TopicName[]): void;
  /** It hears nothing more. */
  ended(problem: ProxyError): void;
}

/** How often all that are watched are looked at, in one go. */
const pauseMs = 1_000;
const mostWatchers = 200;

type Context = Pick<GovernanceContext, 'inForce' | 'store'>;

/** @returns how to stop watching */
export type WatchChanges = ReturnType<typeof makeWatchChanges>;

/**
 * Makes the function that tells callers of changes. All of this process share the look at the database; nothing is asked
 * while nobody watches.
 */
export function makeWatchChanges({ inForce, store }: Context) {
  /** With what each has seen last. */
  const watchers = new Map<Watcher, Map<TopicName, Look>>();
  let isLooking = false;

  const look = async (): Promise<ReadonlyMap<TopicName, Look>> => {
    const { organizationId } = inForce().snapshot;
    const names = new Set([...watchers.keys()].flatMap((watcher) => watcher.topics));
    const seen = new Map<TopicName, Look>();
    for (const name of names) seen.set(name, await store.run((db) => topics[name].look(db, organizationId)));
    return seen;
  };
  const tell = (now: ReadonlyMap<TopicName, Look>) => {
    for (const [watcher, seen] of watchers) {
      const isFirst = seen.size === 0;
      const news = watcher.topics.filter((name) => {
        const [before, after] = [seen.get(name), now.get(name)];
        if (after) seen.set(name, after);
        return before && after?.hasChanged(watcher.caller, before);
      });
      if (isFirst && seen.size > 0) watcher.began();
      if (news.length > 0) watcher.changed(news);
    }
  };
  const review = async (watcher: Watcher) => {
    try {
      const caller = await watcher.findAgain();
      requireTopics(caller, watcher.topics);
      if (caller.userId !== watcher.caller.userId) throw new ProxyError('invalid_credentials');
    } catch (error) {
      const problem = error instanceof ProxyError ? error : new ProxyError('internal_error', { cause: error });
      if (problem.status >= 500 && problem.code !== 'shutting_down') return;
      if (watchers.delete(watcher)) watcher.ended(problem);
    }
  };
  const lookOn = async () => {
    if (isLooking) return;
    isLooking = true;
    while (watchers.size > 0) {
      await Promise.all([...watchers.keys()].map(review));
      // Without the database, those who watch wait.
      if (watchers.size > 0) await look().then(tell, () => {});
      await new Promise((resolve) => setTimeout(resolve, pauseMs).unref());
    }
    isLooking = false;
  };

  /**
   * Tells of changes until the caller stops, or its credential ends.
   *
   * @throws {ProxyError} `role_required`, `overloaded`
   */
  return (watcher: Watcher): (() => void) => {
    requireTopics(watcher.caller, watcher.topics);
    if (watchers.size >= mostWatchers) throw new ProxyError('overloaded');
    watchers.set(watcher, new Map());
    void lookOn();
    return () => {
      watchers.delete(watcher);
    };
  };
}

/** @throws {ProxyError} `role_required` */
function requireTopics(caller: Caller, names: readonly TopicName[]): void {
  for (const name of names) {
    const { roles } = topics[name];
    if (roles) admitRole(caller, ...roles);
  }
}
