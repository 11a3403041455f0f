import { makeDocument } from '../../proxy/surfaces/docs/document.ts';
import { surfaceTable } from '../../proxy/surfaces/table.ts';

/** Lists the routes of the APIs, from their OpenAPI document, for what has no surfaces to ask. */
export async function renderApiRoutes(): Promise<string> {
  // Routes are registered on an application that serves nothing, so nothing of the rest is used.
  const context = { surfaces: surfaceTable } as Parameters<typeof makeDocument>[0];
  const { paths } = JSON.parse(await makeDocument(context)) as { paths: Record<string, Record<string, unknown>> };
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
