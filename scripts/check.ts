// npm run check: all static checks of the code.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

interface Check {
  readonly name: string;
  readonly remedy: string;
  /** Returns the problems. Empty: none. */
  run(): Promise<string>;
}

const root = dirname(import.meta.dirname);

const checks: readonly Check[] = [
  { name: 'types', remedy: 'npx tsc', run: () => runScript('node_modules/typescript/bin/tsc', '--noEmit') },
  {
    name: 'types of the widget',
    remedy: 'npx tsc --project widget',
    run: () => runScript('node_modules/typescript/bin/tsc', '--noEmit', '--project', 'widget'),
  },
  {
    name: 'types of the console',
    remedy: 'npx tsc --project console',
    run: () => runScript('node_modules/typescript/bin/tsc', '--noEmit', '--project', 'console'),
  },
  {
    name: 'lint and format',
    remedy: 'npx biome check --write',
    run: () => runScript('node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings'),
  },
  { name: 'generated files', remedy: 'npm run generate', run: () => runScript('scripts/generate.ts', '--check') },
  { name: 'lock files', remedy: 'npm install --omit-lockfile-registry-resolved', run: findResolvedAddresses },
];

function runScript(...args: string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: root, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      resolve(error ? `${stdout}${stderr}`.trim() || error.message : '');
    });
  });
}

/** An address in the lock file would tie everyone to the registry of the person who installed last. */
async function findResolvedAddresses(): Promise<string> {
  const addresses = await Promise.all(['package-lock.json', 'test/clients/package-lock.json'].map(findResolvedIn));
  return addresses.flat().join('\n');
}

async function findResolvedIn(file: string): Promise<string[]> {
  const lock: { packages: Record<string, { resolved?: string }> } = JSON.parse(
    await readFile(join(root, file), 'utf8'),
  );
  const tied = Object.entries(lock.packages).filter(([, { resolved }]) => resolved !== undefined);
  return tied.map(([path, { resolved }]) => `${file}: ${path}: ${resolved}`);
}

const findings = await Promise.all(checks.map((check) => check.run()));
for (const [index, { name, remedy }] of checks.entries()) {
  const finding = findings[index];
  process.stdout.write(finding ? `failed  ${name} (${remedy})\n${finding}\n` : `ok      ${name}\n`);
  if (finding) process.exitCode = 1;
}
