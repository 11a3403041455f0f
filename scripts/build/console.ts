// node scripts/build/console.ts FILE: writes a file of the console (console/) to the standard output.
import { type BrowserBundle, bundleForBrowsers } from './browser.ts';

/** People who look after a system have a browser of the last two years. */
const target = ['chrome120', 'edge120', 'firefox121', 'safari17.4'];

const entries = {
  'console.js': { entry: 'console/main.ts', tsconfig: 'console/tsconfig.json', target },
  'console.css': { entry: 'console/style/main.css', target },
} as const;

export type ConsoleFile = keyof typeof entries;

export const consoleFiles = Object.keys(entries) as readonly ConsoleFile[];

export async function bundleConsole(file: ConsoleFile): Promise<BrowserBundle> {
  return bundleForBrowsers(entries[file]);
}

if (import.meta.main) {
  const file = consoleFiles.find((name) => name === process.argv[2]);
  if (!file) throw new Error(`Name one of ${consoleFiles.join(', ')}`);
  process.stdout.write((await bundleConsole(file)).script);
}
