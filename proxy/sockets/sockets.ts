import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { WebSocketServer } from 'ws';
import { makeRequestId } from '../../database/ids.ts';
import type { Caller } from '../calls/call.ts';
import type { RouteHealth } from '../calls/route/health.ts';
import type { Metrics } from '../calls/settle/metrics.ts';
import { runStep } from '../calls/when-known.ts';
import { ProxyError } from '../error.ts';
import type { Envelope } from '../http/envelope.ts';
import { ownHeaders } from '../http/headers.ts';
import type { Refusals } from '../http/refusals.ts';
import type { InFlight } from '../in-flight.ts';
import { makeTokenFiles } from '../providers/azure/token-files.ts';
import type { ProviderTable } from '../providers/table.ts';
import { type DialOptions, UpgradeRefused } from './dial.ts';
import { readCaller } from './find-caller.ts';
import { openRealtime } from './realtime/open.ts';
import { defaultLimits, type Session, type SessionContext, type SocketLimits } from './session.ts';

/** What sessions work with, of the process that holds them. */
export interface SocketsContext extends Omit<SessionContext, 'limits'> {
  readonly providers: ProviderTable;
  readonly health: RouteHealth;
  readonly inFlight: InFlight;
  readonly metrics: Metrics;
  readonly refusals: Refusals;
  readonly envelope: Envelope;
  /** How a provider is reached. */
  readonly agentFor: DialOptions['agentFor'];
  readonly log: Logger;
  /** Absent: the usual ones. */
  readonly socketLimits?: Partial<SocketLimits> | undefined;
}

/** The sessions of a process. */
export interface Sockets {
  /** Takes an opening handshake. It is answered in HTTP where it may not become a session. */
  take(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  drain(): Promise<void>;
  cut(): void;
}

const reviewMs = 1_000;
/** The route, as the audit log has it. */
const route = 'GET /v1/realtime';

/** Makes the sessions of a process, and what looks after them. */
export function makeSockets(context: SocketsContext): Sockets {
  const { inFlight, inForce, metrics, refusals, envelope } = context;
  const limits: SocketLimits = { ...defaultLimits, ...context.socketLimits };
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: limits.messageBytes,
    perMessageDeflate: false,
    // A client that sends its key as a subprotocol must be given another one.
    handleProtocols: (protocols) => (protocols.has('realtime') ? 'realtime' : false),
  });
  const tokenFiles = makeTokenFiles();
  const sessions = new Set<Session>();
  /** Handshakes that are being answered. */
  let opening = 0;
  let isStopping = false;
  const allOver = Promise.withResolvers<void>();

  const isFull = () => sessions.size + opening >= limits.sessions;
  const open = async (request: IncomingMessage, socket: Duplex, head: Buffer, note: (caller: Caller) => void) => {
    if (isStopping) throw new ProxyError('shutting_down');
    if (isFull()) throw new ProxyError('overloaded', { message: `the proxy has ${limits.sessions} open sessions` });
    const caller = readCaller(request, context.pipeline, inForce);
    const first = await caller.find();
    note(first.caller);
    const dialled = await openRealtime({ ...context, tokenFiles, limits }, request, caller, first);
    if (socket.destroyed) {
      dialled.connection.socket.terminate();
      return;
    }
    server.handleUpgrade(request, socket, head, (client) => {
      const share = inFlight.open();
      const kind = 'realtime';
      metrics.socketSessions.inc({ kind });
      const session: Session = dialled.begin({
        ...{ client, caller, first, share },
        onPassed(side, direction, bytes) {
          metrics.socketEvents.inc({ kind, side, direction });
          metrics.socketBytes.inc({ kind, side, direction }, bytes);
        },
        onRefused: (problem, requestId, inSession) =>
          void refusals.note({ requestId, caller: inSession, route }, problem),
        onOver() {
          share.release();
          sessions.delete(session);
          metrics.openSockets.set(sessions.size);
          if (isStopping && sessions.size === 0) allOver.resolve();
        },
      });
      sessions.add(session);
      metrics.openSockets.set(sessions.size);
      if (isStopping) session.goAway();
    });
  };

  let snapshot: unknown;
  setInterval(() => {
    if (sessions.size === 0 || isStopping) return;
    const current = runOrUndefined(() => inForce().snapshot);
    if (current === snapshot) return;
    snapshot = current;
    for (const session of sessions) void session.review();
  }, reviewMs).unref();
  setInterval(() => {
    for (const session of sessions) session.tick();
  }, limits.pingMs).unref();

  return {
    take(request, socket, head) {
      const requestId = makeRequestId(Date.now());
      let known: Caller | undefined;
      opening += 1;
      const answered = () => {
        opening -= 1;
      };
      const refuse = (error: unknown) => {
        answered();
        if (error instanceof UpgradeRefused) relayRefusal(socket, error, requestId, known);
        else {
          const problem = refusals.note({ requestId, caller: known, route }, error);
          const headers = { ...ownHeaders(requestId, known, envelope.requestIdHeader), ...problem.headers };
          answer(socket, problem.status, headers, JSON.stringify(envelope.show(problem, requestId)));
        }
      };
      runStep(
        () =>
          open(request, socket, head, (caller) => {
            known = caller;
          }).then(answered),
        refuse,
      );
    },
    async drain() {
      isStopping = true;
      for (const session of sessions) session.goAway();
      if (sessions.size > 0) await allOver.promise;
    },
    cut() {
      for (const session of sessions) session.cut();
    },
  };
}

function runOrUndefined<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** The provider's own refusal passes as it is. */
function relayRefusal(socket: Duplex, { status, headers, body }: UpgradeRefused, requestId: string, caller?: Caller) {
  const type = headers['content-type'] ?? 'application/json';
  const retryAfter = headers['retry-after'];
  const shown = { 'content-type': type, ...(retryAfter !== undefined && { 'retry-after': retryAfter }) };
  answer(socket, status, { ...ownHeaders(requestId, caller), ...shown }, body);
}

function answer(socket: Duplex, status: number, headers: Readonly<Record<string, string>>, body: string): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const lines = Object.entries({
    'content-type': 'application/json',
    ...headers,
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  }).map(([name, value]) => `${name}: ${value}`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('\r\n')}\r\n\r\n${body}`, () =>
    socket.destroy(),
  );
}
