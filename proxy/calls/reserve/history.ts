import { storable } from '../settle/record.ts';
import type { LearnedBounds, SharedBounds } from './share-bounds.ts';

/** What earlier calls of a model were like, to bound what the next one may use. */
export interface History {
  /** The most tokens that the bytes of a text may be. */
  inputTokensOf(bytes: number): number;
  /** The tokens of an answer whose call does not limit them. */
  outputTokens(): number;
  /** The tokens of what a call only refers to. */
  referredTokens(): number;
  /** The cost of a call whose cost does not follow from its body, in 10^-9 dollars. */
  nanoUsd(): number;
  /** Notes what a call has used. */
  note(call: Seen): void;
}

/** A call that has ended. Undefined or null: unknown. */
export interface Seen {
  readonly bytes: number | undefined;
  /** Whether the body refers to more than it has. */
  readonly refers: boolean;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly nanoUsd: number | undefined;
}

/** Before there are enough calls to learn from. */
export const unknownOutputTokens = 4_096;
const unknown = { referredTokens: 2_048, nanoUsd: 60_000_000 } as const;
const enoughCalls = 20;
/** Text of another kind may come at any time, so the highest ratio so far is raised by a quarter. */
const ratioMargin = 1.25;
const fewestTokens = 16;
/** After so many calls, earlier ones count half, so that a model's change is noticed. */
const epochCalls = 1_000;
const maxModels = 1_000;
const maxModelLength = 200;

/** Histories by operation and model. */
export type Histories = (operation: string, model: string | undefined) => History;

/** @param shared what other proxies have learned. Absent: nothing is known of it */
export function makeHistories(shared?: Pick<SharedBounds, 'find' | 'note'>): Histories {
  const byOperation = new Map<string, Map<string, History>>();
  return (operation, model = '') => {
    let known = byOperation.get(operation);
    if (!known) {
      known = new Map();
      byOperation.set(operation, known);
    }
    const found = known.get(model);
    if (found) return found;
    // Models are free text, so there may be any number of them.
    if (known.size >= maxModels) known.clear();
    const named = { operation, model: storable(model, maxModelLength) };
    const made = makeHistory(
      shared && {
        find: () => shared.find(named.operation, named.model),
        onLearned: (bounds) => shared.note({ ...named, ...bounds }),
      },
    );
    known.set(model, made);
    return made;
  };
}

/** What is known of the same calls elsewhere. */
export interface Elsewhere {
  readonly find: () => LearnedBounds | undefined;
  /** Called when enough calls were seen, and now and then after that. */
  readonly onLearned: (bounds: LearnedBounds) => void;
}

export function makeHistory(elsewhere?: Elsewhere): History {
  const output = makePercentile();
  const referred = makePercentile();
  const cost = makePercentile();
  const ratio = { calls: 0, highest: 0, highestBefore: 0 };
  let calls = 0;
  const ownRatio = () =>
    ratio.calls < enoughCalls && ratio.highestBefore === 0 ? null : Math.max(ratio.highest, ratio.highestBefore);
  const learned = (): LearnedBounds => ({
    tokensPerByte: ownRatio(),
    outputTokens: output.p99() ?? null,
    referredTokens: referred.p99() ?? null,
    nanoUsd: cost.p99() ?? null,
  });
  const addRatio = (tokensPerByte: number) => {
    ratio.calls += 1;
    ratio.highest = Math.max(ratio.highest, tokensPerByte);
    if (ratio.calls < epochCalls) return;
    ratio.highestBefore = ratio.highest;
    ratio.calls = 0;
    ratio.highest = 0;
  };
  return {
    inputTokensOf(bytes) {
      const highest = ownRatio() ?? elsewhere?.find()?.tokensPerByte;
      // A byte-level tokenizer never makes more tokens than there are bytes.
      if (highest == null) return bytes;
      return Math.min(bytes, Math.max(fewestTokens, Math.ceil(bytes * highest * ratioMargin)));
    },
    outputTokens: () => output.p99() ?? elsewhere?.find()?.outputTokens ?? unknownOutputTokens,
    referredTokens: () => Math.max(unknown.referredTokens, referred.p99() ?? elsewhere?.find()?.referredTokens ?? 0),
    nanoUsd: () => cost.p99() ?? elsewhere?.find()?.nanoUsd ?? unknown.nanoUsd,
    note({ bytes, refers, inputTokens, outputTokens, nanoUsd }) {
      if (outputTokens !== null) output.add(outputTokens);
      if (nanoUsd !== undefined) cost.add(nanoUsd);
      if (inputTokens !== null && bytes) {
        if (refers) referred.add(inputTokens);
        else addRatio(inputTokens / bytes);
      }
      calls += 1;
      if (calls === enoughCalls || calls % epochCalls === 0) elsewhere?.onLearned(learned());
    },
  };
}

/** So few values below the percentile do not move it by much, and counting takes longer than the rest. */
const recountCalls = 16;
/** Four buckets for each doubling. */
const bucketsPerDoubling = 4;
const bucketCount = 52 * bucketsPerDoubling;

/** The running 99th percentile of whole numbers, to about a fifth. */
function makePercentile() {
  let counts: Uint32Array | undefined;
  let total = 0;
  let known: number | undefined;
  return {
    add(value: number): void {
      counts ??= new Uint32Array(bucketCount);
      const at = Math.min(bucketCount - 1, Math.ceil(Math.log2(Math.max(1, value)) * bucketsPerDoubling));
      counts[at] = (counts[at] ?? 0) + 1;
      total += 1;
      if (known !== undefined && (value > known || total % recountCalls === 0)) known = undefined;
      if (total < epochCalls) return;
      total = 0;
      for (const [each, count] of counts.entries()) {
        counts[each] = count >> 1;
        total += count >> 1;
      }
    },
    /** An upper bound of the percentile. Undefined where there are too few values. */
    p99(): number | undefined {
      if (!counts || total < enoughCalls) return undefined;
      if (known !== undefined) return known;
      let above = total / 100;
      let at = bucketCount - 1;
      while (at > 0) {
        above -= counts[at] ?? 0;
        if (above < 0) break;
        at -= 1;
      }
      known = Math.ceil(2 ** (at / bucketsPerDoubling));
      return known;
    },
  };
}
