-- The parts whose PBXs a gateway has a link to, and of each, in the same order, what that lacks; empty where nothing.
ALTER TABLE gateway ADD COLUMN linked int[] NOT NULL DEFAULT '{}', ADD COLUMN lacks text[] NOT NULL DEFAULT '{}';
-- Why a part was given back, where that was not in order; taken_from is who gave it then.
ALTER TABLE lease ADD COLUMN given_for text;
