export interface Upstream {
  readonly url: string;
  readonly isSandbox: boolean;
  readonly close: () => Promise<void>;
}

/** Where calls go: what the option says, else what the OpenAI SDK itself would use, else a sandbox started here. */
export async function chooseUpstream(option: string | undefined, environment: NodeJS.ProcessEnv): Promise<Upstream> {
  const named =
    option ?? environment.OPENAI_BASE_URL ?? (environment.OPENAI_API_KEY ? 'https://api.openai.com/v1' : '');
  if (named !== '') return { url: checkUrl(named), isSandbox: false, close: async () => {} };
  const { startSandbox } = await import('../../sandbox/server.ts');
  const sandbox = await startSandbox();
  return { url: sandbox.url, isSandbox: true, close: sandbox.close };
}

function checkUrl(text: string): string {
  const url = URL.parse(text);
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return text;
  throw new Error(`The upstream must be an http or https URL, such as https://api.openai.com/v1; it is "${text}"`);
}
