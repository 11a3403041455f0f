import { spawnSync } from 'node:child_process';
import { type Browser, chromium } from 'playwright-core';
import { atEnd, type Scope } from './scope.ts';

/** The first has the same engine in a third of the processor time. */
const programs = process.env.CHROMIUM === undefined ? ['chromium-headless-shell', 'chromium'] : [process.env.CHROMIUM];
const program = programs.find((name) => spawnSync(name, ['--version']).status === 0);

/** For a suite's options. CI installs Chromium, so there the suite fails without it. */
export const skip =
  program === undefined &&
  process.env.CI !== 'true' &&
  'Chromium is not installed (on Debian: apt-get install chromium-headless-shell); with it, run the test again';

/** @param args further options of Chromium's command */
export async function startChromium(scope: Scope, args: readonly string[] = []): Promise<Browser> {
  const { stdout } = spawnSync('which', [program ?? 'chromium'], { encoding: 'utf8' });
  const browser = await chromium.launch({
    executablePath: stdout.trim(),
    // Root may not make a sandbox, as in CI; the pages are the tests' own.
    args: [...args, ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])],
  });
  atEnd(scope, () => browser.close());
  return browser;
}
