import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

/** Prints the packages that importing a module loads. */
const script = `
  import { registerHooks } from 'node:module';
  const packages = new Set();
  registerHooks({
    load(url, context, next) {
      packages.add(/node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url)?.[1] ?? 'own');
      return next(url, context);
    },
  });
  await import(process.argv[1]);
  console.log(JSON.stringify([...packages]));
`;

test('a proxy starts without the framework of its surfaces', async () => {
  const server = join(import.meta.dirname, '../../../proxy/server.ts');
  const args = ['--input-type=module', '--eval', script, server];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const packages: string[] = JSON.parse(stdout);
  assert.ok(packages.includes('own') && packages.includes('pg'));
  const unwanted = packages.filter((name) => /^(fastify|ajv|ajv-formats|typebox|@fastify\/.*)$/.test(name));
  assert.deepEqual(unwanted, []);
});
