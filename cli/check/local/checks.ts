import {
  type CheckGroup,
  type Finding,
  failed,
  failedIfAny,
  makeCheckFactory,
  ok,
  unknown,
  warning,
  warningIfAny,
} from '../check.ts';
import { countReady, hintFor, listNotReady } from '../resources.ts';
import type { LocalFacts } from './gather.ts';
import { describeMissingLimits } from './limits.ts';

const check = makeCheckFactory<LocalFacts>();

export const localChecks: CheckGroup<LocalFacts> = {
  name: 'chaperone-up',
  checks: [
    check({
      id: 'local-data',
      description: 'the data directory exists',
      isFatal: true,
      from: ['data', 'isThere'],
      decide: ({ data, isThere }) =>
        isThere
          ? ok(data)
          : failed(`There is no kubeconfig, and no data of a \`chaperone up\` in ${data}.`, {
              hint: 'Run `chaperone up`, or name its data directory with --data, or a cluster with --kubeconfig.',
            }),
    }),
    check({
      id: 'local-files',
      description: 'the YAML has no mistakes',
      from: ['problems'],
      decide: ({ problems }) =>
        failedIfAny(
          problems.map(({ file, line, object, field, reason }) => {
            const where = line === undefined ? file : `${file}:${line}`;
            return `${[where, object, field].filter(Boolean).join(' ')}: ${reason}`;
          }),
          'These have mistakes, so their last valid state stays in force:',
          'Correct them. A saved file is read at once.',
        ),
    }),
    check({
      id: 'local-database',
      description: 'the database answers every organization',
      from: ['organizations'],
      decide: ({ organizations }) => {
        if (organizations.length === 0) {
          return warning('There is no Organization, so nothing is governed.', {
            hint: 'Add one, such as that in examples/quickstart.',
          });
        }
        return failedIfAny(
          organizations.flatMap(({ name, databaseProblem }) => (databaseProblem ? `${name}: ${databaseProblem}` : [])),
          'The database does not answer:',
          'Make sure that `chaperone up` runs with this data directory. Its log there is chaperone.log.',
        );
      },
    }),
    check({
      id: 'local-limits',
      description: 'no organization can take the database from others',
      from: ['organizations'],
      decide: whereThereAre((organizations) => {
        const missing = organizations.flatMap(({ name, limits }) =>
          limits ? describeMissingLimits(limits).map((what) => `${name}: ${what}`) : [],
        );
        if (missing.length === 0) return ok();
        return warning('The database lacks limits:', {
          items: missing,
          hint: 'Restart `chaperone up`. The operator sets the limits of logins every ten minutes, and PostgreSQL reads its own only when it starts.',
        });
      }),
    }),
    check({
      id: 'local-proxies',
      description: "every organization's proxy is ready",
      from: ['organizations'],
      decide: whereThereAre((organizations) =>
        failedIfAny(
          organizations.flatMap(({ name, proxyProblem }) => (proxyProblem ? `${name}: ${proxyProblem}` : [])),
          'The proxies of these organizations are not ready:',
          'Make sure that `chaperone up` runs with this data directory. Its log there is chaperone.log.',
        ),
      ),
    }),
    check({
      id: 'local-keys',
      description: 'every organization has a key to call with',
      from: ['organizations'],
      decide: whereThereAre((organizations) =>
        warningIfAny(
          organizations.flatMap(({ name, boundKeys }) => (boundKeys === 0 ? name : [])),
          'Calls of these organizations are refused, since none of their ApiKeyBindings is in force:',
          'Add one, or make one Ready: chaperone get apikeybindings',
        ),
      ),
    }),
    check({
      id: 'local-resources',
      description: 'every resource is Ready',
      from: ['resources'],
      decide: ({ resources }) =>
        failedIfAny(
          listNotReady(resources),
          'Resources are not in force:',
          hintFor(resources, 'Do what the message says. An edit takes effect at once.'),
          countReady(resources),
        ),
    }),
  ],
};

type Organizations = LocalFacts['organizations'];

/** A check of every organization is `unknown` where there is none. */
function whereThereAre(decide: (organizations: Organizations) => Finding) {
  return ({ organizations }: Pick<LocalFacts, 'organizations'>): Finding =>
    organizations.length === 0 ? unknown('there is no Organization') : decide(organizations);
}
