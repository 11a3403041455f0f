/** A key of whatever kind, as far as rotation needs to know it. */
export interface AgedKey {
  readonly id: string;
  /** Seconds since 1970. */
  readonly issuedAtS: number;
  /** When it began to be used, in seconds since 1970; absent: it has not. Noted by whoever carries a decision out. */
  readonly usedFromS?: number;
}

export interface RotationPolicy {
  /** How old the newest key may become; undefined: as old as it likes. */
  readonly everyMs: number | undefined;
  /** Whatever was issued before this is to be replaced, in milliseconds since 1970. */
  readonly beforeMs: number | undefined;
  /** Whatever was issued before this is in the wrong hands, in milliseconds since 1970: it is used no more, at once. */
  readonly distrustBeforeMs?: number | undefined;
  /** How long a new key is handed out before it is used, so that every proxy knows it by then. */
  readonly propagationMs: number;
  /** How long a key that is no longer used is still accepted; undefined: for ever. */
  readonly retainMs: number | undefined;
}

export interface RotationDecision {
  /** Whether a new key is to be issued now. It is kept, and not used yet. */
  readonly issue: boolean;
  /** The id of the key to use; undefined where there is none yet. */
  readonly use: string | undefined;
  /** The ids of keys that nothing can depend on any more. */
  readonly drop: readonly string[];
  /** The ids of those among them that are in the wrong hands: what they have signed is to be refused at once. */
  readonly distrust: readonly string[];
  /** When something changes by the passing of time alone; undefined: never. */
  readonly nextMs: number | undefined;
}

/**
 * Decides which of an organization's keys is used: a new one is handed out first, used once every proxy has had the time
 * to learn it, and the old one is kept for as long as something made with it may still come. So no call fails on the way.
 */
export function decideRotation(keys: readonly AgedKey[], policy: RotationPolicy, nowMs: number): RotationDecision {
  const distrusted = keys.filter((key) => isBefore(key, policy.distrustBeforeMs, nowMs));
  const trusted = keys.filter((key) => !distrusted.includes(key));
  const newestFirst = trusted.sort((a, b) => b.issuedAtS - a.issuedAtS || (a.id < b.id ? -1 : 1));
  const newest = newestFirst[0];
  const issue = newest === undefined || isDue(newest, policy, nowMs);
  const usableFromMs = (key: AgedKey) => key.issuedAtS * 1_000 + policy.propagationMs;
  // The very first key is used at once: nobody knows another.
  const used = newestFirst.find((key) => usableFromMs(key) <= nowMs) ?? newestFirst.at(-1);
  // Not from when it could be used: nobody may have been there to switch over.
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

/** In whole seconds, as the keys' ages are: what was issued in that very second is the answer to it. */
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
