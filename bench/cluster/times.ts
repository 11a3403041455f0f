/** Runs something so often, one after another. */
export async function times<T>(count: number, run: (number: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let number = 1; number <= count; number += 1) results.push(await run(number));
  return results;
}
