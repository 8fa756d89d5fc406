//! Tables against ordered maps.

mod bounds;
mod collisions;
mod damage;
mod facts;
mod model;
mod support;
