//! The panel as a whole: every address, every form, and what people do in it from the first start on.

pub mod panel_access;
mod panel_browser;
pub mod panel_forms;
