import { ProxyError } from '../../error.ts';

/** The parts of a voice pipeline: speech to text, language model, translation, text to speech. */
export const services = ['asr', 'llm', 'translation', 'tts'] as const;

/** Which part of a voice pipeline a call is. */
export type Service = (typeof services)[number];

/** Reads the header X-Service. @throws {ProxyError} `invalid_header` */
export function readService(value: string | readonly string[] | undefined): Service | undefined {
  if (value === undefined) return undefined;
  const stated = String(value).trim().toLowerCase();
  if (stated === '') return undefined;
  const service = services.find((one) => one === stated);
  if (service) return service;
  const param = 'X-Service';
  throw new ProxyError('invalid_header', { param, message: `${param} must be asr, llm, translation or tts` });
}
