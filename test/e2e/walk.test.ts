import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { run } from '../../scripts/cluster/run.ts';
import { repository } from '../../scripts/cluster/target.ts';
import { readBlocks, walkedDocuments } from '../documents.ts';
import { until } from '../until.ts';
import { getJson, helm, kubectl, operatorNamespace, skip, target } from './cluster.ts';
import { openShell, type Shell } from './shell.ts';
import {
  assertKeepsakes,
  assertWorkloadCalls,
  makeKeepsakes,
  provide,
  type Remembered,
  removeVolumes,
  startDatabase,
} from './walk-places.ts';

const blocks = walkedDocuments.flatMap(readBlocks).filter(({ language }) => language === 'sh');

/** Walked at the end, in this order, whatever their place in the document: the others need an installation. */
const last = [
  'The chart went before the objects',
  'The namespace went first',
  'The definitions went first',
  'The database went first',
  'Uninstall',
  'Without an operator',
];
const headings = [...new Set(blocks.map(({ heading }) => heading))];
const order = [...headings.filter((heading) => !last.includes(heading)), ...last];

/** Whatever a release makes outside its namespace, by its label. */
const clusterKinds = [
  'clusterroles',
  'clusterrolebindings',
  'mutatingwebhookconfigurations',
  'validatingwebhookconfigurations',
  'validatingadmissionpolicies',
  'validatingadmissionpolicybindings',
  'customresourcedefinitions',
];
const rolesOfPeople = ['webshop-tokens', 'chaperone-platform'];
const kinds = 'personas,apikeybindings,analysisconfigs,organizations';

/** What is made so before the blocks under a heading, and must be so after them. */
interface Stage {
  before?(): Promise<unknown>;
  after?(): Promise<unknown>;
}

suite('the path of docs/kubernetes.md', { skip }, () => {
  let shell: Shell;
  let failed: string | undefined;
  let kept: Remembered;
  const printed = new Map<string, string>();

  before(async () => {
    const operator = ['deployment', 'chaperone', '--namespace', operatorNamespace];
    const image = await kubectl('get', ...operator, '--output=jsonpath={.spec.template.spec.containers[0].image}');
    await runScript('cluster-down.ts');
    await assertNothingIsLeft();
    await provide(image);
    shell = await openShell(await target());
  });
  after(async () => {
    await shell?.close();
    if (failed !== undefined) await giveUp();
    await kubectl('delete', 'namespace', 'shop', 'databases', '--ignore-not-found');
    // The document makes these for groups of people, and a later walk would find them.
    await kubectl('delete', 'clusterroles,clusterrolebindings', ...rolesOfPeople, '--ignore-not-found');
    await removeVolumes();
    await runScript('cluster-up.ts');
  });

  const runBlocks = async (heading: string, take: (text: string) => boolean = () => true) => {
    const chosen = blocks.filter((block) => block.heading === heading && take(block.text));
    assert.ok(chosen.length > 0, `no block under ${heading} is the one that is looked for`);
    let output = '';
    for (const block of chosen) output += `${await shell.run(block)}\n`;
    printed.set(heading, output);
  };
  const isInstall = (text: string) => text.startsWith('helm install');
  const install = () => runBlocks('For a trial', isInstall);
  /** Installs with an image that nobody has, and puts that right as the document says: by an upgrade. */
  const installWithMistake = async () => {
    const block = blocks.find(({ heading, text }) => heading === 'For a trial' && isInstall(text));
    assert.ok(block);
    const mistaken = block.text
      .replace(' --wait', '')
      .replace('sandbox.', 'database.bundled.image=postgres:0.0.0,sandbox.');
    await shell.run({ ...block, text: mistaken });
    const state = '--output=jsonpath={.items[0].status.containerStatuses[0].state.waiting.reason}';
    const selector = '--selector=app.kubernetes.io/component=database';
    const waitsFor = () => kubectl('get', 'pods', '--namespace', operatorNamespace, selector, state).catch(String);
    await until(async () => /^(ErrImagePull|ImagePullBackOff)$/.test(await waitsFor()), 'a pod without its image');
    await shell.run({ ...block, text: block.text.replace('helm install', 'helm upgrade') });
  };
  const startWorkload = () => runBlocks('The first workload', (text) => text.startsWith('sed '));
  const uninstall = async () => {
    await helm('uninstall', 'chaperone', '--namespace', operatorNamespace, '--wait');
    await kubectl('delete', 'namespace', operatorNamespace);
  };

  const stages: Readonly<Record<string, Stage>> = {
    'For a trial': {
      after: async () => assert.match(printed.get('For a trial') ?? '', /STATUS: deployed/),
    },
    'In earnest': {
      before: async () => {
        await uninstall();
        await startDatabase();
      },
    },
    'Does it work?': {
      after: async () => {
        assert.match(printed.get('Does it work?') ?? '', /Status check results are [√‼]/);
        await uninstall();
        await kubectl('delete', 'namespace', 'databases');
        await installWithMistake();
      },
    },
    'The first workload': {
      after: async () => assert.match(printed.get('The first workload') ?? '', /"answer":/),
    },
    'Back up': {
      before: async () => {
        kept = await makeKeepsakes();
      },
    },
    Restore: {
      // As if the cluster were a new one.
      before: async () => {
        await helm('uninstall', 'chaperone', '--namespace', operatorNamespace);
        await kubectl('delete', 'namespace', operatorNamespace, 'shop', '--wait=false');
        await runBlocks('Without an operator');
        await kubectl('wait', '--for=delete', `namespace/${operatorNamespace}`, 'namespace/shop', '--timeout=120s');
        await assertNothingIsLeft();
      },
      after: async () => {
        await startWorkload();
        await assertKeepsakes(kept);
      },
    },
    'The chart went before the objects': {
      before: async () => {
        await helm('uninstall', 'chaperone', '--namespace', operatorNamespace, '--wait');
        // Helm waits for the Deployment, and not for its pods.
        await untilGone('pods', '--selector=app.kubernetes.io/component=operator');
        await kubectl('delete', kinds, '--all', '--all-namespaces', '--wait=false');
        assert.match(await listObjects(), /organization\.chaperone\.dev\/webshop/, 'nobody carries the deletion out');
        const said = await runScript('cluster-down.ts').then(() => 'it is done', String);
        assert.match(said, /No operator is available[\s\S]+webshop[\s\S]+npm run cluster:up[\s\S]+without-an-operator/);
        assert.doesNotMatch(said, /^\s+at /m, 'a stack trace');
      },
      after: assertNoObjects,
    },
    'The namespace went first': {
      before: async () => {
        await kubectl('delete', 'namespace', 'shop');
        await runBlocks('The first workload');
        await kubectl('delete', 'namespace', operatorNamespace);
      },
      after: assertWorkloadCalls,
    },
    'The definitions went first': {
      before: async () => {
        const definitions = await kubectl('get', 'crd', '--output=name');
        const ours = definitions.split('\n').filter((name) => name.endsWith('.chaperone.dev'));
        await kubectl('delete', ...ours, '--timeout=180s');
      },
      after: assertWorkloadCalls,
    },
    'The database went first': {
      before: async () => {
        await kubectl('scale', 'statefulset', 'chaperone-database', '--namespace', operatorNamespace, '--replicas=0');
        // Until it is gone, the operator could still carry the deletions out.
        await untilGone('pod/chaperone-database-0');
        await kubectl('delete', kinds, '--all', '--all-namespaces', '--wait=false');
        await until(async () => (await readyReason('organization', 'webshop')) === 'DatabaseUnavailable', 'the truth');
      },
      after: assertNoObjects,
    },
    Uninstall: { after: assertNothingIsLeft },
    'Without an operator': {
      before: async () => {
        await install();
        await kubectl('delete', 'namespace', 'shop');
        await runBlocks('The first workload', (text) => text.startsWith('kubectl create namespace'));
        await kubectl('delete', 'namespace', operatorNamespace);
      },
      after: assertNothingIsLeft,
    },
  };

  for (const heading of order) {
    test(heading, async (t) => {
      if (failed !== undefined) return t.skip(`"${failed}" has failed`);
      failed = heading;
      try {
        await stages[heading]?.before?.();
        await runBlocks(heading);
        await stages[heading]?.after?.();
      } catch (error) {
        t.diagnostic(await describeState());
        throw error;
      }
      failed = undefined;
    });
  }
});

