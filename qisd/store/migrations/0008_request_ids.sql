-- Which request has asked for a task: so that what the log says of it is found with all else about that request.

alter table tasks add column request_id varchar(64) not null default '';
