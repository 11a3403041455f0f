const patienceMs = 180_000;
const pauseMs = 20;

/** Waits for a condition. @throws after three minutes, with `what` in the message */
export async function untilTrue(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`Waited ${patienceMs / 1_000} s in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
