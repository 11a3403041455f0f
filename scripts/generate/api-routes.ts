import type { OpenApi } from './api-document.ts';

/** Lists the routes of the APIs, from their OpenAPI document, for what has no surfaces to ask. */
export function renderApiRoutes({ paths }: OpenApi): string {
  const routes = Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  );
  return `// Generated from the routes of the surfaces by \`npm run generate\`: edit those.

/** The routes of the APIs, as their OpenAPI document names them. */
export const apiRoutes: readonly string[] = [
${routes
  .sort()
  .map((route) => `  '${route}',`)
  .join('\n')}
];
`;
}
