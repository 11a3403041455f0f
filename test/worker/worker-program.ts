// node test/worker/worker-program.ts OPTIONS: a worker with tasks for tests, in a process that a test can kill.
import { pino } from 'pino';
import type { Task, TaskQuestion } from '../../worker/task.ts';
import { tasks as allTasks } from '../../worker/tasks.ts';
import { startWorker, type WorkerOptions } from '../../worker/worker.ts';

const ask = (step: string): TaskQuestion => ({
  step,
  kind: 'analysis',
  user: 'ada',
  body: { model: 'gpt-4o-mini', messages: [{ role: 'user', content: step }] },
});

const tasks: Readonly<Record<string, Task>> = {
  ...allTasks,
  /** Two calls, one after the other. */
  'two-calls': {
    async run(context) {
      await context.ask(ask('first'));
      await context.ask(ask('second'));
    },
  },
  /** One call of a slow provider. */
  'one-call': {
    async run(context) {
      await context.ask(ask('only'));
    },
  },
  /** One call that tells the provider which row it is about. */
  'call-of-row': {
    async run(context, id) {
      await context.ask({ ...ask(id), step: 'only' });
    },
  },
  /** Ends its worker. */
  deadly: {
    async run() {
      process.kill(process.pid, 'SIGKILL');
    },
  },
};

const options = JSON.parse(process.argv[2] ?? '{}') as Omit<WorkerOptions, 'log' | 'tasks'>;
process.on('disconnect', () => process.exit(1));
void startWorker({ ...options, tasks, log: pino({ level: 'error' }, pino.destination(2)) }).then(
  (worker) => {
    process.once('SIGTERM', () => void worker.stop().then(() => process.exit(0)));
    process.send?.('ready');
  },
  (error: unknown) => {
    process.stderr.write(`${error}\n`);
    process.exit(1);
  },
);
