/** What Azure has at a deployment's own address, in the versions with dates. */
const atDeployments: ReadonlySet<string> = new Set([
  '/chat/completions',
  '/completions',
  '/embeddings',
  '/images/generations',
  '/images/edits',
  '/audio/speech',
  '/audio/transcriptions',
  '/audio/translations',
]);

/**
 * Where Azure has something, below `/openai`. With a dated version, calls of a model go to its deployment. Everything
 * else goes to the v1 API, which has no dated versions.
 *
 * @param path as OpenAI has it, with the query
 * @param deployment undefined for a request about none
 * @see https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle
 */
export function placeAtAzure(apiVersion: string | undefined, path: string, deployment: string | undefined): string {
  const isDated = apiVersion !== undefined && /^\d/.test(apiVersion);
  if (isDated && deployment !== undefined && atDeployments.has(path))
    return `/deployments/${encodeURIComponent(deployment)}${path}?api-version=${apiVersion}`;
  if (isDated || apiVersion === undefined) return `/v1${path}`;
  return `/v1${path}${path.includes('?') ? '&' : '?'}api-version=${apiVersion}`;
}
