import { type CheckGroup, failed, makeCheckFactory, ok } from '../check.ts';
import type { ServerFacts } from './facts.ts';

const check = makeCheckFactory<ServerFacts>();

/** As in the chart's kubeVersion. Native sidecars are on by default from 1.29, admission policies from 1.30. */
export const leastMinor = 30;

export const apiChecks: CheckGroup<ServerFacts> = {
  name: 'kubernetes-api',
  checks: [
    check({
      id: 'api-reachable',
      description: 'the API server answers',
      isFatal: true,
      from: ['server'],
      decide: ({ server }) => ok(`as ${server.user}`),
    }),
    check({
      id: 'kubernetes-version',
      description: `Kubernetes is 1.${leastMinor} or later`,
      from: ['server'],
      decide: ({ server: { version } }) => {
        const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(version) ?? [];
        if (Number(major) > 1 || Number(minor) >= leastMinor) return ok(version);
        return failed(`The API server is ${version}.`, {
          hint: 'Upgrade Kubernetes: the proxy is a native sidecar (on by default from 1.29), and an admission policy refuses ungoverned pods (1.30).',
        });
      },
    }),
  ],
};
