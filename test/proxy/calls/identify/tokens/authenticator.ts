import { pino } from 'pino';
import { Agent } from 'undici';
import {
  type Authenticator,
  makeAuthenticators,
  type TokenRules,
} from '../../../../../proxy/calls/identify/authenticate.ts';
import { makeFetchKeySet } from '../../../../../proxy/calls/identify/tokens/fetch-key-set.ts';
import { type Issuers, makeIssuers } from '../../../../../proxy/calls/identify/tokens/issuers.ts';
import { connectionOptions } from '../../../../../proxy/egress/connection-options.ts';
import { organizationId } from '../../../snapshot.ts';

export const silent = pino({ level: 'silent' });

/** Fetches keys as a proxy does where no other proxy is named. */
const agent = new Agent(connectionOptions);
export const fetchKeySet = makeFetchKeySet(async () => agent);

/** An authenticator by these rules, with issuers of its own unless some are given. */
export function authenticatorOf(
  rules: TokenRules,
  issuers: Issuers = makeIssuers({ log: silent, fetchKeySet }),
): Authenticator {
  return makeAuthenticators({ organizationId, issuers, log: silent })(rules);
}
