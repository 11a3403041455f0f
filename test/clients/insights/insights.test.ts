import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { hashPassword } from '../../../database/password-hash.ts';
import { repository } from '../../directories.ts';
import { accountOf, setSpec, stateHashes } from '../../proxy/surfaces/insights/insights-stack.ts';
import { suiteScope } from '../../scope.ts';
import { startStack } from '../../stack.ts';
import { standInForOperator } from '../../trainer/stand-in-operator.ts';
import { CannotInstall, installPythonClients } from '../install.ts';
import { attempts, outcomes, startFaultyInsights, streamed } from './faulty-insights.ts';
import { installJavaPackage } from './install-java.ts';
import { meetFaults, type StoryOptions, tellStory } from './story.ts';

/** What the story is to say of a user, in this order. */
const seenBy = (user: string): readonly unknown[] =>
  story(user).filter(([name]) => !watches.has(name) || hasSocket(user));
/** Python has no WebSocket of its own. */
const hasSocket = (user: string) => user === 'javascript' || user === 'java';
const watches = new Set<unknown>(['watching', 'told', 'may not watch']);
const metrics = { train_loss: 0.2, validation_accuracy: 0.9 };
const story = (user: string): readonly (readonly unknown[])[] => [
  ['wrong password', 'Authentication', 401, 'invalid_credentials', 'req_'],
  ['logged in', user, ['analyst', 'reviewer'], true],
  ['sentiment', 'positive', 'vader', ['happy']],
  ['batch', ['positive', 'negative', 'language_unsupported'], [1, 1, 1]],
  ['queued', 3, true, null],
  ['anonymized', 'Write to [EMAIL_1]', ['[EMAIL_1]'], ['email']],
  ['restored', 'Dear ann@example.com', 1],
  ['forgotten', 'NotFound', 404, 'mapping_not_found', 'req_'],
  ['fairness', 40, ['18_30', '31_45']],
  ['groups', 0.5, 20],
  ['uploaded', 40, 0.5, 40],
  ['models', ['fast', 'vectors'], 'fast'],
  ['generated', true, 'gpt-4o-mini-2024-07-18', true],
  ['usage', true, 'stop'],
  ['streamed', true, true],
  ['embedded', 2, 8, 8],
  ['classified', ['first_one', 'secondOne'], true],
  ['explained', 'positive', 'happy', true],
  ['picture', true],
  ['drafted', true, true, true],
  ['queued for review', 'queued', true],
  ['listed', [[true, 2, 'api', { customer_id: `cust-${user}` }]], 1],
  ['claimed', true, 'in_review', user],
  ['nothing to claim', null],
  ['commented', 1, user, 'Looks fine'],
  ['released', 'queued'],
  ['claimed again', 'in_review'],
  ['reassigned', 'bob'],
  ['claimed by another', 'Conflict', 409, 'review_item_claimed', 'req_'],
  ['changed', 1],
  ['decided', 'reviewed', user, true, true],
  ['whole', 'Diversify, carefully.', 1, 'Good', 'equal'],
  ['agreement', 0, null, []],
  ['summary', true, true, null],
  ['timeline', '01', true, true],
  ['training', true, true],
  ['running', 'IN_PROGRESS', metrics, { learning_rate: 0.5, epochs: 3 }],
  ['jobs', 1, true],
  ['logs', 'Line 1\n'],
  ['cancelled', true],
  ['deploying', true, 70, { cpu: '500m' }],
  ['predicted', ['positive', 'negative'], ['negative', 'neutral', 'positive']],
  ['deployments', [`model-${user}`], 1],
  ['undeployed', `model-${user}`],
  ['watching', 'ok', true],
  ['told', 'queued', 'live', true],
  ['may not watch', 'Authentication', 401, 'invalid_credentials', 'req_'],
  ['wrong field', 400, 'invalid_request', { text: 'Field must not be blank' }],
  ['not allowed', 'PermissionDenied', 403, 'model_not_allowed', 'req_'],
  ['rate limit', true],
  ['refreshed', true],
  ['logged out', 'not_logged_in'],
];

/** An application in one of the languages. @returns what it has seen */
interface Application {
  readonly tell: (options: StoryOptions) => Promise<unknown[]>;
  readonly meet: (baseUrl: string) => Promise<unknown[]>;
}

const users = ['javascript', 'sync', 'async', 'java'];
const password = 'correct horse battery staple';
const prompts = outcomes.map(([prompt]) => prompt);
const readLines = (output: string): unknown[] =>
  output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

