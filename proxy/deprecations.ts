import type { IncomingMessage, ServerResponse } from 'node:http';
import type { OrganizationSpec } from '../crds/resources.generated.ts';
import { meetsRoute, parseRoute, type RoutePattern } from '../crds/route-pattern.ts';
import type { Caller } from './calls/call.ts';
import type { InForce } from './calls/context.ts';
import type { FindCaller } from './calls/identify/find-caller.ts';
import { whenKnown } from './calls/when-known.ts';
import { pathOf } from './http/nearest.ts';

type Stated = NonNullable<OrganizationSpec['deprecations']>;

interface Deprecation {
  readonly route: string;
  readonly pattern: RoutePattern;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** What of the APIs goes away, as `spec.deprecations` says. */
export interface Deprecations {
  /**
   * Sets the headers of the answer where the request's route is deprecated.
   *
   * @see https://www.rfc-editor.org/rfc/rfc9745 for `Deprecation` and the link
   * @see https://www.rfc-editor.org/rfc/rfc8594 for `Sunset`
   */
  announce(request: IncomingMessage, response: ServerResponse): void;
  /** Makes a step that also counts which callers use deprecated routes. */
  counting(find: FindCaller): FindCaller;
}

export interface DeprecationsOptions {
  /** @throws {ProxyError} where no configuration is in force */
  readonly inForce: () => Pick<InForce, 'snapshot'>;
  readonly onUse: (use: { readonly route: string; readonly caller: string }) => void;
}

/** So many callers have a label of their own. */
const mostCallers = 200;

export function makeDeprecations({ inForce, onUse }: DeprecationsOptions): Deprecations {
  let stated: Stated | undefined;
  let deprecations: readonly Deprecation[] = [];
  const deprecated = new WeakMap<object, Deprecation>();
  const callers = new Set<string>();
  const current = (): readonly Deprecation[] => {
    const next = statedIn(inForce);
    if (next !== stated) {
      stated = next;
      deprecations = (next ?? []).map(toDeprecation);
    }
    return deprecations;
  };
  const labelOf = (caller: Caller) => {
    const label = describeCaller(caller);
    if (callers.size < mostCallers) callers.add(label);
    return callers.has(label) ? label : 'other';
  };
  return {
    announce(request, response) {
      const candidates = current();
      if (candidates.length === 0) return;
      const { method = '', url = '' } = request;
      const segments = pathOf(url).split('/').slice(1);
      const found = candidates.find(({ pattern }) => meetsRoute(pattern, method, segments));
      if (!found) return;
      deprecated.set(request, found);
      for (const [name, value] of found.headers) response.setHeader(name, value);
    },
    counting: (find) => (request, mayLackUser, isForVisitors) => {
      const identified = find(request, mayLackUser, isForVisitors);
      const found = deprecations.length === 0 ? undefined : deprecated.get(request);
      if (!found) return identified;
      return whenKnown(identified, (known) => {
        onUse({ route: found.route, caller: labelOf(known.caller) });
        return known;
      });
    },
  };
}

/**
 * The caller as a metric may name it: a key and the namespace of a workload have names of the configuration's. Whoever brings a token
 * is only told to have one, since users are no labels.
 */
function describeCaller({ identity: { namespace, accessKey } }: Caller): string {
  if (accessKey) return `key ${accessKey.name}`;
  return namespace === undefined ? 'token' : `namespace ${namespace}`;
}

function toDeprecation({ route, since, sunset, link }: Stated[number]): Deprecation {
  const headers: [string, string][] = [['deprecation', `@${Math.floor(Date.parse(since) / 1_000)}`]];
  if (sunset !== undefined) headers.push(['sunset', new Date(sunset).toUTCString()]);
  if (link !== undefined) headers.push(['link', `<${link}>; rel="deprecation"; type="text/html"`]);
  return { route, pattern: parseRoute(route), headers };
}

function statedIn(inForce: DeprecationsOptions['inForce']): Stated | undefined {
  try {
    return inForce().snapshot.spec.deprecations;
  } catch {
    return undefined;
  }
}
