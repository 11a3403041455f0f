import type { Dispatcher } from 'undici';
import { ProxyError } from '../../error.ts';
import type { WorkloadIdentity } from '../../snapshot/azure-settings.ts';
import { asCount, asString, parseObject } from '../json.ts';
import type { TokenFiles } from './token-files.ts';

/** Exchanges tokens of service accounts for tokens of Microsoft Entra ID. */
export interface WorkloadTokens {
  /**
   * The token of an identity, or why there is none: at once where one is known, else when the exchange is over. The
   * promise never rejects.
   */
  of(identity: WorkloadIdentity): string | ProxyError | Promise<string | ProxyError>;
}

export interface WorkloadTokensOptions {
  readonly agent: () => Promise<Dispatcher>;
  readonly files: TokenFiles;
  readonly nowMs?: () => number;
}

interface Known {
  token?: { readonly text: string; readonly renewAtMs: number; readonly endsAtMs: number };
  exchange?: Promise<string | ProxyError> | undefined;
  /** What the last exchange failed with, until when no other is tried. */
  problem?: { readonly error: ProxyError; readonly untilMs: number } | undefined;
}

const timeoutMs = 10_000;
const maxBytes = 64 * 1024;
/** A token is renewed when this part of its life is over, unless Entra says when. */
const renewedAfter = 0.75;
/** A token that ends on its way to the provider is of no use. */
const leastLeftMs = 30_000;
const retryMs = 1_000;

/** Makes exchanges only while calls need their tokens, one at a time for each identity, and ahead of a token's end. */
export function makeWorkloadTokens({ agent, files, nowMs = Date.now }: WorkloadTokensOptions): WorkloadTokens {
  const all = new Map<string, Known>();

  const exchange = async (identity: WorkloadIdentity, known: Known): Promise<string | ProxyError> => {
    const problem = (why: string) => {
      const message = `there is no Entra token for the provider: entra.workloadIdentity cannot be exchanged, since ${why}`;
      return new ProxyError('upstream_no_credential', { message });
    };
    const askedAtMs = nowMs();
    const got = await requestToken(agent, files, identity).catch((error: unknown) =>
      problem(reasonOf(error, identity)),
    );
    known.exchange = undefined;
    if (got instanceof ProxyError) {
      known.problem = { error: got, untilMs: nowMs() + retryMs };
      return got;
    }
    known.problem = undefined;
    const { text, lifeMs, renewAfterMs = lifeMs * renewedAfter } = got;
    known.token = { text, endsAtMs: askedAtMs + lifeMs, renewAtMs: askedAtMs + renewAfterMs };
    return text;
  };

  return {
    of(identity) {
      const id = JSON.stringify(identity);
      const known = all.get(id) ?? {};
      all.set(id, known);
      const now = nowMs();
      const { token, problem } = known;
      const mayAsk = !problem || now >= problem.untilMs;
      const isUsable = token !== undefined && now < token.endsAtMs - leastLeftMs;
      if ((!isUsable || now >= token.renewAtMs) && mayAsk) known.exchange ??= exchange(identity, known);
      if (isUsable) return token.text;
      return known.exchange ?? problem?.error ?? token?.text ?? '';
    },
  };
}

interface Got {
  readonly text: string;
  readonly lifeMs: number;
  /** When Entra asks for a renewal. */
  readonly renewAfterMs?: number | undefined;
}

/** @see https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow#third-case-access-token-request-with-a-federated-credential */
async function requestToken(
  agent: () => Promise<Dispatcher>,
  files: TokenFiles,
  { authority, tenantId, clientId, scope, tokenFile }: WorkloadIdentity,
): Promise<Got | ProxyError> {
  const assertion = files.read(tokenFile);
  if (assertion instanceof ProxyError) return assertion;
  const { origin, pathname } = new URL(authority);
  const upstream = await agent();
  const { statusCode, body } = await upstream.request({
    method: 'POST',
    origin,
    path: `${pathname.replace(/\/+$/, '')}/${encodeURIComponent(tenantId)}/oauth2/v2.0/token`,
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
      'user-agent': 'chaperone',
    },
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: clientId,
      scope,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
    }).toString(),
    signal: AbortSignal.timeout(timeoutMs),
  });
  let text = '';
  for await (const chunk of body.setEncoding('utf8')) {
    text += chunk;
    if (text.length > maxBytes) throw new Refused(statusCode, 'it is too long');
  }
  const answer = parseObject(text);
  const token = asString(answer?.access_token);
  const lifeSeconds = asCount(answer?.expires_in);
  if (statusCode !== 200 || token === null || !/^[!-~]+$/.test(token) || !lifeSeconds) {
    throw new Refused(statusCode, codesOf(answer?.error, answer?.error_description));
  }
  const renewSeconds = asCount(answer?.refresh_in);
  return {
    text: token,
    lifeMs: lifeSeconds * 1_000,
    renewAfterMs: renewSeconds === null ? undefined : renewSeconds * 1_000,
  };
}

/** Entra has answered, and not with a token. */
class Refused extends Error {
  override readonly name = 'Refused';

  constructor(status: number, codes: string) {
    super(`it answers with ${status}${codes === '' ? '' : ` (${codes})`}`);
  }
}

/** The codes of an error alone: its description could quote what was sent. */
function codesOf(error: unknown, description: unknown): string {
  const code = typeof error === 'string' && /^\w{1,64}$/.test(error) ? [error] : [];
  const number = /^AADSTS\d{1,10}/.exec(typeof description === 'string' ? description : '') ?? [];
  return [...code, ...number].join(' ');
}

function reasonOf(error: unknown, { authority }: WorkloadIdentity): string {
  const { host } = new URL(authority);
  if (error instanceof Refused) return `${host}: ${error.message}`;
  const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
  return `${host} does not answer${code}`;
}
