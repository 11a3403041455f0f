-- Input and output of a call, sealed together in one envelope. Rows of earlier versions have them in the other two
-- columns, and proxies of earlier versions write those two.
alter table chaperone.request_contents
  add column contents_encrypted bytea storage external;
