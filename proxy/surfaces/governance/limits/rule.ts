import { Type } from 'typebox';
import { percentOf } from '../../../../crds/rule-figures.ts';
import type { Figure } from '../../../governance/limits.ts';
import { page, paging } from '../../../http/paging.ts';
import { Nullable, Timestamp } from '../../../http/schemas.ts';

const scopes = ['Organization', 'User', 'Key', 'Model', 'Workload', 'Session'] as const;

export const filters = {
  name: Type.Optional(Type.String({ maxLength: 63, description: 'Only rules of this name.' })),
  user_id: Type.Optional(
    Type.String({
      maxLength: 255,
      description: 'Only rules that apply to this user, with its own figures. A member is always shown its own.',
    }),
  ),
  per: Type.Optional(Type.Enum([...scopes], { description: 'Only rules that count so.' })),
  ...paging,
};

/** What limits and budgets have in common. */
export const rule = {
  name: Type.String({ description: 'As its resource states it; of a tier, its value.' }),
  binding: Nullable(
    Type.String(),
    'The ApiKeyBinding that states the rule, as `namespace/name`; null: the Organization.',
  ),
  per: Type.Enum([...scopes], { description: 'Which calls are counted together.' }),
  scope: Nullable(
    Type.String(),
    'Whose calls these figures are of: the user, the ApiKeyBinding, the model, the workload or the session. Null for the whole organization, and where nothing has been counted yet.',
  ),
  user_id: Nullable(Type.String(), 'The user whose calls they are; null where they are of several.'),
  enforced: Type.Boolean({ description: 'Whether a call beyond it is refused, or only reported.' }),
  used_percent: Type.Integer({ description: 'Rounded down.' }),
  window: Nullable(Type.String(), 'How long a window is, such as `1h` or `Month`; null for concurrent calls.'),
  starts_at: Nullable(Timestamp, 'When the window began; null where nothing begins anew.'),
  resets_at: Nullable(Timestamp, 'When the next window begins; null where nothing begins anew.'),
};

export const pageOfRules = {
  filtered_by_user: Nullable(Type.String(), 'The user whose figures alone are shown.'),
  ...page,
};

export const exampleRule = {
  name: 'team',
  binding: null,
  per: 'Organization' as const,
  scope: null,
  user_id: null,
  enforced: true,
  used_percent: 82,
  window: 'Month',
  starts_at: '2026-06-01T00:00:00.000Z',
  resets_at: '2026-07-01T00:00:00.000Z',
};

export function showRule(figure: Figure) {
  const { count, use, startMs, resetMs } = figure;
  return {
    name: count.name,
    binding: count.binding ?? null,
    per: count.per,
    scope: scopeOf(figure),
    user_id: use?.user ?? null,
    enforced: count.enforces,
    used_percent: percentOf(figure),
    window: count.stated ?? null,
    starts_at: resetMs === undefined ? null : new Date(startMs).toISOString(),
    resets_at: resetMs === undefined ? null : new Date(resetMs).toISOString(),
  };
}

function scopeOf({ count, use }: Figure): string | null {
  if (!use) return null;
  switch (count.per) {
    case 'Organization':
      return null;
    case 'User':
      return use.user ?? use.scope;
    case 'Key':
      return use.binding ?? use.scope;
    case 'Session':
      // After the user's id.
      return use.scope.slice(37);
    case 'Model':
    case 'Workload':
      return use.scope;
  }
}
