// node test/bench/parent-program.ts: has a child of its own, tells its process id, and never ends by itself.
import { startChild } from '../../bench/child.ts';

const child = startChild(process.execPath, ['--eval', 'setInterval(() => {}, 1_000)'], { stdio: 'ignore' });
process.send?.(child.pid);
setInterval(() => {}, 1_000);
