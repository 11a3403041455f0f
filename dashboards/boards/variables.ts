import type { Variable } from '../board.ts';

/** What a proxy serves: its organization, and the pod's namespace and workload. */
export const proxyVariables: readonly Variable[] = [
  {
    name: 'organization',
    label: 'Organization',
    from: 'chaperone_build_info{component="proxy"}',
    of: 'organization',
  },
  {
    name: 'namespace',
    label: 'Namespace',
    from: 'chaperone_build_info{component="proxy",organization=~"$organization"}',
    of: 'namespace',
  },
  {
    name: 'workload',
    label: 'Workload',
    from: 'chaperone_build_info{component="proxy",organization=~"$organization",namespace=~"$namespace"}',
    of: 'workload',
  },
];

/** The scrape job of operators or workers: other programs have metrics of the same names. */
export function jobVariable(component: 'operator' | 'worker'): Variable {
  return { name: 'job', label: 'Job', from: `chaperone_build_info{component="${component}"}`, of: 'job' };
}
