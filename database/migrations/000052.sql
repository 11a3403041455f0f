-- An AnalysisConfig says how calls are classified, or is a template of texts about conversations.
alter table chaperone.analysis_configs
  add column kind text not null default 'classification' check (kind in ('classification', 'template'));
