//! Lines and MAGs, through the Server API and the panel.

mod api_changed_meanwhile;
mod api_line;
mod api_mag;
mod batch_faults;
mod batches;
mod bulk_conditions;
mod line_from_memory;
mod panel_changed_meanwhile;
mod panel_lines;
mod panel_mass_edit;
mod panel_stale_buttons;
mod references;
mod sent_twice;
