import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { TrainerError } from '../trainer-error.ts';
import { type Frames, makeFrames } from './frames.ts';

/** Who a pod says that it is. */
interface Hello {
  readonly jobId: string;
  readonly rank: number;
}

/** Where the first pod meets the others. */
export interface Meeting {
  /** Resolves with the connections of all other pods, by rank, once all are there. */
  gather(): Promise<readonly Frames[]>;
  close(): void;
}

/** Listens at every address, for the other pods of the job. */
export async function openMeeting(jobId: string, worldSize: number, port: number): Promise<Meeting> {
  const present = new Map<number, Frames>();
  let onJoin = () => {};
  const server: Server = createServer(async (socket) => {
    const frames = makeFrames(socket);
    try {
      const hello = JSON.parse((await frames.expect('hello')).toString()) as Hello;
      if (hello.jobId !== jobId || !(hello.rank > 0 && hello.rank < worldSize)) throw new Error('it is another job’s');
      // The pod was replaced.
      present.get(hello.rank)?.destroy();
      present.set(hello.rank, frames);
      onJoin();
    } catch {
      socket.destroy();
    }
  });
  server.listen(port);
  await once(server, 'listening');
  return {
    async gather() {
      for (;;) {
        const open = [...present].filter(([, { isOpen }]) => isOpen);
        if (open.length === worldSize - 1) {
          return open.sort(([one], [other]) => one - other).map(([, frames]) => frames);
        }
        await new Promise<void>((resolve) => {
          onJoin = resolve;
        });
      }
    },
    close: () => void server.close(),
  };
}

/** How long the first pod may take to come: a node may have to be added for it. */
const patienceMs = 30 * 60_000;
const pauseMs = 500;
/** The name of a replaced pod may still stand for its old address, and a connection there fails after two minutes only. */
const connectMs = 5_000;

interface Master {
  readonly host: string;
  readonly port: number;
}

/** Joins the first pod, once it is there. @throws {TrainerError} where it does not come */
export async function join(
  master: Master,
  hello: Hello,
  open: (master: Master) => Socket = ({ host, port }) => connect(port, host),
  timeoutMs = connectMs,
): Promise<Frames> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const socket = open(master);
    try {
      await once(socket, 'connect', { signal: AbortSignal.timeout(timeoutMs) });
      const frames = makeFrames(socket);
      await frames.send('hello', Buffer.from(JSON.stringify(hello)));
      return frames;
    } catch (cause) {
      socket.destroy();
      if (Date.now() > deadline) {
        throw new TrainerError('other', `The first pod at ${master.host}:${master.port} does not come`, { cause });
      }
      await delay(pauseMs);
    }
  }
}
