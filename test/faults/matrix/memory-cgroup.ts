import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { atEnd, type Scope } from '../../scope.ts';
import { until } from '../../until.ts';

/** A group of processes whose memory the kernel limits, as that of a container. */
export interface MemoryGroup {
  /** What is started meanwhile is in the group. */
  within<T>(start: () => Promise<T>): Promise<T>;
  /** The memory that its processes hold, in bytes. */
  used(): number;
  /** Sets the limit as near to what is used as the kernel lets it. */
  tighten(): void;
  /** How many processes the kernel has killed. */
  kills(): number;
}

interface Version {
  /** Where groups are made. */
  readonly root: string;
  readonly limit: string;
  readonly usage: string;
  /** The file that counts kills. */
  readonly events: string;
}

/** Both versions of cgroups: the second where it has the memory, else the first. */
const versions: readonly Version[] = [
  { root: '/sys/fs/cgroup', limit: 'memory.max', usage: 'memory.current', events: 'memory.events' },
  {
    ...{ root: '/sys/fs/cgroup/memory', limit: 'memory.limit_in_bytes' },
    ...{ usage: 'memory.usage_in_bytes', events: 'memory.oom_control' },
  },
];

const name = `chaperone-test-${process.pid}`;
let known: Version | null | undefined;

/** The version in which this process may make a group that limits memory. */
function findVersion(): Version | null {
  known ??=
    versions.find((version) => {
      const { root, limit } = version;
      const probe = `${root}/${name}-probe`;
      try {
        mkdirSync(probe);
        const works = existsSync(`${probe}/${limit}`) && existsSync(`${ownGroup(version)}/cgroup.procs`);
        rmdirSync(probe);
        return works;
      } catch {
        return false;
      }
    }) ?? null;
  return known;
}

/** Why no memory can be limited here. */
export function memoryGroupsLack(): string | undefined {
  return findVersion() === null ? 'it needs to be root, and to make cgroups that limit memory' : undefined;
}

export function makeMemoryGroup(scope: Scope): MemoryGroup {
  const version = findVersion();
  if (!version) throw new Error(memoryGroupsLack());
  const directory = `${version.root}/${name}`;
  mkdirSync(directory);
  const procs = `${directory}/cgroup.procs`;
  atEnd(scope, async () => {
    await until(() => readFileSync(procs, 'utf8') === '', 'the group to be empty');
    rmdirSync(directory);
  });
  const own = ownGroup(version);
  const used = () => Number(readFileSync(`${directory}/${version.usage}`, 'utf8'));
  return {
    used,
    async within(start) {
      writeFileSync(procs, String(process.pid));
      try {
        return await start();
      } finally {
        writeFileSync(`${own}/cgroup.procs`, String(process.pid));
      }
    },
    tighten() {
      for (const room of [1, 2, 4, 8, 16, 32]) {
        try {
          writeFileSync(`${directory}/${version.limit}`, String(used() + room * 1024 * 1024));
          return;
        } catch {
          // The first version refuses a limit below what is used, which grows meanwhile.
        }
      }
    },
    kills: () => Number(/^oom_kill (\d+)/m.exec(readFileSync(`${directory}/${version.events}`, 'utf8'))?.[1] ?? 0),
  };
}

/** The group of this process. */
function ownGroup({ root }: Version): string {
  const lines = readFileSync('/proc/self/cgroup', 'utf8').split('\n');
  const line = lines.find((one) => (root.endsWith('memory') ? one.includes(':memory:') : one.startsWith('0::')));
  return `${root}${line?.split(':')[2] ?? ''}`;
}
