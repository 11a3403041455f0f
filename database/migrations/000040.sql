-- Which part of a voice pipeline a call is (X-Service), and its language (X-Language-Code, else as a transcription
-- reported it).
alter table chaperone.requests
  add column service text,
  add column language text,
  add constraint requests_speech_check check (
    service in ('asr', 'llm', 'translation', 'tts') and length(language) <= 35
  ) not valid;

-- Finds the calls of a session. It has no time, so that one entry can stand for all calls of a session.
create index requests_session on chaperone.requests (organization_id, session_id);
