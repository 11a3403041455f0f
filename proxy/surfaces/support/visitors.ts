import type { FastifyRequest } from 'fastify';
import type { Caller } from '../../calls/call.ts';
import { ProxyError } from '../../error.ts';
import { asObject } from '../../providers/json.ts';

/** Of the routes that visitors may use, with a public key. `maySpeakFor` gives them what is theirs, and nothing else. */
export const forVisitors = { visitors: true } as const;

/** A page does not know its visitor's id: the one of the token stands where the body names nobody. */
export async function nameVisitor(request: Pick<FastifyRequest, 'body' | 'caller'>): Promise<void> {
  const { visitor } = request.caller.identity;
  const fields = asObject(request.body);
  if (visitor && fields && fields.user_id === undefined) request.body = { ...fields, user_id: visitor.user };
}

/**
 * The desk's staff relies on what a client says of the customer, so no visitor says it.
 *
 * @throws {ProxyError} `public_key_not_allowed`
 */
export function requireNoClaims({ identity }: Caller, metadata: object | undefined): void {
  if (metadata === undefined || !identity.visitor) return;
  const message = 'metadata is for servers, with a secret key: with a public one, anybody could state it';
  throw new ProxyError('public_key_not_allowed', { param: 'metadata', message });
}

/** A conversation as a visitor sees it: without what only the organization is to know. */
export function showVisitor<Shown extends { readonly metadata?: unknown; readonly cost_usd?: unknown }>(
  { identity }: Caller,
  shown: Shown,
): Shown | Omit<Shown, 'metadata' | 'cost_usd'> {
  if (!identity.visitor) return shown;
  const { metadata: _metadata, cost_usd: _cost, ...rest } = shown;
  return rest;
}
