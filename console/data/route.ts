// Where somebody is in the console. The place is in the fragment of the address, which no server gets to see: filters
// name users.

export interface Place {
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
}

/** @param fragment such as `#/requests?status=failed` */
export function readPlace(fragment: string): Place {
  const [path = '', query = ''] = fragment.replace(/^#/, '').split('?', 2);
  return { path: path.replace(/\/+$/, '') || '/', query: Object.fromEntries(new URLSearchParams(query)) };
}

/** The address of a place, for links. */
export function linkTo(
  path: string,
  query: Readonly<Record<string, string | number | boolean | undefined>> = {},
): string {
  const stated = Object.entries(query).filter(([, value]) => value !== undefined && value !== '' && value !== false);
  const text = new URLSearchParams(stated.map(([name, value]) => [name, String(value)])).toString();
  return `#${path}${text === '' ? '' : `?${text}`}`;
}

/** A path with its parts escaped: `at('/requests', id)`. */
export function at(base: string, ...parts: readonly string[]): string {
  return [base, ...parts.map(encodeURIComponent)].join('/');
}

/**
 * @param pattern such as `/requests/:id`
 * @returns its parameters; undefined where the path is another one
 */
export function matchPath(pattern: string, path: string): Record<string, string> | undefined {
  const [wanted, given] = [pattern.split('/'), path.split('/')];
  if (wanted.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const value = given[index] ?? '';
    if (part.startsWith(':')) params[part.slice(1)] = decode(value);
    else if (part !== value) return undefined;
  }
  return params;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
