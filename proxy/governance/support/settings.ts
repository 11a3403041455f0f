import type { Persona, Snapshot } from '../../snapshot/snapshot.ts';
import { makeTextsIn, type TextsIn } from './texts.ts';

/** How the support desk answers: `spec.support` with its defaults. */
export interface SupportSettings {
  readonly model: string;
  /** Its voice. Undefined: none is stated, or it is not there. */
  readonly persona: Persona | undefined;
  /** An answer with less is not given. */
  readonly confidenceThreshold: number;
  readonly maxTurns: number;
  readonly topics: readonly string[];
  readonly agents: readonly string[];
  /** What customers read where no model writes. */
  readonly textsIn: TextsIn;
}

export function supportSettings({ spec, personas }: Pick<Snapshot, 'spec' | 'personas'>): SupportSettings {
  const support: Partial<NonNullable<typeof spec.support>> = spec.support ?? {};
  const { persona: voice } = support;
  return {
    model: support.model ?? 'gpt-4o-mini',
    persona:
      voice === undefined
        ? undefined
        : [...personas.values()].find(({ resource, isActive }) => isActive && resource === voice),
    confidenceThreshold: support.confidenceThreshold ?? 0.75,
    maxTurns: support.maxTurns ?? 20,
    topics: support.topics ?? [],
    agents: support.agents ?? [],
    textsIn: makeTextsIn(support.texts),
  };
}

/** Why the desk cannot answer anybody, as the condition SupportEffective says it. Undefined: it can. */
export function whyNoDesk({
  storesContents,
  surfaces,
}: Pick<Snapshot, 'storesContents' | 'surfaces'>): string | undefined {
  if (!storesContents) return 'it stores no contents (storage.contents is None), and conversations need them.';
  if (surfaces && !surfaces.has('chat')) return 'its spec.surfaces has no chat, by which the desk asks models.';
  return undefined;
}
