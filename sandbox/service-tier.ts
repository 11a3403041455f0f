export const serviceTiers = ['auto', 'default', 'flex', 'scale', 'priority', 'fast'] as const;

/** The tier in an answer: the requested one, or `default` for `auto` and for none. */
export function answeredTier(asked: (typeof serviceTiers)[number] | null): string {
  return asked === null || asked === 'auto' ? 'default' : asked;
}
