export interface Upstream {
  readonly url: string;
  readonly isSandbox: boolean;
  readonly close: () => Promise<void>;
}

/**
 * Chooses the upstream: the option, else what the OpenAI SDK would use, else a sandbox that is started here.
 *
 * @param ownPort the port of the first proxy: where the environment directs the SDK to that proxy, it must not call
 * itself
 */
export async function chooseUpstream(
  option: string | undefined,
  environment: NodeJS.ProcessEnv,
  ownPort: number,
): Promise<Upstream> {
  const named =
    option ?? environment.OPENAI_BASE_URL ?? (environment.OPENAI_API_KEY ? 'https://api.openai.com/v1' : '');
  if (named !== '') return { url: checkUrl(named, ownPort), isSandbox: false, close: async () => {} };
  const { startSandbox } = await import('../../sandbox/server.ts');
  const sandbox = await startSandbox();
  return { url: sandbox.url, isSandbox: true, close: sandbox.close };
}

function checkUrl(text: string, ownPort: number): string {
  const url = URL.parse(text);
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new Error(`The upstream must be an http or https URL, such as https://api.openai.com/v1; it is "${text}"`);
  }
  if (['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname) && Number(url.port) === ownPort) {
    throw new Error(
      `The upstream ${text} (--upstream or OPENAI_BASE_URL) is the proxy itself; unset it or name the provider`,
    );
  }
  return text;
}
