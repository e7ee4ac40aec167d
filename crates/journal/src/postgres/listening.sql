-- The start of the gateway that told its links, and then of each, in their order, since when it is as it is, by that gateway's clock; 0
-- where it does not say. What stands there of an earlier start is not of the links that stand there now.
ALTER TABLE gateway ADD COLUMN linked_since bigint[] NOT NULL DEFAULT '{}';
