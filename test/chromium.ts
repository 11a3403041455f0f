import { type Browser, chromium } from 'playwright-core';
import { chromiumArguments, findChromium } from '../scripts/chromium.ts';
import { atEnd, type Scope } from './scope.ts';

const program = findChromium(process.env.CHROMIUM);

/** For a suite's options. CI installs Chromium, so there the suite fails without it. */
export const skip =
  program === undefined &&
  process.env.CI !== 'true' &&
  'Chromium is not installed (on Debian: apt-get install chromium-headless-shell); with it, run the test again';

/** @param args further options of Chromium's command */
export async function startChromium(scope: Scope, args: readonly string[] = []): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: program ?? 'chromium',
    args: [...args, ...chromiumArguments()],
  });
  atEnd(scope, () => browser.close());
  return browser;
}
