import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { ProxyError } from '../../error.ts';
import type { AccessKey } from '../../snapshot/access-keys.ts';
import type { Identity } from '../call.ts';
import type { Identified, InForce } from '../context.ts';
import { whenKnown } from '../when-known.ts';
import type { Identify } from './identify.ts';
import { requireSingleHeaders } from './single-headers.ts';
import { findVisitor } from './visitor.ts';

/**
 * Finds the caller of a request, by its credential and its other headers.
 *
 * @param mayLackUser whether the request needs no user, even where the organization requires one of calls
 * @param isForVisitors whether a public key may make it
 * @throws {ProxyError} where there is no caller, or two
 */
export type FindCaller = (
  request: Pick<IncomingMessage, 'headers' | 'rawHeaders'>,
  mayLackUser?: boolean,
  isForVisitors?: boolean,
) => Identified | Promise<Identified>;

/**
 * Makes the step that finds the caller. Only this step takes the configuration in force; a call keeps it to its end.
 *
 * @param inForce throws ProxyError where no configuration is in force
 */
export function makeFindCaller(inForce: () => InForce, identify: Identify): FindCaller {
  return ({ headers, rawHeaders }, mayLackUser = false, isForVisitors = false) => {
    requireSingleHeaders(rawHeaders);
    const current = inForce();
    const { authenticator, snapshot } = current;
    return whenKnown(authenticator.authenticate(headers, snapshot), (identity) => {
      const known = identity.accessKey?.isPublic
        ? asVisitor(identity, identity.accessKey, headers, current, isForVisitors)
        : identity;
      return { caller: identify(known, headers, snapshot, mayLackUser), inForce: current };
    });
  };
}

/**
 * The visitor of a page that uses a public key. Everybody can read such a key, so it opens only what says that it is for
 * visitors, and only from the pages that it is for: a browser does not let a page state another origin.
 *
 * @throws {ProxyError} `public_key_not_allowed`, `origin_not_allowed`, `invalid_credentials`
 */
function asVisitor(
  identity: Identity,
  key: AccessKey,
  headers: IncomingHttpHeaders,
  { snapshot, envelope }: InForce,
  isForVisitors: boolean,
): Identity {
  const { origin } = headers;
  if (!key.allowsEveryOrigin && (origin === undefined || !key.allowsOrigin(origin))) {
    throw new ProxyError('origin_not_allowed', { param: 'Origin' });
  }
  if (!isForVisitors) throw new ProxyError('public_key_not_allowed');
  const signer = { organizationId: snapshot.organizationId, envelope, keyId: key.id };
  const visitor = findVisitor(headers['x-visitor-token'], signer, Date.now());
  return { ...identity, user: visitor.user, visitor };
}
