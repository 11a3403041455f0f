import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const packages = join(import.meta.dirname, '..', '..', 'node_modules');
/** Where the vendors' SDKs name models in their types. */
const sources: readonly (readonly [file: string, union: RegExp])[] = [
  ...['shared', 'images', 'moderations', 'audio/speech', 'audio/audio', 'embeddings', 'completions'].map(
    (file): [string, RegExp] => [`openai/resources/${file}.d.ts`, /(?:type \w*Model\w* =|\bmodel\??:) [^;]+;/g],
  ),
  ['openai/resources/realtime/realtime.d.ts', /\bmodel\??: [^;]+;/g],
  ['@anthropic-ai/sdk/resources/messages/messages.d.ts', /type Model = [^;]+;/g],
];

/** The models that the vendors' SDKs name. Not all of them have a price in a public list. */
export function renderVendorModels(): string {
  // Some types say in one place which models and which voices there are.
  const isModel = (name: string) => /^[a-z][a-z0-9.]*-[a-z0-9.-]+$/.test(name);
  const names = sources.flatMap(([file, union]) => {
    const found = [...readFileSync(join(packages, file), 'utf8').matchAll(union)];
    return found.flatMap(([text]) => [...text.matchAll(/'([^']+)'/g)].map(([, name = '']) => name));
  });
  return `// Generated from the types of the vendors' SDKs by \`npm run generate\`: update those.

/** Models that OpenAI and Anthropic have. */
export const vendorModels: readonly string[] = [
${[...new Set(names)]
  .filter(isModel)
  .sort()
  .map((name) => `  '${name}',`)
  .join('\n')}
];
`;
}
