import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type CallPathOptions, makeCallPath } from '../proxy/call-path.ts';
import type { InForce } from '../proxy/calls/context.ts';
import type { Pipeline } from '../proxy/calls/pipeline.ts';
import type { LevelSwitch } from '../proxy/logs/level-switch.ts';
import { type OpenOrganization, type OrganizationOptions, openOrganization } from '../proxy/organization.ts';
import { JobError } from './job-error.ts';

/** What a worker holds for an organization while it has jobs of it. */
export interface WorkerOrganization extends OpenOrganization {
  readonly pipeline: Pipeline;
  /** @throws {ProxyError} `organization_deleted` where nothing is in force */
  readonly inForce: () => InForce;
}

export interface OrganizationsOptions
  extends Omit<OrganizationOptions, 'credentialsDirectory' | 'levels'>,
    Pick<CallPathOptions, 'stalls'> {
  /** Has the file `<id>.json` with the credentials of each organization. */
  readonly credentialsDirectory: string;
  /** Sets the levels of their logs. Absent: they stay as they are. */
  readonly levels?: LevelSwitch | undefined;
  /** How long an organization without a job stays open. Absent: a minute. */
  readonly idleMs?: number;
  /** Called with how many are open. */
  readonly onOpen: (count: number) => void;
}

/** The organizations that have jobs here. Each is opened with its first job, and closed some time after its last. */
export interface Organizations {
  /**
   * Runs `work` with the organization open.
   *
   * @throws {JobError} `organization_unavailable` where there are no credentials or no configuration yet
   */
  use<T>(id: string, work: (organization: WorkerOrganization) => Promise<T>): Promise<T>;
  /** Those that are open now. */
  opened(): readonly OpenOrganization[];
  /** Opens each organization that a killed predecessor left records of, so that they are shipped. */
  recover(): Promise<void>;
  close(): Promise<void>;
}

interface Held {
  readonly opening: Promise<WorkerOrganization>;
  users: number;
  idle: NodeJS.Timeout | undefined;
}

/** A worker waits this long for a first configuration. */
const configurationMs = 10_000;
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function makeOrganizations(options: OrganizationsOptions): Organizations {
  const { dataDirectory, credentialsDirectory, idleMs = 60_000, log } = options;
  const held = new Map<string, Held>();
  const closing = new Map<string, Promise<void>>();
  const opened = new Set<OpenOrganization>();

  const open = async (id: string): Promise<WorkerOrganization> => {
    await closing.get(id);
    const credentials = join(credentialsDirectory, `${id}.json`);
    if (!existsSync(credentials)) throw unavailable('the worker has no credentials of the organization yet');
    const directory = join(dataDirectory, id);
    await mkdir(directory, { recursive: true });
    const ownLog = log.child({ organization: id });
    const levels = options.levels?.child(ownLog);
    const organization = await openOrganization({
      ...options,
      levels,
      credentialsDirectory: credentials,
      dataDirectory: directory,
      log: ownLog,
    });
    const { configuration } = organization;
    const hasConfiguration = await Promise.race([
      configuration.first.then(() => true),
      delay(configurationMs, false, { ref: false }),
    ]);
    if (!hasConfiguration) {
      levels?.close();
      await organization.close();
      throw unavailable('the organization has no configuration yet');
    }
    const inForce = () => configuration.require();
    const made: WorkerOrganization = {
      ...organization,
      async close() {
        levels?.close();
        await organization.close();
      },
      inForce,
      pipeline: makeCallPath({ ...options, organization, inForce, origin: undefined }),
    };
    opened.add(made);
    return made;
  };
  const close = (id: string, { opening }: Held): Promise<void> => {
    held.delete(id);
    options.onOpen(held.size);
    const closed = opening
      .then((organization) => {
        opened.delete(organization);
        return organization.close();
      })
      .catch((error: unknown) => log.warn({ err: error, organization: id }, 'cannot close an organization'))
      .finally(() => closing.delete(id));
    closing.set(id, closed);
    return closed;
  };
  const hold = (id: string): Held => {
    const known = held.get(id);
    if (known) return known;
    const made: Held = { opening: open(id), users: 0, idle: undefined };
    held.set(id, made);
    options.onOpen(held.size);
    made.opening.catch(() => {
      if (held.get(id) === made) held.delete(id);
    });
    return made;
  };

  const organizations: Organizations = {
    async use(id, work) {
      const one = hold(id);
      clearTimeout(one.idle);
      one.users += 1;
      try {
        return await work(await one.opening);
      } finally {
        one.users -= 1;
        if (one.users === 0 && held.get(id) === one) {
          one.idle = setTimeout(() => void close(id, one), idleMs);
          one.idle.unref();
        }
      }
    },
    opened: () => [...opened],
    async recover() {
      const names = await readdir(dataDirectory).catch(() => []);
      for (const id of names.filter((name) => uuid.test(name))) {
        await organizations
          .use(id, async ({ shipper }) => void (await shipper.flush(configurationMs)))
          .catch((error: unknown) =>
            log.warn({ err: error, organization: id }, 'cannot ship the records of an earlier run'),
          );
      }
    },
    async close() {
      for (const { idle } of held.values()) clearTimeout(idle);
      await Promise.all(Array.from(held, ([id, one]) => close(id, one)));
      await Promise.all(closing.values());
    },
  };
  return organizations;
}

function unavailable(reason: string): JobError {
  return new JobError('organization_unavailable', reason);
}
