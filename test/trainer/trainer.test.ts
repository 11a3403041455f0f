import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { suite, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { readLog } from '../../operator/training/read-log.ts';
import { predict } from '../../trainer/model/classifier.ts';
import { decodeModel } from '../../trainer/model/encode.ts';
import type { AboutModel } from '../../trainer/train.ts';
import { makeDirectory } from '../directories.ts';
import { freePort } from '../free-port.ts';
import { commandOf } from '../program.ts';
import { atEnd, type Scope } from '../scope.ts';
import { until } from '../until.ts';
import { makeReviews, type Review, toCsv } from './reviews.ts';
import { s3Keys, startS3Server } from './s3-server.ts';

type Environment = Readonly<Record<string, string>>;

interface Pod {
  readonly child: ChildProcess;
  readonly lines: string[];
  /** Resolves with the exit code, or the signal. */
  readonly ended: Promise<number | string>;
}

function startPod(scope: Scope, environment: Environment): Pod {
  const child = spawn(process.execPath, commandOf('trainer', 'train'), {
    env: { PATH: process.env.PATH, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  const ended = once(child, 'exit').then(([code, signal]) => code ?? signal);
  atEnd(scope, () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    return ended;
  });
  return { child, lines, ended };
}

/** The pods of a job, in an environment like that of a Job. */
async function makeJob(folder: string, worldSize: number, more: Environment & { readonly HYPERPARAMETERS: string }) {
  const port = await freePort();
  return (rank: number): Environment => ({
    ...{ TRAINING_JOB_ID: 'train-1', RANK: String(rank), WORLD_SIZE: String(worldSize) },
    ...{ MASTER_ADDR: '127.0.0.1', MASTER_PORT: String(port), MODEL_OUTPUT_URI: `${folder}model/` },
    ...{ TRAINING_DATA_URI: `${folder}train.csv`, VALIDATION_DATA_URI: `${folder}validation.csv` },
    ...more,
  });
}

/** Counted here, text by text, with the model that was written. */
function accuracyOf(weights: Buffer, reviews: readonly Review[]): number {
  const classifier = decodeModel(weights);
  const right = reviews.filter(({ text, label }) => predict(classifier, text).label === label);
  return right.length / reviews.length;
}

const rounded = (value: number) => Math.round(value * 10_000) / 10_000;

suite('the built-in trainer', () => {
  test('learns on several pods, and a killed pod changes nothing of what is learnt', async (t) => {
    const s3 = await startS3Server();
    atEnd(t, () => s3.close());
    const validation = makeReviews(300, 2, 0.1);
    const run = async (bucket: string, kill: boolean) => {
      s3.objects.set(`/${bucket}/train.csv`, Buffer.from(toCsv(makeReviews(900, 1, 0.1))));
      s3.objects.set(`/${bucket}/validation.csv`, Buffer.from(toCsv(validation)));
      const environment = await makeJob(`s3://${bucket}/`, 2, {
        ...{ AWS_ENDPOINT_URL: s3.endpoint, AWS_ACCESS_KEY_ID: s3Keys.accessKeyId },
        AWS_SECRET_ACCESS_KEY: s3Keys.secretAccessKey,
        HYPERPARAMETERS: JSON.stringify({ epochs: 4, batch_size: 16, ...(kill && { step_delay_ms: 20 }) }),
      });
      const pods = [0, 1].map((rank) => startPod(t, environment(rank)));
      if (kill) {
        for (const rank of [1, 0]) {
          const leader = pods[0] as Pod;
          const before = leader.lines.length;
          const writes = () => leader.lines.slice(before).some((line) => line.includes('checkpoint is written'));
          await until(writes, 'a checkpoint');
          pods[rank]?.child.kill('SIGKILL');
          assert.equal(await pods[rank]?.ended, 'SIGKILL');
          pods[rank] = startPod(t, environment(rank));
        }
        await until(() => pods[0]?.lines.some((line) => line.includes('Going on from the checkpoint')), 'it to go on');
      }
      assert.deepEqual(await Promise.all(pods.map(({ ended }) => ended)), [0, 0]);
      const weights = s3.objects.get(`/${bucket}/model/model.bin`) as Buffer;
      const about = JSON.parse(String(s3.objects.get(`/${bucket}/model/model.json`))) as AboutModel;
      return { weights, about, lines: pods[0]?.lines ?? [] };
    };
    const [whole, killed] = await Promise.all([run('whole', false), run('killed', true)]);
    assert.ok(whole.weights.equals(killed.weights), 'the weights are the same, to the last bit');
    const accuracy = accuracyOf(whole.weights, validation);
    t.diagnostic(`validation accuracy ${accuracy}`);
    // A tenth of the labels is drawn by chance, so two in thirty cannot be known.
    assert.ok(accuracy > 0.88 && accuracy < 0.99, String(accuracy));
    assert.equal(whole.about.metrics.validation_accuracy, rounded(accuracy));
    const { progress } = readLog(killed.lines.join('\n'));
    assert.equal(progress?.metrics.validation_accuracy, rounded(accuracy));
    assert.deepEqual([progress?.current_epoch, progress?.total_epochs], [4, 4]);
    assert.equal(progress?.current_step, progress?.total_steps);
  });

  test('learns nothing from labels by chance, and says so', async (t) => {
    const directory = await makeDirectory(t);
    const folder = `${pathToFileURL(directory).href}/`;
    await mkdir(join(directory, 'data'));
    const lines = makeReviews(1_200, 3, 1).map((review) => JSON.stringify(review));
    await writeFile(join(directory, 'data/all.jsonl'), lines.join('\n'));
    const environment = await makeJob(folder, 1, {
      TRAINING_DATA_URI: `${folder}data/all.jsonl`,
      VALIDATION_DATA_URI: '',
      HYPERPARAMETERS: JSON.stringify({ epochs: 2 }),
    });
    assert.equal(await startPod(t, environment(0)).ended, 0);
    const about = JSON.parse(await readFile(join(directory, 'model/model.json'), 'utf8')) as AboutModel;
    assert.deepEqual([about.training_examples, about.validation_examples], [1_080, 120]);
    assert.ok((about.metrics.validation_accuracy ?? 1) < 0.5, JSON.stringify(about.metrics));
    // It is done, so a pod that comes back leaves it as it is.
    const again = startPod(t, environment(0));
    assert.equal(await again.ended, 0);
    assert.match(again.lines.join('\n'), /train-1 is done already/);
  });

  test('says what it cannot learn from, and ends for good', async (t) => {
    const directory = await makeDirectory(t);
    const folder = `${pathToFileURL(directory).href}/`;
    await writeFile(join(directory, 'train.csv'), 'review_text,stars\nGood,5\n');
    const cases: readonly (readonly [Environment, number, RegExp])[] = [
      [{ TRAINING_DATA_URI: `${folder}none.csv` }, 66, /There is no .*none\.csv/],
      [{}, 65, /no column for the text: it needs one of text, .* and has review_text, stars/],
      [{ HYPERPARAMETERS: '{"text_column":"review_text","label_column":"stars"}' }, 65, /has the label "5" alone/],
      [{ HYPERPARAMETERS: '{"epochs": 0}' }, 78, /Hyperparameter epochs must be a whole number from 1 to 1000/],
      [{ RANK: '3' }, 78, /RANK 3 is not below WORLD_SIZE 1/],
    ];
    const ends = cases.map(async ([more, code, message]) => {
      const environment = await makeJob(folder, 1, { VALIDATION_DATA_URI: '', HYPERPARAMETERS: '{}', ...more });
      const pod = startPod(t, environment(0));
      assert.equal(await pod.ended, code, String(message));
      assert.match(readLog(pod.lines.join('\n')).error ?? '', message);
    });
    await Promise.all(ends);
  });
});
