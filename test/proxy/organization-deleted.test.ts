import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Client } from 'pg';
import { replaceFile } from '../directories.ts';
import { startStack } from '../stack.ts';
import { until } from '../until.ts';

/** A proxy in a pod goes on running when its organization is deleted. It must not go on serving. */
describe('a proxy whose organization is deleted', { concurrency: 2 }, () => {
  for (const policy of ['Retain', 'Delete']) {
    it(`refuses every call (deletionPolicy ${policy})`, async (t) => {
      const stack = await startStack(t);
      const call = () =>
        fetch(`${stack.baseUrl}/responses`, {
          method: 'POST',
          headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'bob' },
          body: JSON.stringify({ model: 'gpt-4o', input: 'Hi' }),
        });
      assert.equal((await call()).status, 200);
      const client = new Client({ connectionString: stack.database.url });
      await client.connect();
      try {
        const countRecords = async () => (await client.query('select from chaperone.requests')).rowCount;
        await until(async () => (await countRecords()) === 1, 'the record');
        const file = join(stack.directory, 'organization.yaml');
        const yaml = await readFile(file, 'utf8');
        await replaceFile(file, yaml.replace('spec:', `spec:\n  deletionPolicy: ${policy}`));
        await until(async () => {
          const { rows } = await client.query(
            "select spec ->> 'deletionPolicy' as policy from chaperone.organizations",
          );
          return rows[0]?.policy === policy;
        }, 'the policy to be stored');
        await rm(file);
        await until(async () => {
          const response = await call();
          const body = await response.text();
          // Its bindings may be withdrawn a moment before itself: either way the call is refused.
          if (response.status !== 200) assert.match(body, /organization_deleted|no_api_key/);
          return response.status === 403 && body.includes('organization_deleted');
        }, 'calls to be refused');
        // A call that was let through a moment before belongs to the data that is kept, or to nothing.
        if (policy === 'Retain') assert.ok(((await countRecords()) ?? 0) >= 1);
        else
          await until(
            async () => (await client.query('select from chaperone.organizations')).rowCount === 0,
            'the rows to be gone',
          );
      } finally {
        await client.end();
      }
    });
  }
});
