-- Since when people have been alerted to a very unhappy customer. Null: the customer is not, or has recovered.
alter table chaperone.support_conversations add column alerted_at timestamptz;
grant update (alerted_at) on chaperone.support_conversations to chaperone_tenant;
