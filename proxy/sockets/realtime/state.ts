import { asArray, asObject, asString, type Body } from '../../providers/json.ts';

/** What the provider says of a session, as far as it decides about responses. */
export interface SessionState {
  /** Whether the provider makes responses by itself when speech ends. */
  readonly createsResponses: boolean;
  /** Whether the provider finds out itself where speech begins and ends. */
  readonly detectsTurns: boolean;
  /** The model that transcribes what is heard. Undefined: nothing is transcribed. */
  readonly transcriber: string | undefined;
  /** Whether responses have sound, unless they say otherwise. */
  readonly speaks: boolean;
  /** Fields that a response has from its session. */
  readonly inherited: Body;
}

/** Reads the session of `session.created` and `session.updated`, in the present form and in that of the beta. */
export function readState(session: Body): SessionState {
  const input = asObject(asObject(session.audio)?.input);
  const detection = asObject(input ? input.turn_detection : session.turn_detection);
  const isTranscription = session.type === 'transcription' || session.object === 'realtime.transcription_session';
  const { tools, max_output_tokens: most } = session;
  return {
    detectsTurns: detection !== null,
    createsResponses: detection !== null && detection.create_response !== false && !isTranscription,
    transcriber: transcriberOf(session),
    speaks: speaks(session) ?? !isTranscription,
    inherited: {
      ...(Array.isArray(tools) && tools.length > 0 && { tools }),
      ...(typeof most === 'number' && { max_output_tokens: most }),
    },
  };
}

/** The model that a configuration of a session names for transcription. */
export function transcriberOf(session: Body): string | undefined {
  const input = asObject(asObject(session.audio)?.input);
  const transcription = asObject(input?.transcription ?? session.input_audio_transcription);
  return asString(transcription?.model) ?? undefined;
}

/** Whether a session or a response states that its output has sound. Undefined: it does not say. */
export function speaks(stated: Body): boolean | undefined {
  const modalities = stated.output_modalities ?? stated.modalities;
  return modalities === undefined || modalities === null ? undefined : asArray(modalities).includes('audio');
}

/** Whether an item of a conversation has sound or a picture, which no rule about texts can read. */
export function hasMedia(item: Body): boolean {
  return asArray(item.content).some((part) => /audio|image|video/.test(asString(asObject(part)?.type) ?? ''));
}

/** A session with changes. Objects are merged field by field, as the provider does; everything else is replaced. */
export function merged(into: Body, changes: Body): Body {
  const result: Record<string, unknown> = { ...into };
  for (const [name, value] of Object.entries(changes)) {
    const [before, after] = [asObject(result[name]), asObject(value)];
    result[name] = before && after ? merged(before, after) : value;
  }
  return result;
}
