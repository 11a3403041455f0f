/** A point of a conversation: what was said up to an answer. Calls continue it. */
export interface Point {
  /** The number of its branch; 0: `main`. */
  readonly branch: number;
  /** The digest of the first continuation. 0: there is none yet. */
  readonly first: number;
}

/** The points that a proxy knows, by their digests of 52 bits. */
export interface Points {
  find(digest: number): Point | undefined;
  set(digest: number, point: Point): void;
}

const slotInts = 5;
const firstSlots = 512;

/**
 * Remembers the last `most` points, and at least half of them. There are two halves: when the newer one is full, it
 * becomes the older one, and the former older one is emptied. They are numbers in one array each, which costs V8 nothing
 * to mark, and grow from some kilobytes.
 */
export function makePoints(most: number): Points {
  const half = Math.ceil(most / 2);
  let newer = new Half();
  let older = new Half();
  const set: Points['set'] = (digest, point) => {
    if (newer.count >= half) {
      older = newer;
      newer = new Half();
    }
    newer.set(digest, point);
  };
  return {
    set,
    find(digest) {
      const found = newer.find(digest);
      if (found) return found;
      const former = older.find(digest);
      if (former) set(digest, former);
      return former;
    },
  };
}

/** An open hash table. A slot has the two halves of a digest plus one, the branch, and the halves of `first`. */
class Half {
  #slots = new Int32Array(0);
  #mask = 0;
  count = 0;

  find(digest: number): Point | undefined {
    if (this.count === 0) return undefined;
    const slots = this.#slots;
    const at = this.#slotOf(slots, high(digest) + 1, low(digest));
    if (slots[at] === 0) return undefined;
    const first = (slots[at + 3] ?? 0) * 2 ** 26 + (slots[at + 4] ?? 0);
    return { branch: (slots[at + 2] ?? 0) >>> 0, first };
  }

  set(digest: number, { branch, first }: Point): void {
    if ((this.count + 1) * 2 > this.#mask + 1) this.#grow();
    const slots = this.#slots;
    const [one, two] = [high(digest) + 1, low(digest)];
    const at = this.#slotOf(slots, one, two);
    if (slots[at] === 0) this.count += 1;
    slots[at] = one;
    slots[at + 1] = two;
    slots[at + 2] = branch | 0;
    slots[at + 3] = high(first);
    slots[at + 4] = low(first);
  }

  /** Digests are spread evenly, so their low bits say where to begin. */
  #slotOf(slots: Int32Array, one: number, two: number): number {
    for (let number = two & this.#mask; ; number = (number + 1) & this.#mask) {
      const at = number * slotInts;
      if (slots[at] === 0 || (slots[at] === one && slots[at + 1] === two)) return at;
    }
  }

  #grow(): void {
    const former = this.#slots;
    const count = former.length === 0 ? firstSlots : (this.#mask + 1) * 2;
    const slots = new Int32Array(count * slotInts);
    this.#slots = slots;
    this.#mask = count - 1;
    for (let at = 0; at < former.length; at += slotInts) {
      if (former[at] === 0) continue;
      slots.set(former.subarray(at, at + slotInts), this.#slotOf(slots, former[at] ?? 0, former[at + 1] ?? 0));
    }
  }
}

/** The upper and the lower 26 bits of a digest. */
function high(digest: number): number {
  return Math.floor(digest / 2 ** 26);
}

function low(digest: number): number {
  return digest % 2 ** 26;
}
