/** Which part of a list is asked for. */
export interface Page {
  readonly limit: number;
  readonly offset: number;
}

/** A part of a list, and how many there are in all. */
export interface Listed<Item> {
  readonly items: readonly Item[];
  readonly total: number;
}

export function pageOf<Item>(items: readonly Item[], { limit, offset }: Page): Listed<Item> {
  return { items: items.slice(offset, offset + limit), total: items.length };
}
