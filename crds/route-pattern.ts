/** A route that an Organization names, such as `POST /v1/completions` or `/api/v1/conversations/*`. */
export interface RoutePattern {
  /** Undefined: every method. */
  readonly method: string | undefined;
  readonly segments: readonly string[];
  /** Whether it also has everything below. */
  readonly hasBelow: boolean;
}

/** Parses a route, as the schema of `spec.deprecations` allows it. */
export function parseRoute(route: string): RoutePattern {
  const [path = '', method] = route.split(' ').reverse();
  const hasBelow = path.endsWith('/*');
  return { method, segments: (hasBelow ? path.slice(0, -2) : path).split('/').slice(1), hasBelow };
}

/** Whether a request is one of the route's. @param segments of its path, without the query */
export function meetsRoute(pattern: RoutePattern, method: string, segments: readonly string[]): boolean {
  const { segments: wanted, hasBelow } = pattern;
  if (pattern.method !== undefined && pattern.method !== method) return false;
  if (hasBelow ? segments.length < wanted.length : segments.length !== wanted.length) return false;
  return wanted.every((segment, at) => isParameter(segment) || segment === segments[at]);
}

/**
 * Whether a pattern has a declared route, such as `GET /v1/personas/{id}`. A parameter of the declared route is any
 * segment.
 */
export function coversRoute(pattern: RoutePattern, declared: RoutePattern): boolean {
  const { method, segments: wanted, hasBelow } = pattern;
  if (method !== undefined && method !== declared.method) return false;
  const { segments } = declared;
  if (hasBelow ? segments.length < wanted.length : segments.length !== wanted.length) return false;
  return wanted.every((segment, at) => {
    const found = segments[at] ?? '';
    return isParameter(segment) || isParameter(found) || segment === found;
  });
}

function isParameter(segment: string): boolean {
  return segment.startsWith('{');
}
