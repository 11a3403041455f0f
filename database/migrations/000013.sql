-- Providers' ids are random, so each call touches another page of this index, and after a checkpoint PostgreSQL writes all
-- of that page to its log. It is only asked for one id: a hash of it takes a third of the room.
drop index chaperone.requests_response_id;
create index requests_response_id on chaperone.requests using hash (response_id) where response_id is not null;
