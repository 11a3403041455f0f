/** Runs tasks one after another, in the order of the calls. A failed task does not affect the others. */
export function makeSerializer(): <T>(task: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const result = last.then(task);
    last = result.catch(() => {});
    return result;
  };
}
