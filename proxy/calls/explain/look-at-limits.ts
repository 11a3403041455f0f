import type { QuotaUnit } from '../../../database/quota.ts';
import type { CounterRoom } from '../../../database/rule-use.ts';
import { ProxyError } from '../../error.ts';
import type { Body } from '../../providers/json.ts';
import { makeQuota, type Quota } from '../../quota/quota.ts';
import type { Histories } from '../reserve/history.ts';
import { makeLimits } from '../reserve/limits.ts';
import { longest } from '../reserve/refusal.ts';
import type { Sought } from '../reserve/reserve.ts';
import type { Rule, RuledClaim } from '../reserve/rules.ts';
import type { Origin } from '../settle/record.ts';
import { ruleDecider } from './deciders.ts';
import type { Decider, RuleUse } from './explanation.ts';

export interface LookOptions {
  /** The leases of this process, which a call would use. */
  readonly quota: Pick<Quota, 'free' | 'idle' | 'clock'>;
  /** Reads counters. @throws where the database cannot be reached */
  readonly readRoom: (counterIds: readonly number[]) => Promise<readonly CounterRoom[]>;
  readonly histories: Histories;
  readonly origin: Origin | undefined;
}

/** What limits and budgets would do with a call. */
export interface LimitsLook {
  readonly refusal: ProxyError | undefined;
  readonly decidedBy: readonly Decider[];
  readonly rules: readonly RuleUse[];
  /** What a budget that shortens answers would write into the body. Undefined: nothing. */
  readonly changes: Body | undefined;
}

/** A counter, with what this process has leased of it. */
type Room = CounterRoom & { readonly own: number };

/**
 * Runs the reserve of calls over leases that only look: each grants what a real one would get, and none of them exists
 * in the database. So nothing is taken, and the answer is the same.
 */
export async function lookAtLimits(options: LookOptions, sought: Sought): Promise<LimitsLook> {
  const { quota, origin, histories } = options;
  const rooms = makeRooms(options);
  const claims: RuledClaim[] = [];
  let unpriced: Rule | undefined;
  const reserve = makeLimits({
    quota: makeQuota({ clock: quota.clock, every: () => () => {}, lease: (demands) => leaseByLooking(rooms, demands) }),
    origin,
    histories,
    onLimited: (rule) => {
      unpriced = rule;
    },
    onClaims: (all) => claims.push(...all),
  });
  let refusal: ProxyError | undefined;
  let changes: Body | undefined;
  try {
    ({ changes } = await reserve(sought));
  } catch (error) {
    if (!(error instanceof ProxyError)) throw error;
    refusal = error;
  }
  const known = await rooms(claims.map(({ slice }) => slice.counterId)).catch(() => []);
  const uses = claims.map((claim) => ({ claim, use: useOf(claim, known, sought) }));
  const refusing = uses.filter(({ use }) => use.isEnforced && use.wouldExceed);
  const decisive = longest(
    (refusing.length > 0 ? refusing : uses.filter(({ use }) => use.isEnforced)).map(({ claim }) => claim),
    quota.clock.now().ms,
  );
  const rule = decisive?.by.rule ?? unpriced;
  return {
    refusal,
    decidedBy:
      refusal && rule
        ? [
            ruleDecider(
              sought.context.inForce.snapshot,
              sought.key,
              rule,
              userOf(sought),
              decisive && isOfKey(decisive),
            ),
          ]
        : [],
    rules: uses.map(({ use }) => use),
    changes,
  };
}

type Rooms = (counterIds: readonly number[]) => Promise<readonly Room[]>;

/** Reads each counter once, so that all of one explanation agrees. */
function makeRooms({ quota, readRoom }: LookOptions): Rooms {
  const known = new Map<number, Room>();
  return async (counterIds) => {
    const unknown = counterIds.filter((id) => !known.has(id));
    if (unknown.length > 0) await quota.idle();
    const read = unknown.length === 0 ? [] : await readRoom(unknown);
    for (const room of read) known.set(room.counterId, { ...room, own: quota.free(room.counterId) });
    return counterIds.flatMap((id) => known.get(id) ?? []);
  };
}

/** Grants what `chaperone.lease_quota` would grant to calls that wait, without a lease. */
const leaseByLooking = async (rooms: Rooms, demands: Parameters<Parameters<typeof makeQuota>[0]['lease']>[0]) => {
  const known = await rooms(demands.map(({ counterId }) => counterId));
  return demands.map(({ counterId, leaseId, amount, smallest, wanted }) => {
    const room = known.find((one) => one.counterId === counterId);
    const left = leftOf(amount, room);
    const granted = left < smallest ? 0 : Math.min(left, wanted);
    return { counterId, leaseId, granted, room: left - granted, isCurrent: true, atMs: room?.atMs ?? Date.now() };
  });
};

/** What is left of a limit for a call here: what nobody holds, and what this process has leased for its next calls. */
function leftOf(amount: number, room: Room | undefined): number {
  return room ? Math.max(0, amount - room.used - room.held + room.own) : amount;
}

function useOf(claim: RuledClaim, rooms: readonly Room[], sought: Sought): RuleUse {
  const { by, slice, slices, amount } = claim;
  const { rule } = by;
  const { counter } = slice;
  const room = rooms.find(({ counterId }) => counterId === slice.counterId);
  const limit = slices.amount();
  const remaining = leftOf(limit, room);
  return {
    kind: rule.kind,
    name: rule.kind === 'tier' ? rule.name.replace('the tier ', '') : rule.name,
    decidedBy: ruleDecider(sought.context.inForce.snapshot, sought.key, rule, userOf(sought), isOfKey(claim)),
    per: rule.per,
    scope: scopeName(claim, sought),
    unit: counter.unit,
    limit,
    ...usedOf(counter.unit, room),
    remaining,
    needs: amount,
    isEnforced: rule.enforces,
    wouldExceed: remaining < amount,
    resetMs: counter.endMs ?? null,
  };
}

/** A place for a call is held while the call runs. */
function usedOf(unit: QuotaUnit, room: Room | undefined): Pick<RuleUse, 'used' | 'reserved'> {
  if (!room) return { used: 0, reserved: 0 };
  const others = Math.max(0, room.held - room.own);
  return unit === 'concurrent' ? { used: others, reserved: 0 } : { used: room.used, reserved: others };
}

/** The name of a rule of an ApiKeyBinding begins with the binding's (crds/quota-rule.ts). */
function isOfKey({ slice }: RuledClaim): boolean {
  return slice.counter.rule.split('/').length > 2;
}

function userOf({ context }: Sought): string | undefined {
  return context.caller.user;
}

/** Whose calls a rule counts together, in the words of the caller. */
function scopeName({ by, scope }: RuledClaim, { context, key }: Sought): string | null {
  switch (by.rule.per) {
    case 'Organization':
      return null;
    case 'User':
      return context.caller.user ?? null;
    case 'Session':
      return context.caller.sessionId;
    case 'Key':
      return key.binding;
    case 'Model':
    case 'Workload':
      return scope;
  }
}
