-- Units that providers bill beside plain tokens. Null where a unit is none of the call's, or was not reported.
alter table chaperone.requests
  -- Parts of input_tokens and output_tokens that have prices of their own.
  add column input_audio_tokens bigint,
  add column input_image_tokens bigint,
  add column output_audio_tokens bigint,
  add column output_image_tokens bigint,
  -- Images that were made, with what their price depends on.
  add column images integer,
  add column image_size text,
  add column image_quality text,
  -- Length of the audio that was listened to.
  add column audio_seconds numeric(12, 3),
  -- Characters that were spoken.
  add column characters bigint;
