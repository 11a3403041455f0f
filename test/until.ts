type Awaitable<Value> = Value | Promise<Value>;

/**
 * Waits until `condition` gives a value that is neither undefined nor false, and returns it.
 *
 * @param what is waited for, to be named where it does not come
 */
export async function until<Value>(
  what: string,
  condition: () => Awaitable<Value | undefined | false>,
  timeoutMs = 30_000,
): Promise<Value> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`Waited ${timeoutMs} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
