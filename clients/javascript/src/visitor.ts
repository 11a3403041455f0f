import type { VisitorStorage } from './options.ts';

const name = 'chaperone-visitor';

/** Who the visitor of a page is, as the server has signed it. */
export interface Visitor {
  /** Undefined: the server will name a new visitor. */
  token(): string | undefined;
  keep(token: string): void;
  forget(): void;
}

/** Keeps it in memory, and in the storage where that works: browsers may forbid it. */
export function makeVisitor(storage: VisitorStorage | undefined): Visitor {
  const attempt = <T>(use: (storage: VisitorStorage) => T): T | undefined => {
    try {
      return storage && use(storage);
    } catch {
      return undefined;
    }
  };
  const read = () => attempt((kept) => kept.getItem(name));
  let token = read() ?? undefined;
  let isKept = read() !== undefined;
  return {
    // Another tab of the page may have begun as another visitor.
    token: () => (isKept ? (read() ?? undefined) : token),
    keep(newToken) {
      token = newToken;
      isKept =
        attempt((kept) => {
          kept.setItem(name, newToken);
          return kept.getItem(name) === newToken;
        }) ?? false;
    },
    forget() {
      token = undefined;
      attempt((kept) => kept.removeItem(name));
    },
  };
}
