import type { VisitorStorage } from '../../clients/javascript/src/index.ts';

/** What survives the page: which conversation it is, and whether the chat is open. */
export interface Remembered {
  readonly conversationId?: string | undefined;
  readonly isOpen?: boolean | undefined;
  /** Whether the team has it, so that its replies are looked for. */
  readonly isEscalated?: boolean | undefined;
  /** How many messages of the team the visitor has seen. */
  readonly seen?: number | undefined;
}

export interface Memory {
  get(): Remembered;
  keep(fields: Remembered): void;
  /** Of the client, which keeps who the visitor is. */
  readonly visitors: VisitorStorage;
  /** The name of what `get` reads, for whoever watches the storage. */
  readonly name: string;
  /** Reads it again: another tab has changed it. */
  reload(): void;
}

/**
 * Keeps it in the storage, by key, and in memory where the browser forbids the storage.
 *
 * @param storage throws where it is forbidden
 */
export function makeMemory(storage: () => VisitorStorage, apiKey: string): Memory {
  const name = `chaperone-chat:${apiKey}`;
  const attempt = <T>(use: (storage: VisitorStorage) => T): T | undefined => {
    try {
      return use(storage());
    } catch {
      return undefined;
    }
  };
  const read = () => parse(attempt((kept) => kept.getItem(name)) ?? '');
  let remembered = read();
  return {
    name,
    get: () => remembered,
    keep(fields) {
      remembered = { ...remembered, ...fields };
      attempt((kept) => kept.setItem(name, JSON.stringify(remembered)));
    },
    reload() {
      remembered = read();
    },
    visitors: {
      getItem: (item) => attempt((kept) => kept.getItem(`${name}:${item}`)) ?? null,
      setItem: (item, value) => void attempt((kept) => kept.setItem(`${name}:${item}`, value)),
      removeItem: (item) => void attempt((kept) => kept.removeItem(`${name}:${item}`)),
    },
  };
}

/** Whatever is there may be another version's. */
function parse(text: string): Remembered {
  try {
    const { conversationId, isOpen, isEscalated, seen } = JSON.parse(text);
    return {
      ...(typeof conversationId === 'string' && { conversationId }),
      ...(typeof isOpen === 'boolean' && { isOpen }),
      isEscalated: isEscalated === true,
      seen: typeof seen === 'number' ? seen : 0,
    };
  } catch {
    return {};
  }
}
