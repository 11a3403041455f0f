import type { Logger } from 'pino';
import { type LiveEvent, readLastLiveNumber, readLiveEvents } from '../../../database/live-events.ts';
import { type QueueDepth, readQueueDepth } from '../../../database/reviews/items.ts';
import type { Follower } from '../../snapshot/follow.ts';
import { makeStatus, type StatusFacts, showDepth } from './status.ts';

/** Somebody who watches. */
export interface LiveMember {
  /** @param message JSON as UTF-8 */
  send(message: Buffer): void;
}

/** Those who watch at this proxy. */
export interface LiveHub {
  /** From now on it hears of everything, and of the state of the service at once. */
  join(member: LiveMember): void;
  leave(member: LiveMember): void;
}

export interface LiveHubOptions {
  readonly organizationId: string;
  readonly follower: Pick<Follower, 'query' | 'onLive' | 'confirmedAtMs'>;
  readonly facts: StatusFacts;
  readonly log: Logger;
  /** How often the state of the service is told. Absent: every 15 s. */
  readonly statusMs?: number | undefined;
  /** How soon an event is read whose notification was lost. Absent: after 2 s. */
  readonly pollMs?: number | undefined;
}

/**
 * Makes what reads the organization's events and tells them to those who watch. It asks nothing as long as nobody does. A
 * notification says that there is something new; the rows say what, and only this organization can write or read them.
 */
export function makeLiveHub(options: LiveHubOptions): LiveHub {
  const { organizationId, follower, log, statusMs = 15_000, pollMs = 2_000 } = options;
  const members = new Set<LiveMember>();
  const readDepth = () => follower.query((db) => readQueueDepth(db, organizationId));
  const readStatus = makeStatus({ ...options.facts, follower, readDepth, watching: () => members.size });
  /** The last event that was told. Undefined: it is not known yet. */
  let last: number | undefined;
  let reading = false;
  let readAgain = false;
  let timers: NodeJS.Timeout[] = [];

  const tell = (event: string, data: object, at: Date) => {
    const message = encode(event, data, at);
    for (const member of [...members]) member.send(message);
  };
  const readNew = async () => {
    const after = last;
    if (after === undefined) {
      last = await follower.query((db) => readLastLiveNumber(db, organizationId));
      return;
    }
    const events = await follower.query((db) => readLiveEvents(db, organizationId, after));
    if (events.length === 0) return;
    readAgain = true;
    const depth = events.some(({ event }) => event === 'queue_update') ? await readDepth() : undefined;
    for (const one of events) {
      tell(one.event, dataOf(one, depth), one.at);
      last = one.number;
    }
  };
  const read = async () => {
    if (reading) {
      readAgain = true;
      return;
    }
    reading = true;
    try {
      do {
        readAgain = false;
        await readNew();
      } while (readAgain && members.size > 0);
    } catch (error) {
      log.debug({ err: error }, 'cannot read what those who watch should see; it is tried again');
    } finally {
      reading = false;
    }
  };
  const tellStatus = async () => tell('system_status', await readStatus(), new Date());

  follower.onLive(() => {
    if (members.size > 0) void read();
  });
  return {
    join(member) {
      members.add(member);
      void readStatus().then((status) => {
        if (members.has(member)) member.send(encode('system_status', status, new Date()));
      });
      if (timers.length > 0) return;
      last = undefined;
      void read();
      timers = [setInterval(() => void read(), pollMs), setInterval(() => void tellStatus(), statusMs)];
      for (const timer of timers) timer.unref();
    },
    leave(member) {
      members.delete(member);
      if (members.size > 0) return;
      for (const timer of timers) clearInterval(timer);
      timers = [];
    },
  };
}

function encode(event: string, data: object, at: Date): Buffer {
  return Buffer.from(JSON.stringify({ event, data, timestamp: at.toISOString() }));
}

function dataOf({ event, data }: LiveEvent, depth: QueueDepth | undefined): object {
  return event === 'queue_update' && depth ? { ...data, queue: showDepth(depth) } : data;
}
