import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { atEnd } from '../scope.ts';
import { until } from '../until.ts';

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`a process of a benchmark ends with it, by ${signal}`, async (t) => {
    const parent = spawn(process.execPath, [join(import.meta.dirname, 'parent-program.ts')], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    atEnd(t, () => parent.kill('SIGKILL'));
    const [pid]: number[] = await once(parent, 'message');
    assert.ok(pid !== undefined && isAlive(pid));
    const exited = once(parent, 'exit');
    parent.kill(signal);
    await exited;
    await until(() => !isAlive(pid), 'the child to end');
  });
}