const runScript = (name: string) => run(process.execPath, [join(repository, 'scripts', name)]);

/** What somebody would look at who has to find out what went wrong. */
async function describeState(): Promise<string> {
  const path =
    '{range .items[*]}{.kind}/{.metadata.name} {.metadata.deletionTimestamp}: {.status.conditions}{"\\n"}{end}';
  const looks = [
    ['get', 'pods,statefulsets,deployments', '--all-namespaces'],
    ['get', kinds, '--all-namespaces', `--output=jsonpath=${path}`],
    ['logs', '--namespace', operatorNamespace, '--selector=app.kubernetes.io/component=operator', '--tail=15'],
  ];
  const seen = await Promise.all(looks.map((look) => kubectl(...look).catch(String)));
  return seen.join('\n');
}

/** Takes away what a walk that failed has left, so that other tests find what they expect. */
async function giveUp(): Promise<void> {
  const chapter = blocks.filter(({ heading }) => heading === 'Without an operator');
  const broom = await openShell(await target());
  await kubectl('delete', 'namespace', operatorNamespace, '--ignore-not-found');
  for (const block of chapter) await broom.run(block).catch(() => {});
  await broom.close();
}

/** Waits until none of these is in the operator's namespace. */
async function untilGone(...objects: string[]): Promise<void> {
  await kubectl('wait', '--for=delete', ...objects, '--namespace', operatorNamespace, '--timeout=180s');
}

function listObjects(): Promise<string> {
  return kubectl('get', kinds, '--all-namespaces', '--output=name');
}

async function assertNoObjects(): Promise<void> {
  assert.equal(await listObjects(), '');
}

async function readyReason(...object: string[]): Promise<string | undefined> {
  const { status } = await getJson<{ status: { conditions: { type: string; reason: string }[] } }>(...object);
  return status.conditions.find(({ type }) => type === 'Ready')?.reason;
}

async function assertNothingIsLeft(): Promise<void> {
  const find = (...args: string[]) => kubectl('get', ...args, '--output=name');
  for (const kind of clusterKinds) {
    assert.equal(await find(kind, '--selector=app.kubernetes.io/part-of=chaperone'), '', kind);
  }
  assert.equal(await find('namespace', operatorNamespace, '--ignore-not-found'), '');
  assert.equal(await find('secrets', '--all-namespaces', '--selector=app.kubernetes.io/managed-by=chaperone'), '');
  const policies = ['networkpolicies', '--all-namespaces', '--selector=app.kubernetes.io/part-of=chaperone'];
  assert.equal(await find(...policies), '');
}
