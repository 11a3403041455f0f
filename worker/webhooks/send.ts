import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { Agent, type Dispatcher, errors } from 'undici';
import { isNetwork, makeGuardedLookup, makeIsWithin, makeMayConnectPublic } from '../../proxy/egress/addresses.ts';
import { type EgressSettings, proxyFor } from '../../proxy/egress/settings.ts';
import { dispatcherFor } from '../../proxy/egress/through-proxy.ts';

/** A request to a webhook. */
export interface WebhookRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** CIDR blocks beside the public ones. Only there, `http` is allowed. */
  readonly networks: readonly string[];
  readonly egress: EgressSettings | undefined;
  readonly signal: AbortSignal;
}

/** How it went. */
export interface WebhookAnswer {
  /** Null: there was no answer. */
  readonly status: number | null;
  /** Undefined: it was taken. The message is ours: an answer may say anything. */
  readonly failure: { readonly code: string; readonly message: string } | undefined;
  readonly durationMs: number;
}

const connectMs = 5_000;
const totalMs = 15_000;

/**
 * Sends a request to a webhook. Redirects are not followed, nothing of the answer but its status is read, and no address is
 * connected to that is not allowed.
 *
 * @throws only where `signal` is aborted
 */
export async function sendToWebhook(request: WebhookRequest): Promise<WebhookAnswer> {
  const startedTicks = performance.now();
  const end = (status: number | null, failure: WebhookAnswer['failure']): WebhookAnswer => ({
    ...{ status, failure, durationMs: performance.now() - startedTicks },
  });
  let dispatcher: Dispatcher | undefined;
  try {
    dispatcher = await openRoute(request);
    const status = await post(request, dispatcher);
    return end(status, judgeStatus(status));
  } catch (error) {
    request.signal.throwIfAborted();
    return end(null, describe(error));
  } finally {
    void dispatcher?.destroy().catch(() => {});
  }
}

async function post({ url, headers, body, signal }: WebhookRequest, dispatcher: Dispatcher): Promise<number> {
  const { origin, pathname, search } = new URL(url);
  const { statusCode, body: answer } = await dispatcher.request({
    method: 'POST',
    origin,
    path: pathname + search,
    headers: { 'content-type': 'application/json', 'user-agent': 'chaperone-webhooks', ...headers },
    body,
    signal: AbortSignal.any([signal, AbortSignal.timeout(totalMs)]),
  });
  answer.on('error', () => {});
  answer.destroy();
  return statusCode;
}

/** A connection of its own for each attempt, so that each address is judged when it is used. */
async function openRoute({ url, networks, egress }: WebhookRequest): Promise<Dispatcher> {
  const target = new URL(url);
  const host = target.hostname.replace(/^\[|\]$/g, '');
  const isSecure = target.protocol === 'https:';
  const named = networks.filter(isNetwork);
  const mayConnect = isSecure ? makeMayConnectPublic(named) : makeIsWithin(named);
  const refuse = (address: string) => new Forbidden(address, isSecure);
  if (isIP(host) !== 0 && !mayConnect(host)) throw refuse(host);
  if (egress && proxyFor(target, egress)) {
    // The forward proxy connects. What this machine can look up is judged here, too.
    const found = isIP(host) === 0 ? await lookup(host, { all: true }).catch(() => []) : [];
    const bad = found.find(({ address }) => !mayConnect(address));
    if (bad) throw refuse(bad.address);
    return dispatcherFor(target, egress, {});
  }
  return new Agent({
    connect: { lookup: makeGuardedLookup(mayConnect, refuse), timeout: connectMs },
    headersTimeout: totalMs,
    bodyTimeout: totalMs,
    allowH2: false,
    pipelining: 0,
  });
}

class Forbidden extends Error {
  constructor(address: string, isSecure: boolean) {
    super(
      isSecure
        ? `The webhook is at ${address}, which is not public and not in spec.webhookNetworks`
        : `The webhook needs https, since ${address} is not in spec.webhookNetworks`,
    );
  }
}

function judgeStatus(status: number): WebhookAnswer['failure'] {
  if (status >= 200 && status < 300) return undefined;
  if (status === 410) return { code: 'webhook_gone', message: 'The webhook answered 410: it wants no more deliveries' };
  if (status >= 300 && status < 400)
    return { code: 'webhook_redirects', message: `The webhook answered ${status}; redirects are not followed` };
  return { code: 'webhook_refused', message: `The webhook answered ${status}` };
}

function describe(error: unknown): NonNullable<WebhookAnswer['failure']> {
  const cause = error instanceof Error && error.cause instanceof Forbidden ? error.cause : error;
  if (cause instanceof Forbidden) return { code: 'webhook_forbidden', message: cause.message };
  const isTimeout =
    error instanceof errors.ConnectTimeoutError ||
    error instanceof errors.HeadersTimeoutError ||
    (error instanceof Error && error.name === 'TimeoutError');
  if (isTimeout) return { code: 'webhook_timeout', message: 'The webhook did not answer in time' };
  const code = error instanceof Error && 'code' in error ? ` (${String(error.code).slice(0, 60)})` : '';
  return { code: 'webhook_unreachable', message: `The webhook cannot be reached${code}` };
}
