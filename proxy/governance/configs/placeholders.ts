/** What a custom prompt may have filled in. */
export const placeholderNames = ['user_input', 'ai_response', 'categories'] as const;
export type PlaceholderName = (typeof placeholderNames)[number];

/** A name in braces. Other braces, as those of JSON, are text. */
const pattern = /\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

/** The placeholders of a prompt, known or not, in their order. */
export function placeholders(prompt: string): { readonly name: string; readonly isKnown: boolean }[] {
  return [...prompt.matchAll(pattern)].map(([, name = '']) => ({ name, isKnown: isKnown(name) }));
}

/**
 * Fills in the placeholders, all at once: what is filled in is data, and braces in it stay what they are.
 *
 * @returns undefined where the result would be longer than `maxLength`
 */
export function fillPlaceholders(
  prompt: string,
  values: Readonly<Record<PlaceholderName, string>>,
  maxLength: number,
): string | undefined {
  const filled = [...prompt.matchAll(pattern)].reduce(
    (length, [placeholder, name = '']) => length + (isKnown(name) ? values[name].length - placeholder.length : 0),
    prompt.length,
  );
  if (filled > maxLength) return undefined;
  return prompt.replace(pattern, (placeholder, name: string) => (isKnown(name) ? values[name] : placeholder));
}

function isKnown(name: string): name is PlaceholderName {
  return placeholderNames.some((known) => known === name);
}
