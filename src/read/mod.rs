//! Files and data sets in: everything that enters the program from outside enters here.

pub mod glyphs;