/** The same story in each language, at the running product; and the faults of servers that a product does not show. */
describe('the clients of the insights API', () => {
  const scope = suiteScope();
  let baseUrl: string;
  let admin: string;
  const applications = new Map<string, Application | string>();

  before(async () => {
    const [stack] = await Promise.all([startProduct(), preparePython(), prepareJava()]);
    baseUrl = new URL(stack.baseUrl).origin;
    admin = await stack.sign({ user: 'root', roles: ['admin'] });
    await standInForOperator(scope, stack);
    const meet = (url: string) => meetFaults(url, prompts, streamed);
    applications.set('javascript', { tell: tellStory, meet });
  });

  const startProduct = async () => {
    const hash = await hashPassword(password);
    return startStack(scope, {
      async prepare(directory) {
        await stateHashes(directory, Object.fromEntries(users.map((user) => [user, hash])));
        await setSpec(directory, {
          'authentication.accounts': users.map((user) => accountOf(user, user, ['analyst', 'reviewer'])),
          'models.allow': ['gpt-4o*', 'text-embedding-3-*', 'model-*'],
          'models.aliases': [
            { name: 'fast', model: 'gpt-4o-mini' },
            { name: 'vectors', model: 'text-embedding-3-small' },
          ],
        });
      },
    });
  };
  const preparePython = async () => {
    const dependencies = await orReason(installPythonClients(join(import.meta.dirname, '..', 'support')));
    for (const kind of ['sync', 'async']) {
      if (dependencies instanceof CannotInstall) applications.set(kind, dependencies.message);
      else applications.set(kind, makePython(kind, dependencies));
    }
  };
  const prepareJava = async () => {
    const run = await orReason(installJavaPackage(scope));
    if (run instanceof CannotInstall) return applications.set('java', run.message);
    const program = join(import.meta.dirname, 'Story.java');
    return applications.set(
      'java',
      makeApplication((args, env) => run(program, args, env)),
    );
  };

  for (const user of users) {
    const find = () => applications.get(user) ?? assert.fail(user);
    it(`do what the API can do: ${user}`, async (t) => {
      const application = find();
      if (typeof application === 'string') return t.skip(application);
      const seen = await application.tell({ baseUrl, username: user, password, admin });
      assert.deepEqual(seen.map(withPlainNames), seenBy(user));
    });
    it(`say what has failed, and repeat what may pass, with one key: ${user}`, async (t) => {
      const application = find();
      if (typeof application === 'string') return t.skip(application);
      const { baseUrl: faulty, received } = await startFaultyInsights(scope);
      const seen = (await application.meet(faulty)).map(withPlainNames);
      assert.deepEqual(seen.slice(0, -1), outcomes);
      const sent = Object.fromEntries([...received].map(([prompt, keys]) => [prompt, keys.length]));
      assert.deepEqual(sent, attempts);
      for (const keys of received.values()) assert.equal(new Set(keys).size, 1);
      assert.equal(new Set([...received.values()].map(([key]) => key)).size, received.size);
      const [, [busy = 0, running] = []] = seen.at(-1) as [string, number[]];
      assert.ok(busy >= 0.2 && busy <= 0.25 && running === 0, JSON.stringify(seen.at(-1)));
    });
  }
});

function makePython(kind: string, dependencies: string): Application {
  const source = join(repository, 'clients', 'python', 'src');
  const PYTHONPATH = `${source}:${dependencies}`;
  const program = join(import.meta.dirname, 'story.py');
  return makeApplication(async (args, env) => {
    const whole = { PATH: process.env.PATH, PYTHONPATH, PYTHONDONTWRITEBYTECODE: '1', ...env };
    return (await promisify(execFile)('python3', [program, kind, ...args], { env: whole })).stdout;
  });
}

function makeApplication(run: (args: readonly string[], env: NodeJS.ProcessEnv) => Promise<string>): Application {
  return {
    async tell({ baseUrl, username, password: secret, admin }) {
      return readLines(await run([], { BASE_URL: baseUrl, STORY_USER: username, PASSWORD: secret, ADMIN: admin }));
    },
    async meet(baseUrl) {
      return readLines(await run(prompts, { BASE_URL: baseUrl, STREAMED: streamed.join(',') }));
    },
  };
}

/** The names of classes without what only one language says. */
function withPlainNames(line: unknown): unknown {
  if (!Array.isArray(line)) return line;
  const [first, name, ...rest] = line;
  const isClass = typeof name === 'string' && /(?:Error|Exception)$/.test(name);
  return isClass ? [first, name.replace(/(?:Error|Exception)$/, '').replace(/^(?:Chat|Chaperone)/, ''), ...rest] : line;
}

function orReason<T>(work: Promise<T>): Promise<T | CannotInstall> {
  return work.catch((error: unknown) => {
    if (error instanceof CannotInstall) return error;
    throw error;
  });
}
