import type { CustomKind } from '../../crds/definition.ts';
import { digestOf } from '../../database/audit/diff.ts';
import type { NamedUser } from '../../database/audit/entry.ts';
import type { ResourceOf } from '../cluster/cluster.ts';

/**
 * A resource's spec as the audit log has it: users by pseudonym, and of what the database seals only the digest. No spec
 * has a secret: those are in Secrets.
 */
export function auditedSpec(resource: ResourceOf<CustomKind>): unknown {
  return withNamedUsers(withDigests(resource));
}

function withDigests({ kind, spec }: ResourceOf<CustomKind>): object {
  switch (kind) {
    case 'Persona':
      return spec.content === undefined ? spec : { ...spec, content: digestOf(spec.content) };
    case 'AnalysisConfig':
      return spec.template
        ? { ...spec, template: digestOf(JSON.stringify(spec.template)) }
        : { ...spec, config: digestOf(JSON.stringify(spec.config)) };
    case 'ApiKeyBinding':
    case 'Organization':
      return spec;
  }
}

/** Every field `user` or `users` names users. What has a `*` is a pattern for many. */
function withNamedUsers(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withNamedUsers);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      if (key === 'user') return [key, toUser(inner)];
      if (key === 'users' && Array.isArray(inner)) return [key, inner.map(toUser)];
      return [key, withNamedUsers(inner)];
    }),
  );
}

function toUser(value: unknown): NamedUser | unknown {
  return typeof value === 'string' && !value.includes('*') ? { $user: value } : withNamedUsers(value);
}
