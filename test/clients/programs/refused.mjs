// What an SDK does with refusals: as each user, one call to use up what there is, and one with the SDK's own settings.
// usage: refused.mjs openai|anthropic WINDOW_MS USER...
import { argv, env, stdout } from 'node:process';
import { setTimeout } from 'node:timers/promises';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';

const [vendor, windowMs, ...users] = argv.slice(2);
const messages = [{ role: 'user', content: 'Hi' }];

const clients = {
  openai: (options) => {
    const client = new OpenAI({ ...options, baseURL: `${env.PROXY_URL}/v1`, apiKey: env.TOKEN });
    const body = { model: 'gpt-4o-mini', messages };
    return (user, more) => client.chat.completions.create({ ...body, user }, more);
  },
  anthropic: (options) => {
    const client = new Anthropic({ ...options, baseURL: env.PROXY_URL, apiKey: env.TOKEN });
    const body = { model: 'claude-haiku-4-5', max_tokens: 16, messages };
    return (user, more) => client.messages.create({ ...body, metadata: { user_id: user } }, more);
  },
};

const seen = async (user) => {
  let requests = 0;
  const counting = (...args) => {
    requests += 1;
    return fetch(...args);
  };
  const call = clients[vendor]({ fetch: counting, defaultHeaders: { 'X-User-ID': user } });
  const said = user.startsWith('provider') ? 'sandbox:status=429' : user;
  // At the beginning of a window, so that pauses of the SDK's own would end before it.
  while (user.startsWith('soon') && Date.now() % Number(windowMs) > 1_000) await setTimeout(20);
  await call(said, { maxRetries: 0 }).catch(() => {});
  requests = 0;
  try {
    await call(said);
    return [user, requests, 'answered'];
  } catch (error) {
    return [user, requests, error.constructor.name, error.status, error.code ?? error.errorCode ?? error.type];
  }
};
for (const line of await Promise.all(users.map(seen))) stdout.write(`${JSON.stringify(line)}\n`);
