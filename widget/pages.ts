/**
 * Whether the widget is for a page. `/help` is that page and those below it, `/help*` also `/helpdesk`, and `/` alone the
 * front page.
 *
 * @param patterns undefined: every page
 */
export function isForPage(patterns: readonly string[] | undefined, path: string): boolean {
  if (!patterns) return true;
  const asked = withoutEnd(path);
  return patterns.some((pattern) => {
    if (pattern.endsWith('*')) return path.startsWith(pattern.slice(0, -1));
    const stated = withoutEnd(pattern);
    return asked === stated || (stated !== '' && asked.startsWith(`${stated}/`));
  });
}

const withoutEnd = (path: string) => path.replace(/\/+$/, '');
