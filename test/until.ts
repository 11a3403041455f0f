/** Between two looks. A look may be a call or a query: what takes long is looked at less often. */
const pauseMs = { shortest: 5, longest: 50, share: 0.1 };

/**
 * Waits until `condition` gives a value, and at most a tenth longer.
 *
 * @throws after `timeoutMs`, saying what was waited for
 */
export async function until<Value>(
  condition: () => Value | undefined | false | Promise<Value | undefined | false>,
  what = String(condition),
  timeoutMs = 60_000,
): Promise<Value> {
  const startedAt = performance.now();
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== false) return value;
    const waitedMs = performance.now() - startedAt;
    if (waitedMs > timeoutMs) throw new Error(`Waited ${timeoutMs} ms in vain for ${what}`);
    const nextMs = Math.min(Math.max(waitedMs * pauseMs.share, pauseMs.shortest), pauseMs.longest);
    await new Promise((resolve) => setTimeout(resolve, nextMs));
  }
}
