import type { IncomingMessage } from 'node:http';
import { makeNearest, type Nearest } from './nearest.ts';
import type { Surface } from './surface.ts';

type Asked = Pick<IncomingMessage, 'url' | 'headers'>;

/** Finds the surface of a request: by its path, and by a header where APIs of several vendors share paths. */
export function makeChooser<Kind extends Pick<Surface<never>, 'paths' | 'marked'>>(
  surfaces: readonly [Kind, ...Kind[]],
): (request: Asked) => Nearest<Kind> {
  const byPath = makeNearest(surfaces);
  const marked = surfaces.flatMap((surface) => {
    if (!surface.marked) return [];
    const { header, paths } = surface.marked;
    // First, since of equals the first is the nearest.
    const nearest = makeNearest([surface, ...surfaces.filter((other) => other !== surface)], (kind) =>
      kind === surface ? [...kind.paths, ...paths] : kind.paths,
    );
    return [{ header, nearest }];
  });
  return ({ url = '', headers }) => {
    const { nearest = byPath } = marked.find(({ header }) => headers[header] !== undefined) ?? {};
    return nearest(url);
  };
}
