import type { VisitorStorage } from '../../../clients/javascript/src/index.ts';

/** A page's `localStorage`, and what is in it. */
export function makeStorage(): { readonly kept: ReadonlyMap<string, string>; readonly storage: VisitorStorage } {
  const kept = new Map<string, string>();
  const storage = {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => void kept.set(name, value),
    removeItem: (name: string) => void kept.delete(name),
  };
  return { kept, storage };
}
