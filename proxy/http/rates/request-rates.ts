import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Identified, InForce } from '../../calls/context.ts';
import { whenKnown } from '../../calls/when-known.ts';
import { ProxyError } from '../../error.ts';
import type { Claim } from '../../quota/claim.ts';
import type { CountedSlices } from '../../quota/counted.ts';
import type { Quota } from '../../quota/quota.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import { type Rate, rateHeaders } from '../headers.ts';
import { makeAddressBuckets, newVisitors } from './address-buckets.ts';
import { type Addressed, makeClientAddress } from './client-address.ts';
import { type RequestRule, requestRules } from './request-rules.ts';

type Answer = Pick<ServerResponse, 'setHeader'>;

/** What the names of the headers begin with: contracts differ in it. */
export type RatePrefix = 'X-RateLimit' | 'X-Rate-Limit';

/** The rates, told by headers that begin like this. What is counted is the same. */
export type RatesOf = (prefix: RatePrefix) => RequestRates;

/** How many requests callers may make, and how many guesses addresses. Every answer gets the headers of one of the two. */
export interface RequestRates {
  /** The headers for a client of which only the address is known. */
  headersFor(request: Addressed): Record<string, string>;
  /** Tells the client how many guesses its address has. */
  greet(request: Addressed, answer: Answer): void;
  /**
   * Greets, and refuses an address that has used up its guesses, unless it has used this credential before.
   *
   * @throws {ProxyError} `limit_reached`
   */
  admitAddress(request: IncomingMessage, answer: Answer): void;
  /** The caller was not found. A wrong credential is a guess. */
  notIdentified(request: IncomingMessage, answer: Answer, error: unknown): void;
  /**
   * Counts a request of a known caller, and tells how many are left. It waits only where too little is leased.
   *
   * @throws {ProxyError} `limit_reached`; the promise rejects with it, if there is one
   */
  admit(request: IncomingMessage, answer: Answer, identified: Identified): void | Promise<void>;
}

export interface RequestRatesOptions {
  /** Of requests alone: calls have their own. */
  readonly quota: Quota;
  /** @throws {ProxyError} where no configuration is in force */
  readonly inForce: () => Pick<InForce, 'snapshot'>;
}

interface RulesInForce {
  readonly snapshot: Snapshot;
  readonly rules: readonly (RequestRule & { readonly slices: CountedSlices })[];
}

export function makeRequestRates({ quota, inForce }: RequestRatesOptions): RatesOf {
  const buckets = makeAddressBuckets();
  const visitors = makeAddressBuckets(newVisitors);
  const clientAddress = makeClientAddress();
  let last: RulesInForce | undefined;
  const rulesOf = (snapshot: Snapshot) => {
    // A request that began under an earlier configuration must not bring its rules back.
    if (last && snapshot.version <= last.snapshot.version) return last.rules;
    const rules = requestRules(snapshot.spec, snapshot.accessKeys.all);
    const slices = quota.use(rules.map(({ counted }) => counted));
    last = { snapshot, rules: rules.map((rule) => ({ ...rule, slices: slices(rule.counted) })) };
    return last.rules;
  };
  const addressOf = (request: Addressed) => clientAddress(request, specOf(inForce));
  const ratesAs = (prefix: RatePrefix): RequestRates => {
    const tell = (answer: Answer, rate: Rate) => setAll(answer, rateHeaders(prefix, rate));
    return {
      headersFor: (request) => rateHeaders(prefix, buckets.rate(addressOf(request))),
      greet: (request, answer) => tell(answer, buckets.rate(addressOf(request))),
      admitAddress(request, answer) {
        const address = addressOf(request);
        const rate = buckets.rate(address);
        tell(answer, rate);
        if (rate.remaining > 0 || buckets.wasValid(address, credentialOf(request))) return;
        throw tooMany(rate, 'Too many wrong credentials came from this address');
      },
      notIdentified(request, answer, error) {
        if (!(error instanceof ProxyError && error.code === 'invalid_credentials')) return;
        const address = addressOf(request);
        buckets.take(address);
        tell(answer, buckets.rate(address));
      },
      admit(request, answer, { caller, inForce: { snapshot } }) {
        const address = addressOf(request);
        buckets.noteValid(address, credentialOf(request));
        if (caller.identity.visitor?.isNew) {
          const rate = visitors.rate(address);
          if (rate.remaining <= 0) throw tooMany(rate, 'Too many new visitors came from this address');
          visitors.take(address);
        }
        const now = quota.clock.now();
        const claims = rulesOf(snapshot)
          .filter(({ fits }) => fits(caller))
          .map((rule) => quota.claim(rule, rule.slices, rule.scopeOf(caller), 1, now));
        return whenKnown(quota.take(claims, now), (shortfalls) => {
          const refusing = claims.find((claim) => shortfalls?.some((shortfall) => shortfall.claim === claim));
          const rate = rateOf(refusing ?? tightest(claims));
          tell(answer, rate);
          if (refusing)
            throw tooMany(rate, `${sentence(refusing.by.name)} lets ${rate.limit} requests be made an hour`);
          // A request is counted when it comes, and has no record that would settle it.
          for (const { slice } of claims) slice.settle(1, 1, now.ticks);
        });
      },
    };
  };
  const all = { 'X-RateLimit': ratesAs('X-RateLimit'), 'X-Rate-Limit': ratesAs('X-Rate-Limit') };
  return (prefix) => all[prefix];
}

function rateOf({ slice, slices }: Claim): Rate {
  return { limit: slices.amount(), remaining: slice.remaining(), resetAtMs: slice.counter.endMs ?? 0 };
}

function tightest(claims: readonly Claim<RequestRule>[]): Claim<RequestRule> {
  return claims.reduce((one, other) => (other.slice.remaining() < one.slice.remaining() ? other : one));
}

function tooMany({ limit, resetAtMs }: Rate, why: string): ProxyError {
  const waitS = Math.max(1, Math.ceil((resetAtMs - Date.now()) / 1_000));
  return new ProxyError('limit_reached', {
    message: `${why}; try again in ${waitS} s, at ${new Date(resetAtMs).toISOString()}`,
    details: { limit, reset: Math.ceil(resetAtMs / 1_000) },
    headers: { 'retry-after': String(waitS) },
  });
}

function sentence(name: string): string {
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}

/** All that a request says of who it is, whether it can be read or not. */
function credentialOf({ headers }: IncomingMessage): string {
  return [headers.authorization, headers['x-api-key'], headers['x-dashboard-key']].join('\n');
}

function setAll(answer: Answer, headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) answer.setHeader(name, value);
}

/** Undefined: no configuration is in force, as the request itself will be told. */
function specOf(inForce: RequestRatesOptions['inForce']): Snapshot['spec'] | undefined {
  try {
    return inForce().snapshot.spec;
  } catch {
    return undefined;
  }
}
