//! The portal of MAGs, as boxes and the apps that act as one meet it (docs/mag.md).

mod archive;
mod channels;
mod conformance;
mod convert;
mod entering;
mod events;
mod page;
mod panel_box;
mod scanning;
mod watching;
