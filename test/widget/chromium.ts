import { spawnSync } from 'node:child_process';
import { type Browser, chromium } from 'playwright-core';
import { atEnd, type Scope } from '../scope.ts';

const program = process.env.CHROMIUM ?? 'chromium';
const isInstalled = spawnSync(program, ['--version']).status === 0;

/** For a suite's options. CI installs Chromium, so there the suite fails without it. */
export const skip =
  !isInstalled &&
  process.env.CI !== 'true' &&
  'Chromium is not installed (on Debian: apt-get install chromium); with it, run: npm test -- test/widget';

/** @param args further options of Chromium's command */
export async function startChromium(scope: Scope, args: readonly string[] = []): Promise<Browser> {
  const { stdout } = spawnSync('which', [program], { encoding: 'utf8' });
  const browser = await chromium.launch({
    executablePath: stdout.trim(),
    // Root may not make a sandbox, as in CI; the pages are the tests' own.
    args: [...args, ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])],
  });
  atEnd(scope, () => browser.close());
  return browser;
}
