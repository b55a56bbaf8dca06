//! Draws chips: the physics of the `[variation]` table and a seed become the integers of a [`Chip`].
pub mod random;
