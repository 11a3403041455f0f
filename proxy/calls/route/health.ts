import type { RoutedKey } from '../../snapshot/snapshot.ts';
import type { Failure, FailureKind } from './failure.ts';

/** What this proxy remembers of failures, so that further calls go to others first. */
export interface RouteHealth {
  /** Whether nothing is remembered. */
  isCalm(): boolean;
  /**
   * Orders keys by what is remembered: those that work, as they come, before those that do not. A circuit that was open
   * for its pause lets one call through, which this counts as.
   */
  prefer(keys: readonly RoutedKey[], model: string | undefined): readonly RoutedKey[];
  failed(key: RoutedKey, model: string | undefined, failure: Failure): void;
  succeeded(key: RoutedKey): void;
  /** What keeps calls from a key. It changes nothing. */
  stateOf(key: RoutedKey, model: string | undefined): KeyState;
}

/** `open`: its circuit, or that of its provider; `limited`: the provider asked to be left alone. */
export type KeyState = 'well' | 'open' | 'limited';

/** What a circuit is of. */
export type CircuitScope = 'provider' | 'key';

export interface HealthOptions {
  readonly nowMs: () => number;
  /** A circuit has opened, or closed. */
  readonly onCircuit: (provider: string, scope: CircuitScope, keyId: string, isOpen: boolean) => void;
}

interface Circuit {
  failures: number;
  /** Undefined where it is closed. */
  openUntilMs: number | undefined;
}

/** How long a limited key is left alone where the provider does not say. */
const limitedMs = 5_000;
/** How many things are remembered. The oldest are forgotten. */
const maxRemembered = 1_000;

const providerFailures: ReadonlySet<FailureKind> = new Set(['unreachable', 'provider_error', 'unknown']);

/** Makes the memory of one process. */
export function makeRouteHealth({ nowMs, onCircuit }: HealthOptions): RouteHealth {
  const circuits = new Map<string, Circuit>();
  /** Limits hold for one model of a key. Until when. */
  const limited = new Map<string, number>();
  const providerId = ({ provider }: RoutedKey) => `${provider.name} ${provider.origin}${provider.basePath}`;
  const keyId = (key: RoutedKey) => `${providerId(key)} ${key.id}`;
  const limitId = (key: RoutedKey, model = '') => `${keyId(key)} ${model}`;

  const fail = (id: string, scope: CircuitScope, key: RoutedKey) => {
    const { breaker, name } = key.provider;
    const circuit = circuits.get(id) ?? { failures: 0, openUntilMs: undefined };
    circuit.failures += 1;
    circuits.set(id, circuit);
    forgetOldest(circuits);
    if (circuit.failures < breaker.failures) return;
    if (circuit.openUntilMs === undefined) onCircuit(name, scope, scope === 'key' ? key.id : '', true);
    circuit.openUntilMs = nowMs() + breaker.pauseMs;
  };
  const close = (id: string, scope: CircuitScope, key: RoutedKey) => {
    const circuit = circuits.get(id);
    if (!circuit) return;
    circuits.delete(id);
    if (circuit.openUntilMs !== undefined) onCircuit(key.provider.name, scope, scope === 'key' ? key.id : '', false);
  };
  const isOpen = (id: string) => (circuits.get(id)?.openUntilMs ?? 0) > nowMs();
  const stateOf = (key: RoutedKey, model: string | undefined): KeyState => {
    if (isOpen(providerId(key)) || isOpen(keyId(key))) return 'open';
    return (limited.get(limitId(key, model)) ?? 0) > nowMs() ? 'limited' : 'well';
  };
  /** Of a circuit whose pause is over, the next call is the only one until it is known how it ends. */
  const probe = (key: RoutedKey) => {
    for (const id of [providerId(key), keyId(key)]) {
      const circuit = circuits.get(id);
      if (circuit?.openUntilMs !== undefined) circuit.openUntilMs = nowMs() + key.provider.breaker.pauseMs;
    }
  };

  return {
    stateOf,
    isCalm: () => circuits.size === 0 && limited.size === 0,
    prefer(keys, model) {
      const well = keys.filter((key) => stateOf(key, model) === 'well');
      const [first] = well;
      if (first) probe(first);
      return [...well, ...keys.filter((key) => !well.includes(key))];
    },
    failed(key, model, { kind, retryAfterMs }) {
      if (providerFailures.has(kind)) fail(providerId(key), 'provider', key);
      else if (kind === 'key_refused') fail(keyId(key), 'key', key);
      else if (kind === 'rate_limited') {
        limited.set(limitId(key, model), nowMs() + (retryAfterMs ?? limitedMs));
        forgetOldest(limited);
      }
    },
    succeeded(key) {
      if (circuits.size > 0) {
        close(providerId(key), 'provider', key);
        close(keyId(key), 'key', key);
      }
      if (limited.size > 0) for (const [id, untilMs] of limited) if (untilMs <= nowMs()) limited.delete(id);
    },
  };
}

function forgetOldest(map: Map<string, unknown>): void {
  const [oldest] = map.keys();
  if (map.size > maxRemembered && oldest !== undefined) map.delete(oldest);
}
