// node scripts/build/widget.ts: writes the chat for web pages (widget/), as one file, to the standard output.
import { type BrowserBundle, bundleForBrowsers, oldBrowsers } from './browser.ts';

export async function bundleWidget(): Promise<BrowserBundle> {
  return bundleForBrowsers({
    ...{ entry: 'widget/main.ts', tsconfig: 'widget/tsconfig.json', target: oldBrowsers, hasStyleTexts: true },
  });
}

if (import.meta.main) process.stdout.write((await bundleWidget()).script);
