//! Lines and MAGs, through the Server API and the panel.

mod api_line;
mod api_mag;
mod changed_meanwhile;
pub mod panel_forms;
mod panel_lines;
mod panel_mass_edit;
mod sent_twice;
