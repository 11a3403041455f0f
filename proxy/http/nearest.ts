interface Place<Kind> {
  readonly segments: readonly string[];
  readonly surface: Kind;
}

export interface Nearest<Kind> {
  readonly surface: Kind;
  /** Whether the path is one of the surface's or below one. If not, only its envelope is used. */
  readonly isWithin: boolean;
}

/**
 * Makes the function that finds the surface of a request's URL: the one whose path matches in the most segments. Of
 * equals, and where nothing matches, it is the first of the table.
 */
export function makeNearest<Kind extends { readonly paths: readonly string[] }>(
  surfaces: readonly [Kind, ...Kind[]],
  pathsOf: (surface: Kind) => readonly string[] = ({ paths }) => paths,
) {
  const places: Place<Kind>[] = surfaces.flatMap((surface) =>
    pathsOf(surface).map((path) => ({ segments: segmentsOf(path), surface })),
  );

  return (url: string): Nearest<Kind> => {
    const asked = segmentsOf(pathOf(url));
    let nearest: Nearest<Kind> = { surface: surfaces[0], isWithin: false };
    let most = 0;
    for (const { segments, surface } of places) {
      const count = countMatching(segments, asked);
      const isWithin = count === segments.length;
      // A whole path wins over the beginning of a longer one.
      if (isWithin === nearest.isWithin ? count <= most : nearest.isWithin) continue;
      nearest = { surface, isWithin };
      most = count;
    }
    return nearest;
  };
}

function countMatching(segments: readonly string[], asked: readonly string[]): number {
  const end = segments.findIndex((segment, index) => {
    const value = asked[index];
    return value === undefined || (segment !== value && !segment.startsWith(':'));
  });
  return end === -1 ? segments.length : end;
}

function segmentsOf(path: string): readonly string[] {
  return path.split('/').slice(1);
}

/** The path of a request's target, decoded as the router decodes it. A malformed one stays as it is. */
export function pathOf(url: string): string {
  const [path = ''] = url.replace(/^https?:\/\/[^/]*/i, '').split(/[?#]/, 1);
  if (!path.includes('%')) return path;
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}
