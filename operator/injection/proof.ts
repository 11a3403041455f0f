import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Essence } from './essence.ts';

/** Longer than a pod takes from one webhook to the next, and shorter than anybody keeps a copy of it for. */
const lifetimeS = 300;

/** What a proof is of. */
export interface Proven {
  readonly essence: Essence;
  /** What the pod is stamped with. */
  readonly hash: string;
  readonly namespace: string;
}

/**
 * That an operator gave a pod its sidecar a moment ago. Operators that are being replaced give other sidecars than their
 * successors would, and the two may serve the two webhooks for one pod: then it is this by which the one believes the
 * other. It holds for this namespace and this very
 * sidecar.
 *
 * @param keys all operators of an installation have them; the newest last
 */
export function makeProof(keys: readonly Buffer[], proven: Proven, nowMs: number): string {
  const key = keys.at(-1);
  if (!key) throw new RangeError('There is no key to make a proof with');
  const expiresAtS = Math.floor(nowMs / 1_000) + lifetimeS;
  return `${expiresAtS}.${sign(key, proven, expiresAtS).toString('base64url')}`;
}

export function isProof(keys: readonly Buffer[], proof: string | undefined, proven: Proven, nowMs: number): boolean {
  const [, expiresAt, signature] = /^(\d{1,12})\.([\w-]{43})$/.exec(proof ?? '') ?? [];
  if (expiresAt === undefined || signature === undefined) return false;
  const given = Buffer.from(signature, 'base64url');
  if (Number(expiresAt) * 1_000 <= nowMs) return false;
  return keys.some((key) => timingSafeEqual(given, sign(key, proven, Number(expiresAt))));
}

function sign(key: Buffer, { essence, hash, namespace }: Proven, expiresAtS: number): Buffer {
  const text = JSON.stringify([namespace, expiresAtS, hash, essence], inOrder);
  return createHmac('sha256', key).update(text).digest();
}

/** API servers write an object's fields in an order of their own. */
function inOrder(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
}
