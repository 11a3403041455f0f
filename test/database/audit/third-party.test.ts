import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { appendAudit } from '../../../database/audit/append.ts';
import { readHeads } from '../../../database/audit/read.ts';
import { suiteScope } from '../../scope.ts';
import { connect, makeTenant, openDatabase } from '../tenant.ts';

const skip = spawnSync('python3', ['--version']).status !== 0 && 'there is no python3';

describe('the script of docs/audit.md', { skip }, () => {
  const scope = suiteScope();
  let script: string;
  let lines: string[];
  let head: string;

  before(async () => {
    const text = await readFile(join(import.meta.dirname, '../../../docs/audit.md'), 'utf8');
    script = /```python\n([\s\S]+?)```/.exec(text)?.[1] ?? '';
    const query = /-c "(select [\s\S]+?)" \|/.exec(text)?.[1] ?? '';
    const database = await openDatabase(scope);
    const tenant = await makeTenant(database);
    const proxy = await connect(scope, tenant.url);
    for (const name of ['limit “one”', 'zwölf\n\t"', '🙂']) {
      const at = new Date().toISOString();
      await appendAudit(proxy, 'proxy', tenant.id, [
        {
          ...{ id: randomUUID(), at, until: at, kind: 'refusal', code: 'limit_reached', status: 429, count: 1 },
          ...{ route: 'POST /v1/responses', requestId: 'req_1', rule: { kind: 'limit', name } },
          actor: { user: { $user: name }, roles: [] },
        },
      ]);
    }
    const { rows } = await proxy.query(query.replace("'…'", `'${tenant.id}'`));
    lines = rows.map(({ json_build_object: row }) => JSON.stringify(row));
    head = (await readHeads(proxy, [tenant.id])).get(tenant.id)?.hash.toString('hex') ?? '';
  });

  const run = (input: readonly string[], ...start: string[]) =>
    new Promise<string>((resolve) => {
      const child = execFile('python3', ['-c', script, ...start], (error, stdout, stderr) =>
        resolve(error ? stderr : stdout),
      );
      child.stdin?.end(`${input.join('\n')}\n`);
    });

  test('verifies a log by itself', async () => {
    assert.equal(await run(lines), `3 ${head}\n`);
  });

  test('begins where retention has left off', async () => {
    const { hash } = JSON.parse(lines[0] ?? '');
    assert.equal(await run(lines.slice(1), '1', hash), `3 ${head}\n`);
  });

  test('finds what was changed, and what is missing', async () => {
    assert.equal(await run(lines.map((line) => line.replace('zwölf', 'elf'))), 'entry 2 is not as it was written\n');
    assert.equal(await run(lines.slice(1)), 'entry 1 is not as it was written\n');
  });
});
