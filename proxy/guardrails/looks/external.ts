import { isIP } from 'node:net';
import { Agent } from 'undici';
import { parseDurationMs } from '../../../crds/duration.ts';
import { makeGuardedLookup, makeMayConnect } from '../../egress/addresses.ts';
import { parseObject } from '../../providers/json.ts';
import type { Asked, Look, RuleSpec } from '../rule.ts';

/** An answer has a word or two. */
const maxAnswerBytes = 64 * 1024;

/**
 * Asks an HTTP service whether a call may pass. docs/guardrails.md has the contract. Redirects are not followed, and the
 * address is judged where the connection is made, so that a name cannot lead elsewhere later.
 *
 * @param rule the name of the rule
 */
export function external(
  rule: string,
  { url, timeout, onError, networks }: NonNullable<RuleSpec['external']>,
): Look & { close(): Promise<void> } {
  const { origin, pathname, search, hostname } = new URL(url);
  const mayConnect = makeMayConnect(networks);
  const timeoutMs = parseDurationMs(timeout);
  const agent = new Agent({
    connect: { lookup: makeGuardedLookup(mayConnect, forbidden), timeout: timeoutMs },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    maxResponseSize: maxAnswerBytes,
    allowH2: false,
  });
  const host = hostname.replace(/^\[|\]$/g, '');

  const objects = async ({ side, operation, model, texts, signal }: Asked): Promise<boolean> => {
    // A literal address is not looked up.
    if (isIP(host) !== 0 && !mayConnect(host)) throw forbidden(host);
    const { statusCode, body } = await agent.request({
      method: 'POST',
      origin,
      path: pathname + search,
      headers: { 'content-type': 'application/json', accept: 'application/json', 'user-agent': 'chaperone' },
      body: JSON.stringify({ version: 1, rule, side: side.toLowerCase(), operation, model: model ?? null, texts }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    const text = await body.text();
    const verdict = statusCode === 200 ? parseObject(text)?.verdict : undefined;
    if (verdict === 'pass') return false;
    if (verdict === 'block') return true;
    throw new TypeError(`The check answered ${statusCode} without a verdict`);
  };
  return { by: 'service', objects, passesOnError: onError === 'Pass', close: () => agent.destroy() };
}

function forbidden(address: string): Error {
  return new Error(`No check may be at ${address}`);
}
