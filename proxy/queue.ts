type Work = () => Promise<unknown>;

/** Runs one piece of work after the other. */
export interface Queue {
  /** Adds work at the end. */
  add<T>(work: () => Promise<T>): Promise<T>;
  /** Adds work before all that `add` has added and that has not begun, in its own order. */
  addNext<T>(work: () => Promise<T>): Promise<T>;
  /** Resolves when nothing is left. */
  isEmpty(): Promise<void>;
}

export function makeQueue(): Queue {
  const next: Work[] = [];
  const later: Work[] = [];
  let working: Promise<void> | undefined;
  const workOff = async () => {
    for (let work = next.shift() ?? later.shift(); work; work = next.shift() ?? later.shift()) await work();
    working = undefined;
  };
  const addTo = <T>(line: Work[], work: () => Promise<T>): Promise<T> => {
    const result = new Promise<T>((resolve, reject) => {
      line.push(() => work().then(resolve, reject));
    });
    // Not at once: work may add more work.
    working ??= Promise.resolve().then(workOff);
    return result;
  };
  return {
    add: (work) => addTo(later, work),
    addNext: (work) => addTo(next, work),
    isEmpty: () => working ?? Promise.resolve(),
  };
}
