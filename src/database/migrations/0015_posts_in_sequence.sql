-- Up Migration

-- 1, 2, 3… in each channel, as posts came; a deleted post keeps its number.
alter table channels add column newest_seq integer not null default 0;
alter table posts add column seq integer;
-- When the post was edited, deleted or reacted to last, in ms since the epoch; null: never.
alter table posts add column modified bigint;
alter table replies add column modified bigint;

update posts p set seq = n.seq
from (select nest, id, row_number() over (partition by nest order by id) as seq from posts) n
where n.nest = p.nest and n.id = p.id;
update channels c set newest_seq = n.newest
from (select nest, max(seq) as newest from posts group by nest) n where n.nest = c.nest;

-- Who wrote a deleted post or reply was not kept; its channel's host stands for them.
update posts set author = split_part(nest, '/', 2) where author = '';
update replies set author = split_part(nest, '/', 2) where author = '';

alter table posts alter column seq set not null;
create unique index posts_in_sequence on posts (nest, seq);

-- Down Migration

alter table posts drop column seq, drop column modified;
alter table replies drop column modified;
alter table channels drop column newest_seq;
