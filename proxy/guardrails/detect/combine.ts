import type { Detector, Match, Progress, TextStream } from './detector.ts';

/**
 * One detector of all that several detectors find. Where matches overlap, the one that begins first is whole, and the
 * others lose what it covers; of those that begin together, that of the first detector.
 */
export function combine(name: string, detectors: readonly Detector[]): Detector {
  const [only] = detectors;
  if (only !== undefined && detectors.length === 1) return only;
  return {
    name,
    kinds: [...new Set(detectors.flatMap(({ kinds }) => kinds))],
    maxHeldBack: Math.max(0, ...detectors.map(({ maxHeldBack }) => maxHeldBack)),
    scan: (text) => cutOverlaps(detectors.map((detector) => detector.scan(text)).flatMap(withOrder), 0),
    openStream: () => openCombinedStream(detectors.map((detector) => detector.openStream())),
  };
}

interface Candidate extends Match {
  /** The place of its detector. */
  readonly order: number;
}

function withOrder(matches: readonly Match[], order: number): readonly Candidate[] {
  return matches.map(({ start, end, kind }) => ({ start, end, kind, order }));
}

function cutOverlaps(candidates: readonly Candidate[], from: number): Match[] {
  const sorted = candidates.toSorted((a, b) => a.start - b.start || a.order - b.order);
  const matches: Match[] = [];
  let covered = from;
  for (const { start, end, kind } of sorted) {
    if (end <= covered) continue;
    matches.push({ start: Math.max(start, covered), end, kind });
    covered = end;
  }
  return matches;
}

function openCombinedStream(streams: readonly TextStream[]): TextStream {
  /** Matches that begin where another stream is not settled yet. */
  let waiting: readonly Candidate[] = [];
  const settled = streams.map(() => 0);
  let covered = 0;

  const advance = (results: readonly Progress[]): Progress => {
    const found = results.flatMap(({ settledUpTo, matches }, order) => {
      settled[order] = settledUpTo;
      return withOrder(matches, order);
    });
    const common = Math.min(...settled);
    const candidates = [...waiting, ...found];
    waiting = candidates.filter(({ start }) => start >= common);
    const matches = cutOverlaps(
      candidates.filter(({ start }) => start < common),
      covered,
    );
    covered = Math.max(covered, matches.at(-1)?.end ?? 0);
    return { settledUpTo: Math.max(common, covered), matches };
  };

  return {
    push: (text) => advance(streams.map((stream) => stream.push(text))),
    end: () => advance(streams.map((stream) => stream.end())),
  };
}
