/**
 * A SQL expression for the part of a voice pipeline that a row of `requests` is: what the call says, else what its
 * operation is. The images of a session are no language model's, so they have a name of their own.
 */
export const serviceOfRequest = `coalesce(service, case operation
    when 'transcriptions' then 'asr' when 'translations' then 'translation' when 'speech' then 'tts'
    when 'image_generations' then 'image' when 'image_edits' then 'image' when 'image_variations' then 'image'
    else 'llm' end)`;
