import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { WebSocketServer } from 'ws';
import { makeRequestId } from '../../database/ids.ts';
import type { Caller } from '../calls/call.ts';
import type { Metrics } from '../calls/settle/metrics.ts';
import { runStep } from '../calls/when-known.ts';
import { ProxyError } from '../error.ts';
import type { Envelope } from '../http/envelope.ts';
import { ownHeaders } from '../http/headers.ts';
import { pathOf } from '../http/nearest.ts';
import type { Refusals } from '../http/refusals.ts';
import type { KitContext } from '../http/surface.ts';
import { parseObject } from '../providers/json.ts';
import { withTokenOfAddress } from './address-token.ts';
import { type SocketApi, socketApis } from './apis.ts';
import { UpgradeRefused } from './dial.ts';
import { readCaller } from './find-caller.ts';
import type { LiveHub, LiveHubOptions } from './live/hub.ts';
import type { StatusFacts } from './live/status.ts';
import { defaultLimits, type OpenContext, type Session, type SocketLimits } from './session.ts';

/** What sessions work with, of the process that holds them. */
export interface SocketsContext extends Omit<OpenContext, 'limits' | 'live'>, Pick<KitContext, 'audit'> {
  readonly metrics: Metrics;
  readonly refusals: Refusals;
  /** How an error about a URL is shown. */
  readonly envelopeOf: (url: string) => Envelope;
  readonly log: Logger;
  /** The organization, which those who watch hear of. */
  readonly id: string;
  readonly name: string;
  readonly configuration: Pick<LiveHubOptions, 'follower'>;
  readonly spool: StatusFacts['spool'];
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

/** How soon a change of what is in force reaches the sessions. */
const reviewMs = 1_000;
/** How soon a session ends that ends when its credential expires: no change tells of that. */
const expiryMs = 4_000;

/** Makes the sessions of a process, and what looks after them. */
export function makeSockets(context: SocketsContext): Sockets {
  const { inFlight, inForce, metrics, refusals, audit, envelopeOf } = context;
  const limits: SocketLimits = { ...defaultLimits, ...context.socketLimits };
  const servers = new Map(
    [...socketApis.values()].map(({ kind, messageBytes = limits.messageBytes }) => [kind, makeServer(messageBytes)]),
  );
  const sessions = new Map<Session, SocketApi['kind']>();
  let hub: Promise<LiveHub> | undefined;
  const live = () => {
    hub ??= import('./live/hub.ts').then(({ makeLiveHub }) => makeLiveHub(hubOptionsOf(context)));
    return hub;
  };
  /** Handshakes that are being answered. */
  let opening = 0;
  let isStopping = false;
  const allOver = Promise.withResolvers<void>();

  const requireRoom = (kind: SocketApi['kind']) => {
    const isOfKind = (one: SocketApi['kind']) => (one === 'live') === (kind === 'live');
    const open = [...sessions.values()].filter(isOfKind).length;
    const most = kind === 'live' ? limits.watchers : limits.sessions;
    if (open + opening >= most) throw new ProxyError('overloaded', { message: `the proxy has ${most} open sessions` });
  };
  const open = async (
    { kind, route, load, takesTokenInAddress, ...terms }: SocketApi,
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    note: (caller: Caller) => void,
  ) => {
    if (isStopping) throw new ProxyError('shutting_down');
    requireHandshake(request);
    requireRoom(kind);
    const headers = takesTokenInAddress ? withTokenOfAddress(request) : request.headers;
    const caller = readCaller({ headers, rawHeaders: request.rawHeaders }, context.pipeline, inForce, terms);
    const first = await caller.find();
    note(first.caller);
    const openSession = await load();
    const ready = await openSession({ ...context, limits, live }, request, caller, first);
    if (socket.destroyed) {
      ready.giveUp();
      return;
    }
    servers.get(kind)?.handleUpgrade(request, socket, head, (client) => {
      const share = inFlight.open();
      metrics.socketSessions.inc({ kind });
      const session: Session = ready.begin({
        ...{ client, caller, first, share },
        onPassed(side, direction, bytes) {
          metrics.socketEvents.inc({ kind, side, direction });
          metrics.socketBytes.inc({ kind, side, direction }, bytes);
        },
        onRefused: (problem, requestId, inSession) =>
          void refusals.note({ requestId, caller: inSession, route }, problem),
        onBlocked: (problem, requestId, inSession) => audit.refused({ requestId, caller: inSession, route }, problem),
        onOver() {
          share.release();
          sessions.delete(session);
          metrics.openSockets.set(sessions.size);
          if (isStopping && sessions.size === 0) allOver.resolve();
        },
      });
      sessions.set(session, kind);
      metrics.openSockets.set(sessions.size);
      if (isStopping) session.goAway();
    });
  };

  let known: unknown;
  setInterval(() => {
    if (sessions.size === 0 || isStopping) return;
    const current = runOrUndefined(inForce);
    if (current === known) return;
    known = current;
    for (const session of sessions.keys()) void session.review();
  }, reviewMs).unref();
  setInterval(() => {
    for (const [session, kind] of sessions) if (endWithCredential.has(kind)) void session.review();
  }, expiryMs).unref();
  setInterval(() => {
    for (const session of sessions.keys()) session.tick();
  }, limits.pingMs).unref();

  return {
    take(request, socket, head) {
      const requestId = makeRequestId(Date.now());
      const api = socketApis.get(pathOf(request.url ?? ''));
      if (!api) {
        socket.destroy();
        return;
      }
      const { route } = api;
      let known: Caller | undefined;
      opening += 1;
      const answered = () => {
        opening -= 1;
      };
      const refuse = (cause: unknown) => {
        answered();
        const error = cause instanceof UpgradeRefused && !parseObject(cause.body) ? unreadable(cause) : cause;
        if (error instanceof UpgradeRefused) relayRefusal(socket, error, requestId, known);
        else {
          const problem = refusals.note({ requestId, caller: known, route }, error);
          const envelope = envelopeOf(request.url ?? '');
          const headers = { ...ownHeaders(requestId, known, envelope.requestIdHeader), ...problem.headers };
          answer(socket, problem.status, headers, JSON.stringify(envelope.show(problem, requestId)));
        }
      };
      runStep(
        () =>
          open(api, request, socket, head, (caller) => {
            known = caller;
          }).then(answered),
        refuse,
      );
    },
    async drain() {
      isStopping = true;
      for (const session of sessions.keys()) session.goAway();
      if (sessions.size > 0) await allOver.promise;
    },
    cut() {
      for (const session of sessions.keys()) session.cut();
    },
  };
}

const endWithCredential = new Set(
  [...socketApis.values()].flatMap(({ kind, endsWithCredential }) => (endsWithCredential ? kind : [])),
);

function makeServer(maxPayload: number): WebSocketServer {
  return new WebSocketServer({
    noServer: true,
    maxPayload,
    perMessageDeflate: false,
    // A client that sends its key as a subprotocol must be given another one.
    handleProtocols: (protocols) => (protocols.has('realtime') ? 'realtime' : false),
  });
}

function hubOptionsOf({ id, name, configuration, spool, metrics, log }: SocketsContext): LiveHubOptions {
  return {
    organizationId: id,
    follower: configuration.follower,
    facts: { organizationName: name, spool, metrics },
    log,
  };
}

/** Before anything is done for it. @throws {ProxyError} `invalid_header` */
function requireHandshake({ headers }: IncomingMessage): void {
  if (!/^[+/0-9A-Za-z]{22}==$/.test(headers['sec-websocket-key'] ?? ''))
    throw new ProxyError('invalid_header', {
      param: 'Sec-WebSocket-Key',
      message: 'Sec-WebSocket-Key must be 16 bytes in base64',
    });
  const version = headers['sec-websocket-version'];
  if (version !== '13' && version !== '8')
    throw new ProxyError('invalid_header', {
      param: 'Sec-WebSocket-Version',
      message: 'Sec-WebSocket-Version must be 13',
    });
}

function runOrUndefined<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** What refuses in another way than an API does is perhaps no provider, and clients could not read it. */
function unreadable(cause: UpgradeRefused): ProxyError {
  const message = `the provider does not open a session; it answers with status ${cause.status}, and no JSON`;
  return new ProxyError('upstream_invalid_response', { cause, message });
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
