import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Essence } from './essence.ts';

/** Longer than a pod takes from one webhook to the next, and too short for a copy to be of use. */
const lifetimeS = 300;

/** The content that a proof signs. */
export interface ProvenSidecar {
  readonly essence: Essence;
  /** The pod's hash annotation. */
  readonly hash: string;
  readonly namespace: string;
}

/**
 * Proves that an operator injected a pod's sidecar a moment ago. During an upgrade, old and new operators inject
 * different sidecars, and may serve the two webhooks for the same pod. The proof makes one accept the other's sidecar.
 * It holds only for this namespace and this exact sidecar.
 *
 * @param keys all operators of an installation share them; the newest is last
 */
export function makeProof(keys: readonly Buffer[], proven: ProvenSidecar, nowMs: number): string {
  const key = keys.at(-1);
  if (!key) throw new RangeError('There is no key to make a proof with');
  const expiresAtS = Math.floor(nowMs / 1_000) + lifetimeS;
  return `${expiresAtS}.${sign(key, proven, expiresAtS).toString('base64url')}`;
}

export function isProof(
  keys: readonly Buffer[],
  proof: string | undefined,
  proven: ProvenSidecar,
  nowMs: number,
): boolean {
  const [, expiresAt, signature] = /^(\d{1,12})\.([\w-]{43})$/.exec(proof ?? '') ?? [];
  if (expiresAt === undefined || signature === undefined) return false;
  const given = Buffer.from(signature, 'base64url');
  if (Number(expiresAt) * 1_000 <= nowMs) return false;
  return keys.some((key) => timingSafeEqual(given, sign(key, proven, Number(expiresAt))));
}

function sign(key: Buffer, { essence, hash, namespace }: ProvenSidecar, expiresAtS: number): Buffer {
  const text = JSON.stringify([namespace, expiresAtS, hash, essence], sortFields);
  return createHmac('sha256', key).update(text).digest();
}

/** Sorts an object's fields, since API servers may reorder them. */
function sortFields(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
}
