import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { generateDataKeys } from '../../database/envelope.ts';
import { startStack } from '../stack.ts';
import { until } from '../until.ts';

describe('a proxy whose mounted Secret becomes unusable', { concurrency: 2 }, () => {
  const cases = {
    'data keys that open nothing': JSON.stringify(generateDataKeys()),
    'data keys that are none': '{"current": "k1", "keys": {"k1": "too short"}}',
  };
  for (const [what, text] of Object.entries(cases)) {
    it(`keeps its last good credentials: ${what}`, async (t) => {
      const stack = await startStack(t);
      const call = () =>
        fetch(`${stack.baseUrl}/responses`, {
          method: 'POST',
          headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'bob' },
          body: JSON.stringify({ model: 'gpt-4o', input: 'Hi' }),
        }).then((response) => response.status);
      assert.equal(await call(), 200);
      const file = join(stack.credentialsDirectory, 'data-keys.json');
      const good = await readFile(file, 'utf8');
      await writeFile(file, text);
      await until(() => /cannot use the new (credentials|configuration)/.test(stack.log()), 'the proxy to notice');
      assert.equal(await call(), 200);
      await writeFile(file, good);
      assert.equal(await call(), 200);
    });
  }
});
