import { request } from 'undici';
import type { Installation } from './installation.ts';

const personas = 10;

/** Makes the history's personas through the API, since their texts are sealed. A kept history has them already. @returns their ids */
export async function makePersonas({ baseUrl, token }: Installation): Promise<string[]> {
  const url = `${baseUrl}/personas`;
  const headers = { authorization: `Bearer ${token}`, 'x-user-id': 'bench@example.com' };
  const listed = await request(url, { headers });
  const known: { personas: { id: string; name: string }[] } = JSON.parse(await listed.body.text());
  const ids = new Map(known.personas.map(({ id, name }) => [name, id]));
  const names = Array.from({ length: personas }, (_, index) => `Persona ${index}`);
  for (const name of names.filter((name) => !ids.has(name))) {
    const { statusCode, body } = await request(url, {
      method: 'POST',
      headers,
      body: JSON.stringify({ name, content: 'Be brief.' }),
    });
    const text = await body.text();
    if (statusCode !== 201) throw new Error(`The persona was not made: ${text}`);
    const { id }: { id: string } = JSON.parse(text);
    ids.set(name, id);
  }
  return names.flatMap((name) => ids.get(name) ?? []);
}
