/** The facts about a key of any kind that rotation needs. */
export interface AgedKey {
  readonly id: string;
  /** Seconds since 1970. */
  readonly issuedAtS: number;
  /** When its use began, in seconds since 1970. Absent: not yet. Applying a decision sets it. */
  readonly usedFromS?: number;
}

export interface RotationPolicy {
  /** The maximum age of the newest key. Undefined: no limit. */
  readonly everyMs: number | undefined;
  /** Everything issued before this must be replaced, in milliseconds since 1970. */
  readonly beforeMs: number | undefined;
  /** Everything issued before this has leaked, in milliseconds since 1970. It is no longer used, at once. */
  readonly distrustBeforeMs?: number | undefined;
  /** How long a new key is handed out before it is used, so that every proxy has it by then. */
  readonly propagationMs: number;
  /** How long a replaced key is still accepted. Undefined: forever. */
  readonly retainMs: number | undefined;
}

export interface RotationDecision {
  /** Whether to issue a new key now. It is stored, but not used yet. */
  readonly issue: boolean;
  /** The id of the key to use. Undefined where there is none yet. */
  readonly use: string | undefined;
  /** The ids of keys that nothing can depend on any more. */
  readonly drop: readonly string[];
  /** The ids of leaked keys among them. Everything that they signed must be refused at once. */
  readonly distrust: readonly string[];
  /** When the next step is due. Undefined: never. */
  readonly nextMs: number | undefined;
}

/**
 * Decides which of an organization's keys is used. A new key is handed out first, and used once every proxy has had
 * time to get it. The old key is kept as long as something made with it may still arrive. So no call fails.
 */
export function decideRotation(keys: readonly AgedKey[], policy: RotationPolicy, nowMs: number): RotationDecision {
  const distrusted = keys.filter((key) => isBefore(key, policy.distrustBeforeMs, nowMs));
  const trusted = keys.filter((key) => !distrusted.includes(key));
  const newestFirst = trusted.sort((a, b) => b.issuedAtS - a.issuedAtS || (a.id < b.id ? -1 : 1));
  const newest = newestFirst[0];
  const issue = newest === undefined || isDue(newest, policy, nowMs);
  const usableFromMs = (key: AgedKey) => key.issuedAtS * 1_000 + policy.propagationMs;
  // The very first key is used at once, since there is no other.
  const used = newestFirst.find((key) => usableFromMs(key) <= nowMs) ?? newestFirst.at(-1);
  // Count from the real switch, not from when the key could be used: the operator may not have run then.
  const usedFromMs = used?.usedFromS === undefined ? undefined : used.usedFromS * 1_000;
  const { retainMs } = policy;
  const isOver = retainMs !== undefined && usedFromMs !== undefined && nowMs - usedFromMs > retainMs;
  const hasOlder = used !== undefined && newestFirst.at(-1) !== used;
  const retired = isOver ? newestFirst.filter((key) => used !== undefined && key.issuedAtS < used.issuedAtS) : [];
  const distrust = distrusted.map(({ id }) => id);
  const drop = [...distrust, ...retired.map(({ id }) => id)];
  return { issue, use: used?.id, drop, distrust, nextMs: nextOf({ newest, used, hasOlder, issue }, policy, nowMs) };
}

function isDue(key: AgedKey, { everyMs, beforeMs }: RotationPolicy, nowMs: number): boolean {
  if (everyMs !== undefined && nowMs - key.issuedAtS * 1_000 >= everyMs) return true;
  return isBefore(key, beforeMs, nowMs);
}

/** Compares in whole seconds, like the keys' ages. A key issued in that same second was issued because of it. */
function isBefore({ issuedAtS }: AgedKey, momentMs: number | undefined, nowMs: number): boolean {
  return momentMs !== undefined && momentMs <= nowMs && issuedAtS < Math.floor(momentMs / 1_000);
}

interface Keys {
  readonly newest: AgedKey | undefined;
  readonly used: AgedKey | undefined;
  /** Whether there are keys older than the one in use. */
  readonly hasOlder: boolean;
  readonly issue: boolean;
}

function nextOf({ newest, used, hasOlder, issue }: Keys, policy: RotationPolicy, nowMs: number): number | undefined {
  const { everyMs, beforeMs, distrustBeforeMs, propagationMs, retainMs } = policy;
  const newestMs = issue || newest === undefined ? nowMs : newest.issuedAtS * 1_000;
  const usedFromMs = used?.usedFromS === undefined ? nowMs : used.usedFromS * 1_000;
  const isHandingOut = newest !== undefined && (issue || newest !== used);
  const moments = [
    ...(isHandingOut ? [newestMs + propagationMs] : []),
    ...(everyMs === undefined ? [] : [newestMs + everyMs]),
    ...[beforeMs, distrustBeforeMs].filter((moment) => moment !== undefined),
    ...(retainMs === undefined || !hasOlder ? [] : [usedFromMs + retainMs + 1]),
  ].filter((moment) => moment > nowMs);
  return moments.length === 0 ? undefined : Math.min(...moments) - nowMs;
}
