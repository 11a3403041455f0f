import type { DataKeySet } from '../../database/envelope.ts';
import type { TokenKey } from '../credentials.ts';
import type { AgedKey, RotationDecision } from './rotate.ts';

export function ageOfTokenKeys(keys: readonly TokenKey[]): AgedKey[] {
  return keys.map(({ kid = '', iat = 0, used_from }) => ({
    id: kid,
    issuedAtS: iat,
    ...(used_from !== undefined && { usedFromS: used_from }),
  }));
}

export function ageOfDataKeys(set: DataKeySet | undefined): AgedKey[] {
  return Object.keys(set?.keys ?? {}).map((id) => {
    const usedFromS = set?.usedFromS?.[id];
    return { id, issuedAtS: set?.issuedAtS?.[id] ?? 0, ...(usedFromS !== undefined && { usedFromS }) };
  });
}

/**
 * Applies a rotation decision to the keys. The key in use is first.
 *
 * @param fresh the new key, if the decision needs one
 */
export function turnTokenKeys(
  keys: readonly TokenKey[],
  decision: RotationDecision,
  fresh: TokenKey | undefined,
  nowS: number,
): TokenKey[] {
  const kept = keys.filter(({ kid }) => !decision.drop.includes(kid ?? ''));
  const all = fresh ? [...kept, { ...fresh, iat: nowS }] : kept;
  const use = decision.use ?? fresh?.kid;
  const used = all.filter(({ kid }) => kid === use).map((key) => ({ used_from: nowS, ...key }));
  return [...used, ...all.filter(({ kid }) => kid !== use)];
}

/**
 * Applies a rotation decision to the data keys. None is ever dropped, since contents sealed with it may be read at any
 * time; those that leaked are known as such for ever.
 *
 * @param leakedBeforeMs keys that were issued before this have leaked, in milliseconds since 1970
 */
export function turnDataKeys(
  set: DataKeySet | undefined,
  decision: RotationDecision,
  fresh: DataKeySet | undefined,
  nowS: number,
  leakedBeforeMs?: number,
): DataKeySet {
  const current = decision.use ?? fresh?.current ?? set?.current ?? '';
  const issued = fresh === undefined ? {} : { [fresh.current]: nowS };
  const leakedBeforeS = Math.max(set?.leakedBeforeS ?? 0, Math.floor((leakedBeforeMs ?? 0) / 1_000));
  return {
    current,
    keys: { ...set?.keys, ...fresh?.keys },
    issuedAtS: { ...set?.issuedAtS, ...issued },
    usedFromS: { [current]: nowS, ...set?.usedFromS },
    ...(leakedBeforeS > 0 && { leakedBeforeS }),
  };
}
