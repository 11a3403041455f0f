import { defaultSidecar, type InjectionSettings } from '../../../operator/injection/settings.ts';
import type { Deployment } from './objects.ts';

/** What the operator gives new pods, by the arguments that its Deployment starts it with. */
export function injectionSettingsOf(deployments: readonly Deployment[], operatorNamespace: string): InjectionSettings {
  const args = deployments.flatMap(({ spec }) =>
    spec.template.spec.containers.flatMap((container) => container.args ?? []),
  );
  const read = (flag: string) => {
    const prefix = `--${flag}=`;
    return args.find((arg) => arg.startsWith(prefix))?.slice(prefix.length);
  };
  const upstreamUrl = read('upstream');
  const resources = read('sidecar-resources');
  return {
    ...defaultSidecar,
    operatorNamespace,
    image: read('image') ?? '',
    ...(upstreamUrl !== undefined && { upstreamUrl }),
    ...(resources !== undefined && { resources: JSON.parse(resources) }),
  };
}
