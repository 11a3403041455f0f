export const serviceTiers = ['auto', 'default', 'flex', 'scale', 'priority', 'fast'] as const;

/** The tier an answer names: what was asked for where it was a choice, `default` where it was left open. */
export function answeredTier(asked: (typeof serviceTiers)[number] | null): string {
  return asked === null || asked === 'auto' ? 'default' : asked;
}
