const defaultPatienceMs = 180_000;
const defaultPauseMs = 20;

/** Waits for a condition, by asking again and again. @throws after three minutes or `patienceMs`, with `what` in the message */
export async function untilTrue(
  condition: () => boolean | Promise<boolean>,
  what: string,
  { patienceMs = defaultPatienceMs, pauseMs = defaultPauseMs } = {},
): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`Waited ${patienceMs / 1_000} s in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
