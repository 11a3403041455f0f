import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { objectPath } from '../../operator/cluster/kubernetes/resources.ts';
import { credentialsSecretName } from '../../operator/credentials.ts';
import { build } from '../../scripts/build.ts';
import { type Figures, formatTable, type Result, round } from '../benchmark.ts';
import { tabulate } from '../cluster/api-requests.ts';
import { startControlPlane } from '../cluster/control-plane.ts';
import { startDatabase } from '../cluster/database.ts';
import { percentiles, untilReady } from '../cluster/effect.ts';
import { measureLoad, measureRestart, type Stage } from '../cluster/load.ts';
import { create, type Place, persona } from '../cluster/objects.ts';
import { operatorNamespace } from '../cluster/operator-process.ts';
import { times } from '../cluster/times.ts';
import type { PartContext } from './part.ts';
import { startFleet, untilInForce } from './proxies/fleet.ts';
import { listSpent, readStatements } from './proxies/statements.ts';
import { writeSecret } from './secret-files.ts';

const objectsOfOrganization = 200;
/** One ApiKeyBinding to so many Personas. */
const personasOfBinding = 4;
const edits = 100;

/** Measures the operator with many objects of many organizations on a real API server. */
export async function measureObjects(context: PartContext): Promise<Result> {
  const { count, directory, profileDirectory, note } = context;
  const organizations = Math.max(2, Math.round(count / objectsOfOrganization));
  const bindings = Math.round(count / (personasOfBinding + 1));
  const counts = { bindings, personas: count - bindings };
  note('Building, and starting etcd, an API server and PostgreSQL ...');
  await build();
  const controlPlane = await startControlPlane(directory, context);
  const database = await startDatabase(directory, context);
  const stage: Stage = { directory, controlPlane, database, profileDirectory };
  note(`Creating ${organizations} Organizations, then ${count} objects of them ...`);
  const superuser = new Client({ connectionString: database.superuserUrl });
  await superuser.connect();
  context.onEnd(() => superuser.end());
  const before = await readStatements(superuser);
  const { operator, places, ...loaded } = await measureLoad(stage, counts, context, organizations);
  const statements = listSpent(before, await readStatements(superuser));
  await operator.stop();
  note('Restarting the operator ...');
  const { operator: successor, ...restarted } = await measureRestart(stage, counts, context, organizations);
  note(`Editing a Persona ${edits} times ...`);
  const effect = await measureEdits(stage, places, context);
  const heldMb = Math.round((await successor.readPeakMemoryBytes()) / 1e6);
  await successor.stop();
  const figures = {
    objects: count,
    organizations,
    ...loaded.figures,
    ...restarted.figures,
    ...effect,
    held_mb: heldMb,
  };
  return {
    figures: prefixed(figures),
    reach: {
      objects_all_ready_s: { max: count > 1_200 ? 60 : 8 },
      objects_restart_steady_s: { max: 3 },
      objects_restart_api_writes: { max: 0 },
      objects_operator_memory_mb: { max: 200 },
      objects_held_mb: { max: 200 },
      objects_effect_of_edit_p99_ms: { max: 90 },
    },
    summary: `${counts.personas} Personas and ${counts.bindings} ApiKeyBindings of ${organizations} Organizations.\n\n${tabulate(loaded.requests, restarted.requests)}\n\n${formatTable(costsOf(statements))}`,
  };
}

function costsOf(statements: ReturnType<typeof listSpent>): string[][] {
  const rows = statements.slice(0, 12).map(({ text, calls, ms, planningMs }) => {
    return [text.slice(0, 90), String(calls), String(Math.round(ms)), String(Math.round(planningMs))];
  });
  return [['statements at the creation', 'times', 'ms', 'of it planning'], ...rows];
}

const prefixed = (figures: Figures): Figures =>
  Object.fromEntries(
    Object.entries(figures).map(([name, value]) => [`objects_${name}`.replace('objects_objects', 'objects'), value]),
  );

/** From the API server's answer to an edit until it is in force in a proxy that follows the database. */
async function measureEdits(
  { controlPlane: { client } }: Stage,
  places: readonly Place[],
  context: PartContext,
): Promise<Figures> {
  const [place] = places;
  if (!place) throw new Error('There is no Organization');
  const { organization, namespace } = place;
  const credentialsDirectory = join(context.directory, 'credentials');
  await writeSecret(
    client,
    { namespace: operatorNamespace, name: credentialsSecretName(organization) },
    credentialsDirectory,
  );
  await create(client, namespace, { kind: 'Persona', name: 'edited', body: persona('Edited', organization) });
  await untilReady(client, 'Persona', namespace, 'edited');
  const fleet = await startFleet([{ name: organization, credentialsDirectory }], 1, 'http://127.0.0.1:9/v1', context);
  const path = objectPath({ kind: 'Persona', namespace, name: 'edited' });
  const tookMs = await times(edits, async (number) => {
    const from = fleet.inForce.length;
    const body = { spec: { content: `Be brief, edition ${number}.` } };
    await client.send({ method: 'PATCH', path, contentType: 'application/merge-patch+json', body });
    const answeredAtMs = Date.now();
    const seen = [...(await untilInForce(fleet, from, 1)).values()][0];
    await untilReady(client, 'Persona', namespace, 'edited');
    // The operator's own watch sees the status that it has written.
    await delay(50);
    return round((seen?.atMs ?? Number.NaN) - answeredAtMs);
  });
  return percentiles('effect_of_edit', tookMs);
}
