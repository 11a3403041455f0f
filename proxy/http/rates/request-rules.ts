import { quotaRuleName } from '../../../crds/quota-rule.ts';
import type { OrganizationSpec } from '../../../crds/resources.generated.ts';
import { tierCalls } from '../../../crds/tier-calls.ts';
import type { Caller } from '../../calls/call.ts';
import type { Claimant } from '../../quota/claim.ts';
import type { Counted } from '../../quota/counted.ts';
import type { AccessKey } from '../../snapshot/access-keys.ts';
import { makeMatcher } from '../../snapshot/model-rules.ts';

type Spec = Pick<OrganizationSpec, 'tier' | 'tiers' | 'publicApi'>;

/** A limit of requests, as opposed to one of calls to providers. */
export interface RequestRule extends Claimant {
  /** For people, such as `the tier free`. */
  readonly name: string;
  readonly counted: Counted;
  readonly fits: (caller: Caller) => boolean;
  readonly scopeOf: (caller: Caller) => string;
}

/** The limit where neither a tier nor `spec.publicApi` says one: every answer tells a limit. */
export const customDefault = 1_000_000;

const hour = { kind: 'fixed', lengthMs: 3_600_000 } as const;
/** As with the tiers of calls, an outage of the database stops nobody. */
const claimant: Claimant = { enforces: true, allowsUnavailable: true };

/** The limits of requests that an Organization states: by its tier, and by those of its users. */
export function requestRules(
  { tier, tiers = [], publicApi }: Spec,
  keys: readonly AccessKey[] = [],
): readonly RequestRule[] {
  const [name, amount] =
    tier === undefined || tier === 'enterprise'
      ? ['the limit of requests', publicApi?.requestsPerHour ?? customDefault]
      : [`the tier ${tier}`, Math.min(tierCalls[tier], publicApi?.requestsPerHour ?? Number.POSITIVE_INFINITY)];
  const matchers = tiers.map(({ users }) => makeMatcher(users));
  return [
    {
      ...{ ...claimant, name, fits: () => true, scopeOf: () => '' },
      counted: countedOf(quotaRuleName('tier', 'requests'), 'Organization', amount),
    },
    ...keys.flatMap(keyRules),
    ...tiers.flatMap((entry, at) => {
      if (entry.tier === 'enterprise') return [];
      const fits = ({ user }: Caller) => user !== undefined && matchers.findIndex((matches) => matches(user)) === at;
      const rule = quotaRuleName('tier', `requests-${entry.tier}`);
      const counted = countedOf(rule, 'User', tierCalls[entry.tier]);
      return [{ ...claimant, name: `the tier ${entry.tier}`, fits, scopeOf: ({ userId }: Caller) => userId, counted }];
    }),
  ];
}

/** The limits of one key, and of each of its visitors. */
function keyRules({ id, name, requestsPerHour, visitorRequestsPerHour }: AccessKey): RequestRule[] {
  const fits = ({ identity }: Caller) => identity.accessKey?.id === id;
  const rules: RequestRule[] = [];
  if (requestsPerHour !== undefined) {
    const counted = countedOf(`keys/${id}`, 'Key', requestsPerHour);
    rules.push({ ...claimant, name: `the key ${name}`, fits, scopeOf: () => id, counted });
  }
  if (visitorRequestsPerHour !== undefined) {
    const counted = countedOf(`keys/${id}/visitors`, 'User', visitorRequestsPerHour);
    rules.push({
      ...claimant,
      name: `the key ${name} for each visitor`,
      fits,
      scopeOf: ({ userId }) => userId,
      counted,
    });
  }
  return rules;
}

function countedOf(rule: string, per: Counted['per'], amount: number): Counted {
  return { rule, unit: 'requests', per, window: hour, amountAt: () => amount };
}
