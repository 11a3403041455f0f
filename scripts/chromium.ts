import { spawnSync } from 'node:child_process';

/** The first has the same engine in a third of the processor time. */
const names = ['chromium-headless-shell', 'chromium'];

/** Finds Debian's Chromium. @param named a program to take instead; absent: none */
export function findChromium(named?: string): string | undefined {
  const program = (named === undefined ? names : [named]).find((name) => spawnSync(name, ['--version']).status === 0);
  if (program === undefined) return undefined;
  return spawnSync('which', [program], { encoding: 'utf8' }).stdout.trim();
}

/** Root may not make a sandbox, as in CI; the pages are our own. */
export function chromiumArguments(): string[] {
  return process.getuid?.() === 0 ? ['--no-sandbox'] : [];
}
