export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Replaces `${NAME}` and `${NAME:-default}` by values of the environment. As in a shell, the default also replaces an
 * empty value.
 *
 * @returns the text, or the names without a value and a default
 */
export function substitute(text: string, environment: Environment): { text: string } | { missing: readonly string[] } {
  const missing: string[] = [];
  const replaced = text.replace(
    /\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g,
    (_, name: string, otherwise?: string) => {
      const value = (Object.hasOwn(environment, name) && environment[name]) || otherwise;
      if (value === undefined) missing.push(name);
      return value ?? '';
    },
  );
  return missing.length > 0 ? { missing } : { text: replaced };
}
