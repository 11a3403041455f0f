import type { WebSocket } from 'ws';
import type { Caller } from '../calls/call.ts';
import type { Identified, InForce } from '../calls/context.ts';
import type { Pipeline } from '../calls/pipeline.ts';
import type { RouteHealth } from '../calls/route/health.ts';
import type { Settlement } from '../calls/settle/settlement.ts';
import type { Link } from '../conversations/links.ts';
import type { ProxyError } from '../error.ts';
import type { Guardrails } from '../guardrails/guardrails.ts';
import type { InFlight, Share } from '../in-flight.ts';
import type { DialOptions } from './dial.ts';
import type { SessionCaller } from './find-caller.ts';
import type { LiveHub } from './live/hub.ts';

/** The limits of sessions. */
export interface SocketLimits {
  /** The most sessions of a process. */
  readonly sessions: number;
  /** The most of those who only watch. */
  readonly watchers: number;
  /** How long a session may last, as at OpenAI. */
  readonly lifetimeMs: number;
  /** How long nobody may say anything. */
  readonly idleMs: number;
  /** How often both sides are asked whether they are still there. */
  readonly pingMs: number;
  /** How large an event may be. OpenAI takes 15 MiB of audio at once. */
  readonly messageBytes: number;
}

export const defaultLimits: SocketLimits = {
  sessions: 1_000,
  watchers: 10_000,
  lifetimeMs: 3_600_000,
  idleMs: 900_000,
  pingMs: 30_000,
  messageBytes: 16 * 1024 * 1024,
};

/** What every session works with. */
export interface SessionContext {
  readonly pipeline: Pipeline;
  readonly settlement: Settlement;
  /** Finds the conversation of a response. */
  readonly link: Link;
  readonly guardrails: Pick<Guardrails, 'check'>;
  readonly inForce: () => InForce;
  readonly limits: SocketLimits;
  /** How long a response is still read after its client has gone. */
  readonly drainMs: number;
}

/** What opens sessions. */
export interface OpenContext extends SessionContext, DialOptions {
  readonly health: RouteHealth;
  readonly inFlight: InFlight;
  /** Those who watch at this proxy. */
  readonly live: () => Promise<LiveHub>;
}

/** A session that may be opened. Whatever it needs of a provider is there. */
export interface Ready {
  begin(opened: Opened): Session;
  /** The client has gone before its session was opened. */
  giveUp(): void;
}

/** An accepted session. */
export interface Opened {
  readonly client: WebSocket;
  readonly caller: SessionCaller;
  readonly first: Identified;
  readonly share: Share;
  readonly onPassed: (side: 'client' | 'provider', direction: 'in' | 'out', bytes: number) => void;
  /** Counts a refusal, and notes it for the audit log. */
  readonly onRefused: (problem: ProxyError, requestId: string, caller: Caller) => void;
  /** Notes for the audit log that an answer that had begun was ended. */
  readonly onBlocked: (problem: ProxyError, requestId: string, caller: Caller) => void;
  /** The session and all of its accounts are over. */
  readonly onOver: () => void;
}

/** A session, as the process holds it. */
export interface Session {
  /** The rules may have changed: it ends where they do not allow it any more. */
  review(): Promise<void>;
  /** Looks whether both sides are there, and whether its time is over. */
  tick(): void;
  /** Whether a response is under way. */
  isBusy(): boolean;
  /** The process stops: it says so, and closes when nothing is under way. */
  goAway(): void;
  /** Ends it at once. What is under way is interrupted. */
  cut(): void;
}
