import { pino } from 'pino';
import { type Authenticator, makeAuthenticators, type TokenRules } from '../../../../proxy/pipeline/authenticate.ts';
import { type Issuers, makeIssuers } from '../../../../proxy/pipeline/tokens/issuers.ts';
import { organizationId } from '../../snapshot.ts';

export const silent = pino({ level: 'silent' });

/** An authenticator by these rules, with issuers of its own unless some are given. */
export function authenticatorOf(rules: TokenRules, issuers: Issuers = makeIssuers({ log: silent })): Authenticator {
  return makeAuthenticators({ organizationId, issuers, log: silent })(rules);
}
