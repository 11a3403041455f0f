import type { Place, Segments } from './segments.ts';

/** The intents of calls that are under way, by the call's id. */
export interface Intents {
  readonly size: number;
  /** An intent of the same call that was there before is held no longer. */
  add(id: number, place: Place): void;
  /** The call has another row now, so its intent is held no longer. */
  end(id: number): void;
  /** Moves intents to the file that is written now, so that the call of an intent keeps no file of ended calls. */
  follow(segment: number): void;
}

export function makeIntents(
  segments: Pick<Segments, 'move' | 'release'>,
  onFailure: ((error: unknown) => void) | undefined,
): Intents {
  const places = new Map<number, Place>();
  /** All intents are in this segment or a later one. */
  let followed = 0;
  return {
    get size() {
      return places.size;
    },
    add(id, place) {
      const former = places.get(id);
      places.set(id, place);
      if (former) segments.release(former);
    },
    end(id) {
      const place = places.get(id);
      places.delete(id);
      if (place) segments.release(place);
    },
    follow(segment) {
      if (segment === followed) return;
      followed = segment;
      try {
        for (const [id, place] of places) if (place.segment !== segment) places.set(id, segments.move(place));
      } catch (error) {
        // The intents are safe where they are. The next file gets them.
        onFailure?.(error);
      }
    },
  };
}
