import type { RoutedKey } from '../../snapshot/snapshot.ts';

/** What the key's provider calls the model of a call. Undefined where the provider chooses it. */
export function sentModel({ provider }: Pick<RoutedKey, 'provider'>, model: string | undefined): string | undefined {
  return model === undefined || !provider.names ? model : provider.names.toProvider(model);
}
