import type { RoutedKey } from '../../snapshot/snapshot.ts';

/**
 * Orders keys for one call. They come by whose they are and by priority, as they are given. Within one priority, those
 * with a weight are drawn in proportion to it, and those without follow. Then all keys of a provider move up to its
 * first one, so that a key that is refused is followed by another of the same provider.
 *
 * @param keys in the order of use, as the snapshot has them
 * @param random from 0 to below 1
 */
export function inOrder(keys: readonly RoutedKey[], random: () => number): RoutedKey[] {
  const drawn: RoutedKey[] = [];
  for (let from = 0; from < keys.length; ) {
    let to = from + 1;
    while (to < keys.length && isSameRank(keys[from], keys[to])) to += 1;
    drawn.push(...draw(keys.slice(from, to), random));
    from = to;
  }
  return byProvider(drawn);
}

function isSameRank(one: RoutedKey | undefined, other: RoutedKey | undefined): boolean {
  return one?.reach === other?.reach && one?.provider.priority === other?.provider.priority;
}

/** Draws providers without putting them back, each in proportion to its weight. */
function draw(keys: readonly RoutedKey[], random: () => number): RoutedKey[] {
  const left = new Set(keys.filter(({ provider }) => provider.weight > 0).map(({ provider }) => provider));
  const drawn: RoutedKey[] = [];
  while (left.size > 0) {
    let ticket = random() * [...left].reduce((sum, { weight }) => sum + weight, 0);
    for (const provider of left) {
      ticket -= provider.weight;
      if (ticket >= 0) continue;
      left.delete(provider);
      drawn.push(...keys.filter((key) => key.provider === provider));
      break;
    }
  }
  return [...drawn, ...keys.filter(({ provider }) => provider.weight === 0)];
}

function byProvider(keys: readonly RoutedKey[]): RoutedKey[] {
  return [...Map.groupBy(keys, ({ provider }) => provider.name).values()].flat();
}
