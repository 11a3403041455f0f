import { mkdir, readFile, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { makeEnvelope } from '../../database/envelope.ts';
import { listAllDeployments, noteDeployment } from '../../database/training/deployments.ts';
import { noteTraining } from '../../database/training/jobs.ts';
import { openServingKey } from '../../database/training/serving-key.ts';
import { serve } from '../../trainer/serving/serve.ts';
import { makeFileStore } from '../../trainer/stores/files.ts';
import { connect } from '../database/tenant.ts';
import { makeDirectory } from '../directories.ts';
import { atEnd, type Scope } from '../scope.ts';
import type { Stack } from '../stack.ts';
import { enforceTraining } from './enforce-training.ts';
import { makeSmallModel } from './small-model.ts';

/** `spec.training` of the Organization, where a test wants no other. */
const usualTraining = {
  ...{ namespace: 'acme-training', instanceTypes: [{ name: 'small' }] },
  ...{ modelStore: 's3://acme-models/', dataStores: ['s3://acme-data/'] },
};
const progress = {
  ...{ current_epoch: 1, total_epochs: 3, current_step: 5, total_steps: 15 },
  metrics: { train_loss: 0.2, validation_accuracy: 0.9 },
};

/** Does in the database what an operator does there in a cluster, so that jobs run, and deployments answer. */
export async function standInForOperator(scope: Scope, stack: Stack, training: object = usualTraining): Promise<void> {
  const db = await connect(scope, stack.database.url);
  const { rows } = await db.query('select organization_id as id from chaperone.organizations');
  const organizationId: string = rows[0].id;
  await enforceTraining(db, training);
  const directory = await makeDirectory(scope);
  await mkdir(join(directory, 'model'));
  await writeFile(join(directory, 'model/model.bin'), makeSmallModel());
  const modelUri = `${pathToFileURL(directory).href}/model/`;
  const keys = makeEnvelope(JSON.parse(await readFile(join(stack.credentialsDirectory, 'data-keys.json'), 'utf8')));
  const addresses = new Map<string, string>();

  const startModel = async (deploymentId: string, name: string, keySealed: Uint8Array) => {
    const token = openServingKey(keys, { organizationId, deploymentId }, keySealed);
    const server = await serve({ store: makeFileStore(), modelUri, name, token, port: 0 });
    atEnd(scope, () => {
      server.closeAllConnections();
      server.close();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  };
  const run = async () => {
    const jobs = await db.query(
      `select job_id as id, coalesce(cancel_requested_at < clock_timestamp() - interval '1 s', false) as cancelled from chaperone.training_jobs
       where status in ('STARTING', 'IN_PROGRESS')`,
    );
    for (const { id, cancelled } of jobs.rows) {
      const status = cancelled ? 'CANCELLED' : 'IN_PROGRESS';
      await noteTraining(db, organizationId, id, { status, message: null, progress, log: 'Line 1\n' });
    }
    for (const one of await listAllDeployments(db)) {
      const { deploymentId: id, name, keySealed } = one;
      if (one.deleteRequestedAt) {
        // The answer to the request still shows it.
        if (Date.now() - one.deleteRequestedAt.getTime() < 1_000) continue;
        await noteDeployment(db, organizationId, id, {
          ...{ status: 'DELETED', message: null, address: null, readyReplicas: 0 },
        });
        continue;
      }
      const address = addresses.get(id) ?? (await startModel(id, name, keySealed));
      addresses.set(id, address);
      await noteDeployment(db, organizationId, id, { status: 'IN_SERVICE', message: null, address, readyReplicas: 1 });
    }
  };
  const stopped = new AbortController();
  const running = (async () => {
    while (!stopped.signal.aborted) {
      await run();
      await delay(50, undefined, { signal: stopped.signal }).catch(() => {});
    }
  })();
  atEnd(scope, async () => {
    stopped.abort();
    await running;
  });
}
