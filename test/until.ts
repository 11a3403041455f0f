/** The pause between two checks. A check may be a call or a query, so a slow one is repeated less often. */
const pauseMs = { shortest: 5, longest: 50, share: 0.1 };

/**
 * Waits until `condition` returns a value. It returns at most a tenth later.
 *
 * @throws after `timeoutMs`, with `what` in the message
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
